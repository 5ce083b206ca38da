//! `GET /metrics`: the host's families and the snapshot's, as text.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use usher_common::metric::{Families, Format, encode};

use super::Routes;
use crate::export;
use crate::probe::host::{CollectError, Host, OwnProcess};

/// The host's families, as fresh as somebody needs them: collected by the scrape itself,
/// at most once per `fresh_for` however many scrape.
#[derive(Debug)]
pub struct HostMetrics {
    fresh_for: Duration,
    collector: Arc<Mutex<Collector>>,
}

#[derive(Debug)]
struct Collector {
    probe: Host,
    own: Option<OwnProcess>,
    latest: Option<(Instant, Arc<Families>)>,
}

impl Collector {
    fn own_process(&mut self, boot_unix_s: Option<u64>, families: &mut Families) -> Result<(), CollectError> {
        let own = match self.own.take() {
            Some(own) => own,
            None => OwnProcess::open()?,
        };
        self.own.insert(own).push(boot_unix_s, families)
    }
}

impl HostMetrics {
    /// Families from `probe`, kept for `fresh_for`.
    #[must_use]
    pub fn new(probe: Host, fresh_for: Duration) -> Self {
        Self { fresh_for, collector: Arc::new(Mutex::new(Collector { probe, own: None, latest: None })) }
    }

    /// The families. Off the runtime's thread: a dead file system may hold them up, for
    /// as long as the probe's own deadline allows.
    async fn families(&self, boot_unix_s: Option<u64>) -> Option<Arc<Families>> {
        let (collector, fresh_for) = (Arc::clone(&self.collector), self.fresh_for);
        let work = move || {
            let mut collector = collector.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if let Some((at, families)) = &collector.latest
                && now.saturating_duration_since(*at) < fresh_for
            {
                return Arc::clone(families);
            }
            // The set of last time, unless an answer is still being made of it: what
            // comes again costs no allocation then.
            let before = collector.latest.take().and_then(|(_, families)| Arc::into_inner(families));
            let mut families = before.unwrap_or_else(Families::new);
            families.clear();
            collector.probe.collect(now, &mut families);
            if let Err(error) = collector.own_process(boot_unix_s, &mut families) {
                tracing::debug!(%error, "the agent's own process could not be read");
            }
            let families = Arc::new(families);
            collector.latest = Some((now, Arc::clone(&families)));
            families
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

pub(super) async fn metrics(State(routes): State<Routes>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let format = Format::negotiate(accept);
    let snapshot = routes.node.latest();
    let boot = snapshot.as_ref().and_then(|snapshot| snapshot.host.host.as_ref()?.boot_time_unix_s);
    let Some(host) = routes.host.families(boot).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the host's collectors failed; see the log\n")
            .into_response();
    };
    let mut families = Families::new();
    export::metrics::add(&routes.node, snapshot.as_deref(), Instant::now(), &mut families);
    // A name in both can only come from a textfile; all of its samples belong together.
    let text = if families.overlaps(&host) {
        families.append(&host);
        encode(format, [&families])
    } else {
        encode(format, [&families, &host])
    };
    ([(header::CONTENT_TYPE, format.content_type())], text).into_response()
}
