//! What operators get for Prometheus and Grafana, held against running programs: each query of each
//! dashboard must have figures, each rule must evaluate, each name in an alert must be a name that is
//! served, each alert must stand in the runbook.
//!
//! ```text
//! stack of stand-ins ── agent ─┐                ┌─ aggregator 1 ─┐
//!  Jitsi double ─────── agent ─┴── file_sd ─────┴─ aggregator 2 ─┴── GET /sd ── Prometheus, its rules
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_common::rt::process::random_id;
use usher_tests::agent::Agent;
use usher_tests::aggregator::{Aggregator, QUICK};
use usher_tests::eventually::{eventually, unless};
use usher_tests::jitsi_double::{Double, Part, World};
use usher_tests::prometheus::Prometheus;
use usher_tests::stack::Stack;

/// Names in alerts that a test machine need not serve, because its kernel or its containers have no such
/// thing. They must be names that the agent can serve.
const MAY_BE_ABSENT: &[&str] = &[
    "node_nf_conntrack_entries",                // the module may not be loaded
    "node_nf_conntrack_entries_limit",          // the same
    "node_vmstat_oom_kill",                     // a counter of younger kernels
    "usher_container_health",                   // the stand-ins have no health check
    "usher_container_memory_limit_bytes",       // nor a memory limit
    "usher_container_memory_working_set_bytes", // nor, in a nested engine, a readable cgroup
    "usher_container_oom_kills_total",          // cgroup v2 only
    "usher_agent_probe_failure",                // absent while all is well
];
/// Panels that stay empty where the containers' cgroups cannot be read.
const MAY_BE_EMPTY: &[&str] = &["CPU by container", "Memory by container"];

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the workspace").join("packaging")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(directory: &str, ending: &str) -> Vec<PathBuf> {
    let directory = packaging().join(directory);
    let entries =
        std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|it| it == ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no *.{ending} in {}", directory.display());
    found
}

fn dashboards() -> Vec<Value> {
    let parse =
        |path: &PathBuf| serde_json::from_str(&text(path)).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    files("grafana", "json").iter().map(parse).collect()
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().expect("a dashboard has panels")
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {value}"))
}

fn promtool(args: &[&str], paths: &[PathBuf]) {
    let output = Command::new("/usr/bin/promtool")
        .args(args)
        .args(paths)
        .output()
        .expect("promtool runs (apt-get install prometheus)");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {args:?}: {}", String::from_utf8_lossy(&said));
}

/// What one fleet with everything in it serves, and the load on it.
struct Fleet {
    prometheus: Prometheus,
    _load: JoinSet<()>,
    _aggregators: Vec<Arc<Aggregator>>,
    _agents: Vec<Agent>,
    _double: Double,
    _stack: Stack,
    _directory: tempfile::TempDir,
}

impl Fleet {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name).to_str().expect("it is UTF-8").to_owned();
        let certificate = rcgen::generate_simple_self_signed(["vm.example.org".to_owned()]).expect("made");
        std::fs::write(at("certificate.pem"), certificate.cert.pem()).expect("writable");
        std::fs::write(at("token"), "unused on loopback\n").expect("writable");

        let mut world = World::open();
        world.seat("weekly@muc.meet.jitsi", 7, 1);
        let stack = Stack::start_with(&format!("usher-test-{}", random_id()), &world).await.expect("a stack");
        let double = Double::start(world).await;
        let with_stack =
            Agent::start(&["--node", "vm1", "--region", "fr-par", "--stack-project", stack.project()]);
        let url = |part| double.url(part).to_string();
        let without = Agent::start(&[
            "--node",
            "vm2",
            "--region",
            "nl-ams",
            "--engine-socket",
            "/nonexistent",
            "--jitsi-jvb-url",
            &url(Part::Jvb),
            "--jitsi-jicofo-url",
            &url(Part::Jicofo),
            "--jitsi-prosody-url",
            &url(Part::Prosody),
            "--jitsi-web-url",
            &url(Part::Web),
            "--jitsi-certificate-file",
            &at("certificate.pem"),
        ]);
        let agents = vec![with_stack, without];

        let addresses: Vec<&str> =
            agents.iter().map(|agent| agent.url.trim_start_matches("http://")).collect();
        std::fs::write(at("targets.json"), json!([{ "targets": addresses }]).to_string()).expect("writable");
        // Nobody comes to these rooms, and the test's machine may be busy: neither is to end the placements.
        let willing = QUICK.replace("[placement]\n", "[placement]\nfull = 2.0\nbreaker_placements = 10000\n");
        let settings = format!("{willing}[discovery]\nfile = [{:?}]\n", at("targets.json"));
        let aggregators: Vec<Arc<Aggregator>> =
            (0..2).map(|_| Arc::new(Aggregator::start(&settings))).collect();
        let mut load = JoinSet::new();
        for aggregator in &aggregators {
            aggregator.ready().await;
            aggregator.node_is("vm1", "takes meetings", |node| node["eligible"] == true).await;
            let aggregator = Arc::clone(aggregator);
            load.spawn(async move {
                loop {
                    drop(aggregator.get("/api/v1/server").await);
                    drop(aggregator.post_room("{}").await);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            });
        }
        let config = configuration(&aggregators, &at("token"));
        Self {
            prometheus: Prometheus::start(&config),
            _load: load,
            _aggregators: aggregators,
            _agents: agents,
            _double: double,
            _stack: stack,
            _directory: directory,
        }
    }
}

