//! `[placement]`: one row for each constant of the policy, and what they mean together.
//!
//! The defaults and their origin are [`Params`]'; a test holds the rows to them. Some constants are
//! other sections' keys, because they hold for more than placing: `scrape.max_age`, `health.panic`
//! and the times of `[rooms]`.

use usher_common::settings::{Complaints, Key, Kind, Settings};

use super::build::{millis, positive};
use super::rows::key;
use super::{Confirm, Learn, Placement};
use crate::placement::{Params, Policy};

/// The words of `placement.policy`; the first is the default.
const POLICIES: &[&str] = &[
    Policy::ExpectedLoad.as_str(),
    Policy::LeastCpu.as_str(),
    Policy::Random.as_str(),
    Policy::RoundRobin.as_str(),
    Policy::TwoChoices.as_str(),
    Policy::LeastParticipants.as_str(),
];

const PEOPLE: Kind = Kind::Number { min_milli: 0, max_milli: 10_000_000 };
const LOAD: Kind = Kind::Number { min_milli: 1, max_milli: 2000 };
const SHARE: Kind = Kind::Number { min_milli: 0, max_milli: 1000 };

/// The keys.
pub(super) const ROWS: &[Key] = &[
    row("placement.policy", Kind::Word(POLICIES), "expected-load", "How the best node is found"),
    row(
        "placement.full",
        LOAD,
        "1",
        "Expected load, with an ordinary new room, above which a node gets none (1: all of its CPU)",
    ),
    row(
        "placement.comfortable",
        LOAD,
        "0.85",
        "Load up to which a node is comfortable: headroom is counted from here",
    ),
    row("placement.expected_participants", PEOPLE, "8", "People expected of a placement that does not say"),
    row(
        "placement.expected_participants_min",
        PEOPLE,
        "1",
        "What callers announce is taken to be at least this",
    ),
    row(
        "placement.expected_participants_max",
        PEOPLE,
        "300",
        "What callers announce is taken to be at most this",
    ),
    row(
        "placement.cores_per_participant",
        Kind::Number { min_milli: 0, max_milli: 10_000 },
        "0.016",
        "Cores that one participant keeps busy",
    ),
    row(
        "placement.standard_cores",
        Kind::Number { min_milli: 1, max_milli: 1_000_000 },
        "8",
        "Cores of the machine that counts as capacity 1",
    ),
    row(
        "placement.capacity_exponent",
        Kind::Number { min_milli: 0, max_milli: 2000 },
        "0.5",
        "How much a big node's headroom counts more than the same share of a small one",
    ),
    row("placement.stress_at_full", LOAD, "0.9", "CPU at which a bridge calls itself full (stress 1)"),
    row("placement.stress_margin", SHARE, "0.05", "What stress must exceed the CPU by to count"),
    row(
        "placement.near_equal",
        SHARE,
        "0.01",
        "Loads closer than this are equals where replicas should agree on a named room",
    ),
    row(
        "placement.small_room",
        PEOPLE,
        "12",
        "People up to which a room of known size fills up busy nodes, so that the emptiest stay free for large ones (0: never)",
    ),
    row("placement.filling_from", LOAD, "0.45", "Mean load of the fleet from which on that is done"),
    row(
        "placement.filling_low",
        SHARE,
        "0.1",
        "Such nodes are busier than this share of the way from the mean load to placement.comfortable",
    ),
    row("placement.filling_high", SHARE, "0.25", "And at most as busy as this share of the way"),
    row(
        "placement.memory",
        Kind::Duration,
        "15s",
        "Time constant with which a promise is forgotten, as its people show up in the figures",
    ),
    row(
        "placement.known_memory",
        Kind::Duration,
        "90s",
        "The same for people beyond placement.expected_participants, who were announced",
    ),
    row(
        "placement.join_foresight",
        Kind::Duration,
        "90s",
        "How long the present rate of joins is taken to go on",
    ),
    row("placement.join_smoothing", Kind::Duration, "30s", "Time constant of smoothing the rate of joins"),
    row(
        "placement.replicas",
        Kind::Integer { min: 1, max: 100 },
        "1",
        "Aggregators that place on this fleet: counts for nodes that cannot be told of promises (node_exporter)",
    ),
    row(
        "placement.retry_after",
        Kind::Duration,
        "5s",
        "What callers are told to wait when no node can take a room",
    ),
    row("placement.fresh", Kind::Duration, "4s", "A sample this old is as good as a fresh one"),
    row(
        "placement.trust_fade",
        Kind::Duration,
        "5s",
        "Time constant with which trust in an older sample's low load fades towards the fleet's mean",
    ),
    row(
        "placement.slow_start",
        Kind::Duration,
        "60s",
        "Time until a node that is new or came back gets its full share",
    ),
    row(
        "placement.breaker_placements",
        Kind::Integer { min: 1, max: 10_000 },
        "8",
        "Placements without a single join seen after which a node is left out",
    ),
    row(
        "placement.breaker_ripe",
        Kind::Duration,
        "15s",
        "Only placements older than this count: people need time to come",
    ),
    row("placement.breaker_pause", Kind::Duration, "60s", "How long such a node is left out"),
    row(
        "placement.confirm_timeout",
        Kind::Duration,
        "150ms",
        "How long a node may take to confirm that it keeps room, before the next best is asked",
    ),
    row(
        "placement.confirm_total",
        Kind::Duration,
        "600ms",
        "How long one request may wait for nodes to confirm, however many are asked one after the other",
    ),
    row(
        "placement.confirm_ttl",
        Kind::Duration,
        "2m",
        "How long a node keeps room for a meeting to which nobody comes",
    ),
    row(
        "placement.region_spill",
        Kind::Bool,
        "true",
        "Whether a request for a region is served elsewhere once no node there is comfortable, rather than refused",
    ),
    row(
        "placement.decisions",
        Kind::Integer { min: 0, max: 100_000 },
        "200",
        "Newest placements kept with all their inputs for /api/v1/decisions, as far as 32 MB last",
    ),
    key(
        "placement.shadow",
        Kind::Word(POLICIES),
        None,
        "Policy whose choices are computed beside the real ones and compared in /metrics; never followed",
    ),
    row(
        "placement.learn_room_sizes",
        Kind::Bool,
        "true",
        "Learn the sizes of rooms that meet again and again",
    ),
    row(
        "placement.learn_person_cost",
        Kind::Bool,
        "true",
        "Learn what CPU a participant costs, on each node",
    ),
    row(
        "placement.herd_window",
        Kind::Duration,
        "30s",
        "The largest herd in /metrics is the most rooms that one node got within this time",
    ),
    row("placement.learn_interval", Kind::Duration, "5s", "How often a node's report is taken as a lesson"),
    row(
        "placement.learn_memory",
        Kind::Duration,
        "30m",
        "Time constant with which lessons on the cost of a participant fade; about a meeting's length",
    ),
    row(
        "placement.learn_node_memory",
        Kind::Duration,
        "24h",
        "The same for what one node teaches of itself: its meetings change, the machine hardly",
    ),
    row(
        "placement.learn_samples_min",
        Kind::Integer { min: 1, max: 1_000_000 },
        "30",
        "Lessons below which nothing is concluded of the cost of a participant",
    ),
    row(
        "placement.learn_meeting_gap",
        Kind::Duration,
        "10m",
        "How long a room must be empty for its meeting to be over",
    ),
    row(
        "placement.learn_meetings_min",
        Kind::Integer { min: 1, max: 1000 },
        "2",
        "Meetings of a room below which its size is not told",
    ),
    row(
        "placement.hint_tolerance",
        Kind::Number { min_milli: 1000, max_milli: 1_000_000 },
        "4",
        "What callers announce is taken within this many times (or parts) of a room's usual size, once known",
    ),
];

