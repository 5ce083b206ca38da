//! The `deploy` section of a service.

use super::Fields;
use crate::compose::file::node::Node;
use crate::compose::file::place::Complaints;
use crate::compose::model::deploy::{Deploy, Placement, Resource, Resources, RestartPolicy};

pub(super) fn deploy(node: &Node, path: &str, complaints: &mut Complaints) -> Deploy {
    let mut fields = Fields::new(node, path, complaints);
    let mut deploy = Deploy {
        mode: fields.text("mode"),
        replicas: fields.int("replicas"),
        labels: fields.labels("labels"),
        resources: Resources::default(),
        restart_policy: None,
        placement: Placement::default(),
    };
    let below = fields.path_of("resources");
    if let Some(node) = fields.take("resources") {
        deploy.resources = resources(node, &below, fields.complaints());
    }
    let below = fields.path_of("restart_policy");
    if let Some(node) = fields.take("restart_policy") {
        deploy.restart_policy = Some(restart_policy(node, &below, fields.complaints()));
    }
    let swarm = "it is for a swarm; this agent runs one engine";
    fields.finish(&[
        ("update_config", swarm),
        ("rollback_config", swarm),
        ("placement", swarm),
        ("endpoint_mode", swarm),
    ]);
    deploy
}

fn resources(node: &Node, path: &str, complaints: &mut Complaints) -> Resources {
    let mut fields = Fields::new(node, path, complaints);
    let mut read = |key: &'static str| {
        let below = fields.path_of(key);
        let node = fields.take(key)?;
        Some(resource(node, &below, fields.complaints()))
    };
    let resources = Resources { limits: read("limits"), reservations: read("reservations") };
    fields.finish(&[]);
    resources
}

fn resource(node: &Node, path: &str, complaints: &mut Complaints) -> Resource {
    let mut fields = Fields::new(node, path, complaints);
    let resource = Resource {
        cpus: fields.cpus("cpus"),
        memory: fields.bytes("memory"),
        pids: fields.int_or_zero("pids"),
    };
    fields.finish(&[("devices", "device reservations"), ("generic_resources", "it is for a swarm")]);
    resource
}

fn restart_policy(node: &Node, path: &str, complaints: &mut Complaints) -> RestartPolicy {
    let mut fields = Fields::new(node, path, complaints);
    let policy = RestartPolicy {
        condition: fields.text("condition"),
        delay: fields.duration("delay"),
        max_attempts: fields.int("max_attempts"),
        window: fields.duration("window"),
    };
    fields.finish(&[]);
    policy
}
