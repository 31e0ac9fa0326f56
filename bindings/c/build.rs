//! Gives the shared library its name for the loader, with the number of the version that breaks programs.

fn main() {
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librheos.so.{major}");
    println!("cargo::rerun-if-changed=build.rs");
}
