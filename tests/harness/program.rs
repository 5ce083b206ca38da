//! Our programs as processes, started on port 0, stopped at the end of the test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a program may take until it says where it listens.
const START: Duration = Duration::from_secs(20);

/// The path of one of our programs, beside the test that runs.
///
/// # Panics
/// When it was not built: `cargo build --workspace --bins` comes first.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let directory = own.ancestors().nth(2).expect("a test lies in target/<profile>/deps");
    let path = directory.join(name);
    assert!(path.is_file(), "{} is not there: run `cargo build --workspace --bins` first", path.display());
    path
}

/// A port of loopback that was free a moment ago; for programs that cannot be told 0.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Runs a program to its end; for settings that must be refused.
#[must_use]
pub fn run(name: &str, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(path(name));
    command.args(args).env_clear().envs(variables.iter().copied()).stdin(Stdio::null());
    command.output().expect("the program starts")
}

/// A program that runs. Killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    log: Vec<String>,
}

impl Program {
    /// Starts a program with its log as JSON lines.
    #[must_use]
    pub fn start(name: &str, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(path(name));
        command.args(args).args(["--log-format", "json"]).env_clear().envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("it is piped");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, log: Vec::new() }
    }

    /// Waits for a log line that has all of `fields`, and returns it.
    ///
    /// # Panics
    /// When the program ends or stays silent; with what it said.
    pub fn logged(&mut self, fields: &[&str]) -> serde_json::Value {
        loop {
            let Ok(line) = self.lines.recv_timeout(START) else {
                panic!("no log line with {fields:?}; it said:\n{}", self.log.join("\n"));
            };
            self.log.push(line.clone());
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&line)
                && fields.iter().all(|field| value.get(field).is_some())
            {
                return value;
            }
        }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(status.expect("kill runs").success(), "no process {} to signal", self.pid());
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn ended(&mut self) -> ExitStatus {
        crate::eventually::eventually("the program ends", async || {
            self.child.try_wait().expect("it is ours").ok_or("it still runs")
        })
        .await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
