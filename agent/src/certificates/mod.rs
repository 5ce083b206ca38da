//! A certificate that is dropped into a folder is checked, put where the web container wants it, and nginx reloaded.
//!
//! ```text
//!  folder ──newest pair──► pair::check ──► place::put ──► nginx reloads
//!                              └─ refused: said once, the old one stays
//! ```
//!
//! The folder is looked at on a timer. A certificate and its key that are written one after the other are refused
//! in between and taken when both are there. Not here: getting certificates.

mod pair;
mod place;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use usher_common::rt::files::{SMALL_FILE_MAX, read_text};
use usher_common::rt::process::unix_now_ms;

pub use pair::{Refusal, check};

use crate::stack::Stack;
use crate::upkeep::{CertificateOptions, Works};

/// Names that pairs go by: certbot's, docker-jitsi-meet's, Kubernetes', acme.sh's.
const NAMES: [(&str, &str); 4] = [
    ("fullchain.pem", "privkey.pem"),
    ("cert.crt", "cert.key"),
    ("tls.crt", "tls.key"),
    ("fullchain.cer", "cert.key"),
];
/// A reload takes milliseconds.
const RELOAD_WITHIN: Duration = Duration::from_secs(30);

/// A pair of files that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    chain: PathBuf,
    key: PathBuf,
    /// When either was written last.
    written: SystemTime,
}

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
struct Watched {
    /// The pair that was looked at last.
    pair: Option<Pair>,
    /// The life of the web container that was told to reload, by its id and start.
    reloaded: Option<(String, Option<String>)>,
    /// The look has to be repeated although the files are the same.
    again: bool,
}

/// Watches the folder until it is dropped.
pub(crate) async fn watch(options: CertificateOptions, works: Works) {
    let mut watched = Watched::default();
    let mut ticks = tokio::time::interval(options.every);
    loop {
        ticks.tick().await;
        let folder = options.folder.clone();
        let looking = tokio::task::spawn_blocking(move || newest(&folder));
        let found = looking.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let pair = match found {
            Ok(Some(pair)) => pair,
            Ok(None) => continue,
            Err(refusal) => {
                watched.pair = None;
                report(&works, Err(refusal));
                continue;
            }
        };
        if watched.pair.as_ref() == Some(&pair) && !watched.again {
            continue;
        }
        let outcome = take(&pair, &works.stack, &mut watched).await;
        watched.again = matches!(outcome, Err(Refusal::NotPlaced(_) | Refusal::NotYet(_)));
        watched.pair = Some(pair);
        report(&works, outcome);
    }
}

/// What became of a pair: its end, and whether it is a new one in its place.
type Taken = Result<(i64, bool), Refusal>;

fn report(works: &Works, outcome: Taken) {
    let before = works.board.read().certificate;
    works.board.write(|status| match &outcome {
        Ok((end, new)) => {
            status.certificate.not_after_unix_s = Some(*end);
            status.certificate.refused = None;
            status.certificate.installed += u64::from(*new);
        }
        Err(refusal) => status.certificate.refused = Some((refusal.word(), refusal.to_string())),
    });
    match outcome {
        Ok((not_after_unix_s, true)) => tracing::info!(not_after_unix_s, "a new certificate is in place"),
        Ok(_) => {}
        Err(refusal) if before.refused.as_ref().is_some_and(|(_, said)| *said == refusal.to_string()) => {}
        Err(refusal) => {
            tracing::error!(reason = refusal.word(), %refusal, "the certificate in the folder is not taken; the one before stays");
        }
    }
}

/// The pair that was written last; `None`: there is none. A folder that may not be looked into is no empty one.
fn newest(folder: &Path) -> Result<Option<Pair>, Refusal> {
    let written = |path: &Path| match std::fs::metadata(path).and_then(|file| file.modified()) {
        Ok(when) => Ok(Some(when)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refusal::Unreadable(format!("{}: {error}", path.display()))),
    };
    let mut newest: Option<Pair> = None;
    for (chain, key) in NAMES.map(|(chain, key)| (folder.join(chain), folder.join(key))) {
        let (Some(one), Some(other)) = (written(&chain)?, written(&key)?) else { continue };
        let pair = Pair { chain, key, written: one.max(other) };
        if newest.as_ref().is_none_or(|best| best.written <= pair.written) {
            newest = Some(pair);
        }
    }
    Ok(newest)
}

