//! What a service manager hears of a program that lives, and of one that hangs.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::{Arc, Mutex};

use usher_common::rt::http_client::{ClientOptions, client};
use usher_tests::eventually::{eventually, unless};
use usher_tests::proc_tree::ProcTree;
use usher_tests::program::{Program, free_port};

/// The manager's end of `NOTIFY_SOCKET`. A thread listens: the socket holds ten messages, and who
/// sends the next one waits.
struct Manager {
    path: String,
    _directory: tempfile::TempDir,
    heard: Arc<Mutex<String>>,
}

impl Manager {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let path = path.to_str().expect("UTF-8").to_owned();
        let heard = Arc::new(Mutex::new(String::new()));
        let sink = Arc::downgrade(&heard);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let (Ok(length), Some(sink)) = (socket.recv(&mut buffer), sink.upgrade()) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                sink.lock().expect("nobody panics with it").push_str(&text);
            }
        });
        Self { path, _directory: directory, heard }
    }

    /// Everything said so far.
    fn heard(&self) -> String {
        self.heard.lock().expect("nobody panics with it").clone()
    }

    async fn hears(&self, what: &str, times: usize) {
        eventually(&format!("{times} times {what}"), async || {
            let heard = self.heard();
            unless(heard.matches(what).count() >= times, heard)
        })
        .await;
    }
}

/// `WatchdogSec=600ms`.
const WATCHDOG: (&str, &str) = ("WATCHDOG_USEC", "600000");

#[tokio::test]
async fn an_agent_whose_sampler_hangs_earns_no_more_pings() {
    let manager = Manager::new();
    let tree = ProcTree::new(0.1);
    // A read of a pipe that nobody writes to never ends.
    let path = format!("{}/meminfo", tree.path());
    std::fs::remove_file(&path).expect("it was there");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
    let listen = format!("127.0.0.1:{}", free_port());
    let state = tempfile::tempdir().expect("a directory");
    let state = state.path().to_str().expect("UTF-8");
    let mut agent = Program::start(
        "usher-agent",
        &[
            "--listen",
            &listen,
            "--engine-socket",
            "/nonexistent",
            "--host-proc",
            tree.path(),
            "--state-dir",
            state,
            "--sample-interval",
            "200ms",
        ],
        &[("NOTIFY_SOCKET", &manager.path), WATCHDOG],
    );
    manager.hears("READY=1", 1).await;
    // The first sample may take its time; until then it lives.
    manager.hears("WATCHDOG=1", 3).await;
    let said = agent.logged(&["why"]);
    assert!(said["why"].as_str().is_some_and(|why| why.contains("no sample")), "{said}");
    let before = manager.heard().matches("WATCHDOG=1").count();
    // The listener goes on answering: a hang that a port check would not see.
    let url = format!("http://{listen}/-/healthy");
    let client = client(&ClientOptions::default()).expect("a client");
    for _ in 0..50 {
        assert!(client.get(&url).send().await.expect("it answers").status().is_success());
    }
    assert_eq!(manager.heard().matches("WATCHDOG=1").count(), before);
    // Whoever stops it need not kill it.
    agent.signal("TERM");
    assert!(agent.ended().await.success());
    manager.hears("STOPPING=1", 1).await;
}

#[tokio::test]
async fn an_aggregator_says_how_it_starts_reloads_and_stops() {
    let manager = Manager::new();
    let (public, operator) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let args =
        ["--public-listen", &public, "--operator-listen", &operator, "--discovery-targets", "127.0.0.1:9"];
    let mut aggregator =
        Program::start("usher-aggregator", &args, &[("NOTIFY_SOCKET", &manager.path), WATCHDOG]);
    manager.hears("READY=1", 1).await;
    // Its only target is dead, and it lives all the same.
    manager.hears("WATCHDOG=1", 3).await;
    aggregator.signal("HUP");
    manager.hears("RELOADING=1", 1).await;
    manager.hears("READY=1", 2).await;
    aggregator.signal("TERM");
    manager.hears("STOPPING=1", 1).await;
    assert!(aggregator.ended().await.success());
    for name in ["public", "operator"] {
        assert!(manager.heard().contains(&format!("FDSTORE=1\nFDNAME={name}")), "{}", manager.heard());
    }
}
