//! Images: what is here, getting more with progress per layer, and where the engine keeps them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{CreateImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};

use super::{Engine, EngineFailure};

/// An image that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// Its id, `sha256:…`.
    pub id: String,
    /// Digests by which registries know it, `repository@sha256:…`.
    pub digests: Vec<String>,
    /// Paths that it wants a volume at.
    pub volumes: BTreeSet<String>,
}

/// How far one layer of a pull is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerProgress {
    /// The layer's short id; `None` for a line about the whole image.
    pub layer: Option<String>,
    /// The engine's words: `Downloading`, `Pull complete`, `Digest: sha256:…`.
    pub status: String,
    /// Bytes done.
    pub current: Option<i64>,
    /// Bytes in all.
    pub total: Option<i64>,
}

/// Who we are to a registry. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryLogin {
    /// A name and its password.
    Password {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// A token that a login left behind.
    IdentityToken(String),
}

impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryLogin(…)")
    }
}

impl Engine {
    /// An image by reference or id; `None`: it is not here.
    pub async fn image(&self, reference: &str) -> Result<Option<LocalImage>, EngineFailure> {
        match self.docker.inspect_image(reference).await {
            Ok(found) => Ok(found.id.map(|id| LocalImage {
                id,
                digests: found.repo_digests.unwrap_or_default(),
                volumes: found
                    .config
                    .and_then(|config| config.volumes)
                    .unwrap_or_default()
                    .into_iter()
                    .collect(),
            })),
            Err(error) => {
                let failure = EngineFailure::from(error);
                if failure.is_missing() { Ok(None) } else { Err(failure) }
            }
        }
    }

    /// Gets an image; dropping the stream makes the engine stop. `patience` is for the head of its answer, which
    /// comes with the registry's first word. Its end says little: look whether the image is here.
    pub fn pull(
        &self,
        reference: &str,
        login: Option<RegistryLogin>,
        patience: Duration,
    ) -> impl Stream<Item = Result<LayerProgress, EngineFailure>> + use<> {
        let options = CreateImageOptionsBuilder::new().from_image(&with_tag(reference)).build();
        let login = login.map(|login| match login {
            RegistryLogin::Password { name, password } => DockerCredentials {
                username: Some(name),
                password: Some(password),
                ..DockerCredentials::default()
            },
            RegistryLogin::IdentityToken(token) => {
                DockerCredentials { identitytoken: Some(token), ..DockerCredentials::default() }
            }
        });
        let docker = self.docker.clone().with_timeout(patience);
        docker
            .create_image(Some(options), None, login)
            .map(|line| line.map(layer).map_err(EngineFailure::from))
    }

    /// Names an image once more.
    pub async fn tag(&self, image: &str, reference: &str) -> Result<(), EngineFailure> {
        let full = with_tag(reference);
        let (repository, tag) = full.rsplit_once(':').unwrap_or((&full, "latest"));
        let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
        Ok(self.docker.tag_image(image, Some(options)).await?)
    }

    /// Where the engine keeps images and containers; `None` when it does not say.
    pub async fn root(&self) -> Result<Option<PathBuf>, EngineFailure> {
        Ok(self.docker.info().await?.docker_root_dir.map(PathBuf::from))
    }
}

fn layer(line: CreateImageInfo) -> LayerProgress {
    let detail = line.progress_detail.unwrap_or_default();
    LayerProgress {
        layer: line.id,
        status: line.status.unwrap_or_default(),
        current: detail.current,
        total: detail.total,
    }
}

/// Without a tag the engine would get every tag there is.
fn with_tag(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains(':') || name.contains('@') {
        reference.to_owned()
    } else {
        format!("{reference}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_without_a_tag_means_the_latest() {
        assert_eq!(with_tag("prom/prometheus"), "prom/prometheus:latest");
        assert_eq!(with_tag("localhost:5000/web"), "localhost:5000/web:latest");
        assert_eq!(with_tag("localhost:5000/web:1"), "localhost:5000/web:1");
        assert_eq!(with_tag("web@sha256:00"), "web@sha256:00");
    }

    #[test]
    fn a_login_is_not_printed() {
        let login = RegistryLogin::Password { name: "me".into(), password: "secret".into() };
        assert!(!format!("{login:?}").contains("secret"));
    }
}
