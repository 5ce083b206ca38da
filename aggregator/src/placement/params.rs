//! Every constant of the placement, with its unit, its origin and its default.
//!
//! "Study" below is the simulation of 100 VMs with heavy-tailed rooms, flash crowds, deaths and
//! drains that the policy was chosen by; the replay in the tests crate repeats it against this code.

use serde::{Deserialize, Serialize};

use super::policy::Policy;

/// The constants. Times are milliseconds, loads are shares of a node's CPU (1 = all of it).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// How the node is chosen.
    pub policy: Policy,

    /// People expected of a placement of which nothing is known. Study: 8; 5 to 30 work.
    pub expected_people: f64,
    /// Hints and learned sizes are clamped to this range: people write 500 into every form, and
    /// Jitsi's largest meetings are of some 300.
    pub expected_people_min: f64,
    /// See [`expected_people_min`](Self::expected_people_min).
    pub expected_people_max: f64,
    /// T1: a promise is forgotten with this age constant, because by then those who come show up
    /// in the join rate and the CPU. Study: 20 s; 10 to 40 s work, but with 10 s flash
    /// crowds begin to bunch. Replay: 15 s leave some 2 % less overload than 20 s (three sets of
    /// 70 to 80 hours, each within chance), with bursts of 14.4 and not 13.4.
    pub promise_memory_ms: u64,
    /// The same for the part of a promise beyond [`expected_people`](Self::expected_people): it is
    /// known and not guessed, so it holds as long as people take to come. Replay: 45 to 180 s work.
    pub known_promise_memory_ms: u64,
    /// τ: the present join rate is taken to go on for this long. Study: 90 s; 45 to 150 s work.
    /// Also the age constant of promises where the join rate is not known.
    pub join_foresight_ms: u64,
    /// Smoothing of the join rate. Study: 30 s; 15 to 60 s work.
    pub join_rate_smoothing_ms: u64,
    /// Replicas that place on this fleet: a promise that only its maker can see stands for as many.
    pub replicas: u32,

    /// CPU of one person on the standard VM, until learned. Bridges of 8 cores carry about 400
    /// people in small meetings, and 0.002 is within the factor of two that the study tolerates.
    pub cost_per_person: f64,
    /// Cores of the standard VM, for nodes of which only the cores are known.
    pub standard_cores: f64,
    /// CPU at which the JVB calls itself full (stress 1): its load manager divides by 0.9.
    pub cpu_at_full_stress: f64,
    /// What stress must exceed the CPU by to count: the bridge samples it every 10 s only, and the
    /// larger of a fresh and an old figure is a noisy one. 0.05 is more than 10 s usually change.
    pub stress_margin: f64,

    /// θ: the load up to which a node is comfortable; headroom is counted from here. Study: 0.85.
    pub comfortable: f64,
    /// γ: how much a big node's headroom counts more than the same share of a small one.
    /// Study: 0.5.
    pub capacity_exponent: f64,
    /// Loads closer than this are equals where replicas should agree on a named room. About the
    /// noise of a CPU reading.
    pub near_equal: f64,

    /// People up to which a room whose size is known (announced, learned) is small: it may fill up busy
    /// nodes, see `filling.rs`. 0: none is. Replay: 12; 6 to 12 gain.
    pub small_room: f64,
    /// The fleet's mean load from which on this is done: below, there is room for any meeting anywhere.
    pub filling_from: f64,
    /// The band of loads of such nodes, as shares of the way from the mean to
    /// [`comfortable`](Self::comfortable). Replay: 0.1 to 0.25; up to 0.35 gains less.
    pub filling_low: f64,
    /// See [`filling_low`](Self::filling_low).
    pub filling_high: f64,

    /// Whether a request for a region may be served elsewhere once the region is full or lost: a
    /// meeting with some delay is better than none. Without, other regions' nodes are removed.
    pub region_spill: bool,

    /// Expected load, with an ordinary new room, above which a node takes none. Above 1, media
    /// suffers for everybody in it.
    pub full: f64,
    /// What a caller is told to wait when nothing can take a room.
    pub retry_after_ms: u64,

    /// A reading this old is as good as a fresh one: two rounds of scraping.
    pub fresh_ms: u64,
    /// Beyond that, trust in a low load fades towards the fleet's mean with this age constant.
    pub trust_fade_ms: u64,
    /// A reading older than this is no ground for a placement.
    pub stale_after_ms: u64,
    /// A node new in the rotation gets its full share only after this long (HAProxy: slowstart).
    pub slow_start_ms: u64,
    /// Share of the nodes once seen that look dead at which we suspect ourselves (Envoy: 50 %).
    pub panic_share: f64,

    /// Placements without one join after which a node is left out. Study: 8.
    pub breaker_placements: u32,
    /// Only placements older than this count: people need time to come.
    pub breaker_ripe_ms: u64,
    /// How long the node is left out.
    pub breaker_pause_ms: u64,

    /// How long a named room is remembered after its last request, when no agent lists it.
    pub room_memory_ms: u64,
    /// How long an answer that all replicas agree on (the store's, the owner's) is passed on without
    /// asking again: about as old as any other knowledge of a node gets.
    pub room_agreed_ms: u64,
    /// Live rooms on two nodes whose beginnings lie closer together than this are equally early: their
    /// ages are whole seconds, of a census that is itself seconds old.
    pub room_live_equal_ms: u64,
    /// The same for promises: their ages are milliseconds, plus the way to us.
    pub room_promised_equal_ms: u64,
    /// Next-best nodes that a choice names, for the case that the first refuses.
    pub runners_up: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            policy: Policy::ExpectedLoad,
            expected_people: 8.0,
            expected_people_min: 1.0,
            expected_people_max: 300.0,
            promise_memory_ms: 15_000,
            known_promise_memory_ms: 90_000,
            join_foresight_ms: 90_000,
            join_rate_smoothing_ms: 30_000,
            replicas: 1,
            cost_per_person: 0.002,
            standard_cores: 8.0,
            cpu_at_full_stress: 0.9,
            stress_margin: 0.05,
            comfortable: 0.85,
            capacity_exponent: 0.5,
            near_equal: 0.01,
            small_room: 12.0,
            filling_from: 0.45,
            filling_low: 0.1,
            filling_high: 0.25,
            region_spill: true,
            full: 1.0,
            retry_after_ms: 5_000,
            fresh_ms: 4_000,
            trust_fade_ms: 5_000,
            stale_after_ms: 15_000,
            slow_start_ms: 60_000,
            panic_share: 0.5,
            breaker_placements: 8,
            breaker_ripe_ms: 15_000,
            breaker_pause_ms: 60_000,
            room_memory_ms: 7_200_000,
            room_agreed_ms: 1_000,
            room_live_equal_ms: 5_000,
            room_promised_equal_ms: 250,
            runners_up: 3,
        }
    }
}

