//! The labels on what we make: compose's, so that `docker compose ps`, `logs` and `up` see our containers as their
//! own, and ours, by which we decide.

use std::collections::BTreeMap;

use super::Context;
use crate::compose::hash;
use crate::compose::model::{Network, Project, Service, Volume};

/// The project a thing belongs to.
pub const PROJECT: &str = "com.docker.compose.project";
/// The service of a container.
pub const SERVICE: &str = "com.docker.compose.service";
/// `False` on what runs for good; compose looks for this exact text.
pub const ONEOFF: &str = "com.docker.compose.oneoff";
/// Compose's hash of the service.
pub const CONFIG_HASH: &str = "com.docker.compose.config-hash";
/// Which of a service's containers it is, from 1.
pub const NUMBER: &str = "com.docker.compose.container-number";
/// The id of the image it was made from; known, and written, when it is made.
pub const IMAGE: &str = "com.docker.compose.image";
/// What a network is called in the file.
pub const NETWORK: &str = "com.docker.compose.network";
/// What a volume is called in the file.
pub const VOLUME: &str = "com.docker.compose.volume";
/// Our own hash of the container as we made it: what we decide by.
pub const SPEC_HASH: &str = "usher.spec-hash";
/// The id of the container it was made to replace.
pub const REPLACES: &str = "usher.replaces";
/// `1` on what we made.
pub const MANAGED: &str = "usher.managed";

const VERSION: &str = "com.docker.compose.version";
const DEPENDS_ON: &str = "com.docker.compose.depends_on";
const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
const ENVIRONMENT_FILE: &str = "com.docker.compose.project.environment_file";

fn with<const N: usize>(
    own: &BTreeMap<String, String>,
    more: [(&str, String); N],
) -> BTreeMap<String, String> {
    let mut all = own.clone();
    all.extend(more.map(|(name, value)| (name.to_owned(), value)));
    all
}

/// The labels of a container but for the image id and our own.
pub(super) fn container(
    project: &Project,
    service: &Service,
    number: u32,
    context: &Context,
) -> BTreeMap<String, String> {
    let dependencies = service.depends_on.iter();
    let dependency = dependencies.map(|(name, on)| format!("{name}:{}:{}", on.condition.word(), on.restart));
    let mut labels = with(
        &service.labels,
        [
            (PROJECT, project.name.clone()),
            (SERVICE, service.name.clone()),
            (ONEOFF, "False".to_owned()),
            (CONFIG_HASH, hash::service_hash(service, context.dialect)),
            (NUMBER, number.to_string()),
            (DEPENDS_ON, dependency.collect::<Vec<_>>().join(",")),
            (WORKING_DIR, project.directory.clone()),
            (CONFIG_FILES, project.files.join(",")),
            (VERSION, context.compose_version.clone()),
            (MANAGED, "1".to_owned()),
        ],
    );
    if !context.env_files.is_empty() {
        labels.insert(ENVIRONMENT_FILE.to_owned(), context.env_files.join(","));
    }
    labels
}

/// The labels of a network; a wrong hash would make compose tear it down, so it is compose's own or not there.
pub(super) fn network(
    project: &Project,
    key: &str,
    network: &Network,
    context: &Context,
) -> BTreeMap<String, String> {
    with(
        &network.labels,
        [
            (PROJECT, project.name.clone()),
            (NETWORK, key.to_owned()),
            (CONFIG_HASH, hash::network_hash(network)),
            (VERSION, context.compose_version.clone()),
        ],
    )
}

/// The labels of a volume.
pub(super) fn volume(
    project: &Project,
    key: &str,
    volume: &Volume,
    context: &Context,
) -> BTreeMap<String, String> {
    with(
        &volume.labels,
        [
            (PROJECT, project.name.clone()),
            (VOLUME, key.to_owned()),
            (CONFIG_HASH, hash::volume_hash(volume)),
            (VERSION, context.compose_version.clone()),
        ],
    )
}
