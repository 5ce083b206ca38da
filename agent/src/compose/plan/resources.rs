//! Networks and volumes: made when they are missing, told when they differ, never changed and never removed.

use std::collections::BTreeMap;

use super::Planner;
use super::step::{Because, Held, Step};
use crate::compose::desired::labels;
use crate::compose::hash;

impl Planner<'_> {
    /// Looks at every network and volume the project uses.
    pub(super) fn resources(&mut self) {
        for spec in &self.desired.networks {
            let name = &spec.network.name;
            match self.observed.networks.get(name) {
                None if spec.network.external => {
                    self.blocked.insert(name.clone(), Held::ExternalMissing(name.clone()));
                }
                None => self.before(Because::Missing, Step::CreateNetwork(Box::new(spec.clone()))),
                Some(_) if spec.network.external => {}
                Some(found) if !self.is_ours(&found.labels) => {
                    self.blocked.insert(name.clone(), Held::NotOurs(name.clone()));
                }
                Some(found) => {
                    let hash = found.labels.get(labels::CONFIG_HASH);
                    if hash.is_some_and(|hash| *hash != hash::network_hash(&spec.network)) {
                        self.hold(name, Held::NetworkDiffers);
                    }
                }
            }
        }
        for spec in &self.desired.volumes {
            let name = &spec.volume.name;
            match self.observed.volumes.get(name) {
                None if spec.volume.external => {
                    self.blocked.insert(name.clone(), Held::ExternalMissing(name.clone()));
                }
                None => self.before(Because::Missing, Step::CreateVolume(Box::new(spec.clone()))),
                Some(_) if spec.volume.external => {}
                Some(found) if !self.is_ours(&found.labels) => {
                    self.blocked.insert(name.clone(), Held::NotOurs(name.clone()));
                }
                Some(_) => {}
            }
        }
    }

    fn is_ours(&self, found: &BTreeMap<String, String>) -> bool {
        found.get(labels::PROJECT).is_some_and(|project| *project == self.desired.project)
    }
}
