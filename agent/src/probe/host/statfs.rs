//! Asks file systems for their figures without being held up by a dead one.
//!
//! ```text
//!  survey ── paths ──► worker thread: statfs(2), one after the other
//!     ▲                   │
//!     └── answers ◄───────┘   one late: the worker is left to its fate with the path it
//!                             hangs on, and another one asks the rest
//! ```
//!
//! A path is not asked again while its question hangs: the thread that hangs says so by
//! not having ended. So a dead mount costs one deadline once, and one thread.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a file system says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    /// Bytes in all.
    pub(super) size: u64,
    /// Bytes not in use.
    pub(super) free: u64,
    /// Bytes that an ordinary user can still write.
    pub(super) available: u64,
    /// Inodes in all.
    pub(super) files: u64,
    /// Inodes not in use.
    pub(super) files_free: u64,
}

/// The answer for one path; `TimedOut` when it hangs.
pub(super) type Answer = io::Result<Figures>;

type Ask = dyn Fn(&Path) -> Answer + Send + Sync;

/// Asks, and remembers who hangs.
pub(super) struct Surveyor {
    ask: Arc<Ask>,
    worker: Option<Worker>,
    stuck: Vec<(PathBuf, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Worker {
    paths: Sender<Vec<PathBuf>>,
    answers: Receiver<Answer>,
    thread: JoinHandle<()>,
}

impl Default for Surveyor {
    fn default() -> Self {
        Self::new(statfs)
    }
}

impl std::fmt::Debug for Surveyor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surveyor").field("stuck", &self.stuck).finish_non_exhaustive()
    }
}

impl Surveyor {
    pub(super) fn new(ask: impl Fn(&Path) -> Answer + Send + Sync + 'static) -> Self {
        Self { ask: Arc::new(ask), worker: None, stuck: Vec::new() }
    }

    /// The answers for `paths`, in their order. Blocks for no longer than `deadline` for
    /// each path that newly hangs.
    pub(super) fn survey(&mut self, paths: &[PathBuf], deadline: Duration) -> Vec<Answer> {
        self.stuck.retain(|(_, thread)| !thread.is_finished());
        let hangs = |path: &PathBuf| self.stuck.iter().any(|(stuck, _)| stuck == path);
        let asked: Vec<PathBuf> = paths.iter().filter(|path| !hangs(path)).cloned().collect();
        let mut answers = self.ask_all(asked, deadline).into_iter();
        paths
            .iter()
            .map(|path| {
                // Every path that did not hang before was asked, and every asked one is answered.
                let hung_before = answers.as_slice().first().is_none_or(|(asked, _)| asked != path);
                if hung_before {
                    Err(late())
                } else {
                    answers.next().map_or_else(|| Err(late()), |(_, answer)| answer)
                }
            })
            .collect()
    }

    fn ask_all(&mut self, mut paths: Vec<PathBuf>, deadline: Duration) -> Vec<(PathBuf, Answer)> {
        let mut answers = Vec::with_capacity(paths.len());
        while !paths.is_empty() {
            let worker = match self.worker.take().filter(|worker| !worker.thread.is_finished()) {
                Some(worker) => worker,
                None => match Worker::start(Arc::clone(&self.ask)) {
                    Ok(worker) => worker,
                    Err(error) => {
                        let kind = error.kind();
                        answers.extend(paths.drain(..).map(|path| (path, Err(io::Error::from(kind)))));
                        break;
                    }
                },
            };
            let mut rest = paths.split_off(0).into_iter();
            if worker.paths.send(rest.as_slice().to_vec()).is_err() {
                // It died of a panic between two passes; a new one takes the same paths.
                paths = rest.collect();
                continue;
            }
            match rest.try_for_each(|path| match worker.answers.recv_timeout(deadline) {
                Ok(answer) => {
                    answers.push((path, answer));
                    Ok(())
                }
                Err(_) => Err(path),
            }) {
                Ok(()) => self.worker = Some(worker),
                Err(path) => {
                    answers.push((path.clone(), Err(late())));
                    self.stuck.push((path, worker.thread));
                }
            }
            paths = rest.collect();
        }
        answers
    }
}

impl Worker {
    fn start(ask: Arc<Ask>) -> io::Result<Self> {
        let (paths, to_ask) = channel::<Vec<PathBuf>>();
        let (answer, answers) = channel();
        let thread = std::thread::Builder::new().name("statfs".to_owned()).spawn(move || {
            for batch in to_ask {
                for path in batch {
                    if answer.send(ask(&path)).is_err() {
                        // Nobody waits any more: we were late.
                        return;
                    }
                }
            }
        })?;
        Ok(Self { paths, answers, thread })
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the file system does not answer")
}

fn statfs(path: &Path) -> Answer {
    let stat = rustix::fs::statfs(path)?;
    // Negative on no file system there is.
    let block = u64::try_from(stat.f_bsize).map_err(io::Error::other)?;
    Ok(Figures {
        size: stat.f_blocks * block,
        free: stat.f_bfree * block,
        available: stat.f_bavail * block,
        files: stat.f_files,
        files_free: stat.f_ffree,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const FIGURES: Figures = Figures { size: 4, free: 3, available: 2, files: 1, files_free: 0 };

    /// A surveyor whose paths beginning with `/dead` answer only when the sender is dropped
    /// or used, and the count of questions asked.
    fn with_a_dead_mount() -> (Surveyor, Sender<()>, Arc<Mutex<Vec<PathBuf>>>) {
        let (revive, revived) = channel::<()>();
        let revived = Mutex::new(revived);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let surveyor = Surveyor::new(move |path| {
            log.lock().unwrap().push(path.to_owned());
            if path.starts_with("/dead") {
                revived.lock().unwrap().recv().ok();
            }
            Ok(FIGURES)
        });
        (surveyor, revive, asked)
    }

    fn kinds(answers: &[Answer]) -> Vec<Option<io::ErrorKind>> {
        answers.iter().map(|answer| answer.as_ref().err().map(io::Error::kind)).collect()
    }

    #[test]
    fn a_dead_mount_costs_only_itself_and_is_not_asked_again_while_it_hangs() {
        let (mut surveyor, revive, asked) = with_a_dead_mount();
        let paths: Vec<PathBuf> = ["/a", "/dead", "/b"].map(PathBuf::from).into();
        let late = Some(io::ErrorKind::TimedOut);
        for _ in 0..3 {
            let answers = surveyor.survey(&paths, Duration::from_millis(50));
            assert_eq!(kinds(&answers), [None, late, None]);
        }
        let questions = asked.lock().unwrap().iter().filter(|path| path.ends_with("dead")).count();
        assert_eq!(questions, 1);

        // When the server answers at last, the mount is asked again.
        drop(revive);
        while surveyor.stuck.iter().any(|(_, thread)| !thread.is_finished()) {
            std::thread::yield_now();
        }
        let answers = surveyor.survey(&paths, Duration::from_secs(60));
        assert_eq!(kinds(&answers), [None, None, None]);
    }

    #[test]
    fn an_unreadable_mount_is_an_error_and_no_more() {
        let mut surveyor = Surveyor::default();
        let paths = [PathBuf::from("/"), PathBuf::from("/nowhere/at/all")];
        let answers = surveyor.survey(&paths, Duration::from_secs(60));
        assert!(answers[0].as_ref().unwrap().size > 0);
        assert_eq!(answers[1].as_ref().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
