//! A private registry with a password: Debian's docker-registry on a port of loopback, gone with the value.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::eventually::eventually;
use crate::images::Image;
use crate::program::free_port;

/// Where Debian's `docker-registry` puts it.
pub(crate) const PROGRAM: &str = "/usr/bin/docker-registry";
/// `usher` with the password `open sesame`, as `htpasswd -B` writes it.
const HTPASSWD: &str = "usher:$2b$04$JQ52vEjs5sp0753c.jIvXuuVcM9EDM0X/wkOuuCx7bMBbu2p4Ug4y\n";
/// The same, as Docker's `config.json` has it: base64 of `usher:open sesame`.
const AUTH: &str = "dXNoZXI6b3BlbiBzZXNhbWU=";

/// The registry and what it holds.
#[derive(Debug)]
pub struct Registry {
    process: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Registry {
    /// Starts an empty one.
    pub async fn start() -> anyhow::Result<Self> {
        ensure!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: apt-get install docker-registry");
        let folder = tempfile::tempdir()?;
        let address = format!("127.0.0.1:{}", free_port());
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("htpasswd"), HTPASSWD)?;
        std::fs::create_dir(path("docker"))?;
        let auth = format!("{{\"auths\": {{\"{address}\": {{\"auth\": \"{AUTH}\"}}}}}}");
        std::fs::write(path("docker/config.json"), auth)?;
        let settings = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '{address}'}}\nauth: {{htpasswd: {{realm: usher, path: {}}}}}\n",
            path("images"),
            path("htpasswd")
        );
        std::fs::write(path("config.yml"), settings)?;
        let process = Command::new(PROGRAM)
            .args(["serve", &path("config.yml")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context(PROGRAM)?;
        let registry = Self { process, address, folder };
        eventually("the registry listens", async || {
            std::net::TcpStream::connect(&registry.address).map(drop).map_err(|error| error.to_string())
        })
        .await;
        Ok(registry)
    }

    /// `127.0.0.1:PORT`; Docker speaks plain HTTP to loopback.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A folder with a `config.json` that knows the password, for `DOCKER_CONFIG`.
    #[must_use]
    pub fn docker_config(&self) -> std::path::PathBuf {
        self.folder.path().join("docker")
    }

    /// The file that its settings are in.
    pub(crate) fn settings(&self) -> String {
        self.folder.path().join("config.yml").display().to_string()
    }

    /// Makes an image that runs `script` in a shell and pushes it as each of `names` (`repository:tag`); nothing
    /// of it stays on the engine.
    pub fn push(&self, script: &str, names: &[&str]) -> anyhow::Result<()> {
        self.push_image(&[], &["/bin/sh", "-c", script], names)
    }

    /// The same with files of this machine in `/bin` and any command.
    pub fn push_image(&self, programs: &[&Path], command: &[&str], names: &[&str]) -> anyhow::Result<()> {
        let mut held: Option<Image> = None;
        for name in names {
            let reference = format!("{}/{name}", self.address);
            match &held {
                None => held = Some(Image::build(&reference, programs, command)?),
                Some(first) => docker(&["tag", first.tag(), &reference])?,
            }
            let config = self.docker_config();
            docker(&["--config", &config.to_string_lossy(), "push", "--quiet", &reference])?;
        }
        names.iter().skip(1).try_for_each(|name| docker(&["rmi", &format!("{}/{name}", self.address)]))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        drop(self.process.kill());
        drop(self.process.wait());
        for depth in ["*", "*/*"] {
            let pattern = format!("reference={}/{depth}", self.address);
            let format = "--format={{.Repository}}:{{.Tag}}";
            let listed = Command::new("docker").args(["image", "ls", "--filter", &pattern, format]).output();
            let names = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            for name in names.iter().flat_map(|names| names.lines()) {
                // A test that failed may have left a container on it; the tag is the test's own.
                drop(Command::new("docker").args(["image", "rm", "--force", name]).output());
            }
        }
    }
}

fn docker(args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("docker").args(args).output().context("docker")?;
    ensure!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
