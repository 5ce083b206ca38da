use std::sync::Arc;

use usher_common::wire::{Cpu, Jitsi, Report, Room};

use super::*;
use crate::fleet::Event;
use crate::fleet::state::tests::{RULES, report};
use crate::placement::choose;
use crate::target::Target;

const RULES_OF_LEARNING: Learn = Learn {
    room_sizes: true,
    person_cost: true,
    interval_ms: 5_000,
    memory_ms: 1_800_000,
    node_memory_ms: 86_400_000,
    samples_min: 30,
    meeting_gap_ms: 600_000,
    meetings_min: 2,
    hint_tolerance: 4.0,
};

struct Class {
    state: State,
    targets: Vec<Target>,
    now: Millis,
    seq: u64,
}

impl Class {
    fn of(count: usize, rules: Learn) -> Self {
        let targets: Vec<Target> =
            (0..count).map(|at| Target::parse(&format!("host{at}")).unwrap()).collect();
        let mut state = State::new(RULES, Params::default(), rules);
        state.apply(Event::Targets(Arc::from(targets.clone())), 0);
        Self { state, targets, now: 0, seq: 0 }
    }

    /// A node of 8 cores says so much, the next lesson's time later.
    fn say(&mut self, at: usize, busy: f64, participants: u64, rooms: &[(&str, u64)]) {
        self.seq += 1;
        let rooms = rooms.iter().map(|(name, participants)| Room {
            key: key(name),
            participants: *participants,
            age_s: None,
        });
        let said = Report {
            cpu: Some(Cpu {
                cores: 8,
                busy: Some(busy),
                busy_smooth: Some(busy),
                steal: None,
                iowait: None,
                per_core_busy: None,
                load: None,
            }),
            jitsi: Some(Jitsi { participants: Some(participants), ..Jitsi::default() }),
            rooms: Some(rooms.collect()),
            ..report(&format!("vm{at}"), "b", self.seq)
        };
        let target = self.targets[at].id.clone();
        self.state.apply(Event::Reported { target, report: Box::new(said) }, self.now);
    }

    fn chosen(&self, request: &PlaceRequest) -> (String, f64) {
        let lineup = self.state.lineup(&[], self.now);
        let (_, wish) = self.state.wish(request, self.now);
        let params = self.state.params_now(self.now);
        let choice = choose(&lineup.candidates, &wish, &params, 7, self.now).unwrap();
        (choice.node.to_string(), choice.people)
    }
}

fn key(name: &str) -> RoomKey {
    RoomKey::of(b"s", "", name)
}

fn asking(name: &str, expected: Option<f64>) -> PlaceRequest {
    PlaceRequest { room: Some(key(name)), region: None, expected }
}

/// Both nodes are equally busy at last, but each person costs the first one twice as much.
fn two_nodes_of_different_strength(lessons: u64) -> Class {
    let mut class = Class::of(2, RULES_OF_LEARNING);
    for lesson in 0..lessons {
        class.now = lesson * 5_000;
        class.say(0, 0.43, 100, &[]);
        class.say(1, 0.43, 200, &[]);
    }
    class
}

#[test]
fn what_a_person_costs_on_a_node_changes_the_placement_and_never_from_too_few_lessons() {
    let large = PlaceRequest { expected: Some(100.0), ..PlaceRequest::default() };
    let (minutes, half_a_day) = (40, 8_640);
    for (lessons, least, most) in [(minutes, 1.001, 1.1), (half_a_day, 1.95, 2.0)] {
        let class = two_nodes_of_different_strength(lessons);
        let lineup = class.state.lineup(&[], class.now);
        let costs: Vec<f64> = lineup.candidates.iter().map(|node| node.cost_per_person.unwrap()).collect();
        let weaker = costs[0] / costs[1];
        assert!((least..=most).contains(&weaker), "{lessons} lessons: {costs:?}");
        assert_eq!(class.chosen(&large).0, "vm1");
        let stronger = lineup.candidates[1].capacity.unwrap() / lineup.candidates[0].capacity.unwrap();
        assert!((stronger - weaker).abs() < 1e-9, "{stronger}");
    }
    let early = two_nodes_of_different_strength(29);
    let lineup = early.state.lineup(&[], early.now);
    assert!(lineup.candidates.iter().all(|node| node.cost_per_person.is_none() && node.capacity.is_none()));
    let off = Learn { person_cost: false, ..RULES_OF_LEARNING };
    let mut class = Class::of(1, off);
    for lesson in 0..60 {
        class.now = lesson * 5_000;
        class.say(0, 0.43, 100, &[]);
    }
    assert_eq!(class.state.params_now(class.now), Params::default());
}

#[test]
fn the_fleets_figure_takes_the_place_of_the_start_value() {
    let class = two_nodes_of_different_strength(14);
    assert_eq!(class.state.params_now(class.now), Params::default(), "28 lessons");
    let class = two_nodes_of_different_strength(20);
    let learned = class.state.lessons(class.now).cost_per_person.unwrap();
    assert!((0.002..0.004).contains(&learned), "{learned}");
    assert!((class.state.params_now(class.now).cost_per_person - learned).abs() < 1e-12);
}

