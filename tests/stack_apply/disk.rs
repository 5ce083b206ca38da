//! A disk that is too small for a new version: it is refused or given up, and the version before serves on.

use std::io::Write as _;

use serde_json::json;
use usher_tests::compose_project::ComposeProject;
use usher_tests::engine::{Kind, OwnEngine};
use usher_tests::registry::Registry;

use super::{GOOD, unique};

const FILE: &str = "
services:
  web:
    image: ${REPO}/double:${TAG}
    restart: unless-stopped
    stop_grace_period: 1s
";
/// Of the engine's whole disk.
const DISK_MIB: u32 = 48;
/// Packed it leaves room for itself, unpacked beside that not.
const LARGE_MIB: usize = 24;
/// Packed it is nothing.
const HOLLOW_MIB: usize = 64;

#[tokio::test]
async fn a_version_that_the_disk_cannot_hold_is_refused_or_given_up_and_the_one_before_serves_on() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    let space = tempfile::tempdir().unwrap();
    let large = space.path().join("large");
    std::fs::write(&large, noise(LARGE_MIB)).unwrap();
    let hollow = space.path().join("hollow");
    let mut file = std::fs::File::create(&hollow).unwrap();
    (0..HOLLOW_MIB).for_each(|_| file.write_all(&[0; 1 << 20]).unwrap());
    let command = ["/bin/sh", "-c", GOOD];
    registry.push_image(&[&large], &command, &["double:large"]).unwrap();
    registry.push_image(&[&hollow], &command, &["double:hollow"]).unwrap();

    let engine =
        OwnEngine::start(Kind { disk_mib: Some(DISK_MIB), ..Kind::default() }, &registry).await.unwrap();
    let env = format!("REPO={}\nTAG=1\n", registry.address());
    let project = ComposeProject::new(&unique(), FILE, &env).unwrap();
    let project = project.logged_in(registry.docker_config()).on(&engine);
    drop(project.stack_json(&["up"], 0));
    let (before, env) = (project.containers(), project.env());
    for (tag, words) in [("large", "MiB packed"), ("hollow", "no space left on device")] {
        let said = project.stack_json(&["up", "--set", &format!("TAG={tag}")], 1);
        let job = &said["deployment"];
        assert_eq!((&job["phase"], &job["reason"]), (&json!("failed"), &json!("disk_full")), "{said:#}");
        assert!(job["detail"].as_str().unwrap().contains(words), "{said:#}");
        assert_eq!(project.containers(), before, "{tag}: the version before was touched");
        assert_eq!(project.env(), env);
        let images = project.docker(&["image", "ls", "--quiet", "--no-trunc"]);
        assert_eq!(images.lines().count(), 1, "{tag}: something of it was left: {images}");
    }
    assert!(super::actions(&project.stack_json(&["plan"], 0)).is_empty());
    drop(project.stack_json(&["down"], 0));
    drop(engine);
}

/// Bytes that cannot be packed: a linear congruential generator's.
fn noise(mib: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).expect("eight bits")
    };
    std::iter::repeat_with(next).take(mib << 20).collect()
}
