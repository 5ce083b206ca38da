//! What the services tell of: people, rooms, load, switches, faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The bridge's private HTTP server.
    Jvb,
    /// Jicofo's REST server.
    Jicofo,
    /// Prosody's HTTP server.
    Prosody,
    /// The web server.
    Web,
}

impl Part {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Jvb, Self::Jicofo, Self::Prosody, Self::Web];
}

/// Which versions' keys and quirks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// JVB 2.3.299, jicofo 1.1: series, link and drain figures; an empty census is `[]`.
    #[default]
    Present,
    /// JVB 2.1.376, jicofo 1.0: no series, no link figures; an empty census is `{}`.
    Former,
}

/// The state of a health check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// 200.
    #[default]
    Well,
    /// 500: it will not pass by itself.
    Hard,
    /// 503: it may pass.
    Soft,
}

/// What goes wrong with a service's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing listens.
    Refuse,
    /// The connection is taken and dropped, as docker-proxy does for a closed port.
    Reset,
    /// The connection is taken and nothing comes.
    Hang,
    /// The head comes, then a byte now and then, for ever.
    Drip,
    /// The body ends before its announced length.
    Cut,
    /// The body comes as fast as it is read and never ends.
    Flood,
    /// An HTML page with status 200, as a proxy's error page.
    Html,
    /// Status 500.
    Error,
    /// NaN for every number of the series, null in JSON.
    Nan,
    /// None of the documented fields.
    MissingFields,
    /// Texts where numbers belong.
    WrongTypes,
}

impl Fault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Refuse,
        Self::Reset,
        Self::Hang,
        Self::Drip,
        Self::Cut,
        Self::Flood,
        Self::Html,
        Self::Error,
        Self::Nan,
        Self::MissingFields,
        Self::WrongTypes,
    ];
}

/// A meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its address in prosody, `[tenant]name@muc.meet.jitsi`.
    pub address: String,
    /// People in it.
    pub people: u64,
    /// When it began, milliseconds since the Unix epoch.
    pub created_unix_ms: u64,
    /// Whether its people are gone without leaving.
    #[serde(default)]
    pub leaked: bool,
}

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// Whose manners.
    pub dialect: Dialect,
    /// The meetings.
    pub rooms: Vec<Room>,
    /// People who joined since the start; grows by itself with the rooms.
    pub joins: u64,
    /// The bridge's stress.
    pub stress: f64,
    /// Media into the bridge, bits per second.
    pub incoming_bits_per_s: u64,
    /// Media out of the bridge, bits per second.
    pub outgoing_bits_per_s: u64,
    /// The bridge's own check.
    pub jvb_health: Health,
    /// Whether the bridge is joined to prosody.
    pub linked: bool,
    /// Whether the bridge is in drain.
    pub drain: bool,
    /// Whether the bridge is in graceful shutdown.
    pub graceful_shutdown: bool,
    /// Jicofo's check, where it is switched on.
    pub jicofo_health: Health,
    /// Whether prosody finds a module with an error.
    pub prosody_errors: bool,
    /// `COLIBRI_REST_ENABLED`.
    pub colibri_rest: bool,
    /// `SHUTDOWN_REST_ENABLED`, which needs the former too.
    pub shutdown_rest: bool,
    /// `JICOFO_ENABLE_REST`; without it the published port leads nowhere.
    pub jicofo_rest: bool,
    /// `JICOFO_ENABLE_HEALTH_CHECKS`.
    pub jicofo_health_checks: bool,
    /// `XMPP_MODULES=muc_census`.
    pub census: bool,
    /// `http_health_allow_cidr` lets the asker in.
    pub prosody_health_open: bool,
    /// Whether the bridge shows its figures only as it refreshes them (5 s, stress 10 s).
    pub refreshes: bool,
    /// What is wrong with which service.
    pub faults: BTreeMap<Part, Fault>,
}

impl Default for World {
    /// A stock stack without a meeting.
    fn default() -> Self {
        Self {
            dialect: Dialect::Present,
            rooms: Vec::new(),
            joins: 0,
            stress: 0.02,
            incoming_bits_per_s: 0,
            outgoing_bits_per_s: 0,
            jvb_health: Health::Well,
            linked: true,
            drain: false,
            graceful_shutdown: false,
            jicofo_health: Health::Well,
            prosody_errors: false,
            colibri_rest: false,
            shutdown_rest: false,
            jicofo_rest: false,
            jicofo_health_checks: false,
            census: false,
            prosody_health_open: false,
            refreshes: false,
            faults: BTreeMap::new(),
        }
    }
}

impl World {
    /// A stack with every interface on, which a node that reports rooms wants.
    #[must_use]
    pub fn open() -> Self {
        Self {
            colibri_rest: true,
            shutdown_rest: true,
            jicofo_rest: true,
            jicofo_health_checks: true,
            census: true,
            prosody_health_open: true,
            ..Self::default()
        }
    }

    /// Puts `people` in the room `address`, begun at `created_unix_ms`; nobody ends it.
    pub fn seat(&mut self, address: &str, people: u64, created_unix_ms: u64) {
        self.rooms.retain(|room| room.address != address);
        if people > 0 {
            self.rooms.push(Room { address: address.to_owned(), people, created_unix_ms, leaked: false });
        }
    }

    /// Takes over `next`, counting who joined.
    pub(super) fn become_next(&mut self, mut next: Self) {
        let before = |address: &str| {
            self.rooms.iter().find(|room| room.address == address).map_or(0, |room| room.people)
        };
        let joined: u64 =
            next.rooms.iter().map(|room| room.people.saturating_sub(before(&room.address))).sum();
        next.joins = next.joins.max(self.joins) + joined;
        *self = next;
    }

    /// Meetings as jicofo counts them: from the first person on.
    pub(super) fn meetings(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter().filter(|room| room.people > 0 && !room.leaked)
    }

    /// Meetings as the bridge sees them: from the second person on.
    pub(super) fn bridged(&self) -> impl Iterator<Item = &Room> {
        self.meetings().filter(|room| room.people >= 2)
    }

    /// What is wrong with `part`; a jicofo whose REST is off is a port that leads nowhere.
    pub(super) fn fault(&self, part: Part) -> Option<Fault> {
        let set = self.faults.get(&part).copied();
        let closed = part == Part::Jicofo && !self.jicofo_rest;
        set.or(closed.then_some(Fault::Reset))
    }
}
