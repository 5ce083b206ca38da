//! SIGHUP: the settings are read and checked anew, and who may call (`auth.*`) takes
//! effect, so that a token can be replaced without a gap. Every other key needs a restart,
//! which costs one sample.

use tokio::signal::unix::Signal;
use tokio::sync::watch;
use usher_agent::config::{Access, Config};
use usher_common::rt::systemd;
use usher_common::settings::{Complaints, Settings};

/// Obeys each signal. Settings that are wrong change nothing.
pub(crate) async fn on_hangup(
    mut hangups: Signal,
    mut before: Settings,
    load: impl Fn() -> Result<(Settings, Config), Complaints>,
    access: watch::Sender<Access>,
) {
    while hangups.recv().await.is_some() {
        systemd::reloading();
        match load() {
            // What is open to whom was judged for another address than the one we listen on.
            Ok((settings, _)) if settings.address("listen") != before.address("listen") => {
                tracing::error!("listen was changed: nothing takes effect without a restart");
            }
            Ok((settings, config)) => {
                let mut late = before.differing_keys(&settings);
                late.retain(|key| !key.starts_with("auth."));
                tracing::info!(restart_needed_for = late.join(","), "settings read anew");
                access.send_replace(config.access);
                before = settings;
            }
            Err(complaints) => {
                tracing::error!(%complaints, "settings read anew are wrong; the old ones stay");
            }
        }
        systemd::ready("settings read anew");
    }
}
