//! Getting every image that a project needs before anything is touched.

use super::failure::Failure;
use super::progress::Sink;
use super::project::LoadedStack;
use super::{Stack, pull, space};

/// Pulls what is not here, and with `refresh` what is to be looked up each time.
pub(super) async fn fetch(
    stack: &Stack,
    loaded: &LoadedStack,
    refresh: bool,
    sink: Sink<'_>,
) -> Result<(), Failure> {
    let engine = stack.engine()?;
    let mut room = false;
    let mut seen = std::collections::BTreeSet::new();
    for service in loaded.desired.services.iter().filter(|service| !service.containers.is_empty()) {
        if !seen.insert(&service.image) {
            continue;
        }
        let here = engine.image(&service.image).await;
        let here = here.map_err(|error| Failure::of_engine(&service.image, &error))?;
        let wanted = here.is_none() || (refresh && service.refresh);
        if !wanted || !service.may_pull {
            continue;
        }
        if !room {
            space::check(&engine, stack.options().disk_reserve_bytes).await?;
            room = true;
        }
        pull::pull(&engine, stack.options(), &service.image, sink).await?;
    }
    Ok(())
}
