//! Looks at the files of targets every few seconds and publishes the merged list.
//!
//! A file that cannot be read or understood keeps its last good list: a half-written
//! file must not empty the fleet. The change is logged once, counted each time.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

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
}

#[derive(Debug)]
struct Watched {
    source: usize,
    stamp: Option<Stamp>,
    error: Option<String>,
    failures: u64,
}

impl Watch {
    /// A watcher, and where its lists are to be had; the first one already is.
    #[must_use]
    pub fn new(settings: Discovery) -> (Self, watch::Receiver<Arc<DiscoveryView>>) {
        let with_file = settings.sources.iter().enumerate().filter(|(_, source)| source.file.is_some());
        let files = with_file
            .map(|(source, _)| Watched { source, stamp: None, error: None, failures: 0 })
            .collect::<Vec<_>>();
        let first = view(&settings.sources, &files);
        let (sender, receiver) = watch::channel(Arc::new(first));
        (Self { settings, files, sender }, receiver)
    }

    /// Looks for ever.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.settings.poll);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Small local files; a slow disk delays discovery's own task alone.
            let Self { settings, files, .. } = &mut self;
            let token = settings.file_token.clone();
            let mut changed = false;
            for watched in files {
                changed |= look(watched, &mut settings.sources[watched.source], token.as_ref());
            }
            if changed {
                self.sender.send_replace(Arc::new(view(&self.settings.sources, &self.files)));
            }
        }
    }
}

/// Reads the file if it changed, or was broken; tells whether there is news.
fn look(watched: &mut Watched, source: &mut Source, token: Option<&crate::target::Token>) -> bool {
    let Some(path) = &source.file else { return false };
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
        let mut watched = Watched { source: 0, stamp: None, error: None, failures: 0 };
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
