//! An engine of values: it does steps, refuses what the real one would refuse, and can be stopped anywhere.

use std::collections::BTreeSet;

use crate::compose::desired::{ContainerSpec, labels};
use crate::compose::model::service::Condition;
use crate::compose::observed::{Container, Health, Labelled, Observed, State};
use crate::compose::plan::{Step, Target};

#[derive(Clone, Debug, Default)]
pub(super) struct Engine {
    pub(super) seen: Observed,
    /// Spec hashes whose containers never get well.
    pub(super) broken: BTreeSet<String>,
    made: u32,
}

impl Engine {
    /// Puts a container there that some earlier run left.
    pub(super) fn put(
        &mut self,
        spec: &ContainerSpec,
        name: &str,
        state: State,
        health: Option<Health>,
    ) -> String {
        self.made += 1;
        let id = format!("id{}", self.made);
        self.seen.containers.push(Container {
            id: id.clone(),
            name: name.to_owned(),
            state,
            health,
            image_id: "sha256:1".into(),
            labels: spec.all_labels(Some("sha256:1"), None),
            networks: spec.networks.iter().map(|on| on.network.clone()).collect(),
            restart_before: None,
            owes_restart_with: None,
        });
        id
    }

    fn find(&mut self, target: &Target) -> Result<&mut Container, String> {
        let found = self.seen.containers.iter_mut().find(|container| match &target.id {
            Some(id) => container.id == *id,
            None => container.name == target.name,
        });
        let found = found.ok_or(format!("no such container: {target:?}"))?;
        if found.name == target.name {
            Ok(found)
        } else {
            Err(format!("{target:?} is called {}", found.name))
        }
    }

    fn name_is_free(&self, name: &str) -> Result<(), String> {
        if self.seen.containers.iter().any(|container| container.name == name) {
            return Err(format!("the name {name} is in use"));
        }
        Ok(())
    }

    /// Does one step; an error is what the real engine would answer.
    pub(super) fn apply(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Pull { image } => {
                self.seen.images.insert(image.clone(), "sha256:1".into());
            }
            Step::CreateNetwork(spec) => {
                let network = Labelled { labels: spec.labels.clone() };
                self.seen.networks.insert(spec.network.name.clone(), network);
            }
            Step::CreateVolume(spec) => {
                self.seen.volumes.insert(spec.volume.name.clone(), Labelled { labels: spec.labels.clone() });
            }
            Step::MakeFolder { path, .. } => {
                self.seen.missing_folders.remove(path);
            }
            Step::Rename { target, to } => {
                self.name_is_free(to)?;
                self.find(target)?.name.clone_from(to);
            }
            Step::Create { spec, replaces } => {
                self.name_is_free(&spec.name)?;
                let missing = spec.networks.iter().find(|on| !self.seen.networks.contains_key(&on.network));
                if missing.is_some() || !self.seen.images.contains_key(&spec.service.image) {
                    return Err(format!("{}: its network or image is missing", spec.name));
                }
                let mut sources = spec.service.volumes.iter().map(|mount| &mount.source);
                let as_root = sources.any(|source| self.seen.missing_folders.contains(source));
                assert!(!as_root, "the engine would make the folder of a mount as root");
                let id = self.put(spec, &spec.name, State::Created, None);
                let made = self.seen.containers.last_mut().expect("just put there");
                made.labels = spec.all_labels(Some("sha256:1"), replaces.as_deref());
                assert_ne!(Some(&id), replaces.as_ref());
            }
            Step::SetRestart { target, .. } => {
                self.find(target)?;
            }
            Step::Stop { target, .. } => self.find(target)?.state = State::Exited(143),
            Step::Start { target } => {
                let starts = self.find(target)?.clone();
                let same = |other: &&Container| {
                    other.id != starts.id
                        && other.belongs_to("p")
                        && other.service() == starts.service()
                        && other.number() == starts.number()
                };
                if let Some(other) = self.seen.containers.iter().filter(same).find(|other| other.is_up()) {
                    return Err(format!("the ports of {} are taken by {}", starts.name, other.name));
                }
                let container = self.find(target)?;
                container.state = State::Running;
                container.health = Some(Health::Starting);
            }
            Step::Restart { target, .. } => self.find(target)?.state = State::Running,
            Step::Await { target, until } => {
                let broken = self.broken.clone();
                let container = self.find(target)?;
                if container.state == State::Exited(0) && *until == Condition::Completed {
                    return Ok(());
                }
                if container.state != State::Running {
                    return Err(format!("{} is not up", container.name));
                }
                if container.labels.get(labels::SPEC_HASH).is_some_and(|hash| broken.contains(hash)) {
                    container.health = Some(Health::Unhealthy);
                    return Err(format!("{} does not get well", container.name));
                }
                container.health = Some(Health::Healthy);
            }
            Step::Remove { target } => {
                let container = self.find(target)?;
                if container.is_up() {
                    return Err(format!("{} runs", container.name));
                }
                let id = container.id.clone();
                self.seen.containers.retain(|container| container.id != id);
            }
            Step::RemoveNetwork { name } => {
                let used = self.seen.containers.iter().any(|container| container.networks.contains(name));
                if used {
                    return Err(format!("something is on the network {name}"));
                }
                self.seen.networks.remove(name);
            }
        }
        Ok(())
    }

    /// Time passes: what was starting is well, what could not decide has.
    pub(super) fn tick(&mut self) {
        for container in &mut self.seen.containers {
            let broken =
                container.labels.get(labels::SPEC_HASH).is_some_and(|hash| self.broken.contains(hash));
            if container.state == State::Restarting {
                container.state = State::Running;
            }
            if container.state == State::Running {
                container.health = Some(if broken { Health::Unhealthy } else { Health::Healthy });
            }
        }
    }
}
