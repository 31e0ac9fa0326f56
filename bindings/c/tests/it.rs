//! Programs in C and C++ against the library that was just built: with both compilers, in several standards, under
//! sanitizers, and found by CMake and pkg-config. What a machine lacks is an error that names the package.

#![allow(clippy::unwrap_used)]

#[path = "it/build.rs"]
mod build;
#[path = "it/package.rs"]
mod package;
#[path = "it/programs.rs"]
mod programs;
