//! The aggregator's settings in a world that runs `speed` times as fast: every time of its
//! configuration divided by it.
//!
//! One time is not: `placement.confirm_timeout`, because the loopback and the scheduler of this
//! machine do not run faster. It bounds the wait for a silent agent, and nobody is placed by it. Neither is
//! the talk among replicas.

use std::path::Path;

use usher_aggregator::placement::Params;
use usher_aggregator::placement::learn::{COST_MEMORY_MS, MEETING_GAP_MS};

/// Which aggregator is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours, with agents that confirm.
    Usher,
    /// What was there before, lived by our program: every 30 s the least CPU of plain node_exporters,
    /// nobody asked for confirmation, nothing promised.
    OldDesign,
}

impl Kind {
    /// How rows are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Usher => "usher",
            Self::OldDesign => "old design",
        }
    }

    /// From one read of a node to the next, ms of the trace.
    fn interval_ms(self, usher_ms: u64) -> u64 {
        match self {
            Self::Usher => usher_ms,
            Self::OldDesign => 30_000,
        }
    }
}

/// The settings of one replica.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) kind: Kind,
    pub(crate) speed: f64,
    /// From one read of an agent to the next, ms of the trace.
    pub(crate) interval_ms: u64,
    pub(crate) public_port: u16,
    pub(crate) operator_port: u16,
    /// Public ports of all replicas.
    pub(crate) replicas: &'a [u16],
    /// file_sd list of the agents.
    pub(crate) targets: &'a Path,
    pub(crate) secret: &'a Path,
    /// Redis in which rooms are claimed; `None`: replicas ask one another.
    pub(crate) store: Option<&'a str>,
    /// More settings, TOML with whole sections; only for ours.
    pub(crate) more: &'a str,
}

impl Settings<'_> {
    /// The file.
    pub(crate) fn toml(&self) -> String {
        let ms = |ms: u64| format!("\"{}ms\"", ((ms as f64 / self.speed).round() as u64).max(1));
        let interval = self.kind.interval_ms(self.interval_ms);
        let Self { public_port, operator_port, .. } = self;
        let replicas = self.replicas.len();
        let peers: Vec<String> =
            self.replicas.iter().map(|port| format!("\"http://127.0.0.1:{port}\"")).collect();
        // the old design's replicas knew nothing of one another
        let agreement = match (self.kind, self.store) {
            (Kind::OldDesign, _) => String::new(),
            (Kind::Usher, Some(store)) => format!("store = \"{store}\"\n"),
            (Kind::Usher, None) if replicas == 1 => String::new(),
            (Kind::Usher, None) => format!("peers = [{}]\npeer_interval = \"100ms\"\n", peers.join(", ")),
        };
        let (targets, secret) = (self.targets.display(), self.secret.display());
        let general = format!(
            "drain = \"0s\"\n[public]\nlisten = \"127.0.0.1:{public_port}\"\n[operator]\nlisten = \"127.0.0.1:{operator_port}\"\n\
             [discovery]\nfile = [\"{targets}\"]\npoll = {poll}\n\
             [scrape]\ninterval = {interval}\ntimeout = {timeout}\nmax_age = {max_age}\nretry_max = {retry}\nsmoothing = {smoothing}\n\
             [rooms]\nmemory = {memory}\nsecret_file = \"{secret}\"\n{agreement}",
            poll = ms(2_000),
            interval = ms(interval),
            timeout = ms(interval),
            // the study's figure: with intervals of some 100 ms a hiccup of the machine must not empty the fleet
            max_age = ms(15_000.max(4 * interval)),
            retry = ms(5_000.max(interval)),
            smoothing = ms(3_000),
            memory = ms(7_200_000),
        );
        let placement = match self.kind {
            Kind::Usher => {
                let p = Params::default();
                format!(
                    "[health]\npanic_hold = {hold}\n[placement]\nreplicas = {replicas}\nmemory = {memory}\nknown_memory = {known}\n\
                     join_foresight = {foresight}\njoin_smoothing = {smoothing}\nretry_after = {retry}\nfresh = {fresh}\n\
                     trust_fade = {fade}\nslow_start = {slow}\nbreaker_ripe = {ripe}\nbreaker_pause = {pause}\nconfirm_ttl = {ttl}\n\
                     learn_interval = {learn}\nlearn_memory = {lessons}\nlearn_meeting_gap = {gap}\n{more}\n",
                    hold = ms(60_000),
                    memory = ms(p.promise_memory_ms),
                    known = ms(p.known_promise_memory_ms),
                    foresight = ms(p.join_foresight_ms),
                    smoothing = ms(p.join_rate_smoothing_ms),
                    retry = ms(p.retry_after_ms),
                    fresh = ms(p.fresh_ms),
                    fade = ms(p.trust_fade_ms),
                    slow = ms(p.slow_start_ms),
                    ripe = ms(p.breaker_ripe_ms),
                    pause = ms(p.breaker_pause_ms),
                    ttl = ms(CONFIRM_TTL_MS.max((self.speed * 1000.0) as u64)),
                    learn = ms(5_000),
                    lessons = ms(COST_MEMORY_MS),
                    gap = ms(MEETING_GAP_MS),
                    more = self.more,
                )
            }
            Kind::OldDesign => format!(
                "[health]\nfall = 1\nrise = 1\npanic_hold = {hold}\n[placement]\npolicy = \"least-cpu\"\ncores_per_participant = 0\nfull = 2\n\
                 slow_start = \"0s\"\nbreaker_placements = 10000\nretry_after = {retry}\n",
                hold = ms(60_000),
                retry = ms(5_000),
            ),
        };
        general + &placement
    }
}

/// How long an agent keeps room for people who do not come, ms: the default. Whole seconds on the wire.
const CONFIRM_TTL_MS: u64 = 120_000;
