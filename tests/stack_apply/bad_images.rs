//! A version that cannot be had or does not come up: the reason is clear, the one before serves on.

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::any;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use usher_tests::compose_project::ComposeProject;
use usher_tests::registry::Registry;

use super::{BRIEF, FILE, GOOD, SICK, assert_all_run, project, unique};

/// Asks for a version that cannot be had: it must fail for `reason` and touch nothing.
fn refused(project: &ComposeProject, args: &[&str], reason: &str) {
    let (before, env) = (project.containers(), project.env());
    let said = project.stack_json(&[&["up"], args].concat(), 1);
    let job = &said["deployment"];
    assert_eq!((&job["phase"], &job["reason"]), (&json!("failed"), &json!(reason)), "{said:#}");
    assert_eq!(project.containers(), before, "{said:#}");
    assert_eq!(project.env(), env);
}

#[tokio::test]
async fn an_image_that_cannot_be_had_touches_nothing() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(GOOD, &["double:2"]).unwrap();
    let project = project(&registry, "1");
    drop(project.stack_json(&["up"], 0));
    refused(&project, &["--set", "TAG=no-such"], "pull_missing");
    // A reserve larger than any disk is a disk that is full.
    refused(&project, &["--set", "TAG=2", "--stack-disk-reserve-mib", "1073741824"], "disk_full");
    let config = registry.docker_config().join("config.json");
    let login = std::fs::read_to_string(&config).unwrap();
    let wrong = login.replace("dXNoZXI6b3BlbiBzZXNhbWU=", "dXNoZXI6d3Jvbmc=");
    for (text, reason) in
        [("{}", "pull_unauthorized"), (wrong.as_str(), "pull_unauthorized"), ("{", "pull_unauthorized")]
    {
        std::fs::write(&config, text).unwrap();
        refused(&project, &["--set", "TAG=2"], reason);
    }
    let elsewhere = project.folder().join("auth.json");
    std::fs::write(&elsewhere, login).unwrap();
    let elsewhere = elsewhere.to_str().unwrap();
    drop(project.stack_json(&["up", "--set", "TAG=2", "--stack-registry-auth-file", elsewhere], 0));
    assert_all_run(&project, "2");
}

#[tokio::test]
async fn a_version_that_does_not_come_up_makes_room_for_the_one_before() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(SICK, &["double:sick"]).unwrap();
    registry.push(BRIEF, &["double:brief"]).unwrap();
    let project = project(&registry, "1");
    drop(project.stack_json(&["up"], 0));
    for (tag, reason, detail) in [("sick", "unhealthy", "unhealthy"), ("brief", "exited", "exit code 7")] {
        let before = project.containers();
        let said = project.stack_json(&["up", "--set", &format!("TAG={tag}")], 1);
        let job = &said["deployment"];
        assert_eq!((&job["phase"], &job["reason"]), (&json!("rolled_back"), &json!(reason)), "{said:#}");
        assert!(job["detail"].as_str().unwrap().contains(detail), "{said:#}");
        assert_all_run(&project, "1");
        // The very containers of before; only the one that was tried was stopped for a moment.
        let after = project.containers();
        let ids = |seen: &std::collections::BTreeMap<_, usher_tests::compose_project::Seen>| {
            seen.values().map(|one| one.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&after), ids(&before));
        assert!(project.env().contains("TAG=1 # now"), "{}", project.env());
    }
    assert!(super::actions(&project.stack_json(&["plan"], 0)).is_empty());
}

#[tokio::test]
async fn a_version_that_goes_back_takes_the_services_own_env_files_with_it() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(BRIEF, &["double:brief"]).unwrap();
    let file =
        "services: {web: {image: '${REPO}/double:${TAG}', env_file: [web.env], stop_grace_period: 1s}}";
    let env = format!("REPO={}\nTAG=1\n", registry.address());
    let project = ComposeProject::new(&unique(), file, &env).unwrap().logged_in(registry.docker_config());
    let own = project.folder().join("web.env");
    std::fs::write(&own, "COLOUR=blue\n").unwrap();
    drop(project.stack_json(&["up"], 0));
    let before = project.containers();
    // Edited for the new version, which is no good.
    std::fs::write(&own, "COLOUR=red\n").unwrap();
    let with = project.folder().join("docker-compose.override.yml");
    std::fs::write(&with, "services: {web: {labels: {new: 'yes'}}}").unwrap();
    let said = project.stack_json(&["up", "--set", "TAG=brief"], 1);
    assert_eq!(said["deployment"]["phase"], "rolled_back", "{said:#}");
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "COLOUR=blue\n");
    assert!(!with.exists() && with.with_extension("yml.set-aside").exists());
    let ids = |seen: std::collections::BTreeMap<_, usher_tests::compose_project::Seen>| {
        seen.into_values().map(|one| (one.id, one.state)).collect::<Vec<_>>()
    };
    assert_eq!(ids(project.containers()), ids(before));
}

