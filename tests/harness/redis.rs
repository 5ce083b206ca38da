//! A real redis-server, for one test: its own port, its own password, nothing on disk.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::eventually::{eventually, unless};
use crate::program::free_port;

const SERVER: &str = "/usr/bin/redis-server";
const PASSWORD: &str = "a password of the store";

/// The server. Killed when dropped.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    directory: TempDir,
    child: Option<Child>,
}

impl Redis {
    /// Starts one and waits until it listens.
    ///
    /// # Panics
    /// When it cannot be started (`apt-get install redis-server`).
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("password"), PASSWORD).expect("a password");
        let mut redis = Self { port: free_port(), directory, child: None };
        redis.revive().await;
        redis
    }

    /// Starts it again on its old port, with an empty memory.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn revive(&mut self) {
        let mut command = Command::new(SERVER);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""]);
        command
            .args(["--appendonly", "no", "--requirepass", PASSWORD])
            .arg("--dir")
            .arg(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("redis-server runs (apt-get install redis-server)"));
        let port = self.port;
        eventually("redis-server listens", async || {
            unless(TcpStream::connect(("127.0.0.1", port)).is_ok(), "not yet")
        })
        .await;
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only for a process that is gone.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The file with its password.
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.directory.path().join("password")
    }

    /// The settings of an aggregator that claims rooms there.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("store = {:?}\nstore_password_file = {:?}\n", self.url(), self.password_file())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
