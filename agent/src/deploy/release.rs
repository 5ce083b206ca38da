//! A release on disk and on the engine: taking note of what is there, and putting it back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use usher_common::rt::files::{ReadError, read_text};

use super::job::Release;
use super::journal::Journal;
use crate::compose::observed::Observed;
use crate::stack::env_file::{EnvFileError, replace};
use crate::stack::{Failure, LoadedStack, Stack};

/// Largest file of a release, bytes.
const MOST_BYTES: u64 = 2 << 20;

/// Why a release cannot be noted or put back.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// One of its files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// One of its files cannot be written.
    #[error(transparent)]
    Write(#[from] EnvFileError),
    /// A file that was not there before cannot be removed.
    #[error("cannot remove {}: {error}", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A compose file that is new since cannot be put aside.
    #[error("cannot rename {}: {error}", path.display())]
    SetAside {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The engine does not help.
    #[error(transparent)]
    Engine(#[from] Failure),
}

/// The files of a project as they are now: the compose files, and all that its variables come from, those of single
/// services included. Blocks for as long as reading them takes.
pub fn files(stack: &LoadedStack) -> Result<BTreeMap<String, Option<String>>, ReadError> {
    let mut found = BTreeMap::new();
    for path in &stack.sources {
        let text = match read_text(path, MOST_BYTES) {
            Ok(text) => Some(text),
            Err(ReadError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        found.insert(path.display().to_string(), text);
    }
    Ok(found)
}

/// The images that run, by the reference that the files use: of each service the one its container was made from,
/// else the one that is here.
#[must_use]
pub fn images(stack: &LoadedStack, observed: &Observed) -> BTreeMap<String, String> {
    let project = &stack.desired.project;
    let of = |service: &crate::compose::desired::ServiceSpec| {
        let mut all = observed.containers.iter();
        let running = all.find(|one| {
            one.belongs_to(project) && one.service() == Some(&service.name) && !one.image_id.is_empty()
        });
        let id = running.map(|one| &one.image_id).or_else(|| observed.images.get(&service.image))?;
        Some((service.image.clone(), id.clone()))
    };
    stack.desired.services.iter().filter_map(of).collect()
}

/// Puts the files of a release back, those that differ. Blocks.
pub fn restore_files(release: &Release) -> Result<(), ReleaseError> {
    for (path, text) in &release.files {
        let path = Path::new(path);
        match text {
            Some(text) if read_text(path, MOST_BYTES).is_ok_and(|now| now == *text) => {}
            Some(text) => replace(path, text)?,
            None => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ReleaseError::Remove { path: path.to_owned(), error });
                }
                _ => {}
            },
        }
    }
    Ok(())
}

/// Puts compose files aside that would be read now and were not when the release ran, such as an override that came
/// with a bad version: each is renamed to end in `.set-aside`. Blocks.
pub fn set_aside(read: &[String], release: &Release) -> Result<(), ReleaseError> {
    for path in read.iter().filter(|path| !release.files.contains_key(*path)) {
        tracing::warn!(path, "a compose file that is new since is set aside");
        std::fs::rename(path, format!("{path}.set-aside"))
            .map_err(|error| ReleaseError::SetAside { path: path.into(), error })?;
    }
    Ok(())
}

/// By which digests registries know these images, as far as they do.
pub async fn digests(
    stack: &Stack,
    images: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let engine = stack.engine()?;
    let mut found = BTreeMap::new();
    for (reference, id) in images {
        let image = engine.image(id).await.map_err(|error| Failure::of_engine(reference, &error))?;
        let all = image.map_or(Vec::new(), |image| image.digests);
        // The one of the place that it came from.
        let own = all.iter().find(|digest| digest.split('@').next() == Some(repository(reference)));
        found.extend(own.or(all.first()).map(|digest| (reference.clone(), digest.clone())));
    }
    Ok(found)
}

/// Notes what runs now as the release to come back to.
pub async fn remember(stack: &Stack, journal: &Journal, loaded: &LoadedStack) {
    let told = |error: &dyn std::fmt::Display| {
        tracing::warn!(%error, "what runs now cannot be noted, so that no deployment could come back to it");
    };
    let looked = async {
        let images = images(loaded, &stack.observe(loaded).await?);
        let digests = digests(stack, &images).await?;
        Ok::<_, Failure>((images, digests))
    };
    let (images, digests) = match looked.await {
        Ok(both) => both,
        Err(failure) => return told(&failure),
    };
    let (journal, loaded) = (journal.clone(), loaded.clone());
    let keeping = tokio::task::spawn_blocking(move || {
        let files = files(&loaded).map_err(|error| error.to_string())?;
        let release = Release { files, images, digests };
        if journal.settled().as_ref() == Some(&release) {
            return Ok(());
        }
        journal.keep_settled(&release).map_err(|error| error.to_string())
    });
    match keeping.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => told(&error),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// A reference without its tag.
fn repository(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => reference,
    }
}

/// Lets every reference of a release mean the image again that it meant then; one whose image is gone is fetched by
/// its digest. Returns those that could not be had.
pub async fn restore_tags(stack: &Stack, release: &Release) -> Result<BTreeSet<String>, Failure> {
    let engine = stack.engine()?;
    let mut gone = BTreeSet::new();
    for (reference, id) in &release.images {
        // A digest means one image for good.
        if reference.contains('@') {
            continue;
        }
        let failed = |error| Failure::of_engine(reference, &error);
        if engine.image(reference).await.map_err(failed)?.is_some_and(|now| now.id == *id) {
            continue;
        }
        let mut here = engine.image(id).await.map_err(failed)?.is_some();
        if let Some(digest) = release.digests.get(reference).filter(|_| !here) {
            let fetched = stack.fetch_image(digest).await;
            here = fetched.is_ok_and(|image| image.id == *id);
        }
        if here {
            engine.tag(id, reference).await.map_err(failed)?;
        } else {
            gone.insert(reference.clone());
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_back_as_they_were_and_what_was_not_there_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        for (name, text) in [(".env", "TAG=bad\n"), ("new.yml", "x"), ("same.yml", "s")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let texts = [(path(".env"), Some("TAG=1\n")), (path("new.yml"), None), (path("same.yml"), Some("s"))];
        let release = Release {
            files: texts.map(|(path, text)| (path, text.map(str::to_owned))).into(),
            ..Release::default()
        };
        let before = std::fs::metadata(dir.path().join("same.yml")).unwrap().modified().unwrap();
        for _ in 0..2 {
            restore_files(&release).unwrap();
            assert_eq!(std::fs::read_to_string(dir.path().join(".env")).unwrap(), "TAG=1\n");
            assert!(!dir.path().join("new.yml").exists());
        }
        assert_eq!(std::fs::metadata(dir.path().join("same.yml")).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn a_repository_is_what_is_left_without_the_tag() {
        for (reference, want) in
            [("r:5000/jitsi/web:1", "r:5000/jitsi/web"), ("r:5000/web", "r:5000/web"), ("web:1", "web")]
        {
            assert_eq!(repository(reference), want);
        }
    }
}
