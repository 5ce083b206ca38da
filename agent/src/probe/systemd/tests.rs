use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;
use usher_common::metric::{Format, encode};
use usher_common::rt::tasks::Tasks;
use usher_common::wire::ProbeFailure;
use zbus::OwnedObjectPath;

use super::*;

/// A bus of our own, Debian's daemon, until dropped.
struct Bus {
    daemon: Child,
    address: String,
    directory: TempDir,
}

impl Bus {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = format!("unix:path={}", directory.path().join("bus").display());
        let file = directory.path().join("bus.conf");
        let config = format!(
            "<busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth>\
             <policy context='default'><allow send_destination='*'/><allow eavesdrop='true'/>\
             <allow own='*'/></policy></busconfig>"
        );
        std::fs::write(&file, config).unwrap();
        let mut daemon = Command::new("/usr/bin/dbus-daemon")
            .args(["--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--config-file={}", file.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon runs (apt-get install dbus-daemon)");
        // It prints its address when it listens.
        let mut line = String::new();
        let stdout = daemon.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        assert!(line.starts_with("unix:"), "{line:?}");
        Self { daemon, address, directory }
    }

    fn options(&self) -> Options {
        Options {
            units: ["docker.service", "ghost.service", "data.mount"].map(str::to_owned).to_vec(),
            marker: self.directory.path().to_owned(),
            bus: Some(self.address.clone()),
            every: Duration::from_millis(20),
            deadline: Duration::from_secs(20),
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        drop(self.daemon.kill());
        drop(self.daemon.wait());
    }
}

type Row = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// systemd's manager, as far as it is asked.
struct Manager;

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    #[zbus(property)]
    fn version(&self) -> String {
        "252.36-1~deb12u1".to_owned()
    }

    #[zbus(property)]
    fn system_state(&self) -> String {
        "degraded".to_owned()
    }

    fn list_units(&self) -> Vec<Row> {
        let path =
            |name: &str| OwnedObjectPath::try_from(format!("/org/freedesktop/systemd1/unit/{name}")).unwrap();
        let row = |name: &str, load: &str, active: &str, at: &str| {
            let empty = String::new;
            (
                name.to_owned(),
                empty(),
                load.to_owned(),
                active.to_owned(),
                empty(),
                empty(),
                path(at),
                0,
                empty(),
                path("none"),
            )
        };
        vec![
            row("docker.service", "loaded", "failed", "docker"),
            row("ghost.service", "not-found", "inactive", "ghost"),
            row("data.mount", "loaded", "active", "data"),
            row("other.service", "loaded", "active", "other"),
        ]
    }
}

struct Docker;

#[zbus::interface(name = "org.freedesktop.systemd1.Service")]
impl Docker {
    #[zbus(property, name = "Type")]
    fn kind(&self) -> String {
        "notify".to_owned()
    }
}

async fn systemd_on(bus: &Bus) -> zbus::Connection {
    zbus::connection::Builder::address(bus.address.as_str())
        .serve_at("/org/freedesktop/systemd1", Manager)
        .serve_at("/org/freedesktop/systemd1/unit/docker", Docker)
        .name("org.freedesktop.systemd1")
        .build()
        .await
        .unwrap()
}

/// Runs the probe and waits for an outcome that is as `wanted`.
async fn outcome(options: Options, wanted: impl Fn(&Outcome) -> bool) -> Outcome {
    let (publish, mut readings) = tokio::sync::watch::channel(None);
    let stop = CancellationToken::new();
    let mut tasks = Tasks::new(stop);
    tasks.spawn("systemd", watch(options, publish));
    readings.changed().await.unwrap();
    readings.wait_for(wanted).await.unwrap().clone()
}

fn text(outcome: &Outcome) -> String {
    let mut families = Families::new();
    add(outcome, &mut families);
    encode(Format::Text, [&families])
}

#[tokio::test]
async fn named_units_are_shown_and_the_others_counted_as_node_exporter_does() {
    let bus = Bus::start();
    let _systemd = systemd_on(&bus).await;
    let text = text(&outcome(bus.options(), Option::is_some).await);
    for line in [
        "node_systemd_unit_state{name=\"docker.service\",state=\"failed\",type=\"notify\"} 1\n",
        "node_systemd_unit_state{name=\"docker.service\",state=\"active\",type=\"notify\"} 0\n",
        "node_systemd_unit_state{name=\"data.mount\",state=\"active\",type=\"\"} 1\n",
        "node_systemd_units{state=\"active\"} 2\n",
        "node_systemd_units{state=\"deactivating\"} 0\n",
        "node_systemd_system_running 0\n",
        "node_systemd_version{version=\"252.36-1~deb12u1\"} 252.36\n",
        "usher_agent_probe_success{probe=\"systemd\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(!text.contains("ghost") && !text.contains("other.service"), "{text}");
}

#[tokio::test]
async fn a_bus_without_systemd_no_bus_and_a_silent_bus_have_reasons_of_their_own() {
    let bus = Bus::start();
    let reason = async |options: Options| {
        let found = outcome(options, Option::is_some).await;
        let shown = text(&found);
        assert!(shown.contains("usher_agent_probe_success{probe=\"systemd\"} 0\n"), "{shown}");
        assert!(!shown.contains("node_systemd"), "{shown}");
        found.unwrap().result.unwrap_err().reason
    };
    assert_eq!(reason(bus.options()).await, ProbeFailure::Refused);
    let nowhere = Some("unix:path=/nonexistent/bus".to_owned());
    assert_eq!(reason(Options { bus: nowhere, ..bus.options() }).await, ProbeFailure::Refused);

    let path = bus.directory.path().join("silent");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let silent = Options {
        bus: Some(format!("unix:path={}", path.display())),
        deadline: Duration::from_millis(50),
        ..bus.options()
    };
    let swallow = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await
    };
    let (reason, _) = tokio::join!(reason(silent), swallow);
    assert_eq!(reason, ProbeFailure::Timeout);
}

#[tokio::test]
async fn systemd_that_comes_late_is_found_and_without_systemd_nothing_is_shown() {
    let bus = Bus::start();
    let found = async {
        outcome(bus.options(), |found| found.as_ref().is_some_and(|asked| asked.result.is_ok())).await
    };
    let (found, _systemd) = tokio::join!(found, systemd_on(&bus));
    assert_eq!(found.unwrap().result.unwrap().named.len(), 2);

    let elsewhere = Options { marker: "/nonexistent".into(), ..bus.options() };
    assert_eq!(text(&outcome(elsewhere, Option::is_none).await), "");
}
