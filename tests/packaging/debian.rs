//! The packages on a real Debian 12 with systemd as process 1: from `apt install` to a purge
//! that leaves nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use usher_tests::eventually::{eventually, unless};
use usher_tests::load::{Load, Shot};
use usher_tests::machine::Machine;
use usher_tests::proc_tree::ProcTree;
use usher_tests::program;

/// Makes the packages of the programs that were built beside this test.
fn packages(into: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = program::path("usher-agent");
    let target = built.ancestors().nth(2).expect("target/debug/usher-agent");
    let output = Command::new(root.join("packaging/deb/build.sh"))
        .args(["--fast", "--output"])
        .arg(into)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("build.sh runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made = std::fs::read_dir(into).expect("a directory").map(|entry| entry.expect("an entry").path());
    let made: Vec<PathBuf> = made.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
    assert_eq!(made.len(), 2, "{made:?}");
    made
}

/// The files that packages of ours could leave, and the users.
const TRACES: &str = "find / -xdev -path /proc -prune -o -path /sys -prune -o -iname '*usher*' -print; \
     getent passwd usher-agent usher-aggregator || true; getent group usher-agent docker || true";

// Threads of their own for the load: what is run in the machine blocks the test's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_packages_come_up_by_themselves_survive_restarts_and_hangs_and_leave_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let debs = packages(directory.path());
    let lintian = Command::new("lintian").args(["--fail-on", "error,warning"]).args(&debs).output();
    let lintian = lintian.expect("lintian runs (apt-get install lintian)");
    assert!(lintian.status.success(), "{}", String::from_utf8_lossy(&lintian.stdout));

    // What the agent measures where only placement matters: the real one is as busy as the tests make it.
    let idle = ProcTree::new(0.1);
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(idle.path(), readable).expect("it is ours");
    let name = format!("usher-test-debian-{}", std::process::id());
    let machine = Machine::boot(&name, Path::new(idle.path()), "/idle").expect("a machine");
    let run = |script: &str| machine.run(script).unwrap_or_else(|error| panic!("{error:#}"));
    run("mkdir /tmp/debs");
    for deb in &debs {
        let name = deb.file_name().and_then(|name| name.to_str()).expect("a name");
        machine.copy(deb, &format!("/root/{name}")).expect("a copy");
    }
    installed_units_run_by_themselves(&run).await;
    the_agent_tells_the_units_states(&run).await;
    a_restart_under_load_refuses_nobody(&machine, &run).await;
    a_hung_process_is_replaced(&run).await;
    an_upgrade_restarts_and_keeps_settings(&run).await;
    run(
        "apt-get purge -y usher-agent usher-aggregator >/dev/null 2>&1; rm -f /root/*.deb; systemctl daemon-reload",
    );
    assert_eq!(run(TRACES).trim(), "", "left after the purge");
    assert_eq!(run("systemctl --failed --no-legend").trim(), "");
}

