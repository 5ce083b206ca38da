//! SIGHUP: the settings are read and checked anew, and what says whom to read takes
//! effect: `discovery.*` and its token files. Every other key needs a restart, which costs
//! nothing: a fresh process knows the fleet after one round.

use tokio::signal::unix::Signal;
use tokio::sync::mpsc;
use usher_aggregator::config::{Config, Discovery};
use usher_common::rt::systemd;
use usher_common::settings::{Complaints, Settings};

/// Obeys each signal. Settings that are wrong change nothing.
pub(crate) async fn on_hangup(
    mut hangups: Signal,
    load: impl Fn() -> Result<Settings, Complaints>,
    discovery: mpsc::Sender<Discovery>,
) {
    let mut before = load().ok();
    while hangups.recv().await.is_some() {
        systemd::reloading();
        let loaded = load().and_then(|settings| Ok((Config::build(&settings)?, settings)));
        match loaded {
            Ok((config, settings)) => {
                let differing = before.as_ref().map(|before| before.differing_keys(&settings));
                let mut late = differing.unwrap_or_default();
                late.retain(|key| !key.starts_with("discovery."));
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
        systemd::ready("settings read anew");
    }
}