async fn take(pair: &Pair, stack: &Stack, watched: &mut Watched) -> Taken {
    let (owned, stack_too) = (pair.clone(), stack.clone());
    let placing = tokio::task::spawn_blocking(move || place(&owned, &stack_too));
    let (end, new, project) =
        placing.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    reload(stack, &project, pair, new, watched).await?;
    Ok((end, new))
}

fn place(pair: &Pair, stack: &Stack) -> Result<(i64, bool, String), Refusal> {
    let read =
        |path: &Path| read_text(path, SMALL_FILE_MAX).map_err(|error| Refusal::Unreadable(error.to_string()));
    let (chain, key) = (read(&pair.chain)?, read(&pair.key)?);
    let now = i64::try_from(unix_now_ms() / 1000).unwrap_or(i64::MAX);
    let end = check(chain.as_bytes(), key.as_bytes(), now)?;
    let not_placed = |error: &dyn std::fmt::Display| Refusal::NotPlaced(error.to_string());
    let loaded = stack.load(&BTreeMap::new()).map_err(|error| not_placed(&error))?;
    let folder = place::folder(&loaded.project)
        .ok_or_else(|| not_placed(&"the stack has no service web with a folder of the host at /config"))?;
    let new = place::put(&folder, chain.as_bytes(), key.as_bytes(), stack.options().folder_owner)
        .map_err(|error| not_placed(&format!("{}: {error}", folder.display())))?;
    Ok((end, new, loaded.project.name))
}

/// Lets the running web container take it; one that does not run takes it when it starts. After a restart of ours
/// one reload more than needed is made rather than one less.
async fn reload(
    stack: &Stack,
    project: &str,
    pair: &Pair,
    new: bool,
    watched: &mut Watched,
) -> Result<(), Refusal> {
    let not_placed = |error: &dyn std::fmt::Display| {
        Refusal::NotPlaced(format!("it is in place and nginx could not be told: {error}"))
    };
    let engine = stack.engine().map_err(|failure| not_placed(&failure))?;
    let all = engine.containers_of(project, &Default::default()).await.map_err(|error| not_placed(&error))?;
    let web =
        all.into_iter().find(|one| one.container.service() == Some(place::WEB) && one.container.is_up());
    let Some(web) = web else { return Ok(()) };
    let life = (web.container.id.clone(), web.started_at.clone());
    let same = watched.pair.as_ref() == Some(pair) || !new;
    if same && watched.reloaded.as_ref() == Some(&life) && !watched.again {
        return Ok(());
    }
    let command = ["/bin/sh", "-c", place::RELOAD];
    let ended = engine.execute(&life.0, &command, RELOAD_WITHIN).await.map_err(|error| not_placed(&error))?;
    if ended.exit_code != Some(0) {
        return Err(not_placed(&format!("exit code {:?}: {}", ended.exit_code, ended.output)));
    }
    watched.reloaded = Some(life);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_that_was_written_last_counts_and_half_a_pair_does_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(newest(dir.path()), Ok(None));
        let write = |name: &str, age_s: u64| {
            std::fs::write(dir.path().join(name), "x").unwrap();
            let file = std::fs::File::options().write(true).open(dir.path().join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age_s)).unwrap();
        };
        write("tls.crt", 5);
        assert_eq!(newest(dir.path()), Ok(None));
        write("tls.key", 9);
        assert_eq!(newest(dir.path()).unwrap().unwrap().chain, dir.path().join("tls.crt"));
        write("fullchain.pem", 7);
        write("privkey.pem", 1);
        assert_eq!(newest(dir.path()).unwrap().unwrap().key, dir.path().join("privkey.pem"));
    }

    #[test]
    fn a_folder_that_cannot_be_looked_into_is_told_and_not_taken_for_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        // As root, who runs these tests too, nothing is forbidden: no folder at all fails likewise.
        let file = dir.path().join("certificates");
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(newest(&file), Err(Refusal::Unreadable(text)) if text.contains("fullchain.pem")));
        assert_eq!(newest(&dir.path().join("nothing")), Ok(None));
    }
}
