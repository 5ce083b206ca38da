//! The order of services: what others wait for comes first.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Service;

/// Services that wait for each other in a ring, in the order they do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these services wait for each other: {}", .0.join(" -> "))]
pub struct Cycle(pub Vec<String>);

/// Service names, dependencies first; among equals by name.
///
/// A dependency that is not among `services` (its profile is not active) counts for nothing.
///
/// # Errors
/// [`Cycle`] names one ring.
pub fn order(services: &BTreeMap<String, Service>) -> Result<Vec<String>, Cycle> {
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = services
        .iter()
        .map(|(name, service)| {
            let on = service.depends_on.keys().filter(|on| services.contains_key(*on)).map(String::as_str);
            (name.as_str(), on.collect())
        })
        .collect();
    let mut order = Vec::with_capacity(services.len());
    while !waiting.is_empty() {
        let Some(next) = waiting.iter().find(|(_, on)| on.is_empty()).map(|(name, _)| *name) else {
            return Err(ring(&waiting));
        };
        waiting.remove(next);
        waiting.values_mut().for_each(|on| {
            on.remove(next);
        });
        order.push(next.to_owned());
    }
    Ok(order)
}

/// Every service left waits for another one left, so following the first dependency must come round.
fn ring(waiting: &BTreeMap<&str, BTreeSet<&str>>) -> Cycle {
    let mut path: Vec<&str> = Vec::new();
    let mut name = waiting.keys().next().copied();
    while let Some(next) = name {
        if let Some(start) = path.iter().position(|seen| *seen == next) {
            path.drain(..start);
            path.push(next);
            break;
        }
        path.push(next);
        name = waiting.get(next).and_then(|on| on.first().copied());
    }
    Cycle(path.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model::service::Dependency;

    fn services(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Service> {
        let service = |on: &[&str]| Service {
            depends_on: on.iter().map(|on| ((*on).to_owned(), Dependency::default())).collect(),
            ..Service::default()
        };
        pairs.iter().map(|(name, on)| ((*name).to_owned(), service(on))).collect()
    }

    #[test]
    fn what_others_wait_for_comes_first() {
        let jitsi =
            services(&[("web", &["jvb"]), ("jvb", &["prosody"]), ("jicofo", &["prosody"]), ("prosody", &[])]);
        assert_eq!(order(&jitsi).unwrap(), ["prosody", "jicofo", "jvb", "web"]);
    }

    #[test]
    fn a_ring_is_named() {
        let ring = services(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &[])]);
        assert_eq!(order(&ring), Err(Cycle(vec!["b".into(), "c".into(), "b".into()])));
    }

    #[test]
    fn a_service_that_does_not_run_is_not_waited_for() {
        assert_eq!(order(&services(&[("a", &["gone"])])).unwrap(), ["a"]);
    }
}
