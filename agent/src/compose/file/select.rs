//! Which compose files, which variables and which project name a request means.
//!
//! The order is compose's: the process environment wins over `.env`, `-f` over `COMPOSE_FILE` over the default
//! names, and the folder of the first file may bring a second `.env`.

use std::collections::{BTreeMap, BTreeSet};

use super::Files;
use super::dotenv;
use super::path;
use super::place::Complaints;
use super::warning::Warning;

/// What the caller of compose says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The absolute directory it is called in.
    pub directory: String,
    /// `--project-directory`.
    pub project_directory: Option<String>,
    /// `-f`, in order; relative to `directory`.
    pub files: Vec<String>,
    /// `-p`.
    pub name: Option<String>,
    /// `--env-file`, in order; relative to `directory`.
    pub env_files: Vec<String>,
    /// `--profile`.
    pub profiles: Vec<String>,
    /// Variables that win over every `.env`. Not the whole process environment: a stray `TZ` would change hashes.
    pub environment: BTreeMap<String, String>,
    /// What `~` stands for; `None`: using it is an error.
    pub home: Option<String>,
}

/// What a request means.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// Absolute paths, in merge order.
    pub(super) files: Vec<String>,
    /// The absolute project directory.
    pub(super) directory: String,
    /// The env files that were asked for by name (not a `.env` that was found).
    pub(super) env_files: Vec<String>,
    /// Every variable known.
    pub(super) variables: BTreeMap<String, String>,
    /// Active profiles.
    pub(super) profiles: Vec<String>,
}

const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Why a selection cannot be made.
#[derive(Debug)]
pub(super) enum Stop {
    /// These have to be looked at first.
    Unread(Vec<String>),
    /// See the complaints.
    Refused,
}

/// Files that are read once and remembered, and those that nobody has looked at yet.
pub(super) struct Reading<'f> {
    files: &'f Files,
    unread: Vec<String>,
}

impl<'f> Reading<'f> {
    pub(super) fn new(files: &'f Files) -> Self {
        Reading { files, unread: Vec::new() }
    }

    /// What is at a path; a path nobody has looked at is noted and counts as absent for now.
    pub(super) fn get(&mut self, path: &str) -> Option<&'f str> {
        self.files.get(path).unwrap_or_else(|| {
            self.unread.push(path.to_owned());
            None
        })
    }

    /// How many paths wait to be looked at.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Stops when something has not been looked at.
    pub(super) fn settle(&mut self) -> Result<(), Stop> {
        let unread = std::mem::take(&mut self.unread);
        if unread.is_empty() { Ok(()) } else { Err(Stop::Unread(unread)) }
    }
}

pub(super) fn select(
    files: &Files,
    request: &Request,
    complaints: &mut Complaints,
    warnings: &mut Vec<Warning>,
) -> Result<Selection, Stop> {
    let mut reading = Reading::new(files);
    let mut variables = request.environment.clone();
    let from_here = |paths: &[String]| -> Vec<String> {
        paths
            .iter()
            .map(|p| {
                path::clean(&if p.starts_with('/') {
                    p.clone()
                } else {
                    format!("{}/{p}", request.directory)
                })
            })
            .collect()
    };
    let project_directory =
        request.project_directory.as_ref().map(|dir| from_here(std::slice::from_ref(dir)).remove(0));
    let folder = |files: &[String]| {
        let first = || files.first().map(|file| path::parent(file).to_owned());
        project_directory.clone().or_else(first).unwrap_or_else(|| request.directory.clone())
    };

    let mut config = from_here(&request.files);
    let mut env_files = from_here(&request.env_files);
    if env_files.is_empty()
        && let Some(list) = variables.get("COMPOSE_ENV_FILES").filter(|list| !list.is_empty())
    {
        env_files = from_here(&list.split(',').map(str::to_owned).collect::<Vec<_>>());
    }
    let disabled = match variables.get("COMPOSE_DISABLE_ENV_FILE").map(String::as_str) {
        None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
        Some(other) => {
            complaints.general("COMPOSE_DISABLE_ENV_FILE", format!("{other:?} is neither true nor false"));
            return Err(Stop::Refused);
        }
    };
    read_env_files(&env_files, true, &mut reading, &mut variables, complaints, warnings);
    if env_files.is_empty() && !disabled {
        let found = [format!("{}/.env", folder(&config))];
        read_env_files(&found, false, &mut reading, &mut variables, complaints, warnings);
    }
    reading.settle()?;
    if config.is_empty()
        && let Some(list) = variables.get("COMPOSE_FILE")
    {
        let separator =
            variables.get("COMPOSE_PATH_SEPARATOR").filter(|s| !s.is_empty()).map_or(":", String::as_str);
        config = from_here(&list.split(separator).map(str::to_owned).collect::<Vec<_>>());
    }
    if config.is_empty() {
        config = default_files(&folder(&[]), &mut reading, warnings);
        reading.settle()?;
    }
    let directory = folder(&config);
    if env_files.is_empty() && !disabled {
        let found = [format!("{directory}/.env")];
        read_env_files(&found, false, &mut reading, &mut variables, complaints, warnings);
        reading.settle()?;
    }
    if config.is_empty() {
        complaints
            .general("", format!("there is no compose file in {directory}: give one, or set COMPOSE_FILE"));
    }
    if !complaints.is_empty() {
        return Err(Stop::Refused);
    }
    let listed =
        variables.get("COMPOSE_PROFILES").map(|list| list.split(',').map(|p| p.trim().to_owned()).collect());
    let profiles =
        if request.profiles.is_empty() { listed.unwrap_or_default() } else { request.profiles.clone() };
    Ok(Selection { files: config, directory, env_files, variables, profiles })
}

/// Adds what env files say; what is known already stays, and a later file wins over an earlier one.
fn read_env_files(
    paths: &[String],
    required: bool,
    reading: &mut Reading<'_>,
    variables: &mut BTreeMap<String, String>,
    complaints: &mut Complaints,
    warnings: &mut Vec<Warning>,
) {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for path in paths {
        let known = reading.unread.len();
        let Some(text) = reading.get(path) else {
            if required && reading.unread.len() == known {
                complaints.general(path.as_str(), "there is no such env file");
            }
            continue;
        };
        let (mut vars, mut unset) = (BTreeMap::new(), BTreeSet::new());
        let outer = |name: &str| variables.get(name).or_else(|| all.get(name)).cloned();
        if let Err(error) = dotenv::read(text, &outer, &mut vars, &mut unset) {
            complaints.general(path.as_str(), error.to_string());
        }
        all.append(&mut vars);
        warnings.extend(unset.into_iter().map(|name| Warning::Unset { name }));
    }
    for (name, value) in all {
        variables.entry(name).or_insert(value);
    }
}

fn default_files(folder: &str, reading: &mut Reading<'_>, warnings: &mut Vec<Warning>) -> Vec<String> {
    let mut chosen = Vec::new();
    for names in [NAMES, OVERRIDES] {
        let mut found: Vec<String> = names
            .iter()
            .map(|name| format!("{folder}/{name}"))
            .filter(|path| reading.get(path).is_some())
            .collect();
        if found.is_empty() {
            break;
        }
        let used = found.remove(0);
        if !found.is_empty() {
            warnings.push(Warning::SeveralFiles { used: used.clone(), ignored: found });
        }
        chosen.push(used);
    }
    chosen
}
