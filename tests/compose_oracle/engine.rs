//! The engine that real compose works on: images of nothing, and everything removed again.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;

use usher_agent::compose::model::Project;

use super::case::{Case, Oracle};

/// Everything that `create` leaves behind for one project, removed again on drop.
pub(crate) struct Created<'c> {
    pub(crate) case: &'c Case,
    pub(crate) oracle: Oracle,
    pub(crate) images: Vec<String>,
    pub(crate) outside: Vec<(&'static str, String)>,
}

impl Created<'_> {
    /// Makes what the project uses and somebody else would have made.
    pub(crate) fn make_outside(&mut self, project: &Project) {
        let networks =
            project.networks.values().filter(|network| network.external).map(|of| ("network", &of.name));
        let volumes =
            project.volumes.values().filter(|volume| volume.external).map(|of| ("volume", &of.name));
        for (kind, name) in networks.chain(volumes) {
            docker(&[kind, "create", name]).expect("an external resource can be made");
            self.outside.push((kind, name.clone()));
        }
    }
}

impl Drop for Created<'_> {
    fn drop(&mut self) {
        left_behind(&self.oracle.run(self.case, &["down", "--volumes", "--timeout", "0"]));
        for (kind, name) in &self.outside {
            left_behind(&docker(&[kind, "rm", name]));
        }
        for image in &self.images {
            left_behind(&docker(&["image", "rm", image]));
        }
    }
}

/// Cleaning up must not hide what a test found, so its own failures are only told.
#[expect(clippy::print_stderr, reason = "a test has no other place to tell it")]
pub(crate) fn left_behind(result: &Result<String, String>) {
    if let Err(error) = result {
        eprintln!("left behind: {error}");
    }
}

pub(crate) fn docker(args: &[&str]) -> Result<String, String> {
    let output = Command::new("docker")
        .args(args)
        .output()
        .map_err(|error| format!("cannot start docker: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("docker {args:?}: {}", text(&output.stderr)))
    }
}

/// An image of nothing, for as long as it is held.
pub(crate) struct EmptyImage;

impl EmptyImage {
    pub(crate) const NAME: &str = "usher-oracle-empty:1";

    pub(crate) fn import() -> EmptyImage {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tar = folder.path().join("empty.tar");
        // Two blocks of zeros are a tar with nothing in it.
        std::fs::write(&tar, [0_u8; 1024]).expect("the folder can be written");
        let tar = tar.to_str().expect("a UTF-8 path");
        docker(&["import", "--change", "CMD [\"true\"]", tar, Self::NAME])
            .expect("the engine takes an image");
        EmptyImage
    }

    /// Names it as every image the project wants and this engine does not have.
    pub(crate) fn name_for(&self, project: &Project) -> Vec<String> {
        let wanted: BTreeSet<&String> = project.services.values().map(|service| &service.image).collect();
        let missing = wanted.into_iter().filter(|image| docker(&["image", "inspect", image]).is_err());
        let named = missing.map(|image| docker(&["tag", Self::NAME, image]).map(|_| image.clone()));
        named.collect::<Result<_, _>>().expect("an image can be named")
    }
}

impl Drop for EmptyImage {
    fn drop(&mut self) {
        left_behind(&docker(&["image", "rm", Self::NAME]));
    }
}

/// Images and container names are the engine's, so two runs must not use it at once.
pub(crate) static ENGINE: Mutex<()> = Mutex::new(());
