//! The program as a process: exit codes, what it says, and its end.
#![expect(clippy::unwrap_used, reason = "the lint's exception covers test functions, not what they share")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher-aggregator"));
    command.args(arguments).env_clear();
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn settings(dir: &Path, text: &str) -> String {
    let path = dir.join("a.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn wrong_settings_are_one_message_with_every_complaint_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let file = settings(
        dir.path(),
        "[scrape]\nintervall = \"1s\"\n[operator]\nlisten = \"0.0.0.0:0\"\n[health]\nfall = 0\n",
    );
    let (code, out, err) = run(&["--config", &file]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("did you mean \"scrape.interval\"") && err.contains("health.fall must be"), "{err}");
    assert!(!err.contains("panicked") && !err.contains("backtrace"), "{err}");
    let file = settings(
        dir.path(),
        "[operator]\nlisten = \"0.0.0.0:0\"\n[scrape]\ntimeout = \"5s\"\n[discovery]\ntargets = [\"ftp://x\"]\nfile = [\"/none\"]\n",
    );
    let (code, _, err) = run(&["--config", &file]);
    assert_eq!(code, Some(2));
    for complaint in ["set operator.token_file", "scrape.timeout is 5s", "ftp://x", "cannot read /none"] {
        assert!(err.contains(complaint), "{complaint} is not in {err}");
    }
    let (code, _, err) = run(&["--config", "/no/such/file"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("cannot read /no/such/file"), "{err}");
}

#[test]
fn a_port_in_use_is_a_complaint_that_names_the_key_and_the_mend() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, err) = run(&["--public-listen", &address, "--operator-listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("--public-listen") && err.contains("another process has it"), "{err}");
}

#[test]
fn check_config_shows_each_value_with_its_origin() {
    let dir = tempfile::tempdir().unwrap();
    let file = settings(dir.path(), "[scrape]\ninterval = \"2s\"\n");
    let (code, out, _) = run(&["check-config", "--format", "json", "--config", &file]);
    assert_eq!(code, Some(0));
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["settings"]["scrape.interval"]["value"], "2s");
    assert!(shown["settings"]["scrape.interval"]["origin"].as_str().unwrap().ends_with("a.toml:2"), "{out}");
    let (code, out, _) = run(&["check-config", "--format", "json", "--scrape-timeout", "1500ms"]);
    assert_eq!(code, Some(2));
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&shown["ok"], shown["complaints"].as_array().unwrap().len()), (&false.into(), 1));
}

#[test]
fn the_printed_example_is_a_good_settings_file() {
    let dir = tempfile::tempdir().unwrap();
    let (_, example, _) = run(&["example-config"]);
    let file = settings(dir.path(), &example);
    let (code, out, err) = run(&["check-config", "--config", &file]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.ends_with("the settings are right\n"), "{out}");
}

#[test]
fn it_says_where_it_listens_and_sigterm_ends_it_well() {
    let mut child = program(&["run", "--public-listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0"])
        .args(["--drain", "0s", "--discovery-targets", "127.0.0.1:1"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let started = lines.find(|line| line.as_ref().unwrap().contains("started")).unwrap().unwrap();
    assert!(started.contains("public=127.0.0.1:") && started.contains("operator=127.0.0.1:"), "{started}");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
}

#[test]
fn a_hangup_reads_the_settings_anew_and_wrong_ones_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let write = |targets: &str| settings(dir.path(), &format!("[discovery]\ntargets = [{targets}]\n"));
    let file = write("\"127.0.0.1:1\"");
    let mut child = program(&["--public-listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0"])
        .args(["--drain", "0s", "--config", &file])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    };
    assert!(lines.any(|line| line.contains("target discovered target=http://127.0.0.1:1/")));
    write("\"127.0.0.1:2\"");
    signal("-HUP");
    assert!(lines.any(|line| line.contains("target discovered target=http://127.0.0.1:2/")));
    write("5");
    signal("-HUP");
    assert!(lines.any(|line| line.contains("the old ones stay")));
    signal("-TERM");
    assert!(child.wait().unwrap().success());
}
