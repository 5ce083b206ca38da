//! What is on the engine and the host, as far as the project cares.

use std::collections::{BTreeMap, BTreeSet};

use super::failure::Failure;
use super::memory::Memory;
use crate::compose::desired::Desired;
use crate::compose::observed::{Observed, PREVIOUS};
use crate::engine::{Engine, EngineFailure};

/// Looks at everything once.
pub(super) async fn observe(
    engine: &Engine,
    desired: &Desired,
    memory: &Memory,
) -> Result<Observed, Failure> {
    look(engine, desired, memory).await.map_err(|error| Failure::of_engine("the Docker engine", &error))
}

async fn look(engine: &Engine, desired: &Desired, memory: &Memory) -> Result<Observed, EngineFailure> {
    let specs = desired.services.iter().flat_map(|service| &service.containers);
    let names: BTreeSet<String> =
        specs.flat_map(|spec| [spec.name.clone(), format!("{}{PREVIOUS}", spec.name)]).collect();
    let found = engine.containers_of(&desired.project, &names).await?;
    let containers = found
        .into_iter()
        .map(|mut found| {
            found.container.restart_before = memory.restart_of(&found.container.id);
            found.container.owes_restart_with = memory.owed(&found.container.id).map(str::to_owned);
            found.container
        })
        .collect();
    let networks = desired.networks.iter().map(|spec| spec.network.name.as_str()).collect();
    let mut volumes = BTreeMap::new();
    for spec in &desired.volumes {
        if let Some(volume) = engine.volume(&spec.volume.name).await? {
            volumes.insert(spec.volume.name.clone(), volume);
        }
    }
    let mut images = BTreeMap::new();
    for service in &desired.services {
        if !images.contains_key(&service.image)
            && let Some(image) = engine.image(&service.image).await?
        {
            images.insert(service.image.clone(), image.id);
        }
    }
    // Broken links count as there: the engine would fail on them and say so.
    let missing = desired.folders.keys().filter(|path| std::fs::symlink_metadata(path).is_err());
    Ok(Observed {
        containers,
        networks: engine.networks(&networks).await?,
        volumes,
        images,
        missing_folders: missing.cloned().collect(),
    })
}
