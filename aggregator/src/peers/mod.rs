//! The other replicas: who is live, who decides on a named room, and the one hop to ask them.
//!
//! ```text
//!  watch ──GET /api/v1/peer──► each peer: who it is, whether it is ready, how it sees the nodes
//!  owner of a room: rendezvous over the live ones (placement::owner)
//!  ask   ──POST /api/v1/peer/place──► the owner decides; it never asks further
//! ```
//!
//! Replicas know each other by a name that each draws at its start, so that the same list of peers
//! may stand in everybody's settings, ourselves included. They prove to each other that they belong
//! together by a token made of the rooms' secret. When the owner is away, each decides for itself.

mod ask;
mod view;
mod watch;

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Client;
use serde::{Deserialize, Serialize};
use url::Url;
use usher_common::rt::auth::Tokens;
use usher_common::rt::http_client::{ClientOptions, Failure, client};
use usher_common::wire::RoomKey;

use crate::clock::{Clock, Millis};
use crate::config;
use crate::placement;

pub use ask::AskError;
pub use view::{Hello, PeerView, View};
pub use watch::Watch;

/// Of a peer that was not looked at yet.
const NOT_ASKED: &str = "not asked yet";
/// Connections kept open per peer.
const IDLE_PER_HOST: usize = 32;

/// The other replicas.
#[derive(Debug)]
pub struct Peers {
    settings: config::Peers,
    /// Our own name, drawn at the start.
    name: String,
    token: String,
    client: Client,
    clock: Clock,
    list: Mutex<Vec<Peer>>,
}

/// One entry of the settings, with what was seen there last.
#[derive(Debug, Clone)]
struct Peer {
    url: Url,
    /// Its name; `None` until it said one.
    name: Option<String>,
    /// Whether it answers and is ready.
    live: bool,
    /// Looks at it in a row that had no answer in time.
    missed: u32,
    /// What is wrong with it; `None` while it is live.
    trouble: Option<String>,
    since: Millis,
    view: Option<view::Divergence>,
}

/// A live replica that owns a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    url: Url,
}

/// Who decides on a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decider {
    /// We do.
    Us,
    /// Another replica does.
    Other(Owner),
}

impl Peers {
    /// Peers that nothing is known of yet. `secret` is the rooms'.
    pub fn new(settings: config::Peers, secret: &[u8], clock: Clock) -> Result<Self, Failure> {
        let client = client(&ClientOptions { idle_per_host: IDLE_PER_HOST, ..ClientOptions::default() })?;
        let peer = |url: &Url| Peer {
            url: url.clone(),
            name: None,
            live: false,
            missed: 0,
            trouble: Some(NOT_ASKED.to_owned()),
            since: clock.now(),
            view: None,
        };
        let list = Mutex::new(settings.urls.iter().map(peer).collect());
        let name = format!("{:032x}", rand::random::<u128>());
        Ok(Self { settings, name, token: token(secret), client, clock, list })
    }

    /// Our own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What opens the peers' door.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens::new(vec![self.token.clone()])
    }

    /// Who decides on a room. We take part only while `ready`, since the others think so too.
    #[must_use]
    pub fn decider(&self, room: &RoomKey, ready: bool) -> Decider {
        let list = self.lock();
        let others =
            || list.iter().filter(|peer| peer.live).filter_map(|peer| Some((peer.name.as_deref()?, peer)));
        let names = others().map(|(name, _)| name).filter(|name| *name != self.name);
        let us = ready.then_some(self.name.as_str());
        let owner = placement::owner(room, us.into_iter().chain(names));
        let other = owner.filter(|owner| *owner != self.name);
        match other.and_then(|owner| others().find(|(name, _)| *name == owner)) {
            Some((_, peer)) => Decider::Other(Owner { url: peer.url.clone() }),
            None => Decider::Us,
        }
    }

    /// Whether every entry was asked since the start, with whatever outcome.
    #[must_use]
    pub fn is_tried(&self) -> bool {
        self.lock().iter().all(|peer| peer.live || peer.trouble.as_deref() != Some(NOT_ASKED))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Peer>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What shows that two replicas share the rooms' secret. The keyed hash of a text that no room's
/// name can be, since names hold no control characters.
fn token(secret: &[u8]) -> String {
    RoomKey::of(secret, "\u{0}", "peers").to_string()
}

/// A request to decide, as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    /// What is wanted; with a room's key, not its name.
    pub request: crate::fleet::PlaceRequest,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(names: &[(&str, bool)]) -> Peers {
        let urls = (0..names.len()).map(|n| Url::parse(&format!("http://agg{n}:7080/")).unwrap()).collect();
        let settings = config::Peers { urls, ..config::Peers::default() };
        let mut peers = Peers::new(settings, b"secret", Clock::start()).unwrap();
        peers.name = "us".to_owned();
        for (peer, (name, live)) in peers.lock().iter_mut().zip(names) {
            (peer.name, peer.live) = (Some((*name).to_owned()), *live);
        }
        peers
    }

    fn room(number: usize) -> RoomKey {
        RoomKey::of(b"secret", "", &number.to_string())
    }

    #[test]
    fn all_live_replicas_name_the_same_owner_and_the_lost_ones_rooms_go_to_the_others() {
        let owner = |peers: &Peers, number| match peers.decider(&room(number), true) {
            Decider::Us => peers.name.clone(),
            Decider::Other(owner) => {
                peers.lock().iter().find(|peer| peer.url == owner.url).unwrap().name.clone().unwrap()
            }
        };
        let ours = peers(&[("a", true), ("us", true), ("b", true)]);
        let mut theirs = peers(&[("us", true), ("b", true)]);
        theirs.name = "a".to_owned();
        let without = peers(&[("a", true), ("us", true), ("b", false)]);
        let mut counts = std::collections::BTreeMap::new();
        for number in 0..300 {
            let who = owner(&ours, number);
            assert_eq!(who, owner(&theirs, number));
            assert!(who == "b" || who == owner(&without, number));
            *counts.entry(who).or_insert(0) += 1;
        }
        assert!(counts.len() == 3 && counts.values().all(|count| *count > 60), "{counts:?}");
    }

    #[test]
    fn who_is_not_ready_leaves_the_deciding_to_others_and_decides_alone_when_there_are_none() {
        let ours = peers(&[("a", true)]);
        assert!((0..50).all(|number| ours.decider(&room(number), false) != Decider::Us));
        let alone = peers(&[("a", false), ("us", true)]);
        assert!((0..50).all(|number| alone.decider(&room(number), true) == Decider::Us));
        assert_eq!(alone.decider(&room(1), false), Decider::Us);
    }

    #[test]
    fn the_token_shows_the_secret_without_telling_it() {
        assert_eq!(token(b"one"), token(b"one"));
        assert_ne!(token(b"one"), token(b"two"));
        assert_ne!(token(b"one"), RoomKey::of(b"one", "", "peers").to_string());
    }
}
