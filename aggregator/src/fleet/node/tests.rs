use proptest::prelude::*;
use usher_common::wire::ProbeFailure;

use super::*;
use crate::config::Learn;
use crate::fleet::lessons::School;
use crate::fleet::standing::standing;
use crate::fleet::state::tests::{RULES, report};

fn node() -> Node {
    Node::new(Target::parse("vm1").unwrap(), School::new(Learn::default()).pupil(), 0)
}

fn fail(node: &mut Node, now: Millis) {
    node.failed(Trouble::Fetch(ProbeFailure::Refused), "no".into(), &RULES, now);
}

#[test]
fn a_new_node_is_up_with_its_first_good_read_and_down_after_enough_bad_ones() {
    let mut node = node();
    assert!(!node.tried && node.life == Life::New);
    node.reported(report("vm1", "b", 1), &RULES, 10);
    assert_eq!((node.life, node.since), (Life::Up, 10));
    fail(&mut node, 20);
    assert_eq!(node.life, Life::Suspect);
    fail(&mut node, 30);
    assert_eq!((node.life, node.misfortune.as_ref().unwrap().since), (Life::Down, 20));
    node.reported(report("vm1", "b", 2), &RULES, 40);
    assert_eq!(node.life, Life::Down, "one good read is not enough to come back");
    node.reported(report("vm1", "b", 3), &RULES, 50);
    assert_eq!((node.life, node.misfortune.clone()), (Life::Up, None));
}

#[test]
fn a_node_that_never_answers_goes_down_without_ever_being_up() {
    let mut node = node();
    fail(&mut node, 1);
    assert_eq!(node.life, Life::New);
    fail(&mut node, 2);
    assert_eq!(node.life, Life::Down);
    assert_eq!(standing(&node, &RULES, false, 2), Err(super::super::Unfit::NeverRead));
}

#[test]
fn a_seq_that_stands_still_longer_than_the_limit_is_a_failure_however_young_the_sample_claims_to_be() {
    let mut node = node();
    for now in [0, 1000, 2000, 3000] {
        node.reported(report("vm1", "b", 7), &RULES, now);
        assert_eq!(node.life, Life::Up, "at {now}");
    }
    node.reported(report("vm1", "b", 7), &RULES, 3001);
    assert_eq!(node.misfortune.as_ref().unwrap().reason, Trouble::Frozen);
    node.unchanged(&RULES, 4000);
    assert_eq!(node.life, Life::Down);
    assert_eq!(node.latest.as_ref().unwrap().sampled, 0, "the same sample does not grow younger");
    node.reported(report("vm1", "other boot", 1), &RULES, 5000);
    node.reported(report("vm1", "other boot", 2), &RULES, 6000);
    assert_eq!(node.life, Life::Up, "a new life of the agent counts anew");
}

#[test]
fn old_samples_are_a_failure_and_an_unchanged_answer_keeps_a_young_node_up() {
    let mut node = node();
    let mut old = report("vm1", "b", 1);
    old.sample_age_ms = 3001;
    node.reported(old, &RULES, 10_000);
    assert_eq!(node.misfortune.as_ref().unwrap().reason, Trouble::Stale);
    assert_eq!(node.life, Life::New);
    node.reported(report("vm1", "b", 2), &RULES, 11_000);
    node.unchanged(&RULES, 12_000);
    assert_eq!((node.life, node.latest.as_ref().unwrap().read), (Life::Up, 12_000));
}

#[test]
fn silence_alone_makes_figures_too_old() {
    let mut node = node();
    node.reported(report("vm1", "b", 1), &RULES, 0);
    assert!(standing(&node, &RULES, false, 3000).is_ok());
    assert_eq!(standing(&node, &RULES, false, 3001), Err(super::super::Unfit::Stale));
}

proptest! {
    #[test]
    fn a_life_turns_only_after_enough_reads_in_a_row(reads in proptest::collection::vec(any::<bool>(), 1..60), fall in 1u32..5, rise in 1u32..5) {
        let rules = Health { fall, rise, ..RULES };
        let mut node = node();
        let (mut good, mut bad) = (0u32, 0u32);
        for (step, is_good) in reads.into_iter().enumerate() {
            let (before, now) = (node.life, 100 * step as u64);
            if is_good {
                node.reported(report("vm1", "b", step as u64), &rules, now);
                (good, bad) = (good + 1, 0);
            } else {
                node.failed(Trouble::Fetch(ProbeFailure::Timeout), String::new(), &rules, now);
                (good, bad) = (0, bad + 1);
            }
            match (before, node.life) {
                (Life::Down, Life::Up) => prop_assert!(good >= rise),
                (Life::Down, after) => prop_assert!(after == Life::Down && good < rise),
                (_, Life::Down) => prop_assert!(bad >= fall),
                (_, after) => prop_assert!(bad < fall && (after == Life::Up) == is_good || after == Life::New),
            }
            prop_assert_eq!(node.misfortune.is_some(), !is_good);
            let fit = standing(&node, &rules, false, now);
            prop_assert!(fit.is_err() || matches!(node.life, Life::Up | Life::Suspect));
            if node.latest.is_none() {
                prop_assert!(fit.is_err(), "never read is never fit");
            }
        }
    }
}
