//! People in conferences: a deployment waits for them, the commands say so, and only who says so interrupts them.

use serde_json::{Value, json};
use usher_tests::agent::Agent;
use usher_tests::compose_project::{ComposeProject, said};
use usher_tests::eventually::{eventually, unless};
use usher_tests::images::{Image, program};

use super::{docker, ended, keeper, order, settled, unique};

/// The bridge alone.
const FILE: &str = "
services:
  jvb:
    image: ${IMAGE}:${TAG}
    restart: unless-stopped
    stop_grace_period: 2s
    command: [/bin/jitsi-double, '--jvb=0.0.0.0:8080', '--control=0.0.0.0:9900', '--world=${WORLD}']
    ports: ['127.0.0.1::8080', '127.0.0.1::9900']
";
/// One meeting, as the stand-in takes it.
const MEETING: &str =
    r#"{"rooms":[{"address":"standup@muc.meet.jitsi","people":4,"created_unix_ms":1700000000000}]}"#;

/// Makes the bridge tell of another world.
async fn tell(project: &ComposeProject, world: &str) {
    let container = format!("{}-jvb-1", project.name());
    let port = docker(&["port", &container, "9900/tcp"]);
    let client = usher_tests::agent::client();
    let url = format!("http://{}/double", port.trim());
    let world: Value = serde_json::from_str(world).unwrap();
    client.put(url).json(&world).send().await.unwrap().error_for_status().unwrap();
}

async fn conferences(agent: &Agent, count: u64) {
    eventually("the bridge is heard", async || {
        let jitsi = agent.report().await.jitsi;
        let shown = jitsi.and_then(|jitsi| jitsi.conferences);
        unless(shown == Some(count), format!("{shown:?}"))
    })
    .await;
}

async fn job(agent: &Agent, id: &str) -> Value {
    agent.get(&format!("/v1/stack/deploy/{id}")).await.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_waits_for_people_unless_told_otherwise_and_the_commands_say_so() {
    let name = unique();
    let repository = format!("usher-test/{name}");
    let tag = |tag: &str| format!("{repository}:{tag}");
    let double = program("jitsi-double").unwrap();
    let _one = Image::build(&tag("1"), &[&double], &["/bin/jitsi-double"]).unwrap();
    drop(docker(&["tag", &tag("1"), &tag("2")]));
    drop(docker(&["tag", &tag("1"), &tag("3")]));
    let env = format!("IMAGE={repository}\nTAG=1\nWORLD='{MEETING}'\n");
    let project = ComposeProject::new(&name, FILE, &env).unwrap();
    let agent = keeper(&project, &[]);
    let project = project.beside(&agent);
    settled(&agent).await;
    conferences(&agent, 1).await;
    let before = project.containers();

    let plan: Value = agent.get("/v1/stack/plan?TAG=2").await.json().await.unwrap();
    assert_eq!(plan["holds"][0]["reason"], "conferences", "{plan:#}");
    let refused = project.stack_json(&["down"], 3);
    assert_eq!(refused["outcome"]["holds"][0]["text"], "1 conferences are on it; --interrupt goes on");

    // Not worth waiting for.
    let late = order(&agent, "/v1/stack/deploy", &json!({ "set": { "TAG": "2" }, "drain_s": 1 })).await;
    let late = ended(&agent, &late).await;
    assert_eq!((&late["phase"], &late["reason"]), (&json!("failed"), &json!("conferences")), "{late:#}");
    assert_eq!(project.containers(), before);
    assert!(project.env().contains("TAG=1\n"));

    // Worth it.
    let patient = order(&agent, "/v1/stack/deploy", &json!({ "set": { "TAG": "2", "WORLD": "{}" } })).await;
    eventually("it drains", async || {
        let job = job(&agent, &patient).await;
        unless(job["phase"] == "draining", job)
    })
    .await;
    let ready = agent.get("/-/ready").await;
    assert_eq!(ready.status().as_u16(), 503, "a node that drains takes no new rooms");
    assert_eq!(project.containers(), before);
    tell(&project, "{}").await;
    let patient = ended(&agent, &patient).await;
    assert_eq!(patient["phase"], "done", "{patient:#}");
    assert!(project.containers().values().all(|one| one.image == tag("2")));

    // By the command, with people on it again, and told to go on.
    settled(&agent).await;
    tell(&project, MEETING).await;
    conferences(&agent, 1).await;
    let output = project.stack(&["deploy", "--set", "TAG=3", "--drain", "1"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("waits for 1 conferences"), "{}", said(&output));
    let deployed = project.stack_json(&["deploy", "--set", "TAG=3", "--interrupt"], 0);
    assert_eq!(deployed["deployment"]["phase"], "done", "{deployed:#}");
    assert!(project.containers().values().all(|one| one.image == tag("3")));
    // `up --set` is the same deployment where an agent keeps the project, and so is the way back.
    settled(&agent).await;
    conferences(&agent, 0).await;
    drop(project.stack_json(&["rollback"], 0));
    settled(&agent).await;
    conferences(&agent, 0).await;
    drop(project.stack_json(&["up", "--set", "TAG=1"], 0));
    let history = project.stack_json(&["history"], 0);
    let phases: Vec<&str> =
        history.as_array().unwrap().iter().map(|job| job["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["done", "done", "done", "failed", "done", "failed"], "{history:#}");
    assert!(history[0]["who"].as_str().unwrap().contains("stack up"), "{history:#}");
    drop(docker(&["rmi", "--force", &tag("2"), &tag("3")]));
    drop(agent);
    drop(project.stack_json(&["down", "--interrupt"], 0));
}
