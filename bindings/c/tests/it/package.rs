//! The library as other projects find it: CMake's two ways, pkg-config, and the names it shows.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::build::{HERE, Workshop, library_folder, succeed, tool};

const PROGRAM: &str = "#include <rheos/flowgen.h>
#include <cstdio>
int main()
{
    rheos::Record record;
    rheos::Generator generator(rheos::Config().max_flows(3));
    while (generator.next(record))
        std::puts(rheos::ip_string(record.source_ip).c_str());
}
";

/// Configures and builds a CMake project; one at a time, as they share Cargo's folder.
fn cmake(source: &Path, build: &Path, options: &[String]) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut configure = tool("cmake");
    succeed(configure.arg("-S").arg(source).arg("-B").arg(build).args(options));
    succeed(tool("cmake").arg("--build").arg(build));
}

/// How Cargo is to build: as this test was built, so that nothing is built anew.
fn cargo_options() -> [String; 2] {
    let library = library_folder();
    let built = library.parent().unwrap();
    let profile = if built.ends_with("debug") { "dev" } else { "release" };
    let target = built.parent().unwrap().display();
    [format!("-DRHEOS_CARGO_PROFILE={profile}"), format!("-DRHEOS_CARGO_TARGET_DIR={target}")]
}

#[test]
fn cmake_and_pkg_config_find_what_was_installed() {
    let shop = Workshop::new();
    let (build, prefix) = (shop.path().join("build"), shop.path().join("prefix"));
    cmake(Path::new(HERE), &build, &cargo_options());
    succeed(tool("cmake").arg("--install").arg(&build).arg("--prefix").arg(&prefix));

    // find_package, with the shared and the static library.
    let app = shop.path().join("app");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("main.cpp"), PROGRAM).unwrap();
    let project = "cmake_minimum_required(VERSION 3.15)
project(app LANGUAGES CXX)
find_package(rheos 0.1 CONFIG REQUIRED)
add_executable(app main.cpp)
target_link_libraries(app PRIVATE rheos::rheos)
add_executable(app_static main.cpp)
target_link_libraries(app_static PRIVATE rheos::rheos_static)
";
    std::fs::write(app.join("CMakeLists.txt"), project).unwrap();
    let found = shop.path().join("app_build");
    cmake(&app, &found, &[format!("-DCMAKE_PREFIX_PATH={}", prefix.display())]);
    let shared = succeed(&mut Command::new(found.join("app"))).stdout;
    assert_eq!(shared, succeed(&mut Command::new(found.join("app_static"))).stdout);
    assert_eq!(String::from_utf8_lossy(&shared).lines().count(), 3);

    // pkg-config.
    let metadata = walk(&prefix, "rheos.pc");
    let mut ask = tool("pkg-config");
    ask.env("PKG_CONFIG_PATH", metadata.parent().unwrap()).args(["--cflags", "--libs", "rheos"]);
    let flags = String::from_utf8(succeed(&mut ask).stdout).unwrap();
    let program = shop.path().join("by_pkg_config");
    let mut compile = tool("g++");
    compile.arg("-std=c++17").arg(app.join("main.cpp")).args(flags.split_whitespace());
    succeed(compile.arg("-o").arg(&program));
    let libraries = walk(&prefix, "librheos.so.0");
    let mut run = Command::new(&program);
    run.env("LD_LIBRARY_PATH", libraries.parent().unwrap());
    assert_eq!(succeed(&mut run).stdout, shared);
}

#[test]
fn cmake_builds_it_as_part_of_a_project() {
    let shop = Workshop::new();
    let app = shop.path().join("app");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("main.cpp"), PROGRAM).unwrap();
    let project = format!(
        "cmake_minimum_required(VERSION 3.15)
project(app LANGUAGES CXX)
include(FetchContent)
FetchContent_Declare(rheos SOURCE_DIR {HERE})
FetchContent_MakeAvailable(rheos)
add_executable(app main.cpp)
target_link_libraries(app PRIVATE rheos::rheos)
"
    );
    std::fs::write(app.join("CMakeLists.txt"), project).unwrap();
    let build = shop.path().join("app_build");
    cmake(&app, &build, &cargo_options());
    let told = succeed(&mut Command::new(build.join("app"))).stdout;
    assert_eq!(String::from_utf8(told).unwrap().matches("192.168.1.").count(), 3);
}

#[test]
fn the_library_shows_its_own_names_only() {
    let library = library_folder().join("librheos.so");
    let listed = succeed(tool("nm").args(["-D", "--defined-only"]).arg(&library)).stdout;
    let listed = String::from_utf8(listed).unwrap();
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(names.len() > 30, "{listed}");
    for name in &names {
        assert!(name.starts_with("rheos_"), "`{name}` is shown");
    }
    // Each of them is declared, and nothing else.
    let header = std::fs::read_to_string(Path::new(HERE).join("include/rheos.h")).unwrap();
    for name in names {
        assert!(header.contains(&format!("{name}(")), "`{name}` is not declared");
    }
}

/// The file of that name under a folder.
fn walk(folder: &Path, name: &str) -> std::path::PathBuf {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|n| n == name) {
                return path;
            }
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    panic!("no `{name}` under {}", folder.display());
}
