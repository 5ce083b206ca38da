//! From the settings to a project that is ready to be planned.
//!
//! Variables come from `.env` and the overrides only: the shell's own would change hashes from one caller to the
//! next. `~` in a path is the caller's home, as with compose; a service has none, and then it is an error that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::StackOptions;
use crate::compose::desired::{Context, Desired, desired};
use crate::compose::disk::{self, ReadError};
use crate::compose::file::{Request, Warning};
use crate::compose::hash::Dialect;
use crate::compose::model::Project;
use crate::compose::order::Cycle;

/// A project as its files say it, now.
#[derive(Clone, Debug)]
pub struct LoadedStack {
    /// What the files say.
    pub project: Project,
    /// What that means on the engine.
    pub desired: Desired,
    /// What compose accepts and an operator hardly means.
    pub warnings: Vec<Warning>,
    /// What beat the `.env`.
    pub overrides: BTreeMap<String, String>,
    /// Every file that was read, and the one that variables are set in, which may not be there yet; absolute.
    pub sources: BTreeSet<PathBuf>,
    /// The file that variables are set in: the last env file that was named, else the project's `.env`.
    pub env_path: PathBuf,
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The files cannot be read, or something in them is wrong.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Services wait for each other.
    #[error(transparent)]
    Cycle(#[from] Cycle),
    /// A path that compose could not work with either.
    #[error("{0:?} is not UTF-8: move the project to a plainer path")]
    Path(std::path::PathBuf),
}

/// The version whose hashes are written where no compose is at hand: the newest that ours were measured against.
const MEASURED: &str = "2.40.3";

impl LoadedStack {
    /// The project's folder, absolute.
    #[must_use]
    pub fn directory(&self) -> &Path {
        Path::new(&self.project.directory)
    }
}

pub(super) fn load(
    options: &StackOptions,
    compose_version: &str,
    overrides: &BTreeMap<String, String>,
) -> Result<LoadedStack, ProjectError> {
    let loaded = disk::load(&request(options, overrides)?)?;
    let named = loaded.env_files.last().map(PathBuf::from);
    let env_path = named.unwrap_or_else(|| Path::new(&loaded.project.directory).join(".env"));
    let sources = loaded.sources.iter().map(PathBuf::from).chain([env_path.clone()]).collect();
    let context = Context {
        dialect: Dialect::of_version(compose_version).unwrap_or(Dialect::From2_30_2),
        compose_version: compose_version.to_owned(),
        env_files: loaded.env_files,
        folder_owner: options.folder_owner,
    };
    Ok(LoadedStack {
        desired: desired(&loaded.project, &context)?,
        project: loaded.project,
        warnings: loaded.warnings,
        overrides: overrides.clone(),
        sources,
        env_path,
    })
}

fn request(options: &StackOptions, overrides: &BTreeMap<String, String>) -> Result<Request, ProjectError> {
    let source = &options.source;
    let directory =
        source.directory.to_str().ok_or_else(|| ProjectError::Path(source.directory.clone()))?.to_owned();
    Ok(Request {
        directory,
        project_directory: source.project_directory.clone(),
        files: source.files.clone(),
        name: source.name.clone(),
        env_files: source.env_files.clone(),
        profiles: source.profiles.clone(),
        environment: overrides.clone(),
        home: options.home.clone(),
    })
}

/// The version of this host's `docker compose`, whose hashes a person's `up` will compare ours with.
pub(super) fn compose_version(options: &StackOptions) -> String {
    if let Some(version) = &options.compose_version {
        return version.clone();
    }
    let mut command = Command::new("docker");
    command.args(["compose", "version", "--short"]).stdin(std::process::Stdio::null());
    let said = command.output().ok().filter(|output| output.status.success());
    let version = said.and_then(|output| String::from_utf8(output.stdout).ok());
    version
        .map(|text| text.trim().trim_start_matches('v').to_owned())
        .filter(|text| Dialect::of_version(text).is_some())
        .unwrap_or_else(|| MEASURED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::options::options_for_tests;

    #[test]
    fn overrides_beat_the_env_file_and_the_shell_has_no_say() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), "TAG=1\nCOMPOSE_PROJECT_NAME=meet\n").unwrap();
        std::fs::write(
            dir.path().join("compose.yaml"),
            "services: {web: {image: 'web:${TAG}-${PATH:-none}'}}",
        )
        .unwrap();
        let options = options_for_tests(dir.path());
        let image = |overrides: &[(&str, &str)]| {
            let overrides = overrides.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let stack = load(&options, MEASURED, &overrides).unwrap();
            assert_eq!(stack.desired.project, "meet");
            assert_eq!(stack.directory(), dir.path());
            stack.desired.services[0].image.clone()
        };
        assert_eq!(image(&[]), "web:1-none");
        assert_eq!(image(&[("TAG", "2")]), "web:2-none");
    }

    #[test]
    fn a_home_in_a_path_is_refused_because_a_service_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let text = "services: {web: {image: web, volumes: ['~/x:/x']}}";
        std::fs::write(dir.path().join("compose.yaml"), text).unwrap();
        let said = load(&options_for_tests(dir.path()), MEASURED, &BTreeMap::new()).expect_err("was taken");
        assert!(said.to_string().contains('~'), "{said}");
    }
}
