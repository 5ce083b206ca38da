//! Room on the engine's disk: with too little, a pull fails half way and, worse, no container can be made.

use std::path::PathBuf;

use super::failure::{Failure, Reason};
use crate::engine::Engine;

const MIB: u64 = 1024 * 1024;
/// An image takes its packed size while it comes, and about twice that again unpacked.
const UNPACKED: u64 = 3;

/// What is free where the engine keeps its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    root: PathBuf,
    free: u64,
    /// What of it must stay free.
    reserve: u64,
}

/// The room that there is; `None` where that cannot be known (the engine's folder is not ours to see).
pub(super) async fn room(engine: &Engine, reserve: u64) -> Result<Option<Room>, Failure> {
    let root = match engine.root().await {
        Ok(Some(root)) => root,
        Ok(None) => return Ok(None),
        Err(error) => return Err(Failure::of_engine("the Docker engine", &error)),
    };
    let Ok(figures) = rustix::fs::statvfs(&root) else { return Ok(None) };
    Ok(Some(Room { root, free: figures.f_bavail.saturating_mul(figures.f_frsize), reserve }))
}

/// Refuses when less than the reserve is free. What cannot be known is not refused.
pub(super) async fn check(engine: &Engine, reserve: u64) -> Result<(), Failure> {
    room(engine, reserve).await?.map_or(Ok(()), |room| room.holds(0))
}

impl Room {
    /// Refuses when an image whose layers have `packed` bytes in all would leave less than the reserve.
    pub(super) fn holds(&self, packed: u64) -> Result<(), Failure> {
        let needed = packed.saturating_mul(UNPACKED);
        if self.free >= self.reserve.saturating_add(needed) {
            return Ok(());
        }
        let image = match packed {
            0 => String::new(),
            _ => format!("its layers have {} MiB packed and take about {} MiB, ", packed / MIB, needed / MIB),
        };
        let detail = format!(
            "{image}{} MiB are free and {} must stay so: remove images that are not used, or lower \
             stack.disk_reserve_mib",
            self.free / MIB,
            self.reserve / MIB
        );
        Err(Failure::new(Reason::DiskFull, self.root.display().to_string(), detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_the_reserve_beside_the_image_is_too_little() {
        let room = |free, reserve| Room { root: "/x".into(), free: free * MIB, reserve: reserve * MIB };
        assert_eq!(room(10, 10).holds(0), Ok(()));
        let said = room(5, 10).holds(0).expect_err("was taken").to_string();
        assert!(said.starts_with("/x: disk_full: 5 MiB are free and 10"), "{said}");
        assert_eq!(room(40, 10).holds(10 * MIB), Ok(()));
        let said = room(39, 10).holds(10 * MIB).expect_err("was taken").to_string();
        assert!(said.contains("10 MiB packed and take about 30 MiB, 39 MiB are free"), "{said}");
        assert!(room(39, 10).holds(u64::MAX).is_err());
    }
}
