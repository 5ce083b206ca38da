use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use usher_common::settings::{Sources, example, resolve};

use super::*;
use crate::config::SCHEMA;
use crate::target::TargetKind;

fn build(text: &str) -> Result<Config, Complaints> {
    let sources = Sources::default().with_file(Path::new("a.toml"), text);
    Config::build(&resolve(&SCHEMA, &sources).expect("kinds are right"))
}

fn complaints(text: &str) -> Vec<String> {
    build(text).expect_err("was taken").lines().into_iter().map(str::to_owned).collect()
}

fn urls(config: &Config) -> Vec<String> {
    config.discovery.sources.iter().flat_map(|s| &s.targets).map(|t| t.id.to_string()).collect()
}

#[test]
fn without_settings_the_agent_of_this_machine_is_read_and_nobody_waits_at_the_end() {
    let config = build("").unwrap();
    assert_eq!(urls(&config), ["http://127.0.0.1:9100/"]);
    assert_eq!((config.drain, config.scrape.interval), (Duration::ZERO, Duration::from_secs(1)));
    assert_eq!(build("[public]\nlisten = \"0.0.0.0:7080\"").unwrap().drain, DRAIN);
    assert!(urls(&build("[discovery]\ntargets = []").unwrap()).is_empty());
}

#[test]
fn the_example_file_says_what_holds_anyway() {
    let text = example(&SCHEMA, "aggregator");
    let sources = Sources { file: Some(("e.toml".into(), text)), ..Sources::default() };
    let from_example = Config::build(&resolve(&SCHEMA, &sources).unwrap()).unwrap();
    assert_eq!(format!("{from_example:?}"), format!("{:?}", build("").unwrap()));
}

#[test]
fn every_complaint_is_made_at_once_each_with_its_line() {
    let lines = complaints(
        "[public]\nlisten = \"127.0.0.1:7081\"\n[operator]\ntoken_file = \"/nowhere\"\n\
         [scrape]\ninterval = \"0s\"\ntimeout = \"2s\"\nmax_age = \"1s\"\n\
         [discovery]\ntargets = [\"ftp://x\", \"vm1\", \"http://vm1:9100\"]\ntoken_file = \"/nowhere\"\nfile = [\"/no/file.json\"]\n\
         [[discovery.static]]\nregion = \"x\"\npublic_url = \"https://x\"\n[rooms]\nsecret_file = \"/nowhere\"\n",
    );
    for (line, what) in [
        ("a.toml:4", "cannot read /nowhere"),
        ("a.toml:6", "scrape.interval must be longer than nothing"),
        ("a.toml:7", "must not be longer than scrape.interval"),
        ("a.toml:8", "scrape.max_age is 1s, but"),
        ("a.toml:10", "the scheme must be http or https"),
        ("a.toml:10", "listed twice"),
        ("a.toml:11", "cannot read /nowhere"),
        ("a.toml:12", "cannot read /no/file.json"),
        ("a.toml:13", "needs targets"),
        ("a.toml:15", "an agent says itself"),
        ("a.toml:17", "cannot read /nowhere"),
        ("default", "must differ from public.listen"),
    ] {
        assert!(lines.iter().any(|l| l.starts_with(line) && l.contains(what)), "{line} {what}: {lines:#?}");
    }
    assert_eq!(lines.len(), 12, "{lines:#?}");
}

#[test]
fn an_operator_listener_that_can_be_reached_from_outside_needs_tokens() {
    let lines = complaints("[operator]\nlisten = \"0.0.0.0:7081\"");
    assert!(lines[0].starts_with("a.toml:2") && lines[0].contains("set operator.token_file"), "{lines:?}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "0123456789abcdef\n").unwrap();
    let text = format!("[operator]\nlisten = \"0.0.0.0:7081\"\ntoken_file = {path:?}");
    assert_eq!(build(&text).unwrap().operator.tokens.first(), Some("0123456789abcdef"));
}

#[test]
fn entries_carry_their_own_token_region_labels_and_kind() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, own) = (dir.path().join("shared"), dir.path().join("own"));
    std::fs::write(&shared, "shared-shared-shared\n").unwrap();
    std::fs::write(&own, "own-own-own-own-own\n").unwrap();
    let config = build(&format!(
        "[discovery]\ntoken_file = {shared:?}\n[[discovery.static]]\ntargets = [\"vm1\"]\n\
         [[discovery.static]]\ntargets = [\"vm2\"]\ntoken_file = {own:?}\nregion = \"eu\"\nlabels = {{ rack = \"7\" }}\n\
         kind = \"node_exporter\"\npublic_url = \"https://meet.{{host}}\"\n"
    ))
    .unwrap();
    let targets: Vec<_> = config.discovery.sources.iter().flat_map(|s| &s.targets).collect();
    assert_eq!(targets[0].token.as_ref().unwrap().expose(), "shared-shared-shared");
    assert_eq!(targets[1].token.as_ref().unwrap().expose(), "own-own-own-own-own");
    assert_eq!(targets[1].region.as_deref(), Some("eu"));
    assert_eq!(targets[1].labels, BTreeMap::from([("rack".to_owned(), "7".to_owned())]));
    assert_eq!(
        (targets[1].kind, targets[1].public_url.as_str()),
        (TargetKind::NodeExporter, "https://meet.{host}")
    );
}
