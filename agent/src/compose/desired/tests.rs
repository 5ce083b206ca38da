use std::collections::BTreeMap;

use super::{ContainerSpec, Context, Restart, desired, labels};
use crate::compose::create_body;
use crate::compose::file::{Files, LoadError, Request, load};
use crate::compose::hash::Dialect;

fn context() -> Context {
    Context {
        dialect: Dialect::From2_30_2,
        compose_version: "2.40.3".into(),
        env_files: Vec::new(),
        folder_owner: None,
    }
}

fn container(service: &str) -> ContainerSpec {
    let text = format!(
        "name: p\nservices:\n  a: {{image: i, {service}}}\nnetworks: {{n: , m: }}\nvolumes: {{vol: }}\n"
    );
    let mut files = Files::default();
    files.put("/d/compose.yaml", Some(text));
    let request = Request { directory: "/d".into(), ..Request::default() };
    let project = loop {
        match load(&files, &request) {
            Ok(loaded) => break loaded.project,
            Err(LoadError::Unread(paths)) => paths.into_iter().for_each(|path| files.put(path, None)),
            Err(error) => panic!("{error}"),
        }
    };
    desired(&project, &context()).unwrap().services.remove(0).containers.remove(0)
}

#[test]
fn a_container_has_every_label_that_compose_needs_to_accept_it() {
    let spec = container("labels: {com.docker.compose.project: forged, own: x}");
    let all = spec.all_labels(Some("sha256:1"), Some("old"));
    for (label, value) in [
        (labels::PROJECT, "p"),
        (labels::SERVICE, "a"),
        (labels::ONEOFF, "False"),
        (labels::NUMBER, "1"),
        (labels::IMAGE, "sha256:1"),
        (labels::REPLACES, "old"),
        (labels::MANAGED, "1"),
        ("own", "x"),
        ("com.docker.compose.project.working_dir", "/d"),
        ("com.docker.compose.project.config_files", "/d/compose.yaml"),
    ] {
        assert_eq!(all.get(label).map(String::as_str), Some(value), "{label}");
    }
    assert!(all.contains_key(labels::CONFIG_HASH) && all.contains_key(labels::SPEC_HASH));
}

#[test]
fn the_spec_hash_follows_what_the_container_is_and_nothing_else() {
    let hash = |service: &str| container(service).hash();
    assert_eq!(hash("user: '1'"), hash("user: '1', pull_policy: always, scale: 1"));
    assert_ne!(hash("user: '1'"), hash("user: '2'"));
    assert_ne!(hash("networks: [n]"), hash("networks: [m]"));
    assert!(ContainerSpec::understands(&hash("user: '1'")) && !ContainerSpec::understands("0:abc"));
}

#[test]
fn the_network_of_the_highest_priority_is_the_primary_one() {
    let names = |service: &str| -> Vec<String> {
        container(service).networks.into_iter().map(|on| on.network).collect()
    };
    assert_eq!(names("networks: [n, m]"), ["p_m", "p_n"]);
    assert_eq!(names("networks: {m: , n: {priority: 5}}"), ["p_n", "p_m"]);
    assert_eq!(container("networks: {n: {aliases: [x]}}").networks[0].aliases, ["p-a-1", "a", "x"]);
    assert_eq!(names("network_mode: host"), Vec::<String>::new());
}

#[test]
fn restart_policies_come_from_the_service_or_from_deploy() {
    let restart = |service: &str| container(service).restart;
    assert_eq!(restart("user: x"), Restart::No);
    assert_eq!(restart("restart: unless-stopped"), Restart::UnlessStopped);
    assert_eq!(restart("restart: 'on-failure:3'"), Restart::OnFailure(3));
    assert_eq!(restart("deploy: {restart_policy: {condition: any}}"), Restart::Always);
}

#[test]
fn mounts_take_the_way_that_compose_takes() {
    let spec = container(
        "volumes: ['/h:/h:ro,Z', 'vol:/v:nocopy', /anon, {type: tmpfs, target: /t, tmpfs: {size: 1m}}], \
         tmpfs: ['/run:size=16M,exec', /tmp]",
    );
    let host = create_body::container(&spec, None, None).host_config.unwrap();
    assert_eq!(host.binds.unwrap(), ["/h:/h:ro,Z"]);
    let targets: Vec<_> = host.mounts.unwrap().into_iter().filter_map(|mount| mount.target).collect();
    assert_eq!(targets, ["/v", "/anon", "/t"]);
    let tmpfs: BTreeMap<_, _> = host.tmpfs.unwrap().into_iter().collect();
    assert_eq!(
        tmpfs.into_iter().collect::<Vec<_>>(),
        [("/run".into(), "size=16M,exec".into()), ("/tmp".into(), String::new())]
    );
}

#[test]
fn names_that_are_set_nowhere_are_taken_from_the_image_as_compose_does() {
    let body = create_body::container(&container("environment: {A: 1, B: }"), None, None);
    assert_eq!(body.env.unwrap(), ["A=1", "B"]);
}
