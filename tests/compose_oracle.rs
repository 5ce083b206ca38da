//! Our compose engine beside the real `docker compose`: the same files must give the same project and the same
//! hashes.
//!
//! Oracle: compose's own `config --format json`, and the labels that its `create` writes on containers, networks
//! and volumes. Input: every folder of `fixtures/compose` and docker-jitsi-meet's files. `tools/fetch-compose.sh`
//! brings the binaries; `USHER_COMPOSE_V2` and `USHER_COMPOSE_OLD` name others.
//!
//! A fixture may hold: `args` (one compose flag a line), `environment` (NAME=value lines), `config-only` (this
//! engine cannot create it), `new-only` (the older compose refuses it), `own-name` (no `-p`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use usher_agent::compose::file::Request;
use usher_agent::compose::model::Project;
use usher_agent::compose::{canonical, disk, hash};

const NEW: Oracle = Oracle { variable: "USHER_COMPOSE_V2", version: "2.40.3" };
const OLD: Oracle = Oracle { variable: "USHER_COMPOSE_OLD", version: "2.26.1" };

#[derive(Clone, Copy)]
struct Oracle {
    variable: &'static str,
    version: &'static str,
}

impl Oracle {
    fn binary(self) -> PathBuf {
        if let Some(path) = std::env::var_os(self.variable) {
            return path.into();
        }
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
            .expect("HOME or XDG_CACHE_HOME is set");
        let path = cache.join(format!("usher/tools/docker-compose-{}", self.version));
        assert!(
            path.exists(),
            "{} is missing: run tests/tools/fetch-compose.sh, or set {}",
            path.display(),
            self.variable
        );
        path
    }

