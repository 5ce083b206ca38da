//! Room on the engine's disk: with too little, a pull fails half way and, worse, no container can be made.

use super::failure::{Failure, Reason};
use crate::engine::Engine;

/// Refuses when less than `reserve` bytes are free where the engine keeps its images. What cannot be known (the
/// engine's folder is not ours to see) is not refused.
pub(super) async fn check(engine: &Engine, reserve: u64) -> Result<(), Failure> {
    let root = match engine.root().await {
        Ok(Some(root)) => root,
        Ok(None) => return Ok(()),
        Err(error) => return Err(Failure::of_engine("the Docker engine", &error)),
    };
    let Ok(figures) = rustix::fs::statvfs(&root) else { return Ok(()) };
    enough(figures.f_bavail.saturating_mul(figures.f_frsize), reserve)
        .map_err(|detail| Failure::new(Reason::DiskFull, root.display().to_string(), detail))
}

fn enough(free: u64, reserve: u64) -> Result<(), String> {
    const MIB: u64 = 1024 * 1024;
    if free >= reserve {
        return Ok(());
    }
    Err(format!(
        "{} MiB are free and {} must stay so: remove images that are not used, or lower stack.disk_reserve_mib",
        free / MIB,
        reserve / MIB
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_the_reserve_is_too_little() {
        assert_eq!(enough(10, 10), Ok(()));
        assert!(enough(5 << 20, 10 << 20).expect_err("was taken").starts_with("5 MiB are free and 10"));
    }
}