#[tokio::test]
async fn a_first_version_that_does_not_come_up_is_told_and_what_needs_it_waits() {
    let registry = Registry::start().await.unwrap();
    registry.push(SICK, &["double:sick"]).unwrap();
    let project = project(&registry, "sick");
    let said = project.stack_json(&["up"], 1);
    assert_eq!(said["outcome"]["failures"][0]["reason"], "unhealthy", "{said:#}");
    assert_eq!(said["outcome"]["waits"][0]["on"], "db", "{said:#}");
    assert_eq!(project.containers().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_has_enough_of_us_or_is_gone_is_named_as_such() {
    let app = Router::new().route("/v2/", any(|| async { "{}" })).fallback(|| async {
        let text = "{\"errors\": [{\"code\": \"TOOMANYREQUESTS\", \"message\": \"slow down\"}]}";
        (StatusCode::TOO_MANY_REQUESTS, [("content-type", "application/json")], text)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, app).await });
    let of = |address: String| async move {
        let env = format!("REPO={address}\nTAG=1\n");
        let project = ComposeProject::new(&unique(), FILE, &env).unwrap();
        tokio::task::spawn_blocking(move || {
            let said = project.stack_json(&["up"], 1);
            assert!(project.containers().is_empty());
            said["outcome"]["failures"][0]["reason"].as_str().unwrap().to_owned()
        })
        .await
        .unwrap()
    };
    let gone = format!("127.0.0.1:{}", usher_tests::program::free_port());
    let (busy, gone) = tokio::join!(of(address.to_string()), of(gone));
    assert_eq!((busy.as_str(), gone.as_str()), ("too_many_requests", "registry_unreachable"));
}

/// Of the configuration below.
const CONFIG_DIGEST: &str = "04d9a7b46f342e3c5857a019c33206530426c1d2d8947b77dc7532c09424e25a";

/// Has an image of one layer, of which only the beginning comes.
fn drip(digest: String) -> Router {
    let config = "{\"architecture\": \"amd64\", \"os\": \"linux\", \"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"]}}";
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": kind,
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": config.len(), "digest": digest },
        "layers": [{ "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 1 << 20,
                     "digest": format!("sha256:{}", "1".repeat(64)) }],
    })
    .to_string();
    let blob = move |uri: axum::http::Uri| {
        let whole = uri.path().ends_with(&digest);
        async move {
            if whole {
                return config.into_response();
            }
            let first = stream::iter([Ok::<_, std::convert::Infallible>(vec![0_u8; 4096])]);
            let body = axum::body::Body::from_stream(first.chain(stream::pending()));
            ([("content-length", "1048576")], body).into_response()
        }
    };
    Router::new()
        .route("/v2/", any(|| async { "{}" }))
        .route("/v2/double/manifests/{tag}", any(move || async move { ([("content-type", kind)], manifest) }))
        .route("/v2/double/blobs/{digest}", any(blob))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_stops_in_the_middle_of_a_layer_is_given_up() {
    let digest = "sha256:".to_owned() + CONFIG_DIGEST;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let env = format!("REPO={}\nTAG=1\n", listener.local_addr().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, drip(digest)).await });
    let project = ComposeProject::new(&unique(), FILE, &env).unwrap();
    let said = tokio::task::spawn_blocking(move || {
        let said = project.stack_json(&["up", "--stack-pull-stall", "1s"], 1);
        assert!(project.containers().is_empty());
        said
    });
    let said = said.await.unwrap();
    assert_eq!(said["outcome"]["failures"][0]["reason"], "stalled", "{said:#}");
}
