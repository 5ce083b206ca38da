//! Networks, volumes, secrets and configs.

use super::Fields;
use crate::compose::file::node::Node;
use crate::compose::file::place::Complaints;
use crate::compose::model::resource::{FileResource, Ipam, Network, Pool, Volume};

/// The engine's name of a resource: what the file says, the key of an external one, else behind the project.
fn name(said: String, external: bool, project: &str, key: &str) -> String {
    match (said.is_empty(), external) {
        (false, _) => said,
        (true, true) => key.to_owned(),
        (true, false) => format!("{project}_{key}"),
    }
}

/// Reads a network.
pub fn network(project: &str, key: &str, node: &Node, complaints: &mut Complaints) -> Network {
    let mut fields = Fields::new(node, format!("networks.{key}"), complaints);
    let external = fields.flag("external") == Some(true);
    let said = fields.text("name");
    let mut network = Network {
        name: name(said, external, project, key),
        driver: fields.text("driver"),
        driver_opts: fields.labels("driver_opts"),
        ipam: Ipam::default(),
        external,
        internal: fields.flag("internal") == Some(true),
        attachable: fields.flag("attachable") == Some(true),
        labels: fields.labels("labels"),
        enable_ipv4: fields.flag("enable_ipv4"),
        enable_ipv6: fields.flag("enable_ipv6"),
    };
    let path = fields.path_of("ipam");
    if let Some(node) = fields.take("ipam") {
        network.ipam = ipam(node, &path, fields.complaints());
    }
    if external {
        only_name(
            &mut fields,
            "network",
            network == Network { name: network.name.clone(), external, ..Default::default() },
        );
    }
    fields.finish(&[]);
    network
}

fn only_name(fields: &mut Fields<'_, '_>, what: &str, nothing_else: bool) {
    if !nothing_else {
        fields.complain_here(format!(
            "an external {what} is made elsewhere: only name can stand beside external"
        ));
    }
}

fn ipam(node: &Node, path: &str, complaints: &mut Complaints) -> Ipam {
    let mut fields = Fields::new(node, path, complaints);
    let mut ipam = Ipam { driver: fields.text("driver"), config: Vec::new() };
    for item in fields.items("config") {
        let path = fields.path_of("config");
        let mut pool = Fields::new(item, path, fields.complaints());
        ipam.config.push(Pool {
            subnet: pool.text("subnet"),
            gateway: pool.text("gateway"),
            ip_range: pool.text("ip_range"),
            aux_addresses: pool.labels("aux_addresses"),
        });
        pool.finish(&[]);
    }
    fields.finish(&[("options", "address drivers with options")]);
    ipam
}

/// Reads a named volume.
pub fn volume(project: &str, key: &str, node: &Node, complaints: &mut Complaints) -> Volume {
    let mut fields = Fields::new(node, format!("volumes.{key}"), complaints);
    let external = fields.flag("external") == Some(true);
    let said = fields.text("name");
    let volume = Volume {
        name: name(said, external, project, key),
        driver: fields.text("driver"),
        driver_opts: fields.labels("driver_opts"),
        external,
        labels: fields.labels("labels"),
    };
    if external {
        only_name(
            &mut fields,
            "volume",
            volume == Volume { name: volume.name.clone(), external, ..Default::default() },
        );
    }
    fields.finish(&[]);
    volume
}

/// Reads a secret or config (`section` is the key of its section).
pub fn file_resource(
    project: &str,
    section: &str,
    key: &str,
    node: &Node,
    complaints: &mut Complaints,
) -> FileResource {
    let mut fields = Fields::new(node, format!("{section}.{key}"), complaints);
    let said = fields.text("name");
    let resource = FileResource {
        name: name(said, false, project, key),
        file: fields.text("file"),
        labels: fields.labels("labels"),
    };
    let why = "only `file:` is, which is mounted from the host";
    if resource.file.is_empty() && !["content", "environment", "external"].iter().any(|key| fields.says(key))
    {
        fields.complain_here("says nothing: give it a `file:`");
    }
    fields.finish(&[
        ("content", why),
        ("environment", why),
        ("external", why),
        ("driver", why),
        ("driver_opts", why),
        ("template_driver", why),
    ]);
    resource
}
