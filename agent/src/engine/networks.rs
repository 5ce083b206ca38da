//! Networks and volumes: looked up by name, made, and networks removed when nothing is on them.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::ListNetworksOptions;

use super::{Engine, EngineFailure};
use crate::compose::observed::Labelled;

impl Engine {
    /// Those of the named networks that are there.
    pub async fn networks(
        &self,
        names: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, Labelled>, EngineFailure> {
        let listed = self.docker.list_networks(None::<ListNetworksOptions>).await?;
        let found = listed.into_iter().filter_map(|network| {
            let name = network.name.filter(|name| names.contains(name.as_str()))?;
            Some((name, Labelled { labels: network.labels.unwrap_or_default().into_iter().collect() }))
        });
        Ok(found.collect())
    }

    /// A volume; `None`: there is none.
    pub async fn volume(&self, name: &str) -> Result<Option<Labelled>, EngineFailure> {
        match self.docker.inspect_volume(name).await {
            Ok(volume) => Ok(Some(Labelled { labels: volume.labels.into_iter().collect() })),
            Err(error) => {
                let failure = EngineFailure::from(error);
                if failure.is_missing() { Ok(None) } else { Err(failure) }
            }
        }
    }

    /// Makes a network. The engine takes two of one name, so look first.
    pub async fn create_network(&self, body: NetworkCreateRequest) -> Result<(), EngineFailure> {
        self.docker.create_network(body).await?;
        Ok(())
    }

    /// Makes a volume; one of that name is left as it is.
    pub async fn create_volume(&self, body: VolumeCreateRequest) -> Result<(), EngineFailure> {
        self.docker.create_volume(body).await?;
        Ok(())
    }

    /// Removes a network that nothing is on; says whether it is gone.
    pub async fn remove_network(&self, name: &str) -> Result<bool, EngineFailure> {
        match self.docker.remove_network(name).await {
            Ok(()) => Ok(true),
            Err(error) => {
                let failure = EngineFailure::from(error);
                match failure.status {
                    Some(404) => Ok(true),
                    Some(403) => Ok(false),
                    _ => Err(failure),
                }
            }
        }
    }
}
