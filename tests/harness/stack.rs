//! A compose project of four stand-in containers: web, prosody, jicofo, jvb.
//!
//! They bear docker-jitsi-meet's labels and those of `docker compose`, run in a network of
//! their own, publish their ports on loopback as docker-jitsi-meet does, and answer as the
//! [`jitsi_double`](crate::jitsi_double) does. Everything made here is removed with the value.
//!
//! Not shown: the real images, their start-up scripts, compose itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use anyhow::{Context as _, bail};
use tokio::process::Command;
use url::Url;

use crate::eventually::eventually;
use crate::images::{Image, program};
use crate::jitsi_double::World;

/// The service's port in its container; prosody's is not published.
const SERVICES: &[(&str, u16)] = &[("web", 8000), ("prosody", 5280), ("jicofo", 8888), ("jvb", 8080)];
/// Where each container takes `PUT /double`.
const CONTROL: u16 = 9900;

/// The running project.
#[derive(Debug)]
pub struct Stack {
    project: String,
    /// By service: the published port, and that of the control.
    ports: BTreeMap<&'static str, (u16, u16)>,
    // Declared last: removed after the containers, which `drop` removes.
    image: Image,
}

impl Stack {
    /// Starts a stock stack: no jicofo REST, no census, nobody in a meeting.
    pub async fn start(project: &str) -> anyhow::Result<Self> {
        Self::start_with(project, &World::default()).await
    }

    /// Starts a stack that tells of `world`. `project` must be the caller's own.
    pub async fn start_with(project: &str, world: &World) -> anyhow::Result<Self> {
        let tag = format!("usher-test/jitsi-double:{project}");
        let path = program("jitsi-double")?;
        let built = tokio::task::spawn_blocking(move || Image::build(&tag, &[&path], &["/bin/jitsi-double"]));
        let image = built.await??;
        let stack = Self { project: project.to_owned(), ports: free_ports()?, image };
        let network = stack.network();
        let label = |key: &str, value: &str| format!("--label=com.docker.compose.{key}={value}");
        let labels = [label("project", project), label("network", "meet.jitsi"), label("version", "2.40.3")];
        docker(["network", "create", &network].into_iter().chain(labels.iter().map(String::as_str))).await?;
        for (service, port) in SERVICES {
            stack.run(service, *port, world).await?;
        }
        for (service, _) in SERVICES {
            let url = stack.control(service);
            eventually(service, || async { get(&url).await.map_err(|error| error.to_string()) }).await;
        }
        Ok(stack)
    }

    async fn run(&self, service: &'static str, port: u16, world: &World) -> anyhow::Result<()> {
        let (published, control) = self.ports[service];
        // Without JICOFO_ENABLE_REST jicofo listens inside its container only.
        let inside = if service == "jicofo" && !world.jicofo_rest { "127.0.0.1" } else { "0.0.0.0" };
        let world = serde_json::to_string(world)?;
        let mut arguments = vec![
            "run".to_owned(),
            "--detach".to_owned(),
            format!("--name={}", self.container(service)),
            format!("--hostname={service}"),
            format!("--network={}", self.network()),
            format!("--network-alias={service}"),
            format!("--publish=127.0.0.1:{control}:{CONTROL}"),
            format!("--label=service=jitsi-{service}"),
        ];
        if service != "prosody" {
            arguments.push(format!("--publish=127.0.0.1:{published}:{port}"));
        }
        arguments.extend(self.compose_labels(service));
        arguments.extend([self.image.tag().to_owned(), "/bin/jitsi-double".to_owned()]);
        arguments.extend([format!("--{service}={inside}:{port}"), format!("--control=0.0.0.0:{CONTROL}")]);
        arguments.push(format!("--world={world}"));
        docker(arguments.iter().map(String::as_str)).await?;
        Ok(())
    }

    fn compose_labels(&self, service: &str) -> Vec<String> {
        // Any 64 hexadecimal digits: compose needs the label to see the container at all.
        let hash = format!("{:0>64x}", service.bytes().fold(7u64, |sum, byte| sum * 31 + u64::from(byte)));
        let label = |key: &str, value: &str| format!("--label=com.docker.compose.{key}={value}");
        vec![
            label("project", &self.project),
            label("service", service),
            label("container-number", "1"),
            label("oneoff", "False"),
            label("config-hash", &hash),
            label("image", self.image.id()),
            label("version", "2.40.3"),
            label("depends_on", ""),
        ]
    }

