//! Getting an image: with a login, progress per layer, patience for what passes and none for what does not.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use usher_common::backoff::Backoff;

use super::credentials;
use super::failure::{Failure, Reason};
use super::options::StackOptions;
use super::outcome::ImageFound;
use super::progress::{Progress, Sink};
use super::space;
use crate::engine::{Engine, EngineFailure, LayerProgress};

/// Tries of one pull; who keeps the stack up begins anew later.
const TRIES: u32 = 4;
/// Between tries.
const RETRY: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(30));

/// Pulls an image and makes sure that it is here.
pub(super) async fn pull(
    engine: &Engine,
    options: &StackOptions,
    image: &str,
    sink: Sink<'_>,
) -> Result<ImageFound, Failure> {
    let mut tries = 1;
    loop {
        match attempt(engine, options, image, sink).await {
            Err(failure) if failure.may_pass() && tries < TRIES => {
                let wait = RETRY.wait(tries, rand::random());
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                sink(Progress::Retry { failure, wait_ms });
                tokio::time::sleep(wait).await;
                tries += 1;
            }
            ended => return ended,
        }
    }
}

async fn attempt(
    engine: &Engine,
    options: &StackOptions,
    image: &str,
    sink: Sink<'_>,
) -> Result<ImageFound, Failure> {
    let login = credentials::login(image, options).await?;
    let mut lines = std::pin::pin!(engine.pull(image, login, options.pull_stall));
    let mut shown: BTreeMap<String, LayerProgress> = BTreeMap::new();
    let mut digest = None;
    let room = space::room(engine, options.disk_reserve_bytes).await?;
    let mut packed: BTreeMap<String, u64> = BTreeMap::new();
    let ended: Result<(), EngineFailure> = loop {
        let line = tokio::time::timeout(options.pull_stall, lines.next()).await.map_err(|_| {
            Failure::new(Reason::Stalled, image, format!("no progress for {:?}", options.pull_stall))
        })?;
        match line {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(line)) => {
                if let Some(found) = line.status.strip_prefix("Digest: ") {
                    digest = Some(found.trim().to_owned());
                }
                // Dropping the stream ends the pull: better now than when nothing more can be written.
                if note_size(&mut packed, &line)
                    && let Some(room) = &room
                {
                    room.holds(packed.values().sum())?;
                }
                if is_news(&mut shown, &line) {
                    sink(Progress::Layer { image: image.to_owned(), layer: line });
                }
            }
        }
    };
    let here = engine.image(image).await.map_err(|error| Failure::of_engine(image, &error))?;
    match (ended, here) {
        (Ok(()), Some(found)) => Ok(ImageFound::of(&found)),
        (Ok(()), None) => {
            Err(Failure::new(Reason::RegistryError, image, "the pull ended and the image is not here"))
        }
        // The client sometimes stumbles over the last bytes of a pull that went well.
        (Err(_), Some(found))
            if digest.is_some_and(|one| found.digests.iter().any(|known| known.ends_with(&one))) =>
        {
            Ok(ImageFound::of(&found))
        }
        (Err(error), _) => Err(Failure::of_pull(image, &error)),
    }
}

/// Takes in how large a layer is, from the first line that says so; whether this one did. What the engine tells while
/// it unpacks is another size.
fn note_size(packed: &mut BTreeMap<String, u64>, line: &LayerProgress) -> bool {
    let (Some(layer), "Downloading") = (&line.layer, line.status.as_str()) else { return false };
    let Some(total) = line.total.and_then(|total| u64::try_from(total).ok()).filter(|total| *total > 0)
    else {
        return false;
    };
    packed.insert(layer.clone(), total).is_none()
}

/// Whether a line says more than the last of its layer: the engine repeats itself ten times a second, and a bar
/// needs no more than whole percents.
fn is_news(shown: &mut BTreeMap<String, LayerProgress>, line: &LayerProgress) -> bool {
    let Some(layer) = line.layer.as_ref() else { return true };
    let percent = |line: &LayerProgress| Some(line.current? * 100 / line.total.filter(|total| *total > 0)?);
    let news =
        shown.get(layer).is_none_or(|last| last.status != line.status || percent(last) != percent(line));
    if news {
        shown.insert(layer.clone(), line.clone());
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layers_packed_size_is_noted_once() {
        let line = |layer: &str, status: &str, total| LayerProgress {
            layer: Some(layer.into()),
            status: status.into(),
            current: Some(1),
            total,
        };
        let mut packed = BTreeMap::new();
        assert!(!note_size(&mut packed, &line("a", "Pulling fs layer", None)));
        assert!(note_size(&mut packed, &line("a", "Downloading", Some(10))));
        assert!(!note_size(&mut packed, &line("a", "Downloading", Some(10))));
        assert!(!note_size(&mut packed, &line("b", "Extracting", Some(99))));
        assert!(note_size(&mut packed, &line("b", "Downloading", Some(5))));
        assert_eq!(packed.values().sum::<u64>(), 15);
    }

    #[test]
    fn a_layer_is_told_of_once_a_percent() {
        let line = |status: &str, current| LayerProgress {
            layer: Some("a".into()),
            status: status.into(),
            current: Some(current),
            total: Some(1000),
        };
        let mut shown = BTreeMap::new();
        assert!(is_news(&mut shown, &line("Downloading", 10)));
        assert!(!is_news(&mut shown, &line("Downloading", 19)));
        assert!(is_news(&mut shown, &line("Downloading", 20)));
        assert!(is_news(&mut shown, &line("Extracting", 20)));
    }
}
