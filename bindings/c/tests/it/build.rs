//! Compiling and running a program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The folder of this crate.
pub(crate) const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The folder with the library that Cargo built beside this test.
pub(crate) fn library_folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/PROFILE/deps/it-HASH
    test.parent().unwrap().to_path_buf()
}

/// A folder with the library under the name that the loader asks for.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = library_folder().join("librheos.so");
        assert!(library.is_file(), "no `{}`", library.display());
        for name in ["librheos.so", "librheos.so.0"] {
            std::os::unix::fs::symlink(&library, folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Compiles a program from a source file of this crate; gives its path.
    pub(crate) fn compile(&self, compiler: &str, source: &str, options: &[&str]) -> PathBuf {
        let program = self.path().join(Path::new(source).file_stem().unwrap());
        let mut command = tool(compiler);
        command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g"]).args(options);
        command.arg(format!("-I{HERE}/include")).arg(Path::new(HERE).join(source));
        command.arg("-o").arg(&program).arg(format!("-L{}", self.path().display()));
        command.args(["-lrheos", "-lpthread"]);
        succeed(&mut command);
        program
    }

    /// Runs a program with the library; gives what it printed.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, program: &Path, args: &[S]) -> String {
        let out = succeed(self.command(program).args(args));
        String::from_utf8(out.stdout).unwrap()
    }

    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env("LD_LIBRARY_PATH", self.path());
        command
    }
}

/// A program of the system.
pub(crate) fn tool(name: &str) -> Command {
    let package = match name {
        "g++" | "gcc" => "g++",
        "clang++" | "clang" => "clang",
        "cmake" => "cmake",
        "pkg-config" => "pkg-config",
        other => other,
    };
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()));
    assert!(found, "`{name}` is not here; install it: `sudo apt-get install -y {package}`");
    Command::new(name)
}

/// Runs a command, which has to succeed.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let out = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        out.status.success(),
        "{command:?}: {}\n{}{}",
        out.status,
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    out
}
