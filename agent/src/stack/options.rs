//! The settings of the work on the stack, and where the project comes from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use usher_common::settings::{Complaints, Settings};
use usher_common::wire::DeployPhase;

/// What is the same for the whole life of the process.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Where the project comes from.
    pub source: Source,
    /// The engine's socket.
    pub engine_socket: PathBuf,
    /// How long one answer of the engine may take; work on containers gets a minute at least.
    pub engine_deadline: Duration,
    /// Credentials of registries, in the form of Docker's `config.json`; `None`: Docker's own.
    pub registry_auth_file: Option<PathBuf>,
    /// What `~` means in the files; `None`: nothing, as under systemd.
    pub home: Option<String>,
    /// Where Docker's own `config.json` would be.
    pub docker_config: PathBuf,
    /// Where credential helpers are looked for, as `PATH` has it.
    pub search_path: Option<String>,
    /// Owner of folders that are made for mounts, (uid, gid); `None`: us.
    pub folder_owner: Option<(u32, u32)>,
    /// How long a started container may take until it is far enough.
    pub ready_within: Duration,
    /// How long a container without a health check must stay up to count as up.
    pub settle: Duration,
    /// A pull that makes no progress for so long has stalled.
    pub pull_stall: Duration,
    /// What must stay free on the engine's disk, bytes; with less, nothing is pulled and nothing replaced.
    pub disk_reserve_bytes: u64,
    /// The compose version whose hashes are written; `None`: that of this host's `docker compose`.
    pub compose_version: Option<String>,
    /// For tests: where to die.
    pub fault: Option<Fault>,
}

/// Where the project comes from: compose's own flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// What relative paths start from, absolute.
    pub directory: PathBuf,
    /// `--project-directory`.
    pub project_directory: Option<String>,
    /// `-f`, in order.
    pub files: Vec<String>,
    /// `-p`.
    pub name: Option<String>,
    /// `--env-file`, in order.
    pub env_files: Vec<String>,
    /// `--profile`.
    pub profiles: Vec<String>,
}

/// A death at a step's border, as by `kill -9`. Only tests ask for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Before the step of this number, from 1, begins.
    BeforeStep(usize),
    /// After it ended well.
    AfterStep(usize),
    /// When a deployment has just come into this phase, which is on disk.
    InPhase(DeployPhase),
}

impl Fault {
    /// Reads `exit-before-step:N`, `exit-after-step:N` or `exit-in-phase:PHASE`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, number) = text.split_once(':')?;
        if kind == "exit-in-phase" {
            let mut phases = DeployPhase::ALL.iter();
            return phases.find(|phase| phase.as_str() == number).copied().map(Self::InPhase);
        }
        let number = number.parse().ok()?;
        match kind {
            "exit-before-step" => Some(Self::BeforeStep(number)),
            "exit-after-step" => Some(Self::AfterStep(number)),
            _ => None,
        }
    }

    /// Dies if `asked` is this one.
    pub(super) fn die_if(self, asked: Option<Self>) {
        if asked != Some(self) {
            return;
        }
        tracing::warn!(fault = ?self, "dying as a test asked");
        // As nobody could prepare for: no destructors, no last words.
        let us = rustix::process::getpid();
        if let Err(error) = rustix::process::kill_process(us, rustix::process::Signal::KILL) {
            tracing::error!(%error, "could not die");
        }
    }
}

/// The variable that asks for a [`Fault`]; not among the settings, which nobody should find there.
const FAULT: &str = "USHER_FAULT";