const fn row(path: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    key(path, kind, Some(default), help)
}

/// Reads the section.
pub(super) fn placement(settings: &Settings, complaints: &mut Complaints) -> Placement {
    let number = |path| settings.number(path).expect("has a default");
    let count =
        |path| settings.integer(path).and_then(|n| u32::try_from(n).ok()).expect("within its row's bounds");
    let word = settings.text("placement.policy").expect("has a default");
    let standard_cores = number("placement.standard_cores");
    let (least, most) =
        (number("placement.expected_participants_min"), number("placement.expected_participants_max"));
    if least > most {
        complaints.add(
            &settings.origin("placement.expected_participants_min"),
            format!("placement.expected_participants_min is {least}, but must not be above placement.expected_participants_max, {most}"),
        );
    }
    let params = Params {
        policy: word.parse().expect("one of its row's words"),
        expected_people: number("placement.expected_participants"),
        expected_people_min: least,
        expected_people_max: most.max(least),
        promise_memory_ms: millis(settings, "placement.memory"),
        known_promise_memory_ms: millis(settings, "placement.known_memory"),
        join_foresight_ms: millis(settings, "placement.join_foresight"),
        join_rate_smoothing_ms: millis(settings, "placement.join_smoothing"),
        replicas: count("placement.replicas"),
        cost_per_person: number("placement.cores_per_participant") / standard_cores,
        standard_cores,
        cpu_at_full_stress: number("placement.stress_at_full"),
        stress_margin: number("placement.stress_margin"),
        comfortable: number("placement.comfortable"),
        capacity_exponent: number("placement.capacity_exponent"),
        near_equal: number("placement.near_equal"),
        small_room: number("placement.small_room"),
        filling_from: number("placement.filling_from"),
        filling_low: number("placement.filling_low"),
        filling_high: number("placement.filling_high"),
        region_spill: settings.bool("placement.region_spill").expect("has a default"),
        full: number("placement.full"),
        retry_after_ms: millis(settings, "placement.retry_after"),
        fresh_ms: millis(settings, "placement.fresh"),
        trust_fade_ms: millis(settings, "placement.trust_fade"),
        stale_after_ms: millis(settings, "scrape.max_age"),
        slow_start_ms: millis(settings, "placement.slow_start"),
        panic_share: number("health.panic"),
        breaker_placements: count("placement.breaker_placements"),
        breaker_ripe_ms: millis(settings, "placement.breaker_ripe"),
        breaker_pause_ms: millis(settings, "placement.breaker_pause"),
        room_memory_ms: millis(settings, "rooms.memory"),
        room_agreed_ms: millis(settings, "rooms.agreed"),
        room_live_equal_ms: millis(settings, "rooms.live_equal"),
        room_promised_equal_ms: millis(settings, "rooms.promised_equal"),
        // The next best is chosen anew when the first refuses, so none needs to be named.
        runners_up: 0,
    };
    let confirm = Confirm {
        timeout: positive(settings, "placement.confirm_timeout", complaints),
        total: positive(settings, "placement.confirm_total", complaints),
        ttl_s: positive(settings, "placement.confirm_ttl", complaints).as_secs().max(1),
    };
    let flag = |path| settings.bool(path).expect("has a default");
    let learn = Learn {
        room_sizes: flag("placement.learn_room_sizes"),
        person_cost: flag("placement.learn_person_cost"),
        interval_ms: millis(settings, "placement.learn_interval"),
        memory_ms: millis(settings, "placement.learn_memory"),
        node_memory_ms: millis(settings, "placement.learn_node_memory"),
        samples_min: count("placement.learn_samples_min"),
        meeting_gap_ms: millis(settings, "placement.learn_meeting_gap"),
        meetings_min: count("placement.learn_meetings_min"),
        hint_tolerance: number("placement.hint_tolerance"),
    };
    let shadow = settings.text("placement.shadow").map(|word| word.parse().expect("one of its row's words"));
    let decisions = count("placement.decisions") as usize;
    let herd_window_ms = millis(settings, "placement.herd_window");
    Placement { params, confirm, learn, shadow, decisions, herd_window_ms }
}