#[test]
fn a_node_whose_cpu_has_nothing_to_do_with_its_people_is_not_taken_at_its_word() {
    let mut class = Class::of(20, RULES_OF_LEARNING);
    for lesson in 0..40 {
        class.now = lesson * 5_000;
        class.say(0, 0.9, 5, &[]);
        (1..20).for_each(|at| class.say(at, 0.43, 200, &[]));
    }
    let lineup = class.state.lineup(&[], class.now);
    let fleet = class.state.params_now(class.now).cost_per_person;
    assert!((fleet - 0.002).abs() < 0.0002, "one of twenty does not move the fleet's: {fleet}");
    let odd = lineup.candidates[0].cost_per_person.unwrap();
    assert!((fleet..fleet * 1.1).contains(&odd), "five people for some minutes prove little: {odd}");
}

#[test]
fn a_room_is_expected_at_its_usual_size_and_announcements_are_kept_near_it() {
    let mut class = Class::of(1, RULES_OF_LEARNING);
    let meet = |class: &mut Class, hour: u64| {
        for (minute, people) in [(0, 3), (5, 40), (10, 40)] {
            class.now = (hour * 60 + minute) * 60_000;
            class.say(0, 0.1, people, &[("weekly", people)]);
        }
    };
    meet(&mut class, 1);
    class.now += 3_600_000;
    class.say(0, 0.1, 0, &[]);
    assert_eq!(class.chosen(&asking("weekly", None)).1, 8.0, "one meeting is no habit");
    meet(&mut class, 3);
    class.now += 3_600_000;
    class.say(0, 0.1, 0, &[]);
    for (given, expected) in [(None, 40.0), (Some(60.0), 60.0), (Some(5000.0), 160.0), (Some(1.0), 10.0)] {
        let people = class.chosen(&asking("weekly", given)).1;
        assert!((people - expected).abs() < 1e-6, "{given:?}: {people}");
    }
    assert_eq!(class.chosen(&asking("new", Some(60.0))).1, 60.0);
    assert_eq!(class.chosen(&asking("new", None)).1, 8.0);
}

#[test]
fn an_ordinary_meeting_is_learned_from_thirty_within_what_the_policy_was_found_good_for() {
    let mut class = Class::of(1, RULES_OF_LEARNING);
    let names: Vec<String> = (0..30).map(|number| format!("room{number}")).collect();
    let all: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 12)).collect();
    for round in 0..2u64 {
        assert_eq!(class.state.lessons(class.now).expected_people, None, "none has ended: round {round}");
        class.now = round * 3_600_000;
        class.say(0, 0.1, 360, &all);
    }
    assert_eq!(class.state.lessons(class.now).expected_people, Some(12.0));
    assert_eq!(class.chosen(&PlaceRequest::default()).1, 12.0);
}

/// What a class says for an hour: strong and weak nodes, meetings of 20 people, and their end.
fn an_hour_of_lessons(rules: Learn) -> Class {
    let mut class = Class::of(2, rules);
    let names: Vec<String> = (0..40).map(|number| format!("room{number}")).collect();
    for lesson in 0..720u64 {
        class.now = lesson * 5_000;
        // each meeting grows from one person to twenty, and is over before the next hour
        let people = (1 + lesson).min(20);
        let rooms: Vec<(&str, u64)> =
            names.iter().map(|name| (name.as_str(), people)).filter(|_| lesson < 300).collect();
        class.say(0, 0.83, 100, &rooms);
        // one goes on: what is over is looked for when anybody is seen
        class.say(1, 0.23, 100, &[("hall", 100)]);
    }
    class
}

#[test]
fn each_kind_of_learning_changes_what_is_expected_and_switched_off_it_changes_nothing() {
    let learned = an_hour_of_lessons(RULES_OF_LEARNING);
    let (params, told) = (learned.state.params_now(learned.now), learned.state.lessons(learned.now));
    assert_ne!(params.cost_per_person, Params::default().cost_per_person);
    assert_eq!((params.expected_people, told.expected_people), (20.0, Some(20.0)));
    assert_ne!(params.known_promise_memory_ms, Params::default().known_promise_memory_ms);
    let own = |class: &Class| {
        let lineup = class.state.lineup(&[], class.now);
        lineup.candidates.iter().map(|node| (node.cost_per_person, node.capacity)).collect::<Vec<_>>()
    };
    assert!(own(&learned).iter().all(|(cost, capacity)| cost.is_some() && capacity.is_some()));

    let no_cost = an_hour_of_lessons(Learn { person_cost: false, ..RULES_OF_LEARNING });
    let (without, told) = (no_cost.state.params_now(no_cost.now), no_cost.state.lessons(no_cost.now));
    assert_eq!((without.cost_per_person, told.cost_per_person), (Params::default().cost_per_person, None));
    assert_eq!(own(&no_cost), [(None, None); 2]);
    assert_eq!(without.expected_people, 20.0, "the other kind goes on");

    let no_sizes = an_hour_of_lessons(Learn { room_sizes: false, ..RULES_OF_LEARNING });
    let (without, told) = (no_sizes.state.params_now(no_sizes.now), no_sizes.state.lessons(no_sizes.now));
    assert_eq!(Params { cost_per_person: without.cost_per_person, ..Params::default() }, without);
    assert_eq!(
        (told.expected_people, told.join_time_ms, told.meetings, told.known_rooms),
        (None, None, 0, 0)
    );
    assert_eq!(without.cost_per_person, params.cost_per_person, "the other kind goes on");

    let off = an_hour_of_lessons(Learn { room_sizes: false, person_cost: false, ..RULES_OF_LEARNING });
    assert_eq!(off.state.params_now(off.now), Params::default());
    assert_eq!(own(&off), [(None, None); 2]);
    assert_eq!(off.chosen(&asking("room1", None)).1, Params::default().expected_people);
}
