//! Signals to values: SIGTERM and SIGINT end the process in order, SIGHUP reloads.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT. A second one ends the
/// process at once, for the impatient.
pub fn on_signals() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let cancel = token.clone();
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    #[expect(clippy::disallowed_methods, reason = "ends with the process; nothing to supervise")]
    tokio::spawn(async move {
        let name = first(&mut term, &mut int).await;
        tracing::info!(signal = name, "stopping");
        cancel.cancel();
        let name = first(&mut term, &mut int).await;
        tracing::warn!(signal = name, "second signal: ending at once");
        std::process::exit(1);
    });
    Ok(token)
}

/// The stream of reload requests.
pub fn reloads() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

async fn first(term: &mut Signal, int: &mut Signal) -> &'static str {
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    }
}
