//! Our compose engine beside the real `docker compose`: the same files must give the same project and the same
//! hashes.
//!
//! Oracle: compose's own `config --format json`, and the labels that its `create` writes on containers, networks
//! and volumes. Input: every folder of `fixtures/compose` and docker-jitsi-meet's files. `tools/fetch-compose.sh`
//! brings the binaries; `USHER_COMPOSE_V2` and `USHER_COMPOSE_OLD` name others.
//!
//! A fixture may hold: `args` (one compose flag a line), `environment` (NAME=value lines), `config-only` (this
//! engine cannot create it), `new-only` (the older compose refuses it), `own-name` (no `-p`).

mod bodies;
mod case;
mod engine;
mod labels;

use std::collections::BTreeSet;

use serde_json::Value;
use usher_agent::compose::canonical;

use case::{Case, NEW, fixtures, jitsi_cases};

/// Where two JSON values differ, one line each.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(&path, a, b, found),
                    (a, b) => found.push(format!("{path}: ours {a:?}, theirs {b:?}")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}.{index}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: ours {a}, theirs {b}")),
    }
}

fn compare_config(case: &Case, failures: &mut Vec<String>) {
    let theirs = NEW.run(case, &["config", "--format", "json"]);
    let ours = case.ours();
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let theirs: Value = serde_json::from_str(&theirs).expect("compose prints JSON");
            differences(&case.label, &canonical::config_json(&ours), &theirs, failures);
        }
        (Err(error), _) => failures.push(error),
        (_, Err(error)) => failures.push(format!("{}: compose: {error}", case.label)),
    }
}

/// What only the process environment can say is not for a service to know.
const OF_THE_SHELL: [&str; 4] = ["env-files-variable", "process-wins", "interpolation", "interpolation-odd"];

#[test]
fn our_program_prints_what_compose_prints() {
    let mut failures = Vec::new();
    let cases = fixtures();
    let jitsi = jitsi_cases();
    let cases = cases.iter().chain(&jitsi).filter(|case| !OF_THE_SHELL.contains(&case.label.as_str()));
    for case in cases {
        match (case.printed(), NEW.run(case, &["config", "--format", "json"])) {
            (Ok(ours), Ok(theirs)) => {
                let read = |text: &str| serde_json::from_str(text).expect("both print JSON");
                let (ours, theirs): (Value, Value) = (read(&ours), read(&theirs));
                differences(&case.label, &ours, &theirs, &mut failures);
            }
            (Err(error), _) => failures.push(format!("{}: ours: {error}", case.label)),
            (_, Err(error)) => failures.push(format!("{}: compose: {error}", case.label)),
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_project_is_read_as_compose_reads_it() {
    let mut failures = Vec::new();
    let cases = fixtures();
    let jitsi = jitsi_cases();
    for case in cases.iter().chain(&jitsi) {
        compare_config(case, &mut failures);
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}
