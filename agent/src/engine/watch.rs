//! Keeps the view of the engine: looks at every change, looks again now and then, and
//! comes back by itself when the engine does.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch::Sender;
use usher_common::backoff::Backoff;
use usher_common::wire::ProbeFailure;

use super::{Engine, EngineFailure, EngineView, ObservedContainer};

/// How to watch.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The engine's socket file.
    pub socket: PathBuf,
    /// How long one answer may take.
    pub deadline: Duration,
    /// How often to look although nothing was said to have changed.
    pub resync: Duration,
}

/// A killed engine is back within seconds; nobody should wait much longer than that for us.
const RECONNECT: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));

/// Changes come in flocks (kill, die, stop, …); one look is enough for a flock.
const SETTLE: Duration = Duration::from_millis(50);

/// The socket file is looked at this often: an engine that was moved away keeps the old
/// connection alive, but nobody else can reach it any more.
const SOCKET_CHECK: Duration = Duration::from_secs(5);

/// Publishes the view until it is dropped.
pub async fn watch(options: WatchOptions, view: Sender<EngineView>) {
    let mut failures = 0_u32;
    loop {
        let began = Instant::now();
        let failure = session(&options, &view).await;
        let known = view.borrow().containers.is_ok();
        if known || failures == 0 {
            tracing::warn!(socket = %options.socket.display(), reason = %failure.reason, detail = %failure.detail,
                "the Docker engine does not answer: its containers are unknown");
        }
        say(&view, Err(failure));
        failures = if began.elapsed() > Duration::from_secs(30) { 1 } else { failures.saturating_add(1) };
        tokio::time::sleep(RECONNECT.wait(failures, rand::random())).await;
    }
}

/// One connection's life; returns why it ended.
async fn session(options: &WatchOptions, view: &Sender<EngineView>) -> EngineFailure {
    let socket = match inode(&options.socket) {
        Ok(inode) => inode,
        Err(failure) => return failure,
    };
    let engine = match Engine::connect(&options.socket, options.deadline) {
        Ok(engine) => engine,
        Err(failure) => return failure,
    };
    // Listening begins before the first look, so that nothing falls between the two.
    let mut changes = std::pin::pin!(engine.changes());
    let mut resync = tokio::time::interval(options.resync);
    let mut socket_check = tokio::time::interval(SOCKET_CHECK);
    loop {
        tokio::select! {
            change = changes.next() => match change {
                Some(Ok(())) => {
                    tokio::time::sleep(SETTLE).await;
                    // The rest of the flock; an end or error among it is met at the next turn's look.
                    while let Some(Some(Ok(()))) = changes.next().now_or_never() {}
                }
                Some(Err(failure)) => return failure,
                None => return EngineFailure::new(ProbeFailure::Reset, "the engine closed the stream of events"),
            },
            _ = resync.tick() => {}
            _ = socket_check.tick() => match inode(&options.socket) {
                Ok(now) if now == socket => continue,
                Ok(_) => return EngineFailure::new(ProbeFailure::Reset, "the engine's socket was replaced"),
                Err(failure) => return failure,
            },
        }
        if let Err(failure) = look(&engine, options, view).await {
            return failure;
        }
    }
}

async fn look(
    engine: &Engine,
    options: &WatchOptions,
    view: &Sender<EngineView>,
) -> Result<(), EngineFailure> {
    let late = || {
        EngineFailure::new(ProbeFailure::Timeout, format!("no whole answer within {:?}", options.deadline))
    };
    let containers =
        tokio::time::timeout(options.deadline, engine.compose_containers()).await.map_err(|_| late())??;
    if view.borrow().containers.is_err() {
        tracing::info!(socket = %engine.socket().display(), containers = containers.len(), "the Docker engine answers");
    }
    say(view, Ok(containers));
    Ok(())
}

/// Publishes; who follows the view is woken only when it says something else than before.
fn say(view: &Sender<EngineView>, containers: Result<Arc<[ObservedContainer]>, EngineFailure>) {
    view.send_if_modified(|before| {
        let changed = match (&before.containers, &containers) {
            (Ok(before), Ok(now)) => before != now,
            (Err(before), Err(now)) => before.reason != now.reason,
            _ => true,
        };
        *before = EngineView { at: Instant::now(), containers };
        changed
    });
}

fn inode(socket: &Path) -> Result<(u64, u64), EngineFailure> {
    let failure = |error: io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => ProbeFailure::Missing,
            io::ErrorKind::PermissionDenied => ProbeFailure::Denied,
            _ => ProbeFailure::Io,
        };
        EngineFailure::new(reason, format!("{}: {error}", socket.display()))
    };
    let meta = std::fs::metadata(socket).map_err(failure)?;
    Ok((meta.dev(), meta.ino()))
}
