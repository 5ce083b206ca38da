//! What a plan does for whoever keeps the project up rather than deploys it.

use usher_common::wire::StackHold;

use super::{Held, Hold, Left, Policy, engine_with, plan, project, running, steps_of};
use crate::compose::observed::{Health, State};

fn hold(subject: &str, reason: Held) -> Hold {
    Hold { subject: subject.into(), reason }
}

#[test]
fn an_ill_container_is_restarted_in_place_unless_people_are_on_it_or_it_rests() {
    let ill = Policy { restart: ["web".to_owned()].into(), ..Policy::default() };
    let desired = project([0; 3]);
    assert_eq!(steps_of(&plan(&desired, &running().seen, &ill)), ["bounce p-web-1", "await p-web-1 Started"]);
    let live = Policy { live: [("web".to_owned(), Some(2))].into(), ..ill.clone() };
    let held = plan(&desired, &running().seen, &live);
    assert!(held.steps.is_empty() && held.holds.contains(&hold("web", Held::Conferences(Some(2)))));
    let resting = Policy { resting: [("web".to_owned(), StackHold::Backoff)].into(), ..ill };
    let held = plan(&desired, &running().seen, &resting);
    assert!(held.steps.is_empty() && held.holds.contains(&hold("web", Held::Resting(StackHold::Backoff))));
}

#[test]
fn a_fallen_service_that_rests_is_not_started_and_says_so() {
    let mut engine = running();
    engine.seen.containers[2].state = State::Exited(1);
    let resting = Policy { resting: [("web".to_owned(), StackHold::GaveUp)].into(), ..Policy::default() };
    let held = plan(&project([0; 3]), &engine.seen, &resting);
    assert!(held.steps.is_empty() && held.holds.contains(&hold("web", Held::Resting(StackHold::GaveUp))));
}

#[test]
fn changed_files_replace_nothing_that_runs_until_somebody_deploys_but_what_falls_is_started() {
    let keep = Policy { keep_versions: true, ..Policy::default() };
    let told = plan(&project([0, 0, 1]), &running().seen, &keep);
    assert!(told.steps.is_empty() && told.holds.contains(&hold("web", Held::AwaitsDeployment)));
    let mut engine = running();
    engine.seen.containers[2].state = State::Exited(137);
    let started = plan(&project([0, 0, 1]), &engine.seen, &keep);
    assert_eq!(steps_of(&started), ["start p-web-1", "await p-web-1 Started"]);
    let nothing = engine_with(&[Left::Nothing, Left::Nothing, Left::Nothing], true);
    assert_eq!(steps_of(&plan(&project([1; 3]), &nothing.seen, &keep)).len(), 9);
}

#[test]
fn a_replacement_that_was_cut_short_goes_back_where_versions_are_kept() {
    let running = (1, State::Running, Health::Healthy);
    let left = [Left::Previous(1, State::Running, Health::Healthy), Left::Nothing, Left::Nothing];
    let engine = engine_with(&left, true);
    let keep = Policy { keep_versions: true, ..Policy::default() };
    let steps = steps_of(&plan(&project([0; 3]), &engine.seen, &keep));
    assert_eq!(steps[0], "rename p-db-1.prev p-db-1");
    let left = [Left::Both((0, State::Exited(1), Health::Unhealthy), running), Left::Nothing, Left::Nothing];
    let steps = steps_of(&plan(&project([0; 3]), &engine_with(&left, true).seen, &keep));
    assert_eq!(steps[..2], ["remove p-db-1", "rename p-db-1.prev p-db-1"]);
}
