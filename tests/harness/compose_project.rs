//! A compose project in a folder of its own, worked on by `usher-agent stack` and by the real `docker compose`.
//! Its containers, networks and volumes go with the value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::agent::Agent;
use crate::engine::OwnEngine;
use crate::program;

/// The compose version that ours is compared with.
pub const COMPOSE: &str = "2.40.3";

/// Where `tests/tools/fetch-compose.sh` puts a version of the real compose; `variable` names another one.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn compose_binary(variable: &str, version: &str) -> PathBuf {
    let environment = usher_common::rt::process::environment();
    if let Some(path) = environment.get(variable) {
        return path.into();
    }
    let home = || environment.get("HOME").map(|home| Path::new(home).join(".cache"));
    let cache = environment.get("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let path =
        cache.expect("HOME or XDG_CACHE_HOME is set").join(format!("usher/tools/docker-compose-{version}"));
    assert!(
        path.exists(),
        "{} is missing: run tests/tools/fetch-compose.sh, or set {variable}",
        path.display()
    );
    path
}

/// The project.
#[derive(Debug)]
pub struct ComposeProject {
    name: String,
    folder: PathBuf,
    /// `DOCKER_CONFIG` of whoever works on it; `None`: nobody is logged in anywhere.
    docker_config: Option<PathBuf>,
    flags: Vec<String>,
    /// `DOCKER_HOST`; `None`: the machine's engine.
    host: Option<String>,
    _space: tempfile::TempDir,
}

/// A container as a test looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// The image it was asked to have.
    pub image: String,
    /// The engine's word for what it does.
    pub state: String,
    /// When it was started.
    pub started: String,
    /// The process of its program; 0: it does not run.
    pub pid: i64,
    /// Its restart policy.
    pub restart: String,
}

impl ComposeProject {
    /// A project with this file and `.env`. `name` must be the caller's own.
    pub fn new(name: &str, file: &str, env: &str) -> std::io::Result<Self> {
        let space = tempfile::tempdir()?;
        let folder = space.path().join("project");
        std::fs::create_dir(&folder)?;
        std::fs::write(folder.join("docker-compose.yml"), file)?;
        std::fs::write(folder.join(".env"), format!("COMPOSE_PROJECT_NAME={name}\n{env}"))?;
        Ok(Self {
            name: name.to_owned(),
            folder,
            docker_config: None,
            flags: Vec::new(),
            host: None,
            _space: space,
        })
    }

    /// Logs everybody in.
    #[must_use]
    pub fn logged_in(mut self, docker_config: PathBuf) -> Self {
        self.docker_config = Some(docker_config);
        self
    }

    /// Adds flags for every run of ours.
    #[must_use]
    pub fn with_flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// Puts it on another engine.
    #[must_use]
    pub fn on(mut self, engine: &OwnEngine) -> Self {
        self.host = Some(engine.host());
        self.with_flags(&["--engine-socket", &engine.socket().display().to_string()])
    }

    /// Lets our commands find the agent that keeps it.
    #[must_use]
    pub fn beside(self, agent: &Agent) -> Self {
        let (listen, state) = (agent.url.trim_start_matches("http://"), agent.state().display().to_string());
        let folder = self.folder.display().to_string();
        self.with_flags(&["--listen", listen, "--state-dir", &state, "--stack-directory", &folder])
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of its `.env`.
    #[must_use]
    pub fn env(&self) -> String {
        std::fs::read_to_string(self.folder.join(".env")).expect("the .env is there")
    }

    /// Runs `usher-agent stack …` in the folder, with `variables` in its environment.
    #[must_use]
    pub fn stack_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(program::path("usher-agent"));
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(variables.iter().copied());
        command.envs(self.docker_config.as_ref().map(|path| ("DOCKER_CONFIG", path)));
        // Nobody serves port 1, so no agent of this machine is asked about conferences.
        for (name, value) in [
            ("LISTEN", "127.0.0.1:1"),
            ("STACK_COMPOSE_VERSION", COMPOSE),
            ("STACK_SETTLE", "300ms"),
            ("STACK_READY_WITHIN", "20s"),
            ("STACK_DISK_RESERVE_MIB", "1"),
            ("STACK_VERIFY_STEADY", "300ms"),
            ("STACK_VERIFY_WITHIN", "20s"),
            ("SAMPLE_INTERVAL", "100ms"),
        ] {
            command.env(format!("USHER_AGENT_{name}"), value);
        }
        command.env("USHER_AGENT_STATE_DIR", self.folder.with_file_name("state"));
        command.arg("stack").args(args).args(&self.flags).output().expect("usher-agent can be started")
    }