async fn installed_units_run_by_themselves(run: &impl Fn(&str) -> String) {
    run(
        "apt-get install -y --no-install-recommends /root/usher-agent_*.deb /root/usher-aggregator_*.deb 2>&1",
    );
    for unit in ["usher-agent", "usher-aggregator"] {
        let state =
            run(&format!("systemctl show --property ActiveState,UnitFileState,StatusText,NRestarts {unit}"));
        for want in ["ActiveState=active", "UnitFileState=enabled", "NRestarts=0", "StatusText="] {
            assert!(
                state.contains(want),
                "{unit} lacks {want}:\n{state}\n{}",
                run(&format!("journalctl -u {unit} --no-pager"))
            );
        }
        print!("{}", run(&format!("systemd-analyze security {unit} | tail -n 1")));
    }
    assert!(run("curl -sf http://127.0.0.1:7080/").contains("<title>"), "the front page");
    // The journal's own priorities, and not a prefix in the text.
    let first = run(
        "journalctl -u usher-aggregator -o json --output-fields=PRIORITY,MESSAGE --no-pager | grep listens -m1 || journalctl -u usher-aggregator -o json --output-fields=PRIORITY,MESSAGE --no-pager | grep started -m1",
    );
    assert!(first.contains(r#""PRIORITY":"6""#) && !first.contains("<6>"), "{first}");
    run("man -w usher-agent >/dev/null 2>&1 || test -s /usr/share/man/man8/usher-agent.8.gz");
}

/// What the agent shows of systemd is what systemctl says; and the clock, whose state only a narrow
/// exception in the unit lets it read.
async fn the_agent_tells_the_units_states(run: &impl Fn(&str) -> String) {
    eventually("the units' states", async || {
        let metrics = run(
            "curl -sf http://127.0.0.1:9100/metrics | grep -E '^node_(systemd|timex_sync|filesystem_size)'",
        );
        let says = |sample: &str| metrics.lines().any(|line| line.starts_with(sample));
        let units = ["usher-agent", "usher-aggregator"].map(|unit| {
            let state = run(&format!("systemctl show --value --property ActiveState {unit}"));
            format!(
                "node_systemd_unit_state{{name=\"{unit}.service\",state=\"{}\",type=\"notify\"}} 1",
                state.trim()
            )
        });
        let whole = units.iter().all(|sample| says(sample))
            && says("node_systemd_system_running 1")
            && says("node_timex_sync_status")
            && says("node_filesystem_size_bytes");
        unless(whole, metrics)
    })
    .await;
}

async fn a_restart_under_load_refuses_nobody(machine: &Machine, run: &impl Fn(&str) -> String) {
    run("sed -i -e 's/^#listen = .127.0.0.1:7080.*/listen = \"0.0.0.0:7080\"/' \
         -e 's/^#confirm_timeout = .*/confirm_timeout = \"5s\"/' -e 's/^#confirm_total = .*/confirm_total = \"9s\"/' /etc/usher/aggregator.toml; \
         sed -i 's/^#proc = .*/proc = \"\\/idle\"/' /etc/usher/agent.toml; systemctl restart usher-agent usher-aggregator");
    eventually("a server is handed out", async || {
        let answer = run("curl -s http://127.0.0.1:7080/api/v1/server");
        unless(answer.contains("\"url\""), answer)
    })
    .await;
    let public = format!("http://{}:7080", machine.address().expect("an address"));
    let shots = || {
        vec![
            Shot::get(format!("{public}/")),
            Shot::get(format!("{public}/join/standup")),
            Shot::get(format!("{public}/join/review")),
            Shot::post(format!("{public}/api/v1/rooms"), r#"{"name":"standup"}"#),
        ]
    };
    let mut load = Load::begin(shots());
    load.goes_on(100).await;
    let pid = || run("systemctl show --value --property MainPID usher-aggregator");
    for restart in [
        "systemctl restart usher-aggregator",
        "kill -9 $(systemctl show --value --property MainPID usher-aggregator)",
    ] {
        let before = pid();
        // The second is a crash: what was being answered is lost, at most one request per loop.
        run(restart);
        eventually("another process", async || {
            let state = run("systemctl show --value --property ActiveState usher-aggregator");
            unless(pid() != before && state.trim() == "active", state)
        })
        .await;
        load.goes_on(100).await;
        if restart.starts_with("systemctl") {
            let tally = std::mem::replace(&mut load, Load::begin(shots())).end().await;
            println!("restart under load: {} answered, {} not {:?}", tally.good, tally.bad, tally.why);
            assert_eq!(tally.bad, 0, "a restart: {tally:?}");
            let fds = run("systemctl show --value --property NFileDescriptorStore usher-aggregator");
            assert_eq!(fds.trim(), "2", "both listeners are kept");
        }
    }
    let tally = load.end().await;
    println!("crash under load: {} answered, {} not {:?}", tally.good, tally.bad, tally.why);
    assert!(tally.good > 100, "{tally:?}");
    // A crash may cut one answer per loop; nobody is refused in either case.
    assert!(tally.bad <= 4 && tally.why.iter().all(|why| why.starts_with("reset")), "{tally:?}");
}

async fn a_hung_process_is_replaced(run: &impl Fn(&str) -> String) {
    for unit in ["usher-agent", "usher-aggregator"] {
        run(&format!(
            "mkdir -p /run/systemd/system/{unit}.service.d; printf '[Service]\\nWatchdogSec=4s\\n' >/run/systemd/system/{unit}.service.d/quick.conf"
        ));
    }
    run("systemctl daemon-reload; systemctl restart usher-agent usher-aggregator");
    let pid = |unit: &str| run(&format!("systemctl show --value --property MainPID {unit}"));
    for unit in ["usher-agent", "usher-aggregator"] {
        let before = pid(unit);
        run(&format!("kill -STOP {before}"));
        eventually(&format!("another {unit}"), async || {
            let state = run(&format!("systemctl show --value --property ActiveState {unit}"));
            unless(pid(unit) != before && pid(unit).trim() != "0" && state.trim() == "active", state)
        })
        .await;
        let log = run(&format!("journalctl -u {unit} --no-pager | grep -i watchdog"));
        assert!(log.contains("Watchdog timeout"), "{log}");
    }
    run("rm -r /run/systemd/system/usher-*.service.d; systemctl daemon-reload");
}

async fn an_upgrade_restarts_and_keeps_settings(run: &impl Fn(&str) -> String) {
    let pids = || run("systemctl show --value --property MainPID usher-agent usher-aggregator");
    let before = pids();
    run("apt-get install -y --reinstall /root/usher-agent_*.deb /root/usher-aggregator_*.deb 2>&1");
    let after = pids();
    for (old, new) in before.split_whitespace().zip(after.split_whitespace()) {
        assert_ne!(old, new, "an upgrade restarts");
    }
    run("grep -q 0.0.0.0:7080 /etc/usher/aggregator.toml");
    run(
        "apt-get remove -y usher-aggregator 2>&1; test -e /etc/usher/aggregator.toml; ! systemctl is-active usher-aggregator",
    );
    run("apt-get install -y /root/usher-aggregator_*.deb 2>&1");
    run("systemctl is-active usher-agent usher-aggregator");
}