#[cfg(test)]
mod tests {
    use usher_common::settings::{Sources, resolve};

    use super::*;
    use crate::config::SCHEMA;

    fn read(text: &str) -> Result<Placement, Complaints> {
        let sources = Sources::default().with_file(std::path::Path::new("a.toml"), text);
        let mut complaints = Complaints::default();
        let read = placement(&resolve(&SCHEMA, &sources).expect("kinds are right"), &mut complaints);
        complaints.or(read)
    }

    #[test]
    fn the_rows_defaults_are_the_policys() {
        let params = Params::default();
        let ours = Params { runners_up: 0, stale_after_ms: 3000, ..params };
        let read = read("").unwrap();
        assert_eq!(read.params, ours, "scrape.max_age is stricter than the study");
        assert_eq!((read.learn, read.shadow), (Learn::default(), None));
    }

    #[test]
    fn every_policy_has_its_word() {
        let all: Vec<&str> = Policy::ALL.iter().map(|policy| policy.as_str()).collect();
        assert_eq!(POLICIES, all);
        for policy in Policy::ALL {
            let text = format!("[placement]\npolicy = \"{policy}\"");
            assert_eq!(read(&text).unwrap().params.policy, *policy);
        }
    }

    #[test]
    fn each_kind_of_learning_is_switched_off_by_its_own_key() {
        let off = read("[placement]\nlearn_room_sizes = false").unwrap().learn;
        assert_eq!(off, Learn { room_sizes: false, ..Learn::default() });
        let off = read("[placement]\nlearn_person_cost = false").unwrap().learn;
        assert_eq!(off, Learn { person_cost: false, ..Learn::default() });
    }

    #[test]
    fn bounds_that_cross_are_a_complaint() {
        let complaints = read("[placement]\nexpected_participants_min = 500").unwrap_err();
        assert!(complaints.to_string().contains("must not be above"), "{complaints}");
    }
}