impl StackOptions {
    /// Takes the settings' word; `here` is the directory that counts when `stack.directory` is not set.
    pub fn from_settings(
        settings: &Settings,
        environment: &BTreeMap<String, String>,
        here: &Path,
        complaints: &mut Complaints,
    ) -> Self {
        let list = |path: &str| settings.list(path).unwrap_or_default();
        let folder_owner = owner(settings, complaints);
        let reserve = settings.integer("stack.disk_reserve_mib").expect("has a default");
        let fault = environment.get(FAULT).and_then(|text| {
            let fault = Fault::parse(text);
            if fault.is_none() {
                complaints.add_bare(format!(
                    "{FAULT}: {text:?} is none of exit-before-step:N, exit-after-step:N, exit-in-phase:PHASE"
                ));
            }
            fault
        });
        let nonempty = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            source: Source {
                directory: settings.path("stack.directory").unwrap_or_else(|| here.to_owned()),
                project_directory: None,
                files: list("stack.files"),
                name: nonempty(settings.text("stack.project")),
                env_files: list("stack.env_files"),
                profiles: list("stack.profiles"),
            },
            engine_socket: settings.path("engine.socket").expect("has a default"),
            engine_deadline: settings.duration("engine.deadline").expect("has a default"),
            registry_auth_file: settings.path("stack.registry_auth_file"),
            home: nonempty(environment.get("HOME").cloned()),
            docker_config: docker_config(environment),
            search_path: environment.get("PATH").cloned(),
            folder_owner,
            ready_within: settings.duration("stack.ready_within").expect("has a default"),
            settle: settings.duration("stack.settle").expect("has a default"),
            pull_stall: settings.duration("stack.pull_stall").expect("has a default"),
            disk_reserve_bytes: u64::try_from(reserve).unwrap_or(0) * 1024 * 1024,
            compose_version: nonempty(settings.text("stack.compose_version")),
            fault,
        }
    }
}

/// `$DOCKER_CONFIG`, else `.docker` at home; a service has no home and is root.
fn docker_config(environment: &BTreeMap<String, String>) -> PathBuf {
    let folder = environment.get("DOCKER_CONFIG").map(PathBuf::from).unwrap_or_else(|| {
        Path::new(environment.get("HOME").map_or("/root", String::as_str)).join(".docker")
    });
    folder.join("config.json")
}

fn owner(settings: &Settings, complaints: &mut Complaints) -> Option<(u32, u32)> {
    let text = settings.text("stack.folder_owner").filter(|text| !text.is_empty())?;
    let parsed =
        text.split_once(':').and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
    if parsed.is_none() {
        complaints.add(
            &settings.origin("stack.folder_owner"),
            format!("stack.folder_owner {text:?} is not UID:GID, two numbers"),
        );
    }
    parsed
}

/// Options that reach for nothing, for the tests of others.
#[cfg(test)]
pub(super) fn options_for_tests(directory: &Path) -> StackOptions {
    StackOptions {
        source: Source { directory: directory.to_owned(), ..Source::default() },
        engine_socket: directory.join("docker.sock"),
        engine_deadline: Duration::from_secs(5),
        registry_auth_file: None,
        home: None,
        docker_config: directory.join("config.json"),
        search_path: None,
        folder_owner: None,
        ready_within: Duration::from_secs(30),
        settle: Duration::from_secs(1),
        pull_stall: Duration::from_secs(5),
        disk_reserve_bytes: 0,
        compose_version: None,
        fault: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_kind_and_a_number() {
        assert_eq!(Fault::parse("exit-before-step:3"), Some(Fault::BeforeStep(3)));
        assert_eq!(Fault::parse("exit-after-step:1"), Some(Fault::AfterStep(1)));
        assert_eq!(Fault::parse("exit-in-phase:replacing"), Some(Fault::InPhase(DeployPhase::Replacing)));
        assert_eq!(Fault::parse("exit-in-phase:1"), None);
        assert_eq!(Fault::parse("exit-after-step:x"), None);
        assert_eq!(Fault::parse("sleep:1"), None);
    }

    #[test]
    fn dockers_config_is_found_without_a_home() {
        let of = |pairs: &[(&str, &str)]| {
            docker_config(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert_eq!(of(&[]), Path::new("/root/.docker/config.json"));
        assert_eq!(of(&[("HOME", "/home/a")]), Path::new("/home/a/.docker/config.json"));
        assert_eq!(of(&[("HOME", "/home/a"), ("DOCKER_CONFIG", "/x")]), Path::new("/x/config.json"));
    }
}
