//! Which compose project belongs to this node, and what of it must run.

use usher_common::wire::{ContainerHealth, ContainerState, NotReady};

use crate::config::StackConfig;
use crate::engine::ObservedContainer;

/// The service whose presence marks a project as a Jitsi.
const BRIDGE: &str = "jvb";

/// The project to watch: the configured one, else the one that runs a bridge (the
/// first by name, if there are several). `None` when there is neither.
#[must_use]
pub fn project<'a>(config: &'a StackConfig, containers: &'a [ObservedContainer]) -> Option<&'a str> {
    let found =
        || containers.iter().find(|container| container.service == BRIDGE).map(|c| c.project.as_str());
    config.project.as_deref().or_else(found)
}

/// What keeps the stack from taking rooms. `containers` are those of its project;
/// a container of a one-service project may be one of several of that service.
#[must_use]
pub fn faults(services: &[String], containers: &[&ObservedContainer]) -> Vec<NotReady> {
    let any = |service: &String| containers.iter().any(|container| container.service == *service);
    if !services.iter().any(any) {
        return vec![NotReady::StackMissing];
    }
    let mut found = Vec::new();
    for service in services {
        // With several containers of one service, one good one is enough.
        let all = containers.iter().filter(|container| container.service == *service);
        let best = all.map(|container| fault(container)).min_by_key(|fault| fault.map_or(0, severity));
        match best {
            None => found.push(NotReady::ContainerDown),
            Some(fault) => found.extend(fault),
        }
    }
    found.sort();
    found.dedup();
    found
}

fn fault(container: &ObservedContainer) -> Option<NotReady> {
    match (container.state, container.health) {
        (ContainerState::Running, None | Some(ContainerHealth::Healthy | ContainerHealth::Unknown)) => None,
        (ContainerState::Running, Some(ContainerHealth::Starting)) => Some(NotReady::ContainerStarting),
        (ContainerState::Running, Some(ContainerHealth::Unhealthy)) => Some(NotReady::ContainerUnhealthy),
        _ => Some(NotReady::ContainerDown),
    }
}

fn severity(fault: NotReady) -> u8 {
    match fault {
        NotReady::ContainerStarting => 1,
        NotReady::ContainerUnhealthy => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::observed_for_tests as observed;

    fn services() -> Vec<String> {
        ["web", "jvb"].map(str::to_owned).to_vec()
    }

    fn check(containers: &[ObservedContainer], want: &[NotReady]) {
        let all: Vec<_> = containers.iter().collect();
        assert_eq!(faults(&services(), &all), want, "{containers:#?}");
    }

    #[test]
    fn all_running_is_no_fault_and_nothing_at_all_is_a_missing_stack() {
        check(&[observed("web"), observed("jvb"), observed("etherpad")], &[]);
        check(&[observed("etherpad")], &[NotReady::StackMissing]);
    }

    #[test]
    fn a_service_that_is_gone_exited_or_unhealthy_is_a_fault_of_its_own() {
        check(&[observed("web")], &[NotReady::ContainerDown]);
        let mut jvb = observed("jvb");
        jvb.state = ContainerState::Exited;
        check(&[observed("web"), jvb.clone()], &[NotReady::ContainerDown]);
        check(&[observed("web"), jvb.clone(), observed("jvb")], &[]);
        jvb.state = ContainerState::Running;
        jvb.health = Some(ContainerHealth::Unhealthy);
        check(&[observed("web"), jvb.clone()], &[NotReady::ContainerUnhealthy]);
        jvb.health = Some(ContainerHealth::Starting);
        check(&[observed("web"), jvb], &[NotReady::ContainerStarting]);
    }

    #[test]
    fn without_a_configured_project_the_one_with_a_bridge_is_ours() {
        let mut other = observed("db");
        other.project = "accounts".into();
        let config = StackConfig { directory: None, project: None, services: services() };
        assert_eq!(project(&config, &[other.clone(), observed("jvb")]), Some("jitsi"));
        assert_eq!(project(&config, &[other.clone()]), None);
        let fixed = StackConfig { project: Some("meet".into()), ..config };
        assert_eq!(project(&fixed, &[other]), Some("meet"));
    }
}
