//! Making a container: image id into its label, anonymous volumes from the one it replaces, more than one network.

use std::collections::BTreeSet;

use bollard::models::{Mount, MountType};

use super::failure::{Failure, Reason};
use crate::compose::create_body;
use crate::compose::desired::{ContainerSpec, labels};
use crate::compose::model::service::MountKind;
use crate::compose::observed::State;
use crate::engine::{Engine, LocalImage, VolumeMount};

/// Makes the container of a spec, on all its networks. One that was made a moment ago by the same step is kept.
pub(super) async fn create(
    engine: &Engine,
    spec: &ContainerSpec,
    replaces: Option<&str>,
) -> Result<(), Failure> {
    let failed = |error| Failure::of_engine(&spec.name, &error);
    let image = engine.image(&spec.service.image).await.map_err(failed)?.ok_or_else(|| {
        Failure::new(
            Reason::Gone,
            &spec.name,
            format!("the image {} is not here any more", spec.service.image),
        )
    })?;
    let old = match replaces {
        Some(id) => engine.inspect(id).await.map_err(failed)?,
        None => None,
    };
    let mut body = create_body::container(spec, Some(&image.id), replaces);
    if let Some(old) = old
        && let Some(host) = &mut body.host_config
    {
        let inherited = inherited(spec, &image, &old.volumes);
        let mounts = host.mounts.get_or_insert_with(Vec::new);
        mounts.retain(|mount| !inherited.iter().any(|volume| mount.target == Some(volume.target.clone())));
        mounts.extend(inherited.into_iter().map(|volume| Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.name),
            target: Some(volume.target),
            ..Mount::default()
        }));
    }
    match engine.create(&spec.name, body).await {
        Ok(_) => {}
        Err(error) if error.is_conflict() && is_the_same(engine, spec).await? => {}
        Err(error) => return Err(failed(error)),
    }
    for (network, endpoint) in create_body::other_networks(spec) {
        match engine.attach(&network, &spec.name, endpoint).await {
            Ok(()) => {}
            Err(error) if error.detail.contains("already exists in network") => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

async fn is_the_same(engine: &Engine, spec: &ContainerSpec) -> Result<bool, Failure> {
    let found = engine.inspect(&spec.name).await.map_err(|error| Failure::of_engine(&spec.name, &error))?;
    Ok(found.is_some_and(|found| {
        found.container.state == State::Created
            && found.container.labels.get(labels::SPEC_HASH) == Some(&spec.hash())
    }))
}

/// Volumes without a name that the image or the file wants: the data in them goes on with the new container.
fn inherited(spec: &ContainerSpec, image: &LocalImage, old: &[VolumeMount]) -> Vec<VolumeMount> {
    let mounted: BTreeSet<&str> = spec
        .service
        .volumes
        .iter()
        .filter(|mount| mount.kind != MountKind::Volume || !mount.source.is_empty())
        .map(|mount| mount.target.as_str())
        .collect();
    let anonymous = spec
        .service
        .volumes
        .iter()
        .filter(|mount| mount.kind == MountKind::Volume && mount.source.is_empty())
        .map(|mount| mount.target.as_str());
    let wanted: BTreeSet<&str> = image.volumes.iter().map(String::as_str).chain(anonymous).collect();
    old.iter()
        .filter(|volume| wanted.contains(volume.target.as_str()) && !mounted.contains(volume.target.as_str()))
        .cloned()
        .collect()
}
