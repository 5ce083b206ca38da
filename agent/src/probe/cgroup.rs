//! What the kernel counts for one container: control groups, both versions.
//!
//! Files rather than the engine's stats API: that one takes a second per container on
//! the engines of Debian 12, and four small files take 50 µs, a third of it kept open.
//!
//! ```text
//!  locate(pid) ──► Place ──► Group (its files, opened at the first reading, read again and again)
//!                              └─► Usage, or nothing: the group is gone, locate anew
//! ```

mod usage;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use procfs::{FromRead as _, ProcessCGroups};

use super::host::{Attribute, Text};

pub use usage::{Pressure, Usage, Waited};

/// The directories in which a container's figures lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Control groups version 2: one directory.
    V2(PathBuf),
    /// Version 1: one directory per controller; `None` where the controller is not mounted.
    V1 {
        /// CPU time.
        cpuacct: Option<PathBuf>,
        /// CPU quota.
        cpu: Option<PathBuf>,
        /// Memory.
        memory: Option<PathBuf>,
        /// Processes.
        pids: Option<PathBuf>,
        /// Block devices.
        blkio: Option<PathBuf>,
    },
}

/// Finds the place of the container whose main process is `pid`.
pub fn locate(proc: &Path, sys: &Path, pid: i32) -> io::Result<Place> {
    let file = fs::File::open(proc.join(pid.to_string()).join("cgroup"))?;
    let groups = ProcessCGroups::from_read(file).map_err(io::Error::other)?;
    let root = sys.join("fs/cgroup");
    let of = |wanted: &str| {
        let group = groups.0.iter().find(|group| group.controllers.iter().any(|name| name == wanted))?;
        // Mounted under the whole list's name, with links for the single ones.
        [wanted.to_owned(), group.controllers.join(",")]
            .iter()
            .map(|mount| root.join(mount).join(group.pathname.trim_start_matches('/')))
            .find(|path| path.is_dir())
    };
    if let Some(memory) = of("memory") {
        return Ok(Place::V1 {
            cpuacct: of("cpuacct"),
            cpu: of("cpu"),
            memory: Some(memory),
            pids: of("pids"),
            blkio: of("blkio"),
        });
    }
    let unified = groups.0.iter().find(|group| group.hierarchy == 0);
    let path = unified.map(|group| root.join(group.pathname.trim_start_matches('/')));
    path.filter(|path| path.join("cgroup.controllers").is_file() || path.join("cpu.stat").is_file())
        .map(Place::V2)
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no control group of process {pid} is mounted"))
        })
}

/// A container's control group, its files kept open between readings. They do not keep the group
/// alive: once it is removed they only say that it is gone.
#[derive(Debug)]
pub struct Group {
    place: Place,
    /// By name. `None`: this group has no such file, or the kernel does not fill it.
    files: Vec<(&'static str, Option<Attribute>)>,
}

impl Group {
    /// The group at `place`; nothing is opened yet.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self { place, files: Vec::new() }
    }

    /// Reads the figures: those that move a placement or a helper; the others too unless they are `kept` from
    /// a moment ago. `None` when the group is gone: the container ended or began anew.
    pub(super) fn read(&mut self, text: &mut Text, kept: Option<Usage>) -> Option<Usage> {
        match &self.place {
            Place::V2(_) => usage::read_v2(self, text, kept),
            Place::V1 { .. } => usage::read_v1(self, text, kept),
        }
    }

    /// The text of one of its files.
    fn text<'text>(&mut self, name: &'static str, text: &'text mut Text) -> Option<&'text str> {
        let at = self.files.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            let file = self.place.directory(name).map(|directory| Attribute::new(directory.join(name)));
            self.files.push((name, file));
            self.files.len() - 1
        });
        let file = &mut self.files[at].1;
        match file.as_mut()?.read(text) {
            Ok(text) => Some(text),
            Err(error) => {
                // Pressure is built in but switched off: the files are there and cannot be read.
                let lacking = error.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error());
                if lacking || error.kind() == io::ErrorKind::NotFound {
                    *file = None;
                }
                None
            }
        }
    }
}

impl Place {
    /// Where a file is; in version 1 its name begins with its controller's.
    fn directory(&self, name: &str) -> Option<&Path> {
        match self {
            Self::V2(path) => Some(path),
            Self::V1 { cpuacct, cpu, memory, pids, blkio } => match name.split_once('.')?.0 {
                "cpuacct" => cpuacct.as_deref(),
                "cpu" => cpu.as_deref(),
                "memory" => memory.as_deref(),
                "pids" => pids.as_deref(),
                "blkio" => blkio.as_deref(),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests;
