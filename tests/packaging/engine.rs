//! The command line of Docker, for the tests of image and compose file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use usher_tests::program::path;

/// The product's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs to the end, which must be good, and returns what was printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{command:?}: {}\n{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

/// `docker`, likewise.
pub(crate) fn docker(args: &[&str]) -> String {
    run(Command::new("docker").args(args))
}

/// What must be undone whatever happens, in this order.
pub(crate) struct Undo(pub(crate) Vec<Command>);

impl Drop for Undo {
    fn drop(&mut self) {
        for command in &mut self.0 {
            // Nothing can be done about a failure here; all the names are the test's own.
            drop(command.output());
        }
    }
}

/// A command that is not run yet.
pub(crate) fn later(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// The image of the program that was built beside this test. That one is not static, so its
/// libraries come along; the released one has none.
pub(crate) fn build_image(tag: &str) -> String {
    let script = root().join("packaging/image/build.sh");
    run(Command::new(script).args(["--tag", tag, "--from"]).arg(path("usher-aggregator")))
}