    /// The same with nothing in the environment.
    #[must_use]
    pub fn stack(&self, args: &[&str]) -> Output {
        self.stack_with(args, &[])
    }

    /// Runs `stack … --format json`, which must end with `code`, and returns what it printed.
    ///
    /// # Panics
    /// When it ends otherwise.
    #[must_use]
    pub fn stack_json(&self, args: &[&str], code: i32) -> Value {
        let output = self.stack(&[args, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(code), "stack {args:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
    }

    /// Runs the real compose in the folder, which must succeed; returns both of its outputs.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn compose(&self, args: &[&str]) -> String {
        let mut command = Command::new(compose_binary("USHER_COMPOSE_V2", COMPOSE));
        command.current_dir(&self.folder).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &self.folder);
        command.envs(self.docker_config.as_ref().map(|path| ("DOCKER_CONFIG", path)));
        command.envs(self.host.as_ref().map(|host| ("DOCKER_HOST", host)));
        let output = command.args(args).output().expect("compose can be started");
        assert!(output.status.success(), "docker compose {args:?}: {}", said(&output));
        said(&output)
    }

    /// Its containers by name, one-offs and leftovers included.
    ///
    /// # Panics
    /// When the engine does not answer.
    #[must_use]
    pub fn containers(&self) -> BTreeMap<String, Seen> {
        let label = format!("label=com.docker.compose.project={}", self.name);
        let ids = self.docker(&["ps", "-aq", "--no-trunc", "--filter", &label]);
        let ids: Vec<&str> = ids.lines().collect();
        if ids.is_empty() {
            return BTreeMap::new();
        }
        let all: Vec<Value> = serde_json::from_str(&self.docker(&[&["inspect"], ids.as_slice()].concat()))
            .expect("docker prints JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen = |one: &Value| {
            let name = text(&one["Name"]).trim_start_matches('/').to_owned();
            let seen = Seen {
                id: text(&one["Id"]),
                image: text(&one["Config"]["Image"]),
                state: text(&one["State"]["Status"]),
                started: text(&one["State"]["StartedAt"]),
                pid: one["State"]["Pid"].as_i64().unwrap_or_default(),
                restart: text(&one["HostConfig"]["RestartPolicy"]["Name"]),
            };
            (name, seen)
        };
        all.iter().map(seen).collect()
    }

    /// Runs `docker …` on its engine, which must succeed.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn docker(&self, args: &[&str]) -> String {
        let output = self.docker_command().args(args).output().expect("these tests want docker");
        assert!(output.status.success(), "docker {args:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("docker prints UTF-8")
    }

    fn docker_command(&self) -> Command {
        let mut command = Command::new("docker");
        command.envs(self.host.as_ref().map(|host| ("DOCKER_HOST", host)));
        command
    }
}

impl Drop for ComposeProject {
    fn drop(&mut self) {
        let label = format!("label=com.docker.compose.project={}", self.name);
        for (list, remove) in [
            (["ps", "-aq"], ["rm", "--force", "--volumes"].as_slice()),
            (["network", "ls"], &["network", "rm"]),
            (["volume", "ls"], &["volume", "rm"]),
        ] {
            let quiet = if list[0] == "ps" { &[][..] } else { &["--quiet"][..] };
            let args = [&list[..], quiet, &["--filter", &label]].concat();
            let Ok(output) = self.docker_command().args(&args).output() else { continue };
            for id in String::from_utf8_lossy(&output.stdout).lines() {
                // What is gone already is not left behind.
                drop(self.docker_command().args(remove).arg(id).output());
            }
        }
    }
}

/// Both outputs of a program.
#[must_use]
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
