//! What should be on the engine for a project: exact containers, networks, volumes and host folders.
//!
//! Everything is decided here, names, labels and hashes included, so that a plan can be read and applying it needs
//! no thought. Only an image's id is left open: it is not known before the image is here.

mod container;
pub mod labels;

use std::collections::{BTreeMap, BTreeSet};

use super::hash::{self, Dialect};
use super::model::service::{Condition, MountKind};
use super::model::{Network, Project, Service, Volume};
use super::order::{self, Cycle};

pub(crate) use container::runs_once;
pub use container::{Attachment, ContainerSpec, Restart};

/// What [`desired`] needs to know besides the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The hash dialect of the compose on this host; the newest when there is none.
    pub dialect: Dialect,
    /// The version to write into `com.docker.compose.version`.
    pub compose_version: String,
    /// Env files that were asked for by name.
    pub env_files: Vec<String>,
    /// Who owns host folders that are made for mounts, as (uid, gid); `None`: whoever makes them.
    /// docker-jitsi-meet's rootless images want 1000:1000.
    pub folder_owner: Option<(u32, u32)>,
}

/// What should be on the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// The project's name.
    pub project: String,
    /// Services, dependencies first.
    pub services: Vec<ServiceSpec>,
    /// Networks, by their key in the file.
    pub networks: Vec<NetworkSpec>,
    /// Volumes, by their key in the file.
    pub volumes: Vec<VolumeSpec>,
    /// Host folders that mounts start from, with the owner they get when they are missing.
    pub folders: BTreeMap<String, Option<(u32, u32)>>,
}

impl Desired {
    /// Gives every container this long to stop, whatever its service says.
    pub fn stop_within(&mut self, grace_ms: u64) {
        self.services.iter_mut().for_each(|service| service.grace_ms = grace_ms);
    }
}

/// One service and its containers.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSpec {
    /// Its name.
    pub name: String,
    /// The image reference.
    pub image: String,
    /// May the image be pulled when it is missing? `pull_policy: never` says no.
    pub may_pull: bool,
    /// Is the image to be looked up again on a deploy although it is here? `pull_policy: always` says yes.
    pub refresh: bool,
    /// Its containers, number 1 first.
    pub containers: Vec<ContainerSpec>,
    /// What it waits for.
    pub depends_on: BTreeMap<String, Condition>,
    /// Services it is restarted with.
    pub restarts_with: BTreeSet<String>,
    /// How far others need it to be before they start.
    pub ready: Condition,
    /// What its hash is in every dialect: a container of somebody else with one of them is in sync.
    pub hashes: BTreeSet<String>,
    /// How long its containers may take to stop, in milliseconds.
    pub grace_ms: u64,
}

/// A network that has to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// The key in the file.
    pub key: String,
    /// What the file says.
    pub network: Network,
    /// The labels it is made with.
    pub labels: BTreeMap<String, String>,
}

/// A volume that has to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeSpec {
    /// The key in the file.
    pub key: String,
    /// What the file says.
    pub volume: Volume,
    /// The labels it is made with.
    pub labels: BTreeMap<String, String>,
}

/// Docker's own time to stop, when a service says none.
const DEFAULT_GRACE_MS: u64 = 10_000;

/// Works out what a project needs on the engine.
///
/// # Errors
/// [`Cycle`] when services wait for each other, which a loaded project never does.
pub fn desired(project: &Project, context: &Context) -> Result<Desired, Cycle> {
    let order = order::order(&project.services)?;
    let services = order.iter().map(|name| service_spec(project, &project.services[name], context)).collect();
    let network = |(key, network): (&String, &Network)| NetworkSpec {
        key: key.clone(),
        network: network.clone(),
        labels: labels::network(project, key, network, context),
    };
    let volume = |(key, volume): (&String, &Volume)| VolumeSpec {
        key: key.clone(),
        volume: volume.clone(),
        labels: labels::volume(project, key, volume, context),
    };
    let mounts = project.services.values().flat_map(|service| &service.volumes);
    let made = mounts
        .filter(|mount| mount.kind == MountKind::Bind)
        .filter(|mount| mount.bind.as_ref().is_some_and(|bind| bind.create_host_path == Some(true)));
    Ok(Desired {
        project: project.name.clone(),
        services,
        networks: project.networks.iter().map(network).collect(),
        volumes: project.volumes.iter().map(volume).collect(),
        folders: made.map(|mount| (mount.source.clone(), context.folder_owner)).collect(),
    })
}

fn service_spec(project: &Project, service: &Service, context: &Context) -> ServiceSpec {
    let count = u32::try_from(service.count()).unwrap_or(0);
    let waited_for = project.services.values().filter_map(|other| other.depends_on.get(&service.name));
    let completes = waited_for.clone().any(|dependency| dependency.condition == Condition::Completed);
    let checked = service.healthcheck.as_ref().is_some_and(|check| !check.disable && !check.test.is_empty());
    let healthy = checked || waited_for.clone().any(|dependency| dependency.condition == Condition::Healthy);
    let grace = service.stop_grace_period.map(|grace| u64::try_from(grace.0 / 1_000_000).unwrap_or(0));
    let runs = |name: &&String| project.services.contains_key(*name);
    ServiceSpec {
        name: service.name.clone(),
        image: service.image.clone(),
        may_pull: service.pull_policy != "never",
        refresh: service.pull_policy == "always",
        containers: (1..=count).map(|number| container::spec(project, service, number, context)).collect(),
        depends_on: service
            .depends_on
            .iter()
            .filter(|(name, _)| runs(name))
            .map(|(name, dependency)| (name.clone(), dependency.condition))
            .collect(),
        restarts_with: service
            .depends_on
            .iter()
            .filter(|(name, dependency)| dependency.restart && runs(name))
            .map(|(name, _)| name.clone())
            .collect(),
        ready: match (completes, healthy) {
            (true, _) => Condition::Completed,
            (false, true) => Condition::Healthy,
            (false, false) => Condition::Started,
        },
        hashes: Dialect::ALL.into_iter().map(|dialect| hash::service_hash(service, dialect)).collect(),
        grace_ms: grace.unwrap_or(DEFAULT_GRACE_MS),
    }
}

#[cfg(test)]
mod tests;
