//! Room left on the file systems that matter to the agent and its stack.

use std::path::{Path, PathBuf};

use super::{CollectError, Host, mounts};

/// The file system that a directory lies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Where it is mounted.
    pub mount: String,
    /// Its size.
    pub total_bytes: u64,
    /// What an ordinary user can still write.
    pub available_bytes: u64,
}

impl Host {
    /// The file systems that hold `directories`, each once; those that do not answer are
    /// left out. Blocks as [`Self::collect`] does.
    ///
    /// # Errors
    ///
    /// When the table of mounts cannot be read.
    pub fn space(&mut self, directories: &[PathBuf]) -> Result<Vec<Space>, CollectError> {
        let machine = &mut self.machine;
        let mounts = mounts::all(machine)?;
        let points =
            points(&mounts.iter().map(|mount| mount.point.as_str()).collect::<Vec<_>>(), directories);
        let rootfs = &machine.roots.rootfs;
        let paths: Vec<_> = points.iter().map(|point| rootfs.join(point.trim_start_matches('/'))).collect();
        let answers = machine.memory.statfs.survey(&paths, machine.settings.statfs_deadline);
        let space = points.into_iter().zip(answers).filter_map(|(mount, answer)| {
            let figures = answer.ok()?;
            Some(Space { mount, total_bytes: figures.size, available_bytes: figures.available })
        });
        Ok(space.collect())
    }
}

/// The mount points the directories lie below: the longest that each begins with.
fn points(mounts: &[&str], directories: &[PathBuf]) -> Vec<String> {
    let mut points = Vec::new();
    for directory in directories {
        let holders = mounts.iter().filter(|point| directory.starts_with(Path::new(point)));
        if let Some(point) = holders.max_by_key(|point| point.len())
            && !points.iter().any(|known| known == point)
        {
            points.push((*point).to_owned());
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::points;

    #[test]
    fn a_directory_lies_on_the_innermost_mount_above_it() {
        let mounts = ["/", "/var", "/var/lib/docker", "/variant"];
        let found = points(
            &mounts,
            &["/var/lib/usher-agent".into(), "/etc".into(), "/var/lib/docker".into(), "/usr".into()],
        );
        assert_eq!(found, ["/var", "/", "/var/lib/docker"]);
    }
}
