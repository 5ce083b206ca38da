//! The agent's contract over HTTP, and its manners as a process.

use reqwest::{Method, StatusCode, header};
use serde_json::json;
use usher_common::wire::{NotReady, OperatorMode};
use usher_tests::agent::{Agent, client};
use usher_tests::eventually::{eventually, unless};
use usher_tests::proc_tree::ProcTree;
use usher_tests::program;

const NO_ENGINE: [&str; 2] = ["--engine-socket", "/nonexistent/docker.sock"];

fn refused(args: &[&str], variables: &[(&str, &str)]) -> String {
    let output = program::run("usher-agent", args, variables);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!said.contains("panicked") && !said.contains("stack backtrace"), "{said}");
    said
}

#[test]
fn bad_settings_are_one_message_with_all_complaints_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agent.toml");
    let text = "listn = \"x\"\nlisten = 9100\npublic_url = \"vm1\"\n[sample]\ninterval = \"soon\"\n";
    std::fs::write(&file, text).unwrap();
    let said = refused(&["--config", file.to_str().unwrap()], &[("USHER_AGENT_LABELS", "novalue")]);
    for part in [
        "unknown key \"listn\"; did you mean \"listen\"?",
        "agent.toml:2: listen must be a string with an address",
        "agent.toml:5: sample.interval \"soon\" is no length of time",
        "$USHER_AGENT_LABELS: labels \"novalue\" is not name=value",
    ] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
    assert!(
        refused(&["--public-url", "vm1"], &[]).contains("--public-url: public_url \"vm1\" is no public URL")
    );
}

#[test]
fn a_missing_or_unreadable_settings_file_is_named() {
    assert!(refused(&["--config", "/no/such/file"], &[]).contains("cannot read /no/such/file"));
    assert!(refused(&["--config", "/proc/self/mem"], &[]).contains("cannot read /proc/self/mem"));
    assert!(refused(&["--auth-token-file", "/no/token"], &[]).contains("cannot read /no/token"));
}

#[test]
fn a_port_in_use_is_named_with_the_mend() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&["--listen", &address], &[]);
    assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("ss -ltnp"), "{said}");
}

#[test]
fn off_loopback_without_a_token_it_refuses_to_start() {
    let said = refused(&["--listen", "0.0.0.0:0", "--auth-open-metrics"], &[]);
    assert!(said.contains("auth.token_file must be set"), "{said}");
}

#[tokio::test]
async fn off_loopback_only_the_probes_of_life_are_open() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let token = "0123456789abcdef0123456789abcdef";
    std::fs::write(&file, token).unwrap();
    let auth = ["--auth-token-file", file.to_str().unwrap()];
    let agent = Agent::start_listening("0.0.0.0:0", &[&auth[..], &NO_ENGINE].concat());
    for path in ["/-/healthy", "/"] {
        assert_eq!(agent.get(path).await.status(), StatusCode::OK, "{path}");
    }
    for path in ["/metrics", "/v1/report", "/v1/report/schema", "/v1/state"] {
        assert_eq!(agent.get(path).await.status(), StatusCode::UNAUTHORIZED, "{path}");
        let wrong = agent.request(Method::GET, path).bearer_auth("0123456789abcdef0123456789abcdeX");
        assert_eq!(wrong.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{path}");
        let right = agent.request(Method::GET, path).bearer_auth(token).send().await.unwrap();
        assert_eq!(right.status(), StatusCode::OK, "{path}");
    }
    let open =
        Agent::start_listening("0.0.0.0:0", &[&auth[..], &NO_ENGINE, &["--auth-open-metrics"]].concat());
    assert_eq!(open.get("/metrics").await.status(), StatusCode::OK);
    assert_eq!(open.get("/v1/report").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_is_replaced_without_a_restart_and_a_wrong_file_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let (old, new) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    std::fs::write(&file, old).unwrap();
    let args = [&["--auth-token-file", file.to_str().unwrap()][..], &NO_ENGINE].concat();
    let mut agent = Agent::start_listening("0.0.0.0:0", &args);
    let status = async |agent: &Agent, token: &str| {
        agent.request(Method::GET, "/v1/report").bearer_auth(token).send().await.unwrap().status()
    };
    std::fs::write(&file, new).unwrap();
    agent.program.signal("HUP");
    agent.program.logged(&["restart_needed_for"]);
    assert_eq!(status(&agent, new).await, StatusCode::OK);
    assert_eq!(status(&agent, old).await, StatusCode::UNAUTHORIZED);
    std::fs::write(&file, "").unwrap();
    agent.program.signal("HUP");
    agent.program.logged(&["complaints"]);
    assert_eq!(status(&agent, new).await, StatusCode::OK);
}

#[tokio::test]
async fn the_operators_wish_holds_over_a_kill() {
    let agent = Agent::start(&NO_ENGINE);
    let wish = json!({ "mode": "drain", "who": "ada", "why": "kernel update" });
    let answer = agent.request(Method::PUT, "/v1/state").json(&wish).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let ready = agent.get("/-/ready").await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().await.unwrap().contains("draining"));

    let agent = agent.killed_and_restarted().await;
    let report = eventually("a first sample", async || {
        let report = agent.report().await;
        unless(report.seq > 0, format!("{:?}", report.not_ready)).map(|()| report)
    })
    .await;
    assert_eq!(report.operator.mode, OperatorMode::Drain);
    assert_eq!(report.operator.who.as_deref(), Some("ada"));
    assert_eq!(report.not_ready, [NotReady::Draining]);

    let bad = agent.request(Method::PUT, "/v1/state").json(&json!({ "mode": "drane" })).send().await.unwrap();
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    assert_eq!(agent.report().await.operator.mode, OperatorMode::Drain);
}