/// The configuration as it is shipped, with this test's addresses, token and haste.
fn configuration(aggregators: &[Arc<Aggregator>], token: &str) -> String {
    let mut config = text(&packaging().join("prometheus/prometheus.yml"));
    let rules = packaging().join("prometheus/rules/*.yml");
    let mut put = |old: &str, new: &str| {
        assert!(config.contains(old), "prometheus.yml has no {old}");
        config = config.replace(old, new);
    };
    for (shipped, aggregator) in ["aggregator-1:7081", "aggregator-2:7081"].iter().zip(aggregators) {
        put(shipped, aggregator.operator_url().trim_start_matches("http://"));
    }
    put("/etc/prometheus/usher-agent.token", token);
    put("/etc/prometheus/usher-operator.token", token);
    put("usher/*.yml", rules.to_str().expect("it is UTF-8"));
    put("15s", "1s");
    config
}

/// A dashboard's query as Grafana would send it.
fn filled(query: &str) -> String {
    query.replace("$__rate_interval", "30s").replace("$instance", ".+").replace("$region", ".*")
}

/// The metric of `label_values(metric{…}, label)`, and the label.
fn variable(query: &str) -> (&str, &str) {
    let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    inside.and_then(|it| it.rsplit_once(", ")).unwrap_or_else(|| panic!("{query} is no label_values"))
}

async fn has_figures(prometheus: &Prometheus, title: &str, query: &str) {
    eventually(&format!("{title}: {query}"), async || {
        let found = prometheus.query(query).await?;
        let finite = |sample: &Value| {
            sample["value"][1].as_str().and_then(|it| it.parse::<f64>().ok()).is_some_and(f64::is_finite)
        };
        unless(found.iter().any(finite), format!("{found:?}"))
    })
    .await;
}

/// The names of metrics in an expression: identifiers with one of our prefixes.
fn names(expression: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let ours = [
        "usher_",
        "node_",
        "jitsi_",
        "process_",
        "instance:",
        "job:",
        "result:",
        "outcome:",
        "instance_route:",
    ];
    expression
        .split(|c| !is_part(c))
        .filter(|name| *name == "up" || ours.iter().any(|prefix| name.starts_with(prefix)))
        .collect()
}

