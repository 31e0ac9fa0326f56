//! The C interface of Rheos: flow records at memory speed, from C and C++.
//!
//! `include/rheos.h` is generated from this crate (`cargo xtask codegen`); `include/rheos/flowgen.h` is the C++ layer
//! above it.
//!
//! What holds for every function:
//! * Pointers to objects come from the matching `_new` and are null or live; a null object is an error, not a crash.
//!   `_free` takes null.
//! * A text is UTF-8 with a zero at its end, an array has the room that its length says.
//! * An `error` argument may be null; else an error is put there when there is none yet, to be freed by the caller.
//! * Objects share nothing: each may be used by one thread at a time, different ones by different threads.
//! * No panic crosses the border: it becomes an error or a harmless value.

mod config;
mod error;
mod export;
mod generator;
mod realism;
mod text;

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use config::*;
pub use error::*;
pub use export::*;
pub use generator::*;
pub use realism::*;
pub use text::*;

/// The version of this interface: it grows when a function or record changes its meaning, not when some are added.
pub const RHEOS_ABI_VERSION: u32 = 1;

/// The version of the interface that the library has; compare it with `RHEOS_ABI_VERSION` of the header.
#[unsafe(no_mangle)]
pub extern "C" fn rheos_abi_version() -> u32 {
    RHEOS_ABI_VERSION
}

/// The version of the library, as `1.2.3`.
#[unsafe(no_mangle)]
pub extern "C" fn rheos_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Runs `work`; a panic gives `otherwise`.
fn guarded<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}