    /// Runs compose for a case; only the case's own variables are in its environment.
    fn run(self, case: &Case, command: &[&str]) -> Result<String, String> {
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
struct Case {
    label: String,
    /// A copy of the fixture: creating makes the folders that a project mounts.
    folder: PathBuf,
    home: String,
    _space: tempfile::TempDir,
    args: Vec<String>,
    environment: BTreeMap<String, String>,
    name: Option<String>,
    config_only: bool,
    new_only: bool,
}

impl Case {
    fn from_fixture(fixture: &Path) -> Case {
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
    fn request(&self) -> Request {
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

    fn ours(&self) -> Result<Project, String> {
        disk::load(&self.request())
            .map(|loaded| loaded.project)
            .map_err(|error| format!("{}: ours: {error}", self.label))
    }
}

/// A project name nobody else on this engine has.
fn unique(label: &str) -> String {
    format!("usher-oracle-{}-{label}", std::process::id())
}

fn fixtures() -> Vec<Case> {
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
fn jitsi(files: &[&str], more_env: &str) -> Case {
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

fn copy(from: &Path, to: &Path) {
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

const MAIN: &str = "docker-compose.yml";

/// The combinations the handbook tells people to run.
fn jitsi_cases() -> Vec<Case> {
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

/// Where two JSON values differ, one line each.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(&path, a, b, found),
                    (a, b) => found.push(format!("{path}: ours {a:?}, theirs {b:?}")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}.{index}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: ours {a}, theirs {b}")),
    }
}

fn compare_config(case: &Case, failures: &mut Vec<String>) {
    let theirs = NEW.run(case, &["config", "--format", "json"]);
    let ours = case.ours();
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let theirs: Value = serde_json::from_str(&theirs).expect("compose prints JSON");
            differences(&case.label, &canonical::config_json(&ours), &theirs, failures);
        }
        (Err(error), _) => failures.push(error),
        (_, Err(error)) => failures.push(format!("{}: compose: {error}", case.label)),
    }
}

#[test]
fn every_project_is_read_as_compose_reads_it() {
    let mut failures = Vec::new();
    let cases = fixtures();
    let jitsi = jitsi_cases();
    for case in cases.iter().chain(&jitsi) {
        compare_config(case, &mut failures);
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

/// Everything that `create` leaves behind for one project, removed again on drop.
struct Created<'c> {
    case: &'c Case,
    oracle: Oracle,
    images: Vec<String>,
    outside: Vec<(&'static str, String)>,
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
fn left_behind(result: &Result<String, String>) {
    if let Err(error) = result {
        eprintln!("left behind: {error}");
    }
}

fn docker(args: &[&str]) -> Result<String, String> {
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
struct EmptyImage;

impl EmptyImage {
    const NAME: &str = "usher-oracle-empty:1";

    fn import() -> EmptyImage {
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
    fn name_for(&self, project: &Project) -> Vec<String> {
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

/// Creates the project with real compose and compares the hashes it wrote with ours.
fn compare_labels(case: &Case, oracle: Oracle, image: &EmptyImage, failures: &mut Vec<String>) {
    let project = match case.ours() {
        Ok(project) => project,
        Err(error) => return failures.push(error),
    };
    let mut created = Created { case, oracle, images: image.name_for(&project), outside: Vec::new() };
    let networks = project
        .networks
        .values()
        .filter(|network| network.external)
        .map(|network| ("network", &network.name));
    let volumes =
        project.volumes.values().filter(|volume| volume.external).map(|volume| ("volume", &volume.name));
    for (kind, name) in networks.chain(volumes) {
        docker(&[kind, "create", name]).expect("an external resource can be made");
        created.outside.push((kind, name.clone()));
    }
    if let Err(error) = oracle.run(case, &["create"]) {
        return failures.push(format!("{} {}: {error}", case.label, oracle.version));
    }
    let filter = format!("label=com.docker.compose.project={}", project.name);
    let hash = "com.docker.compose.config-hash";
    let mut compare = |what: &str, key: &str, ours: String, found: &BTreeMap<String, String>| {
        if found.get(key) != Some(&ours) {
            let theirs = found.get(key);
            failures.push(format!(
                "{} {}: {what} {key}: ours {ours}, theirs {theirs:?}",
                case.label, oracle.version
            ));
        }
    };
    let dialect = hash::Dialect::of_version(oracle.version).expect("a version");
    let format = format!("{{{{.Label \"com.docker.compose.service\"}}}} {{{{.Label \"{hash}\"}}}}");
    let found =
        pairs(&docker(&["ps", "-a", "--filter", &filter, "--format", &format]).expect("the engine lists"));
    for (name, service) in &project.services {
        compare("service", name, hash::service_hash(service, dialect), &found);
    }
    if oracle.version != NEW.version {
        return; // the older one does not label networks and volumes
    }
    for (kind, label) in [("network", "com.docker.compose.network"), ("volume", "com.docker.compose.volume")]
    {
        let format = format!("{{{{.Label \"{label}\"}}}} {{{{.Label \"{hash}\"}}}}");
        let found = pairs(
            &docker(&[kind, "ls", "--filter", &filter, "--format", &format]).expect("the engine lists"),
        );
        if kind == "network" {
            for (key, network) in project.networks.iter().filter(|(_, network)| !network.external) {
                compare(kind, key, hash::network_hash(network), &found);
            }
        } else {
            for (key, volume) in project.volumes.iter().filter(|(_, volume)| !volume.external) {
                compare(kind, key, hash::volume_hash(volume), &found);
            }
        }
    }
}

fn pairs(lines: &str) -> BTreeMap<String, String> {
    lines.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// Images and container names are the engine's, so two runs must not use it at once.
static ENGINE: Mutex<()> = Mutex::new(());

fn every_label(oracle: Oracle) {
    let _alone = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    docker(&["version"]).expect("these tests want a docker engine");
    let image = EmptyImage::import();
    let mut failures = Vec::new();
    let cases = fixtures();
    let jitsi = jitsi_cases();
    let cases = cases.iter().chain(&jitsi);
    for case in cases.filter(|case| !case.config_only && (oracle.version == NEW.version || !case.new_only)) {
        compare_labels(case, oracle, &image, &mut failures);
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_hashes_are_those_that_compose_writes() {
    every_label(NEW);
}

#[test]
fn the_hashes_are_those_that_an_older_compose_writes() {
    every_label(OLD);
}
