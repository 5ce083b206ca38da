//! SIGHUP: the settings are read and checked anew, and what says whom to read takes
//! effect: `discovery.*` and its token files. Every other key needs a restart, which costs
//! nothing: a fresh process knows the fleet after one round.

use tokio::signal::unix::Signal;
use tokio::sync::mpsc;
use usher_aggregator::config::{Config, Discovery};
use usher_common::settings::{Complaints, Settings};

/// Obeys each signal. Settings that are wrong change nothing.
pub(crate) async fn on_hangup(
    mut hangups: Signal,
    load: impl Fn() -> Result<Settings, Complaints>,
    discovery: mpsc::Sender<Discovery>,
) {
    let mut before = load().ok();
    while hangups.recv().await.is_some() {
        let loaded = load().and_then(|settings| Ok((Config::build(&settings)?, settings)));
        match loaded {
            Ok((config, settings)) => {
                let late = before.as_ref().map_or_else(Vec::new, |before| changed(before, &settings));
                tracing::info!(restart_needed_for = late.join(","), "settings read anew");
                before = Some(settings);
                if discovery.send(config.discovery).await.is_err() {
                    return;
                }
            }
            Err(complaints) => {
                tracing::error!(%complaints, "settings read anew are wrong; the old ones stay");
            }
        }
    }
}

/// Keys outside discovery whose values differ.
fn changed(before: &Settings, after: &Settings) -> Vec<&'static str> {
    let old = before.iter().map(|(_, value, _)| value);
    let keys = after
        .iter()
        .zip(old)
        .filter(|((key, new, _), old)| new != old && !key.path.starts_with("discovery."));
    keys.map(|((key, _, _), _)| key.path).collect()
}