#[tokio::test]
async fn a_promise_is_kept_over_a_kill_seen_in_the_report_and_refused_while_draining() {
    // A machine of its own: one that is busy with other tests would be full.
    let tree = ProcTree::new(0.1);
    let agent = Agent::start(&[&NO_ENGINE[..], &["--host-proc", tree.path()]].concat());
    let ready = async |agent: &Agent| {
        eventually("a first sample", async || {
            let report = agent.report().await;
            unless(report.ready, format!("{:?}", report.not_ready))
        })
        .await;
    };
    ready(&agent).await;
    let ask = async |agent: &Agent, id: &str| {
        let body = json!({ "id": id, "expected": 8.0, "ttl_s": 600 });
        agent.request(Method::POST, "/v1/reservations").json(&body).send().await.unwrap()
    };
    assert_eq!(ask(&agent, "a").await.status(), StatusCode::CREATED);
    let again = ask(&agent, "a").await;
    assert_eq!(again.status(), StatusCode::OK);
    let said: serde_json::Value = again.json().await.unwrap();
    assert_eq!((&said["id"], &said["pending"]), (&json!("a"), &json!(8.0)));

    let agent = agent.killed_and_restarted().await;
    ready(&agent).await;
    assert_eq!(agent.report().await.reservations[0].id, "a");
    agent.request(Method::PUT, "/v1/state").json(&json!({ "mode": "drain" })).send().await.unwrap();
    let refused = ask(&agent, "b").await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert_eq!(refused.json::<serde_json::Value>().await.unwrap(), json!({ "refused": "draining" }));
    for (status, left) in [(StatusCode::NO_CONTENT, 0), (StatusCode::NOT_FOUND, 0)] {
        let released = agent.request(Method::DELETE, "/v1/reservations/a").send().await.unwrap();
        assert_eq!((released.status(), agent.report().await.reservations.len()), (status, left));
    }
    for bad in [
        json!({}),
        json!({ "id": "", "expected": 1, "ttl_s": 1 }),
        json!({ "id": "x", "expected": -1, "ttl_s": 1 }),
    ] {
        let answer = agent.request(Method::POST, "/v1/reservations").json(&bad).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_wish_that_cannot_be_kept_is_refused_and_the_agent_lives_on() {
    let agent = Agent::start(&NO_ENGINE);
    std::fs::remove_dir_all(agent.state()).unwrap();
    std::fs::write(agent.state(), "in the way").unwrap();
    let answer =
        agent.request(Method::PUT, "/v1/state").json(&json!({ "mode": "maint" })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::INSUFFICIENT_STORAGE);
    assert!(answer.text().await.unwrap().contains("the state was not changed"));
    assert_eq!(agent.report().await.operator.mode, OperatorMode::Ready);
    std::fs::remove_file(agent.state()).unwrap();
}

#[tokio::test]
async fn a_report_that_is_known_is_not_sent_twice() {
    let agent = Agent::start(&[&NO_ENGINE[..], &["--sample-interval", "30s"]].concat());
    eventually("a first sample", async || unless(agent.report().await.seq > 0, "none")).await;
    let first = agent.get("/v1/report").await;
    let tag = first.headers()[header::ETAG].clone();
    let again = agent.request(Method::GET, "/v1/report").header(header::IF_NONE_MATCH, &tag);
    assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    agent.request(Method::PUT, "/v1/state").json(&json!({ "mode": "drain" })).send().await.unwrap();
    let changed = agent.request(Method::GET, "/v1/report").header(header::IF_NONE_MATCH, &tag);
    assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn the_schema_of_the_report_is_served() {
    let answer = Agent::start(&NO_ENGINE).get("/v1/report/schema").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/schema+json");
    assert_eq!(answer.text().await.unwrap(), usher_common::wire::REPORT_SCHEMA);
}

#[tokio::test]
async fn metrics_come_in_the_format_and_the_encoding_that_is_asked_for() {
    let agent = Agent::start(&NO_ENGINE);
    let plain = agent.get("/metrics").await;
    assert_eq!(plain.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    let open = agent
        .request(Method::GET, "/metrics")
        .header(header::ACCEPT, "application/openmetrics-text;version=1.0.0");
    let open = open.send().await.unwrap();
    assert!(
        open.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/openmetrics-text")
    );
    assert!(open.text().await.unwrap().ends_with("# EOF\n"));
    let gzip =
        agent.request(Method::GET, "/metrics").header(header::ACCEPT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(gzip.headers()[header::CONTENT_ENCODING], "gzip");
    assert!(gzip.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
}

#[tokio::test]
async fn without_an_engine_the_host_is_known_and_the_reason_is_said() {
    let agent = Agent::start(&NO_ENGINE);
    let report = eventually("rates", async || {
        let report = agent.report().await;
        let busy = report.cpu.as_ref().and_then(|cpu| cpu.busy);
        unless(busy.is_some(), format!("{:?}", report.cpu)).map(|()| report)
    })
    .await;
    assert!(report.ready, "no stack is expected here: {:?}", report.not_ready);
    assert!(report.memory.unwrap().total_bytes > 0);
    assert_eq!(report.probes["engine"].reason.map(usher_common::wire::ProbeFailure::as_str), Some("missing"));
    let metrics = agent.metrics().await;
    assert!(
        metrics.contains("usher_agent_probe_failure{probe=\"engine\",reason=\"missing\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("node_cpu_seconds_total{"), "the host's own families are missing");
}

#[tokio::test]
async fn an_expected_stack_without_an_engine_makes_the_node_not_ready() {
    let agent = Agent::start(&[&NO_ENGINE[..], &["--stack-project", "jitsi"]].concat());
    eventually("engine_down", async || {
        let report = agent.report().await;
        unless(report.not_ready == [NotReady::EngineDown], format!("{:?}", report.not_ready))
    })
    .await;
}

#[tokio::test]
async fn a_term_signal_lets_requests_finish_and_ends_with_success() {
    let mut agent = Agent::start(&NO_ENGINE);
    agent.get("/-/healthy").await;
    agent.program.signal("TERM");
    assert!(agent.program.ended().await.success());
    assert!(client().get(format!("{}/-/healthy", agent.url)).send().await.is_err());
}

#[tokio::test]
async fn without_a_jitsi_the_public_url_is_a_page_that_says_so() {
    let agent = Agent::start(&NO_ENGINE);
    let report = agent.report().await;
    let page = client().get(report.public_url.room("some room")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text().await.unwrap();
    assert!(text.contains("No Jitsi is configured on this machine") && text.contains("some room"), "{text}");
    let elsewhere = Agent::start(&[&NO_ENGINE[..], &["--public-url", "https://vm1.example.org"]].concat());
    assert_eq!(elsewhere.get("/some-room").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn public_url_of_the_stacks_environment_is_used() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".env"), "CONFIG=/x\nPUBLIC_URL=\"https://meet.example.org:8443\"\n")
        .unwrap();
    let agent =
        Agent::start(&[&NO_ENGINE[..], &["--stack-directory", dir.path().to_str().unwrap()]].concat());
    assert_eq!(agent.report().await.public_url.to_string(), "https://meet.example.org:8443/");
}
