//! A Debian machine with systemd as process 1, booted in a container: what a fresh VM is to
//! packages and units. Its root comes from `tests/tools/rootfs.sh`.

use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// What systemd in a container needs beyond a plain one; `--privileged` is refused on machines that lack
/// a single capability.
const RIGHTS: &[&str] = &[
    "--cap-add=SYS_ADMIN",
    "--cap-add=NET_ADMIN",
    "--cap-add=SYS_PTRACE",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=host",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
    "--tmpfs=/tmp",
];

/// Waits for the boot's end; a unit that failed is a failure.
const UP: &str = "for try in $(seq 300); do [ -S /run/dbus/system_bus_socket ] && break; sleep 0.1; done; \
                  systemctl is-system-running --wait || { systemctl --failed; exit 1; }";

/// A running machine. It, its image and its network are gone with this value.
#[derive(Debug)]
pub struct Machine {
    name: String,
}

impl Machine {
    /// Boots one called `name` (unique on this host) and waits until everything in it is up.
    /// Blocks for some ten seconds.
    pub fn boot(name: &str) -> anyhow::Result<Self> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/rootfs.sh");
        let tar = Command::new(root).stderr(Stdio::inherit()).output().context(root)?;
        ensure!(tar.status.success(), "{root} failed");
        let tar = String::from_utf8(tar.stdout)?;
        // From here on, whatever fails is cleaned up.
        let machine = Self { name: name.to_owned() };
        docker(&["import", "--change", r#"CMD ["/sbin/init"]"#, tar.trim(), name])?;
        docker(&["network", "create", name])?;
        let network = format!("--network={name}");
        let mut run = vec!["run", "--detach", "--name", name, "--hostname", "vm1", &network];
        run.extend_from_slice(RIGHTS);
        run.push(name);
        docker(&run)?;
        // Only then can systemd show credentials to services; a VM's root is shared by itself.
        machine.run("mount --make-rshared /")?;
        machine.run(UP)?;
        Ok(machine)
    }

    /// Runs a shell script in it, as root, and returns what it printed.
    pub fn run(&self, script: &str) -> anyhow::Result<String> {
        docker(&["exec", &self.name, "sh", "-ec", script])
    }

    /// Copies a file into it.
    pub fn copy(&self, from: &Path, to: &str) -> anyhow::Result<()> {
        let from = from.to_str().context("a path of ours is UTF-8")?;
        docker(&["cp", from, &format!("{}:{to}", self.name)]).map(drop)
    }

    /// Where it can be reached from this host.
    pub fn address(&self) -> anyhow::Result<IpAddr> {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        Ok(docker(&["inspect", "--format", format, &self.name])?.trim().parse()?)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; all the names are the test's own.
        for args in [["rm", "--force", "--volumes"], ["network", "rm", ""], ["image", "rm", "--force"]] {
            let args = args.iter().filter(|arg| !arg.is_empty());
            drop(Command::new("docker").args(args).arg(&self.name).output());
        }
    }
}

fn docker(args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output().context("docker")?;
    if !output.status.success() {
        bail!(
            "docker {}: {}\n{}{}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
