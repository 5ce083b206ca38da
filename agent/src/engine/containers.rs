//! What can be done to containers: one call of the engine each. What is done already is not an error.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bollard::models::{ContainerCreateBody, ContainerUpdateBody, EndpointSettings, NetworkConnectRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder, StartContainerOptions,
    StopContainerOptionsBuilder,
};

use super::inspected::{Inspected, inspected};
use super::{Engine, EngineFailure};
use crate::compose::create_body;
use crate::compose::desired::{Restart, labels};

/// What stopping and restarting may take beyond the container's own grace.
const OVERHEAD: Duration = Duration::from_secs(30);

impl Engine {
    /// Every container with the project's label, and every one that has one of these names.
    pub async fn containers_of(
        &self,
        project: &str,
        names: &BTreeSet<String>,
    ) -> Result<Vec<Inspected>, EngineFailure> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let listed = self.docker.list_containers(Some(options)).await?;
        let mut found = Vec::new();
        for summary in listed {
            let labelled = summary
                .labels
                .as_ref()
                .and_then(|all| all.get(labels::PROJECT))
                .is_some_and(|name| name == project);
            let named =
                summary.names.iter().flatten().any(|name| names.contains(name.trim_start_matches('/')));
            if let Some(id) = summary.id.filter(|_| labelled || named) {
                // One that went between the two calls is gone.
                found.extend(self.inspect(&id).await?);
            }
        }
        found.sort_by(|a, b| a.container.name.cmp(&b.container.name));
        Ok(found)
    }

    /// Containers of a project that a label says more of; for those who have no compose file at hand.
    pub async fn containers_labelled(&self, label: &str) -> Result<Vec<Inspected>, EngineFailure> {
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let mut found = Vec::new();
        for id in self.docker.list_containers(Some(options)).await?.into_iter().filter_map(|one| one.id) {
            found.extend(self.inspect(&id).await?);
        }
        Ok(found)
    }

    /// One container by id or name; `None`: there is none.
    pub async fn inspect(&self, container: &str) -> Result<Option<Inspected>, EngineFailure> {
        match self.docker.inspect_container(container, None::<InspectContainerOptions>).await {
            Ok(found) => inspected(found).map(Some),
            Err(error) => {
                let failure = EngineFailure::from(error);
                if failure.is_missing() { Ok(None) } else { Err(failure) }
            }
        }
    }

    /// Makes a container and returns its id.
    pub async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<String, EngineFailure> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        Ok(self.docker.create_container(Some(options), body).await?.id)
    }

    /// Attaches a container to one more network.
    pub async fn attach(
        &self,
        network: &str,
        container: &str,
        endpoint: EndpointSettings,
    ) -> Result<(), EngineFailure> {
        let request =
            NetworkConnectRequest { container: container.to_owned(), endpoint_config: Some(endpoint) };
        Ok(self.docker.connect_network(network, request).await?)
    }

    /// Starts a container; one that runs already stays as it is.
    pub async fn start(&self, container: &str) -> Result<(), EngineFailure> {
        Ok(self.docker.start_container(container, None::<StartContainerOptions>).await?)
    }

    /// Stops a container, with SIGKILL after `grace`; one that does not run stays as it is.
    pub async fn stop(&self, container: &str, grace: Duration) -> Result<(), EngineFailure> {
        let options = StopContainerOptionsBuilder::new().t(seconds(grace)).build();
        let patient = self.docker.clone().with_timeout(grace + OVERHEAD);
        Ok(patient.stop_container(container, Some(options)).await?)
    }

    /// Gives a container another name.
    pub async fn rename(&self, container: &str, to: &str) -> Result<(), EngineFailure> {
        let options = RenameContainerOptionsBuilder::new().name(to).build();
        Ok(self.docker.rename_container(container, options).await?)
    }

    /// Says when the engine starts a container again.
    pub async fn set_restart(&self, container: &str, restart: Restart) -> Result<(), EngineFailure> {
        let body = ContainerUpdateBody {
            restart_policy: Some(create_body::restart(restart)),
            ..ContainerUpdateBody::default()
        };
        Ok(self.docker.update_container(container, body).await?)
    }

    /// Removes a container that does not run, and nothing else; one that is gone is no error.
    pub async fn remove(&self, container: &str) -> Result<(), EngineFailure> {
        let options = RemoveContainerOptionsBuilder::new().v(false).force(false).build();
        match self.docker.remove_container(container, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let failure = EngineFailure::from(error);
                let going = failure.is_conflict() && failure.detail.contains("already in progress");
                if failure.is_missing() || going { Ok(()) } else { Err(failure) }
            }
        }
    }
}

/// Whole seconds, up: a grace of half a second is not none.
fn seconds(grace: Duration) -> i32 {
    i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}
