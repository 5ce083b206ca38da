//! Whether a container is what its spec says, and if not, why.

use std::fmt;

use super::desired::{ContainerSpec, ServiceSpec, labels};
use super::observed::{Container, Observed};

/// Why a container is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// What the files say has changed since we made it.
    Changed,
    /// The image reference means another image now.
    Image,
    /// It is not on a network it should be on.
    Network(String),
    /// Somebody else made it, from files that say something else.
    Drift,
    /// The operator asks for it.
    Forced,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Changed => f.write_str("its settings changed"),
            Why::Image => f.write_str("its image changed"),
            Why::Network(name) => write!(f, "it is not on the network {name}"),
            Why::Drift => f.write_str("it was made by hand from other settings"),
            Why::Forced => f.write_str("it was asked for"),
        }
    }
}

/// Compares a container with its spec; `None`: it is the same.
///
/// A container we made is judged by our own hash, so that another compose version on the host changes nothing. One
/// that somebody else made is in sync when its hash is compose's in any dialect.
#[must_use]
pub fn difference(
    service: &ServiceSpec,
    spec: &ContainerSpec,
    container: &Container,
    observed: &Observed,
) -> Option<Why> {
    let ours = container.labels.get(labels::SPEC_HASH).filter(|hash| ContainerSpec::understands(hash));
    let settings = match ours {
        Some(hash) => (*hash != spec.hash()).then_some(Why::Changed),
        None => {
            let hash = container.labels.get(labels::CONFIG_HASH);
            (!hash.is_some_and(|hash| service.hashes.contains(hash))).then_some(Why::Drift)
        }
    };
    // An image that is not here any more cannot tell whether it changed.
    let image = || {
        let local = observed.images.get(&service.image)?;
        (*local != container.image_id).then_some(Why::Image)
    };
    let network = || {
        let missing = spec.networks.iter().find(|on| !container.networks.contains(&on.network))?;
        Some(Why::Network(missing.network.clone()))
    };
    settings.or_else(image).or_else(network)
}