impl Params {
    /// The same policy in a world that runs `speed` times as fast: every time divided, none below
    /// 1 ms. Everything that is not a time stays.
    #[must_use]
    pub fn at_speed(&self, speed: f64) -> Self {
        let scaled = |ms: u64| ((ms as f64 / speed).round() as u64).max(1);
        Self {
            promise_memory_ms: scaled(self.promise_memory_ms),
            known_promise_memory_ms: scaled(self.known_promise_memory_ms),
            join_foresight_ms: scaled(self.join_foresight_ms),
            join_rate_smoothing_ms: scaled(self.join_rate_smoothing_ms),
            retry_after_ms: scaled(self.retry_after_ms),
            fresh_ms: scaled(self.fresh_ms),
            trust_fade_ms: scaled(self.trust_fade_ms),
            stale_after_ms: scaled(self.stale_after_ms),
            slow_start_ms: scaled(self.slow_start_ms),
            breaker_ripe_ms: scaled(self.breaker_ripe_ms),
            breaker_pause_ms: scaled(self.breaker_pause_ms),
            room_memory_ms: scaled(self.room_memory_ms),
            room_agreed_ms: scaled(self.room_agreed_ms),
            room_live_equal_ms: scaled(self.room_live_equal_ms),
            room_promised_equal_ms: scaled(self.room_promised_equal_ms),
            ..self.clone()
        }
    }

    /// How old a promise must be to be left out of a [`Candidate`](super::Candidate): less than 1 % of
    /// it is left then.
    #[must_use]
    pub fn promise_forgotten_after_ms(&self) -> u64 {
        let longest = self.promise_memory_ms.max(self.known_promise_memory_ms).max(self.join_foresight_ms);
        longest.saturating_mul(5)
    }

    /// People to expect of a room, given what is known of it (a hint, or a learned size).
    #[must_use]
    pub fn people(&self, expected: Option<f64>) -> f64 {
        match expected {
            Some(people) if people.is_finite() => {
                people.clamp(self.expected_people_min, self.expected_people_max)
            }
            _ => self.expected_people,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_the_speed_divides_every_time_and_nothing_else() {
        let (slow, fast) = (Params::default(), Params::default().at_speed(10.0));
        let [slow, fast] = [slow, fast].map(|params| serde_json::to_value(params).unwrap());
        for (key, value) in slow.as_object().unwrap() {
            if key.ends_with("_ms") {
                assert_eq!(value.as_u64().unwrap(), fast[key].as_u64().unwrap() * 10, "{key}");
            } else {
                assert_eq!(value, &fast[key], "{key}");
            }
        }
    }

    #[test]
    fn hints_are_clamped_and_nonsense_is_not_a_hint() {
        let params = Params::default();
        assert_eq!(params.people(None), 8.0);
        assert_eq!(params.people(Some(0.0)), 1.0);
        assert_eq!(params.people(Some(25.0)), 25.0);
        assert_eq!(params.people(Some(5000.0)), 300.0);
        assert_eq!(params.people(Some(f64::NAN)), 8.0);
    }
}
