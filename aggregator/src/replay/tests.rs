//! What a replay must show on small fleets; the large comparisons are `fleet-replay compare`'s.

use crate::placement::Policy;

use std::sync::Arc;

use super::{Outcome, Setup, World, live};
use crate::replay::trace::{Trace, VmKind, Workload};

/// 20 VMs, 25 minutes, one flash crowd at minute 20.
fn small(seed: u64, change: impl FnOnce(&mut Workload)) -> Arc<Trace> {
    let mut workload = Workload::preset("replay", seed).unwrap();
    (workload.vms, workload.measured_s) = (20, 1500.0);
    change(&mut workload);
    Arc::new(workload.generate())
}

fn sum(traces: &[Arc<Trace>], setup: &Setup, figure: impl Fn(&Outcome) -> f64) -> f64 {
    traces.iter().map(|trace| figure(&live(trace, setup, &World::default()))).sum()
}

#[test]
fn the_same_trace_and_setup_give_the_same_outcome() {
    let trace = small(3, |_| ());
    let setup = Setup::usher(3);
    let first = live(&trace, &setup, &World::default());
    assert!(first.asked > 500 && first.minutes > 1000.0, "{first:?}");
    assert_eq!(first, live(&trace, &setup, &World::default()));
}

#[test]
fn the_product_leaves_far_less_overload_than_the_old_design_and_causes_none_by_itself() {
    // so many because one hour's figure scatters by half; a large fleet gains more (see the comparisons)
    let traces: Vec<Arc<Trace>> = (1..=8).map(|seed| small(seed, |_| ())).collect();
    let over = |setup: &Setup| sum(&traces, setup, |outcome| outcome.overload_minutes);
    let (old, cpu, usher) =
        (over(&Setup::old_design()), over(&Setup::policy(Policy::LeastCpu)), over(&Setup::usher(3)));
    assert!(usher * 4.0 < old, "usher {usher}, old {old}");
    assert!(usher < cpu && cpu < old, "usher {usher}, fresh CPU {cpu}, old {old}");
    let total = sum(&traces, &Setup::usher(3), |outcome| outcome.minutes);
    assert!(sum(&traces, &Setup::usher(3), |outcome| outcome.herd_minutes) <= 0.0005 * total);
}

#[test]
fn a_flash_crowd_is_spread() {
    let trace = small(5, |workload| workload.churn = false);
    let burst = |setup: &Setup| live(&trace, setup, &World::default()).burst;
    let (old, usher) = (burst(&Setup::old_design()), burst(&Setup::usher(3)));
    assert!(usher <= 20.0 && old > 2.0 * usher, "usher {usher}, old {old}");
}

#[test]
fn without_deaths_and_failures_nobody_is_refused_and_no_room_is_split() {
    let trace = small(2, |workload| (workload.churn, workload.load) = (false, 0.5));
    for replicas in [1, 3] {
        let outcome = live(&trace, &Setup::usher(replicas), &World::perfect());
        assert!(outcome.met_rooms > 50, "{outcome:?}");
        assert_eq!((outcome.failed, outcome.refused, outcome.split_rooms), (0, 0, 0), "{outcome:?}");
    }
}

#[test]
fn a_death_costs_a_handful_of_requests_and_its_rooms_meet_again_in_one_place() {
    let trace = small(4, |_| ());
    assert!(trace.vms.iter().any(|event| event.kind == VmKind::Die));
    for confirm in [true, false] {
        let outcome = live(&trace, &Setup { confirm, ..Setup::usher(3) }, &World::default());
        assert!(outcome.failed <= 10, "{outcome:?}");
        assert!(outcome.met_rooms > 50 && outcome.split_rooms <= 1, "{outcome:?}");
    }
}

#[test]
fn a_vm_that_looks_idle_because_nobody_can_join_is_left_out_before_it_swallows_the_crowd() {
    let trace = small(6, |workload| (workload.churn, workload.load) = (false, 0.5));
    let world = World { sinkhole_ms: Some((300_000, 1_200_000)), ..World::perfect() };
    let failed = |breaker_placements| {
        let setup = Setup::usher(1).with_params(|params| params.breaker_placements = breaker_placements);
        live(&trace, &setup, &world).failed
    };
    let (with, without) = (failed(8), failed(u32::MAX));
    assert!(with * 3 < without, "with the breaker {with}, without {without}");
}

#[test]
fn knowing_the_future_helps_and_knowing_sizes_helps_most() {
    let traces: Vec<Arc<Trace>> =
        (1..=3).map(|seed| small(seed, |workload| workload.size_sigma = 1.21)).collect();
    let over = |setup: &Setup| sum(&traces, setup, |outcome| outcome.overload_minutes);
    let (random, oracle, clairvoyant) =
        (over(&Setup::policy(Policy::Random)), over(&Setup::oracle()), over(&Setup::clairvoyant()));
    assert!(clairvoyant < oracle && oracle < random, "{clairvoyant} {oracle} {random}");
}
