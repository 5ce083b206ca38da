//! What a container mounts: the engine has two ways to say it, and compose uses both.

use bollard::models::{
    Mount as EngineMount, MountBindOptions, MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType,
    MountVolumeOptions,
};

use crate::compose::desired::ContainerSpec;
use crate::compose::model::service::{Mount, MountKind, VolumeOptions};

/// Whether the engine's old way is used, by compose's rule: only it makes host folders and relabels for `SELinux`,
/// and only the new one knows propagation, `nocopy` and so on.
fn is_bind(mount: &Mount) -> bool {
    match mount.kind {
        MountKind::Bind => mount.bind.as_ref().is_none_or(|bind| {
            bind.create_host_path == Some(true) && bind.propagation.is_empty() && bind.recursive.is_empty()
        }),
        MountKind::Volume => {
            let plain = |of: &VolumeOptions| !of.nocopy && of.subpath.is_empty() && of.labels.is_empty();
            !mount.source.is_empty() && mount.volume.as_ref().is_none_or(plain)
        }
        MountKind::Tmpfs => false,
    }
}

pub(super) fn binds(spec: &ContainerSpec) -> Vec<String> {
    let line = |mount: &Mount| {
        let source = spec.volumes.get(&mount.source).filter(|_| mount.kind == MountKind::Volume);
        let mut options = vec![if mount.read_only { "ro" } else { "rw" }];
        options.extend(
            mount.bind.as_ref().map(|bind| bind.selinux.as_str()).filter(|option| !option.is_empty()),
        );
        format!("{}:{}:{}", source.unwrap_or(&mount.source), mount.target, options.join(","))
    };
    spec.service.volumes.iter().filter(|mount| is_bind(mount)).map(line).collect()
}

pub(super) fn mounts(spec: &ContainerSpec) -> Vec<EngineMount> {
    let files = spec.files.iter().map(|(file, target)| EngineMount {
        typ: Some(MountType::BIND),
        source: Some(file.clone()),
        target: Some(target.clone()),
        read_only: Some(true),
        ..EngineMount::default()
    });
    spec.service
        .volumes
        .iter()
        .filter(|mount| !is_bind(mount))
        .map(|of| mount(spec, of))
        .chain(files)
        .collect()
}

fn mount(spec: &ContainerSpec, mount: &Mount) -> EngineMount {
    let propagation = |name: &str| match name {
        "private" => Some(MountBindOptionsPropagationEnum::PRIVATE),
        "rprivate" => Some(MountBindOptionsPropagationEnum::RPRIVATE),
        "shared" => Some(MountBindOptionsPropagationEnum::SHARED),
        "rshared" => Some(MountBindOptionsPropagationEnum::RSHARED),
        "slave" => Some(MountBindOptionsPropagationEnum::SLAVE),
        "rslave" => Some(MountBindOptionsPropagationEnum::RSLAVE),
        _ => None,
    };
    EngineMount {
        target: Some(mount.target.clone()),
        source: super::text(spec.volumes.get(&mount.source).unwrap_or(&mount.source)),
        typ: Some(match mount.kind {
            MountKind::Bind => MountType::BIND,
            MountKind::Volume => MountType::VOLUME,
            MountKind::Tmpfs => MountType::TMPFS,
        }),
        read_only: Some(mount.read_only),
        consistency: super::text(&mount.consistency),
        bind_options: mount.bind.as_ref().filter(|_| mount.kind == MountKind::Bind).map(|bind| {
            MountBindOptions { propagation: propagation(&bind.propagation), ..MountBindOptions::default() }
        }),
        volume_options: mount.volume.as_ref().filter(|_| mount.kind == MountKind::Volume).map(|volume| {
            MountVolumeOptions {
                no_copy: volume.nocopy.then_some(true),
                labels: (!volume.labels.is_empty()).then(|| super::map(&volume.labels)),
                subpath: super::text(&volume.subpath),
                ..MountVolumeOptions::default()
            }
        }),
        tmpfs_options: mount.tmpfs.as_ref().map(|tmpfs| MountTmpfsOptions {
            size_bytes: super::size(tmpfs.size),
            mode: super::number(tmpfs.mode),
            ..MountTmpfsOptions::default()
        }),
        ..EngineMount::default()
    }
}
