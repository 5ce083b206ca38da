//! Looks at the files of targets every few seconds and publishes the merged list.
//!
//! A file that cannot be read or understood keeps its last good list: a half-written
//! file must not empty the fleet. The change is logged once, counted each time.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::file::Stamp;
use super::{Source, merge, read_file};
use crate::config::Discovery;
use crate::target::Target;

/// What discovery tells the rest, whole.
#[derive(Debug, Clone)]
pub struct DiscoveryView {
    /// The merged targets.
    pub targets: Arc<[Target]>,
    /// Each file with its state.
    pub files: Vec<FileView>,
}

/// One file of targets.
#[derive(Debug, Clone, Serialize)]
pub struct FileView {
    /// Its path.
    pub path: String,
    /// Targets of its last good list.
    pub targets: usize,
    /// What is wrong with it now.
    pub error: Option<String>,
    /// Reads that failed since the start.
    pub failures: u64,
}

/// The watcher; [`Watch::run`] is its task.
#[derive(Debug)]
pub struct Watch {
    settings: Discovery,
    files: Vec<Watched>,
    sender: watch::Sender<Arc<DiscoveryView>>,
    reloads: mpsc::Receiver<Discovery>,
}

#[derive(Debug)]
struct Watched {
    /// Its place among the sources.
    source: usize,
    path: PathBuf,
    stamp: Option<Stamp>,
    error: Option<String>,
    failures: u64,
}

impl Watch {
    /// A watcher, and where its lists are to be had; the first one already is. Each of
    /// `reloads` replaces the settings whole.
    #[must_use]
    pub fn new(
        settings: Discovery,
        reloads: mpsc::Receiver<Discovery>,
    ) -> (Self, watch::Receiver<Arc<DiscoveryView>>) {
        let files = watched(&settings, &[]);
        let (sender, receiver) = watch::channel(Arc::new(view(&settings.sources, &files)));
        (Self { settings, files, sender, reloads }, receiver)
    }

    /// Looks for ever.
    pub async fn run(mut self) {
        loop {
            let changed = tokio::select! {
                () = tokio::time::sleep(self.settings.poll) => self.look(),
                Some(settings) = self.reloads.recv() => {
                    self.files = watched(&settings, &self.files);
                    self.settings = settings;
                    true
                }
            };
            if changed {
                self.sender.send_replace(Arc::new(view(&self.settings.sources, &self.files)));
            }
        }
    }

    /// Looks at each file. They are small and local; a slow disk delays discovery alone.
    fn look(&mut self) -> bool {
        let Self { settings, files, .. } = self;
        let mut changed = false;
        for watched in files {
            changed |= look(watched, &mut settings.sources[watched.source], settings.file_token.as_ref());
        }
        changed
    }
}

/// The files of `settings`, with the failures counted so far.
fn watched(settings: &Discovery, before: &[Watched]) -> Vec<Watched> {
    let with_file =
        settings.sources.iter().enumerate().filter_map(|(at, source)| Some((at, source.file.as_ref()?)));
    with_file
        .map(|(source, path)| {
            let failures = before.iter().find(|old| old.path == *path).map_or(0, |old| old.failures);
            Watched { source, path: path.clone(), stamp: None, error: None, failures }
        })
        .collect()
}

/// Reads the file if it changed, or was broken; tells whether there is news.
fn look(watched: &mut Watched, source: &mut Source, token: Option<&crate::target::Token>) -> bool {
    let path = &watched.path;
    let stamp = Stamp::of(path);
    if watched.stamp == Some(stamp) && watched.error.is_none() {
        return false;
    }
    watched.stamp = Some(stamp);
    match read_file(path, token) {
        Ok(targets) => {
            let news = watched.error.take().is_some() || targets != source.targets;
            if news {
                tracing::info!(file = %path.display(), targets = targets.len(), "list of targets read");
            }
            source.targets = targets;
            news
        }
        Err(error) => {
            if watched.error.is_none() {
                tracing::warn!(file = %path.display(), %error, kept = source.targets.len(), "list of targets is broken; keeping the last good one");
            }
            watched.failures += 1;
            watched.error = Some(error.to_string());
            true
        }
    }
}

fn view(sources: &[Source], files: &[Watched]) -> DiscoveryView {
    let file_view = |watched: &Watched| FileView {
        path: sources[watched.source].name.clone(),
        targets: sources[watched.source].targets.len(),
        error: watched.error.clone(),
        failures: watched.failures,
    };
    DiscoveryView { targets: merge(sources).into(), files: files.iter().map(file_view).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_keeps_the_last_good_list_until_it_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fleet.json");
        let mut source = Source { name: "f".into(), file: Some(path.clone()), targets: Vec::new() };
        let mut watched = Watched { source: 0, path: path.clone(), stamp: None, error: None, failures: 0 };
        let mut see = |text: Option<&str>| {
            match text {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let news = look(&mut watched, &mut source, None);
            (news, source.targets.len(), watched.failures, watched.error.is_some())
        };
        assert_eq!(see(Some(r#"[{"targets": ["a", "b"]}]"#)), (true, 2, 0, false));
        assert_eq!(see(Some(r#"[{"targets": ["a"#)), (true, 2, 1, true));
        assert_eq!(see(None), (true, 2, 2, true));
        assert_eq!(see(Some(r#"[{"targets": ["a", "b"]}]"#)), (true, 2, 2, false));
        assert_eq!(see(Some(r#"[{"targets": ["a", "b", "c"]}]"#)), (true, 3, 2, false));
        assert!(!look(&mut watched, &mut source, None), "an unchanged file is no news");
    }
}
