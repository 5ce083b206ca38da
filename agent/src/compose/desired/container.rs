//! One container, exactly: what [`super::super::create_body`] turns into the engine's words field by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Context, labels};
use crate::compose::hash::go_json;
use crate::compose::model::service as model;
use crate::compose::model::service::{Condition, MountKind};
use crate::compose::model::{Project, Service};

/// One container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerSpec {
    /// Its final name.
    pub name: String,
    /// Its number within the service, from 1.
    pub number: u32,
    /// What the file says of it. What concerns only other services (dependencies, profiles, scale) is taken out.
    pub service: Service,
    /// The networks it is on, the primary one first; empty with a `network_mode`.
    pub networks: Vec<Attachment>,
    /// Files of secrets and configs: (host path, path inside).
    pub files: Vec<(String, String)>,
    /// Engine names of the volumes it mounts, by their key in the file.
    pub volumes: BTreeMap<String, String>,
    /// When the engine starts it again.
    pub restart: Restart,
    /// Labels but for the image id, which is known when it is made. Not in the hash: they change with compose's
    /// version and the folder's place.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
}

/// How a container is on one network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attachment {
    /// The engine's name of the network.
    pub network: String,
    /// Names it answers to there: container, service, then the file's own.
    pub aliases: Vec<String>,
    /// Addresses and options, where the file gives them.
    pub options: model::Attachment,
}

/// When the engine starts a container again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// Whenever it ends.
    Always,
    /// Whenever it ends, unless somebody stopped it.
    UnlessStopped,
    /// When it fails, at most so many times; 0: without end.
    OnFailure(i64),
}

/// Goes up when [`ContainerSpec`] is written differently, so that an agent's upgrade recreates nothing: hashes of
/// another version are not compared at all.
const HASH_VERSION: u32 = 1;

impl ContainerSpec {
    /// The value of [`labels::SPEC_HASH`].
    #[must_use]
    pub fn hash(&self) -> String {
        format!("{HASH_VERSION}:{}", hex::encode(Sha256::digest(go_json(self))))
    }

    /// Whether a spec hash was written by a version of ours that hashes as this one does.
    #[must_use]
    pub fn understands(hash: &str) -> bool {
        hash.split_once(':').is_some_and(|(version, _)| version == HASH_VERSION.to_string())
    }

    /// All labels it is made with.
    #[must_use]
    pub fn all_labels(&self, image_id: Option<&str>, replaces: Option<&str>) -> BTreeMap<String, String> {
        let mut all = self.labels.clone();
        all.insert(labels::SPEC_HASH.to_owned(), self.hash());
        let more = [(labels::IMAGE, image_id), (labels::REPLACES, replaces)];
        all.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
        all
    }
}

/// The name of the container `number` of a service.
fn container_name(project: &Project, service: &Service, number: u32) -> String {
    if service.container_name.is_empty() {
        format!("{}-{}-{number}", project.name, service.name)
    } else {
        service.container_name.clone()
    }
}

pub(super) fn spec(project: &Project, service: &Service, number: u32, context: &Context) -> ContainerSpec {
    let name = container_name(project, service, number);
    let mut own = service.clone();
    own.depends_on.clear();
    own.profiles.clear();
    own.scale = None;
    own.pull_policy.clear();
    let volumes =
        service.volumes.iter().filter(|mount| mount.kind == MountKind::Volume && !mount.source.is_empty());
    ContainerSpec {
        networks: networks(project, service, &name),
        files: files(project, service),
        volumes: volumes
            .filter_map(|mount| {
                Some((mount.source.clone(), project.volumes.get(&mount.source)?.name.clone()))
            })
            .collect(),
        restart: restart(service),
        labels: labels::container(project, service, number, context),
        name,
        number,
        service: own,
    }
}

/// The primary network is the one of the highest priority, then the first by name.
fn networks(project: &Project, service: &Service, container: &str) -> Vec<Attachment> {
    let mut keys: Vec<(&String, i64)> = service
        .networks
        .iter()
        .map(|(key, options)| (key, options.as_ref().map_or(0, |options| options.priority)))
        .collect();
    keys.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    keys.into_iter()
        .filter_map(|(key, _)| {
            let options = service.networks[key].clone().unwrap_or_default();
            let mut aliases = vec![container.to_owned(), service.name.clone()];
            aliases.extend(options.aliases.iter().cloned());
            Some(Attachment { network: project.networks.get(key)?.name.clone(), aliases, options })
        })
        .collect()
}

fn files(project: &Project, service: &Service) -> Vec<(String, String)> {
    let inside = |target: &str, source: &str, folder: &str| match target {
        "" => format!("{folder}{source}"),
        target if target.starts_with('/') => target.to_owned(),
        target => format!("{folder}{target}"),
    };
    let secrets = service.secrets.iter().map(|mount| (mount, &project.secrets, "/run/secrets/"));
    let configs = service.configs.iter().map(|mount| (mount, &project.configs, "/"));
    secrets
        .chain(configs)
        .filter_map(|(mount, known, folder)| {
            let file = known.get(&mount.source)?.file.clone();
            Some((file, inside(&mount.target, &mount.source, folder)))
        })
        .collect()
}

fn restart(service: &Service) -> Restart {
    let (word, most) = service.restart.split_once(':').unwrap_or((&service.restart, "0"));
    let policy = service.deploy.as_ref().and_then(|deploy| deploy.restart_policy.as_ref());
    match (word, policy) {
        ("", Some(policy)) => match policy.condition.as_str() {
            "none" | "no" => Restart::No,
            "on-failure" => Restart::OnFailure(policy.max_attempts.unwrap_or(0)),
            "unless-stopped" => Restart::UnlessStopped,
            _ => Restart::Always,
        },
        ("always", _) => Restart::Always,
        ("unless-stopped", _) => Restart::UnlessStopped,
        ("on-failure", _) => Restart::OnFailure(most.parse().unwrap_or(0)),
        _ => Restart::No,
    }
}

/// Whether a container that ended well is done rather than down: it runs once, or others wait for its end.
#[must_use]
pub(crate) fn runs_once(spec: &ContainerSpec, ready: Condition) -> bool {
    ready == Condition::Completed || matches!(spec.restart, Restart::No | Restart::OnFailure(_))
}
