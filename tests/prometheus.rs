//! Debian's Prometheus scrapes agent and aggregator as an operator's would, and its own
//! tool judges the names.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use usher_tests::agent::Agent;
use usher_tests::aggregator::{Aggregator, QUICK};
use usher_tests::prometheus::Prometheus;

fn fixed(url: &str) -> String {
    format!("    static_configs:\n      - targets: [\"{}\"]\n", url.trim_start_matches("http://"))
}

/// What `promtool check metrics` finds in a text, a finding a line.
fn findings(text: &str) -> BTreeSet<String> {
    let mut promtool = Command::new("/usr/bin/promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs (apt-get install prometheus)");
    promtool.stdin.take().expect("piped").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_real_prometheus_scrapes_both_and_finds_the_agents_by_the_aggregators_list() {
    let agent = Agent::start(&["--node", "vm1", "--engine-socket", "/nonexistent"]);
    let aggregator = Aggregator::start(&format!("{QUICK}[discovery]\ntargets = [{:?}]\n", agent.url));
    aggregator.ready().await;
    let listed = format!(
        "    http_sd_configs:\n      - url: {}/sd\n        refresh_interval: 1s\n",
        aggregator.operator_url()
    );
    let prometheus = Prometheus::scraping(&[
        ("node", fixed(&agent.url)),
        ("usher", fixed(aggregator.operator_url())),
        ("listed", listed),
    ]);
    for job in ["node", "usher", "listed"] {
        prometheus.has(&format!("up{{job=\"{job}\"}} == 1")).await;
    }
    let busy = "1 - avg without (cpu, mode) (rate(node_cpu_seconds_total{job=\"node\",mode=\"idle\"}[10s]))";
    for expression in
        [busy, "node_uname_info", "usher_agent_ready == 1", "rate(usher_agent_samples_total[10s]) > 0"]
    {
        prometheus.has(expression).await;
    }
    let scrapes = prometheus.has("usher_aggregator_scrapes_total{outcome=\"ok\"} > 0").await;
    assert!(!scrapes.is_empty());
}

#[tokio::test]
async fn promtool_finds_nothing_but_node_exporters_own_spellings() {
    let agent = Agent::start(&["--engine-socket", "/nonexistent", "--stack-project", "jitsi"]);
    let aggregator = Aggregator::start(&format!("{QUICK}[discovery]\ntargets = [{:?}]\n", agent.url));
    aggregator.ready().await;
    // Some counters appear with their first event.
    drop(aggregator.get("/api/v1/server").await);
    drop(aggregator.get("/").await);
    assert_eq!(findings(&aggregator.operator_get("/metrics").await.text), BTreeSet::new());
    let foreign: Vec<String> = findings(&agent.metrics().await)
        .into_iter()
        .filter(|finding| !finding.starts_with("node_"))
        .collect();
    assert_eq!(foreign, Vec::<String>::new());
}
