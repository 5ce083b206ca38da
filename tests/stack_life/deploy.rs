//! Deployments: a good one stays, a bad one leaves what was there before serving.

use serde_json::{Value, json};
use usher_tests::eventually::eventually;
use usher_tests::registry::Registry;

use super::{BRIEF, GOOD, SICK, all_run, docker, ended, image, keeper, order, project, settled};

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_is_deployed_followed_remembered_and_rolled_back_when_asked() {
    let (project, repository, _good) = project();
    let _better = image(&format!("{repository}:2"), GOOD);
    let agent = keeper(&project, &[]);
    settled(&agent).await;
    let env = project.env();
    let planned: Value = agent.get("/v1/stack/plan?TAG=2").await.json().await.unwrap();
    assert!(
        planned["steps"].as_array().unwrap().iter().any(|step| step["action"] == "create"),
        "{planned:#}"
    );

    let id = order(&agent, "/v1/stack/deploy", &json!({ "set": { "TAG": "2" }, "who": "alice" })).await;
    let follow = agent.request(reqwest::Method::GET, &format!("/v1/stack/deploy/{id}"));
    let told = follow.header("accept", "text/event-stream").send().await.unwrap().text().await.unwrap();
    assert!(told.contains("\"phase\":\"verifying\"") && told.contains("\"phase\":\"done\""), "{told}");
    let job = ended(&agent, &id).await;
    assert_eq!(
        (&job["phase"], &job["reason"], &job["set"]),
        (&json!("done"), &Value::Null, &json!(["TAG"])),
        "{job:#}"
    );
    all_run(&project, "2").unwrap();
    assert_eq!(project.env(), env.replace("TAG=1 # now", "TAG=2"));
    settled(&agent).await;

    let back = order(&agent, "/v1/stack/rollback", &json!({})).await;
    let job = ended(&agent, &back).await;
    assert_eq!(job["phase"], "done", "{job:#}");
    all_run(&project, "1").unwrap();
    assert_eq!(project.env(), env);
    let overview: Value = agent.get("/v1/stack").await.json().await.unwrap();
    assert_eq!(overview["deployments"][1]["id"], json!(id), "{overview:#}");
    assert!(!overview.to_string().contains("alice\":"), "who is a value, not a key");
    let refused =
        agent.request(reqwest::Method::POST, "/v1/stack/rollback").json(&json!({ "deployment": "x" }));
    assert_eq!(refused.send().await.unwrap().status().as_u16(), 404);
    let refused =
        agent.request(reqwest::Method::POST, "/v1/stack/deploy").json(&json!({ "set": { "A B": "" } }));
    assert_eq!(refused.send().await.unwrap().status().as_u16(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_version_leaves_the_one_before_serving_and_says_why() {
    let (project, repository, good) = project();
    let _sick = image(&format!("{repository}:sick"), SICK);
    let _brief = image(&format!("{repository}:brief"), BRIEF);
    let registry = Registry::start().await.unwrap();
    let logins = registry.docker_config().join("config.json");
    let agent = keeper(&project, &["--stack-registry-auth-file", logins.to_str().unwrap()]);
    settled(&agent).await;
    let env = project.env();
    let missing = format!("{}/nothing", registry.address());
    for (set, phase, reason) in [
        (json!({ "TAG": "sick" }), "rolled_back", "unhealthy"),
        (json!({ "TAG": "brief" }), "rolled_back", "exited"),
        (json!({ "IMAGE": missing }), "failed", "pull_missing"),
    ] {
        let id = order(&agent, "/v1/stack/deploy", &json!({ "set": set })).await;
        let job = ended(&agent, &id).await;
        assert_eq!(job["phase"], phase, "{set}: {job:#}");
        assert_eq!(job["reason"], reason, "{set}: {job:#}");
        eventually("the version before", async || all_run(&project, "1")).await;
        assert_eq!(project.env(), env, "{set}");
    }

    // The same name, another image: going back makes it mean the old one again.
    let bad = image(&format!("{repository}:1"), BRIEF);
    assert_ne!(bad.id(), good.id());
    let id = order(&agent, "/v1/stack/deploy", &json!({})).await;
    let job = ended(&agent, &id).await;
    assert_eq!((&job["phase"], &job["reason"]), (&json!("rolled_back"), &json!("exited")), "{job:#}");
    let now = docker(&["image", "inspect", "--format={{.Id}}", &format!("{repository}:1")]);
    assert_eq!(now.trim(), good.id());
    all_run(&project, "1").unwrap();
    settled(&agent).await;
    let metrics = agent.metrics().await;
    assert!(
        metrics.contains("usher_stack_deploys_total{outcome=\"rolled_back\",reason=\"exited\"} 2"),
        "{metrics}"
    );
    assert!(metrics.contains("usher_stack_deploy_phase{phase=\"rolled_back\"} 1"), "{metrics}");
}