/// Whether the agent's sources have a name, whole or as the part after `node_<subsystem>_`.
fn can_be_served(name: &str) -> bool {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("agent").join("src");
    let mut open = vec![sources];
    let tail = name.rsplit_once('_').map_or(name, |(_, tail)| tail);
    while let Some(directory) = open.pop() {
        for entry in
            std::fs::read_dir(directory).expect("sources").map(|entry| entry.expect("readable").path())
        {
            if entry.is_dir() {
                open.push(entry);
            } else if text(&entry).contains(name)
                || name.starts_with("node_vmstat") && text(&entry).contains(tail)
            {
                return true;
            }
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboards_and_every_rule_has_figures_of_a_running_fleet() {
    let fleet = Fleet::start().await;
    let prometheus = &fleet.prometheus;
    for (job, count) in [("usher-agents", 2), ("usher-aggregators", 2)] {
        prometheus.has(&format!("sum(up{{job=\"{job}\"}}) == {count}")).await;
    }

    let mut asked = 0;
    for dashboard in dashboards() {
        for variable_of in dashboard["templating"]["list"].as_array().expect("variables") {
            if word(variable_of, "type") == "query" {
                let (metric, label) = variable(word(&variable_of["query"], "query"));
                let found = prometheus.has(metric).await;
                assert!(found.iter().all(|one| one["metric"][label].is_string()), "{metric} has no {label}");
            }
        }
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let (title, query) = (word(panel, "title"), filled(word(target, "expr")));
                if MAY_BE_EMPTY.contains(&title) {
                    prometheus.query(&query).await.unwrap_or_else(|error| panic!("{title}: {error}"));
                } else {
                    has_figures(prometheus, title, &query).await;
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 50, "only {asked} queries were found in the dashboards");

    let rules = rules(prometheus).await;
    for rule in &rules {
        let query = word(rule, "query");
        if word(rule, "type") == "recording" {
            has_figures(prometheus, word(rule, "name"), query).await;
            continue;
        }
        for name in names(query) {
            if MAY_BE_ABSENT.contains(&name) {
                assert!(can_be_served(name), "{name} is not a name that the agent serves");
            } else {
                prometheus.has(name).await;
            }
        }
    }
}

/// All rules, once each was evaluated without an error.
async fn rules(prometheus: &Prometheus) -> Vec<Value> {
    eventually("every rule was evaluated", async || {
        let data = prometheus.api("rules", &[]).await?;
        let groups = data["groups"].as_array().ok_or_else(|| data.to_string())?;
        let rules: Vec<Value> =
            groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect();
        let ill = rules.iter().find(|rule| rule["health"] != "ok");
        unless(!rules.is_empty() && ill.is_none(), format!("{ill:?}")).map(|()| rules)
    })
    .await
}

#[test]
fn promtool_accepts_the_rules_and_the_rules_say_what_their_tests_want() {
    promtool(&["check", "rules"], &files("prometheus/rules", "yml"));
    promtool(&["test", "rules"], &files("prometheus/tests", "yml"));
    promtool(&["check", "config", "--syntax-only"], &files("prometheus", "yml"));
}

#[test]
fn every_alert_has_its_entry_in_the_runbook_and_every_entry_its_alert_and_its_test() {
    let runbook = text(&packaging().join("docs/runbook.md"));
    let rules: String = files("prometheus/rules", "yml").iter().map(|path| text(path)).collect();
    let tests: String = files("prometheus/tests", "yml").iter().map(|path| text(path)).collect();
    let after = |text: &str, mark: &str| -> BTreeSet<String> {
        text.lines().filter_map(|line| line.trim().strip_prefix(mark)).map(str::to_owned).collect()
    };
    let alerts = after(&rules, "- alert: ");
    assert!(!alerts.is_empty());
    let entries: BTreeSet<String> =
        after(&runbook, "### ").into_iter().filter(|title| title.starts_with("Usher")).collect();
    assert_eq!(alerts, entries, "alerts, and entries of the runbook");
    let anchors: BTreeSet<String> = after(&rules, "runbook_url: ")
        .iter()
        .map(|url| url.trim_end_matches('\'').split_once("{{ $externalLabels.usher_runbook }}#"))
        .map(|url| url.expect("the operator's address, and an anchor").1.to_owned())
        .collect();
    assert_eq!(anchors, alerts.iter().map(|alert| alert.to_lowercase()).collect::<BTreeSet<_>>());
    for alert in &alerts {
        assert!(tests.contains(&format!("alertname=\"{alert}\"")), "no test has {alert} fire");
    }
}

#[test]
fn dashboards_can_be_imported_beside_others() {
    let mut uids = BTreeSet::new();
    for dashboard in dashboards() {
        let title = word(&dashboard, "title");
        assert_eq!(dashboard["schemaVersion"], 39, "{title}");
        assert!(uids.insert(word(&dashboard, "uid").to_owned()), "{title}: its uid is taken");
        let mut ids = BTreeSet::new();
        for panel in panels(&dashboard) {
            assert!(ids.insert(panel["id"].as_u64().expect("a number")), "{title}: an id twice");
            if panel["type"] != "row" {
                assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}: {}", panel["title"]);
                assert!(!word(panel, "description").is_empty(), "{title}: {} says nothing", panel["title"]);
            }
        }
        let variables = dashboard["templating"]["list"].as_array().expect("variables");
        assert!(
            variables.iter().any(|it| it["type"] == "datasource" && it["name"] == "datasource"),
            "{title}"
        );
    }
}
