//! The units judged by systemd's own tools, without starting them.

use std::path::{Path, PathBuf};
use std::process::Command;

use usher_tests::program;

/// systemd's exposure scores, times ten, that must not be passed; what they are made of stands in
/// systemd/README.md.
const WORST: [(&str, u32); 2] = [("usher-agent", 16), ("usher-aggregator", 11)];
/// With the rights to keep a stack up.
const WORST_STACK: u32 = 23;

fn systemd_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd")
}

/// The unit with the path of the program as it is here: `verify` looks whether it is there.
fn unit_of_here(name: &str, directory: &Path) -> PathBuf {
    let text = std::fs::read_to_string(systemd_folder().join(format!("{name}.service"))).expect("a unit");
    let here = program::path(name);
    let text = text.replace(&format!("/usr/bin/{name}"), here.to_str().expect("UTF-8"));
    // The manual is installed with the package.
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("Documentation="))
        .map(|line| format!("{line}\n"))
        .collect();
    let path = directory.join(format!("{name}.service"));
    std::fs::write(&path, text).expect("a writable directory");
    path
}

fn analyze(args: &[&str], unit: &Path) -> (bool, String) {
    let output = Command::new("systemd-analyze").args(args).arg(unit).output();
    let output = output.expect("systemd-analyze runs (apt-get install systemd)");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn systemd_finds_no_fault_in_the_units_and_little_that_they_are_exposed_to() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, worst) in WORST {
        let unit = unit_of_here(name, directory.path());
        let (_, said) = analyze(&["verify", "--man=no"], &unit);
        let ours: Vec<&str> = said.lines().filter(|line| line.contains(name)).collect();
        assert!(ours.is_empty(), "{ours:?}");
        let threshold = format!("--threshold={worst}");
        let (good, said) = analyze(&["security", "--offline=true", &threshold], &unit);
        assert!(good, "{name} is exposed more than {worst}:\n{said}");
        println!("{}", said.lines().last().unwrap_or(""));
        let tighter = format!("--threshold={}", worst - 1);
        let (good, _) = analyze(&["security", "--offline=true", &tighter], &unit);
        assert!(!good, "{name} is less exposed than {worst}: lower the bound here and in systemd/README.md");
    }
}

#[test]
fn keeping_the_stack_up_adds_three_capabilities_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let unit = unit_of_here("usher-agent", directory.path());
    let addition =
        std::fs::read_to_string(systemd_folder().join("drop-in/agent-stack.conf")).expect("a drop-in");
    let whole = std::fs::read_to_string(&unit).expect("just written") + &addition;
    std::fs::write(&unit, whole).expect("a writable directory");
    let threshold = format!("--threshold={WORST_STACK}");
    let (good, said) = analyze(&["security", "--offline=true", &threshold], &unit);
    assert!(good, "{said}");
    println!("with the stack: {}", said.lines().last().unwrap_or(""));
    let granted: Vec<&str> =
        addition.lines().filter_map(|line| line.strip_prefix("AmbientCapabilities=")).collect();
    assert_eq!(granted, ["CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER"]);
}

#[test]
fn terraform_and_ansible_guard_the_agent_with_the_same_unit() {
    let packaging = systemd_folder().join("../packaging");
    let [here, there] =
        ["ansible/roles/base/files", "terraform/modules/cloud-init"].map(|folder| packaging.join(folder));
    let text = |folder: &Path| {
        std::fs::read_to_string(folder.join("usher-firewall.service")).expect("each has a copy")
    };
    assert_eq!(text(&here), text(&there));
    // nft need not be where the tests run.
    let (_, said) = analyze(&["verify", "--man=no"], &here.join("usher-firewall.service"));
    let faults =
        said.lines().filter(|line| line.contains("usher-firewall") && !line.contains("/usr/sbin/nft"));
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<&str>::new());
}
