use std::path::Path;

use usher_common::settings::{Sources, example, resolve};

use super::*;

fn config(text: &str) -> Result<Config, Complaints> {
    let settings = resolve(&SCHEMA, &Sources::default().with_file(Path::new("agent.toml"), text))?;
    Config::from_settings(&settings, &BTreeMap::new(), Some("vm1"))
}

fn complaint(text: &str) -> String {
    config(text).expect_err("was taken").to_string()
}

#[test]
fn without_any_settings_the_agent_serves_loopback_under_the_host_name() {
    let config = config("").unwrap();
    assert_eq!(config.node.as_str(), "vm1");
    assert_eq!(config.listen.to_string(), "127.0.0.1:9100");
    assert!(config.access.open_metrics && config.access.tokens.is_empty());
    assert!(!config.stack.expected());
}

#[test]
fn off_loopback_without_a_token_file_it_does_not_start() {
    assert!(
        complaint("listen = \"0.0.0.0:9100\"")
            .contains("agent.toml:1: listen 0.0.0.0:9100 is not on loopback")
    );
    let text =
        complaint("listen = \"[::]:9100\"\n[auth]\ntoken_file = \"/no/such/file\"\nopen_metrics = true\n");
    assert!(text.contains("agent.toml:3: auth.token_file: cannot read /no/such/file"), "{text}");
}

#[test]
fn off_loopback_metrics_are_open_only_where_the_settings_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
    let text = |open: bool| {
        format!(
            "listen = \"0.0.0.0:0\"\n[auth]\ntoken_file = {:?}\nopen_metrics = {open}\n",
            file.display().to_string()
        )
    };
    assert!(!config(&text(false)).unwrap().access.open_metrics);
    assert!(config(&text(true)).unwrap().access.open_metrics);
}

#[test]
fn the_project_follows_compose_from_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("Jitsi.Meet-2");
    std::fs::create_dir(&path).unwrap();
    let config = config(&format!("[stack]\ndirectory = {:?}\n", path.display().to_string())).unwrap();
    assert_eq!(config.stack.project.as_deref(), Some("jitsimeet-2"));
    assert!(config.stack.expected());
}

#[test]
fn all_semantic_complaints_come_together() {
    let text = complaint(
        "node = \"a b\"\npublic_url = \"vm1\"\n[stack]\ndirectory = \"relative\"\n[jitsi]\njvb_url = \"ftp://x\"\n[sample]\ninterval = \"1h\"\n",
    );
    for part in [
        "agent.toml:1: node",
        "agent.toml:2: public_url",
        "agent.toml:4: stack.directory",
        "agent.toml:6: jitsi.jvb_url",
        "agent.toml:8: sample.interval",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn the_example_file_can_be_used_as_it_is() {
    config(&example(&SCHEMA, "Usher agent")).unwrap();
}
