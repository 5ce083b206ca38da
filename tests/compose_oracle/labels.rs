//! The hashes that real `create` writes on containers, networks and volumes.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use usher_agent::compose::hash;

use super::case::{Case, NEW, OLD, Oracle, fixtures, jitsi_cases};
use super::engine::{Created, ENGINE, EmptyImage, docker};

/// Creates the project with real compose and compares the hashes it wrote with ours.
fn compare_labels(case: &Case, oracle: Oracle, image: &EmptyImage, failures: &mut Vec<String>) {
    let project = match case.ours() {
        Ok(project) => project,
        Err(error) => return failures.push(error),
    };
    let mut created = Created { case, oracle, images: image.name_for(&project), outside: Vec::new() };
    created.make_outside(&project);
    if let Err(error) = oracle.run(case, &["create"]) {
        return failures.push(format!("{} {}: {error}", case.label, oracle.version));
    }
    let filter = format!("label=com.docker.compose.project={}", project.name);
    let hash = "com.docker.compose.config-hash";
    let mut compare = |what: &str, key: &str, ours: String, found: &BTreeMap<String, String>| {
        if found.get(key) != Some(&ours) {
            let theirs = found.get(key);
            failures.push(format!(
                "{} {}: {what} {key}: ours {ours}, theirs {theirs:?}",
                case.label, oracle.version
            ));
        }
    };
    let dialect = hash::Dialect::of_version(oracle.version).expect("a version");
    let format = format!("{{{{.Label \"com.docker.compose.service\"}}}} {{{{.Label \"{hash}\"}}}}");
    let found =
        pairs(&docker(&["ps", "-a", "--filter", &filter, "--format", &format]).expect("the engine lists"));
    for (name, service) in &project.services {
        compare("service", name, hash::service_hash(service, dialect), &found);
    }
    if oracle.version != NEW.version {
        return; // the older one does not label networks and volumes
    }
    for (kind, label) in [("network", "com.docker.compose.network"), ("volume", "com.docker.compose.volume")]
    {
        let format = format!("{{{{.Label \"{label}\"}}}} {{{{.Label \"{hash}\"}}}}");
        let found = pairs(
            &docker(&[kind, "ls", "--filter", &filter, "--format", &format]).expect("the engine lists"),
        );
        if kind == "network" {
            for (key, network) in project.networks.iter().filter(|(_, network)| !network.external) {
                compare(kind, key, hash::network_hash(network), &found);
            }
        } else {
            for (key, volume) in project.volumes.iter().filter(|(_, volume)| !volume.external) {
                compare(kind, key, hash::volume_hash(volume), &found);
            }
        }
    }
}

fn pairs(lines: &str) -> BTreeMap<String, String> {
    lines.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

fn every_label(oracle: Oracle) {
    let _alone = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    docker(&["version"]).expect("these tests want a docker engine");
    let image = EmptyImage::import();
    let mut failures = Vec::new();
    let cases = fixtures();
    let jitsi = jitsi_cases();
    let cases = cases.iter().chain(&jitsi);
    for case in cases.filter(|case| !case.config_only && (oracle.version == NEW.version || !case.new_only)) {
        compare_labels(case, oracle, &image, &mut failures);
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_hashes_are_those_that_compose_writes() {
    every_label(NEW);
}

#[test]
fn the_hashes_are_those_that_an_older_compose_writes() {
    every_label(OLD);
}
