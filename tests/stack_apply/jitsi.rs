//! docker-jitsi-meet's own files, with stand-in images from a private registry in place of Jitsi's.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use usher_tests::compose_project::ComposeProject;
use usher_tests::images::program;
use usher_tests::program::free_port;
use usher_tests::registry::Registry;

use super::{GOOD, actions, unique};

const DOUBLE: [&str; 5] = [
    "/bin/jitsi-double",
    "--web=0.0.0.0:8000",
    "--prosody=0.0.0.0:5280",
    "--jicofo=0.0.0.0:8888",
    "--jvb=0.0.0.0:8080",
];
const SERVICES: [&str; 4] = ["jicofo", "jvb", "prosody", "web"];

#[tokio::test]
async fn docker_jitsi_meets_own_files_come_up_and_compose_finds_nothing_to_do() {
    let environment = usher_common::rt::process::environment();
    // Said by `make test` where the files are not to be had, and told there.
    if environment.contains_key("USHER_WITHOUT_SHARED") {
        return;
    }
    let shared = environment
        .get("USHER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), Into::into);
    let source = shared.join("data/docker-jitsi-meet");
    assert!(
        source.is_dir(),
        "{} is missing: set USHER_SHARED to the folder that holds data/",
        source.display()
    );
    let registry = Registry::start().await.unwrap();
    let names = |tag: &str| SERVICES.map(|service| format!("jitsi/{service}:{tag}"));
    for tag in ["stable-1", "stable-2"] {
        registry.push(GOOD, &names(tag).each_ref().map(String::as_str)).unwrap();
    }
    // Answers as all four of them would.
    let double = program("jitsi-double").unwrap();
    registry.push_image(&[&double], &DOUBLE, &names("stable-3").each_ref().map(String::as_str)).unwrap();

    let read = |name: &str| std::fs::read_to_string(source.join(name)).unwrap();
    let project = ComposeProject::new(&unique(), &read("docker-compose.yml"), "").unwrap();
    let project = project.logged_in(registry.docker_config());
    let config = project.folder().join("config");
    let port = || format!("127.0.0.1:{}", free_port());
    let web = port();
    let project = project.with_flags(&["--jitsi-web-url", &format!("http://{web}")]);
    let env = format!(
        "{}\n{}CONFIG={}\nHTTP_PORT={}\nHTTPS_PORT={}\nJVB_PORT={}\nJVB_COLIBRI_PORT={}\nJICOFO_REST_PORT={}\n\
         JITSI_IMAGE_REPO={}/jitsi\nJITSI_IMAGE_VERSION=stable-1\n",
        read("env.example"),
        project.env(),
        config.display(),
        web,
        port(),
        free_port(),
        free_port(),
        free_port(),
        registry.address()
    );
    std::fs::write(project.folder().join(".env"), env).unwrap();

    drop(project.stack_json(&["up"], 0));
    let seen = project.containers();
    let names: BTreeSet<String> =
        SERVICES.iter().map(|service| format!("{}-{service}-1", project.name())).collect();
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), names);
    assert!(seen.values().all(|one| one.state == "running"), "{seen:#?}");
    // The rootless images end at once when these belong to root.
    for folder in ["storage/prosody", "storage/web"] {
        let meta = std::fs::metadata(config.join(folder)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (1000, 1000), "{folder}");
    }
    assert!(actions(&project.stack_json(&["plan"], 0)).is_empty());
    let up = project.compose(&["up", "-d"]);
    assert_eq!(up.matches("Running").count(), 4, "{up}");
    assert_eq!(project.containers(), seen, "compose changed something");

    // Nobody can say whether people are on it, so it is left alone as a whole unless told otherwise.
    let said = project.stack_json(&["up", "--drain", "0", "--set", "JITSI_IMAGE_VERSION=stable-2"], 3);
    assert_eq!(said["deployment"]["reason"], "conferences", "{said:#}");
    assert_eq!(project.containers(), seen);
    // All its containers stay up, and none of Jitsi's services answers.
    let set = |tag: &'static str| ["up", "-t", "1", "--interrupt", "--deadline", "3", "--set", tag];
    let said = project.stack_json(&set("JITSI_IMAGE_VERSION=stable-2"), 1);
    let job = &said["deployment"];
    assert_eq!((&job["phase"], &job["reason"]), (&"rolled_back".into(), &"unresponsive".into()), "{said:#}");
    let all = |tag: &str| {
        let seen = project.containers();
        assert!(seen.values().all(|one| one.state == "running" && one.image.ends_with(tag)), "{seen:#?}");
        seen
    };
    drop(all(":stable-1"));
    drop(project.stack_json(&set("JITSI_IMAGE_VERSION=stable-3"), 0));
    let seen = all(":stable-3");
    let up = project.compose(&["up", "-d"]);
    assert_eq!(up.matches("Running").count(), 4, "{up}");

    let refused = project.stack_json(&["down", "-t", "1"], 3);
    assert_eq!(refused["outcome"]["holds"][0]["reason"], "conferences", "{refused:#}");
    assert_eq!(project.containers(), seen, "nobody can say whether people are on it");
    drop(project.stack_json(&["down", "-t", "1", "--interrupt"], 0));
    assert!(project.containers().is_empty());
    assert!(config.join("storage/prosody").is_dir(), "folders stay");
}
