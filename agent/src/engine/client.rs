//! A connection to the engine, with our verbs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{
    EventsOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::{EngineFailure, ObservedContainer, convert};

/// Inspections under way at once: the engine answers one in under a millisecond.
const INSPECT_AT_ONCE: usize = 4;

/// What in a container's life changes our view. The engine's `exec_*` events (three per
/// health check) are left out.
const EVENTS: [&str; 13] = [
    "create",
    "start",
    "restart",
    "stop",
    "die",
    "kill",
    "oom",
    "pause",
    "unpause",
    "rename",
    "destroy",
    "update",
    "health_status",
];

/// A connection to the engine. Cheap to clone; finds its way back after an engine restart.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) docker: Docker,
    socket: PathBuf,
}

impl Engine {
    /// Connects to a socket file; fails at once when there is none. `deadline` is for
    /// the head of each answer.
    pub fn connect(socket: &Path, deadline: Duration) -> Result<Self, EngineFailure> {
        let path = socket.to_string_lossy();
        let docker =
            Docker::connect_with_unix(&path, deadline.as_secs().max(1), bollard::API_DEFAULT_VERSION)?;
        Ok(Self { docker, socket: socket.to_owned() })
    }

    /// The socket file.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// All containers of all compose projects, running or not.
    pub async fn compose_containers(&self) -> Result<Arc<[ObservedContainer]>, EngineFailure> {
        let filters = HashMap::from([("label", vec!["com.docker.compose.project"])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await?;
        let mut found: Vec<ObservedContainer> =
            stream::iter(listed.into_iter().filter_map(|summary| summary.id))
                .map(|id| async move {
                    match self.docker.inspect_container(&id, None::<InspectContainerOptions>).await {
                        Ok(inspected) => Ok(convert::container(inspected)),
                        // It went between the two calls.
                        Err(bollard::errors::Error::DockerResponseServerError {
                            status_code: 404, ..
                        }) => Ok(None),
                        Err(error) => Err(EngineFailure::from(error)),
                    }
                })
                .buffer_unordered(INSPECT_AT_ONCE)
                .try_filter_map(|container| std::future::ready(Ok(container)))
                .try_collect()
                .await?;
        found.sort_by(|a, b| (&a.project, &a.service, &a.name).cmp(&(&b.project, &b.service, &b.name)));
        Ok(found.into())
    }

    /// A stream with an item whenever a container changed; its end means that the engine went.
    pub fn changes(&self) -> impl Stream<Item = Result<(), EngineFailure>> + use<> {
        let filters = HashMap::from([("type", vec!["container"]), ("event", EVENTS.to_vec())]);
        let options = EventsOptionsBuilder::new().filters(&filters).build();
        self.docker.events(Some(options)).map(|event| event.map(drop).map_err(EngineFailure::from))
    }
}
