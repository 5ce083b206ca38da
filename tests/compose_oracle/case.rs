//! The cases: our fixtures and docker-jitsi-meet's files, each given alike to real compose and to ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use usher_agent::compose::disk;
use usher_agent::compose::file::Request;
use usher_agent::compose::model::Project;
use usher_tests::compose_project::compose_binary;
use usher_tests::program;

pub(crate) const NEW: Oracle = Oracle { variable: "USHER_COMPOSE_V2", version: "2.40.3" };
pub(crate) const OLD: Oracle = Oracle { variable: "USHER_COMPOSE_OLD", version: "2.26.1" };

#[derive(Clone, Copy)]
pub(crate) struct Oracle {
    pub(crate) variable: &'static str,
    pub(crate) version: &'static str,
}

impl Oracle {
    pub(crate) fn binary(self) -> PathBuf {
        compose_binary(self.variable, self.version)
    }

    /// Runs compose for a case; only the case's own variables are in its environment.
    pub(crate) fn run(self, case: &Case, command: &[&str]) -> Result<String, String> {
        let mut process = Command::new(self.binary());
        process.current_dir(&case.folder).env_clear().env("HOME", &case.home).env("PATH", "/usr/bin:/bin");
        if let Some(host) = std::env::var_os("DOCKER_HOST") {
            process.env("DOCKER_HOST", host);
        }
        process.envs(&case.environment).args(&case.args);
        if let Some(name) = &case.name {
            process.args(["-p", name]);
        }
        let output = process.args(command).output().expect("compose can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// One project, as it is given to both sides.
pub(crate) struct Case {
    pub(crate) label: String,
    /// A copy of the fixture: creating makes the folders that a project mounts.
    pub(crate) folder: PathBuf,
    pub(crate) home: String,
    _space: tempfile::TempDir,
    pub(crate) args: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) name: Option<String>,
    pub(crate) config_only: bool,
    pub(crate) new_only: bool,
}

impl Case {
    pub(crate) fn from_fixture(fixture: &Path) -> Case {
        let label = fixture.file_name().expect("a fixture is a folder").to_string_lossy().into_owned();
        let space = tempfile::tempdir().expect("a temporary folder");
        let folder = space.path().join(&label);
        std::fs::create_dir(&folder).expect("a new folder");
        copy(fixture, &folder);
        let lines = |name: &str| -> Vec<String> {
            let text = std::fs::read_to_string(folder.join(name)).unwrap_or_else(|_| String::new());
            text.lines().map(str::to_owned).collect()
        };
        let pair =
            |line: String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let work = ("WORK".to_owned(), space.path().display().to_string());
        Case {
            args: lines("args"),
            environment: lines("environment").into_iter().filter_map(pair).chain([work]).collect(),
            name: (!folder.join("own-name").exists()).then(|| unique(&label)),
            config_only: folder.join("config-only").exists(),
            new_only: folder.join("new-only").exists(),
            label,
            folder,
            home: space.path().join("home").display().to_string(),
            _space: space,
        }
    }

    /// The flags, as our own request has them.
    pub(crate) fn request(&self) -> Request {
        let folder = self.folder.to_str().expect("a UTF-8 path").to_owned();
        let mut request = Request {
            directory: folder,
            name: self.name.clone(),
            environment: self.environment.clone(),
            home: Some(self.home.clone()),
            ..Request::default()
        };
        for flag in self.args.chunks(2) {
            let value = flag[1].clone();
            match flag[0].as_str() {
                "-f" => request.files.push(value),
                "--env-file" => request.env_files.push(value),
                "--profile" => request.profiles.push(value),
                "--project-directory" => request.project_directory = Some(value),
                other => panic!("{}: the test does not know the flag {other}", self.label),
            }
        }
        request
    }

    pub(crate) fn ours(&self) -> Result<Project, String> {
        disk::load(&self.request())
            .map(|loaded| loaded.project)
            .map_err(|error| format!("{}: ours: {error}", self.label))
    }
}

impl Case {
    /// What our own program prints for the same flags; its variables are set one by one, since it takes none from
    /// its environment.
    pub(crate) fn printed(&self) -> Result<String, String> {
        let mut process = Command::new(program::path("usher-agent"));
        process.current_dir(&self.folder).env_clear().env("HOME", &self.home).arg("stack").args(&self.args);
        if let Some(name) = &self.name {
            process.args(["-p", name]);
        }
        process.args(["config", "--format", "json"]);
        for (name, value) in &self.environment {
            process.args(["--set", &format!("{name}={value}")]);
        }
        let output = process.output().map_err(|error| format!("{}: {error}", self.label))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// A project name nobody else on this engine has.
pub(crate) fn unique(label: &str) -> String {
    format!("usher-oracle-{}-{label}", std::process::id())
}

pub(crate) fn fixtures() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/compose");
    let mut folders: Vec<PathBuf> = folder
        .read_dir()
        .expect("fixtures/compose is there")
        .map(|entry| entry.expect("a folder entry").path())
        .collect();
    folders.sort();
    assert!(folders.len() > 30, "the fixtures went missing");
    folders.iter().map(PathBuf::as_path).map(Case::from_fixture).collect()
}

/// docker-jitsi-meet's files in a folder of their own, with the `.env` its handbook starts from.
pub(crate) fn jitsi(files: &[&str], more_env: &str) -> Case {
    let shared = std::env::var_os("USHER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let source = shared.join("data/docker-jitsi-meet");
    assert!(
        source.is_dir(),
        "{} is missing: set USHER_SHARED to the folder that holds data/",
        source.display()
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&source, folder.path());
    let config = folder.path().join("config");
    let env = std::fs::read_to_string(source.join("env.example")).expect("env.example is there");
    let env = env.replace("CONFIG=~/.jitsi-meet-cfg", &format!("CONFIG={}", config.display()));
    std::fs::write(folder.path().join(".env"), format!("{env}\n{more_env}\n"))
        .expect("the folder can be written");
    for folder in ["rtcstats", "rtcstats/rtcstats-server", "rtcstats/rtc-visualizer"]
        .map(|name| folder.path().join(name))
    {
        let example = folder.join("env.example");
        std::fs::copy(&example, folder.join(".env")).expect("rtcstats ships an env.example");
    }
    let label = format!("jitsi-{}", files.join("-").replace(['.', '/'], "_"));
    Case {
        name: Some(unique(&label)),
        label,
        folder: folder.path().to_owned(),
        args: files.iter().flat_map(|file| ["-f".to_owned(), (*file).to_owned()]).collect(),
        environment: BTreeMap::new(),
        home: folder.path().join("home").display().to_string(),
        _space: folder,
        config_only: false,
        new_only: false,
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in from.read_dir().expect("a folder") {
        let entry = entry.expect("a folder entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).expect("a new folder");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("the file can be copied");
        }
    }
}

pub(crate) const MAIN: &str = "docker-compose.yml";

/// The combinations the handbook tells people to run.
pub(crate) fn jitsi_cases() -> Vec<Case> {
    // Said by `make test` where the files are not to be had, and told there.
    if std::env::var_os("USHER_WITHOUT_SHARED").is_some() {
        return Vec::new();
    }
    let settings = "PUBLIC_URL=https://meet.example.com:${HTTPS_PORT}\nHTTP_PORT=127.0.0.1:8000\n\
                    LETSENCRYPT_ACME_SERVER=\"letsencrypt\"\nJVB_ADVERTISE_IPS=192.168.178.1#12000,fe80::1#12000\n\
                    JICOFO_AUTH_PASSWORD=p$$w\nETHERPAD_TITLE='a b'\nJITSI_IMAGE_VERSION=stable-11146-2";
    vec![
        jitsi(&[], ""),
        jitsi(&[MAIN], settings),
        jitsi(&[MAIN, "jibri.yml"], ""),
        jitsi(&[MAIN, "jigasi.yml"], ""),
        jitsi(&[MAIN, "transcriber.yml"], settings),
        jitsi(&[MAIN, "etherpad.yml"], ""),
        jitsi(&[MAIN, "whiteboard.yml"], ""),
        jitsi(&[MAIN, "log-analyser.yml", "grafana.yml", "prometheus.yml"], ""),
        jitsi(&[MAIN, "rtcstats.yml"], ""),
        jitsi(
            &[MAIN, "rtcstats.yml", "rtcstats/localstack/localstack.yml", "rtcstats/mongodb/mongodb.yml"],
            "",
        ),
        jitsi(
            &[MAIN, "jigasi.yml", "jibri.yml", "transcriber.yml", "etherpad.yml", "whiteboard.yml"],
            settings,
        ),
    ]
}