    /// The project's name.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The name of a service's container.
    #[must_use]
    pub fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.project)
    }

    fn network(&self) -> String {
        format!("{}_meet.jitsi", self.project)
    }

    /// Where the service is published on loopback.
    ///
    /// # Panics
    /// For prosody, which is published nowhere: see [`Self::address`].
    #[must_use]
    pub fn url(&self, service: &str) -> Url {
        assert_ne!(service, "prosody", "prosody is published nowhere");
        format!("http://127.0.0.1:{}/", self.ports[service].0).parse().expect("a port makes a URL")
    }

    fn control(&self, service: &str) -> String {
        format!("http://127.0.0.1:{}/double", self.ports[service].1)
    }

    /// The container's address in the project's network.
    pub async fn address(&self, service: &str) -> anyhow::Result<IpAddr> {
        let format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let text = docker(["inspect", format, &self.container(service)]).await?;
        text.trim().parse().with_context(|| format!("{service} has no address"))
    }

    /// Ends the service's process at once, as a crash or the kernel would.
    pub async fn kill(&self, service: &str) -> anyhow::Result<()> {
        docker(["kill", &self.container(service)]).await.map(drop)
    }

    /// Stops the container in order.
    pub async fn stop(&self, service: &str) -> anyhow::Result<()> {
        docker(["stop", &self.container(service)]).await.map(drop)
    }

    /// Starts a container that was killed or stopped, on the same port.
    pub async fn start_service(&self, service: &str) -> anyhow::Result<()> {
        docker(["start", &self.container(service)]).await.map(drop)
    }

    /// Freezes the container: it takes connections and answers nothing.
    pub async fn pause(&self, service: &str) -> anyhow::Result<()> {
        docker(["pause", &self.container(service)]).await.map(drop)
    }

    /// Thaws it.
    pub async fn unpause(&self, service: &str) -> anyhow::Result<()> {
        docker(["unpause", &self.container(service)]).await.map(drop)
    }

    /// Removes the container, running or not.
    pub async fn remove(&self, service: &str) -> anyhow::Result<()> {
        docker(["rm", "--force", &self.container(service)]).await.map(drop)
    }

    /// Makes all running containers tell of `world`; those that do not run are passed over.
    pub async fn tell(&self, world: &World) -> anyhow::Result<()> {
        for (service, _) in SERVICES {
            let state = docker(["inspect", "--format={{.State.Running}}", &self.container(service)]).await;
            if !state.is_ok_and(|state| state.trim() == "true") {
                continue;
            }
            let answer = http().put(self.control(service)).json(world).send().await?;
            answer.error_for_status().with_context(|| format!("{service} refuses the world"))?;
        }
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let run = |arguments: &[&str]| drop(std::process::Command::new("docker").args(arguments).output());
        for (service, _) in SERVICES {
            run(&["rm", "--force", "--volumes", &self.container(service)]);
        }
        run(&["network", "rm", &self.network()]);
    }
}

/// Ports that are free now; all are held at once, so that no two are the same.
fn free_ports() -> anyhow::Result<BTreeMap<&'static str, (u16, u16)>> {
    let hold = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let held = SERVICES.iter().map(|(service, _)| Ok((*service, (hold()?, hold()?))));
    let held: BTreeMap<_, _> = held.collect::<std::io::Result<_>>()?;
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let ports = held.iter().map(|(service, (one, other))| Ok((*service, (port(one)?, port(other)?))));
    ports.collect()
}

async fn docker<'a>(arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
    let arguments: Vec<&str> = arguments.into_iter().collect();
    let output = Command::new("docker").args(&arguments).output().await.context("docker")?;
    if !output.status.success() {
        bail!("docker {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

async fn get(url: &str) -> anyhow::Result<()> {
    http().get(url).send().await?.error_for_status()?;
    Ok(())
}

fn http() -> reqwest::Client {
    usher_common::rt::http_client::client(&usher_common::rt::http_client::ClientOptions::default())
        .expect("a client without certificates can be made")
}
