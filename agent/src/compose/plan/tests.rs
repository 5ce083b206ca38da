use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use proptest::prelude::*;

use super::{Because, Held, Hold, Plan, Policy, Step, plan};
use crate::compose::desired::{ContainerSpec, Context, Desired, desired, labels};
use crate::compose::file::{Files, LoadError, Request, load};
use crate::compose::hash::Dialect;
use crate::compose::observed::{Container, Health, State};

mod engine;
mod upkeep;

use engine::Engine;

const SERVICES: [&str; 3] = ["db", "app", "web"];

/// Three services in a row; each has its own version, 0 being what is wanted. Read once for each triple: the
/// properties ask for thousands.
fn project(versions: [u8; 3]) -> Desired {
    static READ: Mutex<BTreeMap<[u8; 3], Desired>> = Mutex::new(BTreeMap::new());
    READ.lock().unwrap().entry(versions).or_insert_with(|| read(versions)).clone()
}

fn read([db, app, web]: [u8; 3]) -> Desired {
    let text = format!(
        "services:\n  db: {{image: i, restart: always, environment: {{V: {db}}}, healthcheck: {{test: x}}, \
         volumes: ['/srv/p/db:/db', 'data:/data']}}\n  \
         app: {{image: i, restart: always, environment: {{V: {app}}}, \
         depends_on: {{db: {{condition: service_healthy}}}}}}\n  \
         web: {{image: i, restart: always, environment: {{V: {web}}}, ports: ['80:80'], depends_on: [app]}}\n\
         volumes: {{data: }}\n"
    );
    let mut files = Files::default();
    files.put("/srv/p/compose.yaml", Some(text));
    let request = Request { directory: "/srv/p".into(), ..Request::default() };
    let project = loop {
        match load(&files, &request) {
            Ok(loaded) => break loaded.project,
            Err(LoadError::Unread(paths)) => paths.into_iter().for_each(|path| files.put(path, None)),
            Err(error) => panic!("{error}"),
        }
    };
    let context = Context {
        dialect: Dialect::From2_30_2,
        compose_version: "2.40.3".into(),
        env_files: Vec::new(),
        folder_owner: Some((1000, 1000)),
    };
    desired(&project, &context).unwrap()
}

fn spec(version: u8, service: usize) -> ContainerSpec {
    let all = project([version; 3]);
    let name = SERVICES[service];
    all.services.iter().find(|service| service.name == name).unwrap().containers[0].clone()
}

/// What an earlier run, a crash or a human left of one container.
#[derive(Clone, Debug)]
enum Left {
    Nothing,
    Current(u8, State, Health),
    Previous(u8, State, Health),
    Both((u8, State, Health), (u8, State, Health)),
    Stray(u8, State, Health),
    CurrentAndStray((u8, State, Health), (u8, State, Health)),
}

fn one() -> impl Strategy<Value = (u8, State, Health)> {
    let state = prop_oneof![
        4 => Just(State::Running),
        1 => Just(State::Created),
        1 => Just(State::Restarting),
        1 => Just(State::Exited(0)),
        1 => Just(State::Exited(1)),
        1 => Just(State::Dead),
    ];
    let health = prop_oneof![Just(Health::Healthy), Just(Health::Starting), Just(Health::Unhealthy)];
    (0_u8..3, state, health)
}

fn left() -> impl Strategy<Value = Left> {
    prop_oneof![
        Just(Left::Nothing),
        one().prop_map(|(v, s, h)| Left::Current(v, s, h)),
        one().prop_map(|(v, s, h)| Left::Previous(v, s, h)),
        (one(), one()).prop_map(|(current, previous)| Left::Both(current, previous)),
        one().prop_map(|(v, s, h)| Left::Stray(v, s, h)),
        (one(), one()).prop_map(|(current, stray)| Left::CurrentAndStray(current, stray)),
    ]
}

fn engine_with(left: &[Left], resources: bool) -> Engine {
    let mut engine = Engine::default();
    for (index, left) in left.iter().enumerate() {
        let mut put = |(version, state, health): (u8, State, Health), suffix: &str, prefix: &str| {
            let spec = spec(version, index);
            engine.put(&spec, &format!("{prefix}{}{suffix}", spec.name), state, Some(health));
        };
        match left.clone() {
            Left::Nothing => {}
            Left::Current(v, s, h) => put((v, s, h), "", ""),
            Left::Previous(v, s, h) => put((v, s, h), ".prev", ""),
            Left::Both(current, previous) => {
                put(current, "", "");
                put(previous, ".prev", "");
            }
            Left::Stray(v, s, h) => put((v, s, h), "", "0123456789ab_"),
            Left::CurrentAndStray(current, stray) => {
                put(current, "", "");
                put(stray, "", "0123456789ab_");
            }
        }
    }
    if resources {
        for planned in plan(&project([0; 3]), &Engine::default().seen, &Policy::default()).steps {
            if matches!(planned.step, Step::Pull { .. } | Step::CreateNetwork(_) | Step::CreateVolume(_)) {
                engine.apply(&planned.step).unwrap();
            }
        }
    } else {
        engine.seen.missing_folders.insert("/srv/p/db".into());
    }
    add_strangers(&mut engine);
    engine
}

/// Containers that are none of the plan's business.
fn add_strangers(engine: &mut Engine) {
    for (change, name) in [
        ((labels::PROJECT, "other"), "other-db-1"),
        ((labels::SERVICE, "gone"), "p-gone-1"),
        ((labels::ONEOFF, "True"), "p-db-run-1"),
    ] {
        engine.put(&spec(0, 0), name, State::Running, None);
        let stranger = engine.seen.containers.last_mut().unwrap();
        stranger.labels.insert(change.0.into(), change.1.into());
    }
}

fn strangers(engine: &Engine) -> Vec<Container> {
    let mine = |container: &&Container| !(container.belongs_to("p") && container.service() != Some("gone"));
    engine.seen.containers.iter().filter(mine).cloned().collect()
}

/// Applies at most `most` steps of one plan; the plan and whether a container did not come up.
fn round(engine: &mut Engine, desired: &Desired, policy: &Policy, most: usize) -> (Plan, bool) {
    let plan = plan(desired, &engine.seen, policy);
    for planned in plan.steps.iter().take(most) {
        if let Err(error) = engine.apply(&planned.step) {
            assert!(
                error.contains("get well") || error.contains("is not up"),
                "{error}: {:#?}",
                steps_of(&plan)
            );
            return (plan, true);
        }
    }
    (plan, false)
}

/// Plans and applies until nothing is left to do.
fn settle(engine: &mut Engine, desired: &Desired, policy: &Policy) -> Plan {
    for _ in 0..12 {
        let (plan, _) = round(engine, desired, policy, usize::MAX);
        engine.tick();
        if plan.steps.is_empty() && plan.waits.is_empty() {
            return plan;
        }
    }
    panic!("it never comes to rest: {:#?}", steps_of(&plan(desired, &engine.seen, policy)));
}

fn assert_as_desired(engine: &Engine, desired: &Desired) {
    for service in &desired.services {
        let all: Vec<&Container> = engine
            .seen
            .containers
            .iter()
            .filter(|container| container.belongs_to("p") && container.service() == Some(&service.name))
            .collect();
        let [container] = all.as_slice() else { panic!("{}: {all:#?}", service.name) };
        let spec = &service.containers[0];
        assert_eq!(container.name, spec.name);
        assert_eq!(container.state, State::Running);
        assert_eq!(container.labels.get(labels::SPEC_HASH), Some(&spec.hash()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// From whatever is there, and wherever it is interrupted, it ends with one running container a service, and
    /// then there is nothing to do.
    #[test]
    fn every_state_and_every_crash_leads_to_one_running_container(
        left in prop::collection::vec(left(), 3),
        resources: bool,
        crashes in prop::collection::vec(0_usize..8, 0..6),
    ) {
        let desired = project([0; 3]);
        let policy = Policy::default();
        let mut engine = engine_with(&left, resources);
        let before = strangers(&engine);
        for most in crashes {
            round(&mut engine, &desired, &policy, most);
        }
        let last = settle(&mut engine, &desired, &policy);
        assert_as_desired(&engine, &desired);
        prop_assert!(last.waits.is_empty(), "{last:#?}");
        let untouched = |all: Vec<Container>| all.into_iter().map(|c| (c.id, c.name, c.state)).collect::<Vec<_>>();
        prop_assert_eq!(untouched(strangers(&engine)), untouched(before));
    }

    /// A release that does not come up ends where it started: the container before it runs under its own name.
    #[test]
    fn a_release_that_fails_leaves_the_one_before_running(crash in 0_usize..12) {
        let mut engine = engine_with(&[(); 3].map(|()| Left::Current(1, State::Running, Health::Healthy)), true);
        let desired = project([0, 1, 1]);
        let broken = desired.services[0].containers[0].hash();
        engine.broken.insert(broken.clone());
        let (_, mut failed) = round(&mut engine, &desired, &Policy::default(), crash);
        while !failed {
            failed = round(&mut engine, &desired, &Policy::default(), usize::MAX).1;
        }
        // Whoever applies a plan notes what did not come up.
        let policy = Policy { failed: BTreeSet::from([broken]), ..Policy::default() };
        let last = settle(&mut engine, &desired, &policy);
        assert_as_desired(&engine, &project([1; 3]));
        prop_assert_eq!(last.holds.first().map(|hold| &hold.reason), Some(&Held::FailedBefore));
    }
}

fn steps_of(plan: &Plan) -> Vec<String> {
    let short = |step: &Step| match step {
        Step::Pull { image } => format!("pull {image}"),
        Step::CreateNetwork(spec) => format!("network {}", spec.network.name),
        Step::CreateVolume(spec) => format!("volume {}", spec.volume.name),
        Step::MakeFolder { path, .. } => format!("folder {path}"),
        Step::Rename { target, to } => format!("rename {} {to}", target.name),
        Step::Create { spec, .. } => format!("create {}", spec.name),
        Step::SetRestart { target, restart } => format!("restart {} {restart:?}", target.name),
        Step::Stop { target, .. } => format!("stop {}", target.name),
        Step::Start { target } => format!("start {}", target.name),
        Step::Restart { target, .. } => format!("bounce {}", target.name),
        Step::Await { target, until } => format!("await {} {until:?}", target.name),
        Step::Remove { target } => format!("remove {}", target.name),
        Step::RemoveNetwork { name } => format!("remove network {name}"),
    };
    plan.steps.iter().map(|planned| short(&planned.step)).collect()
}

#[test]
fn an_empty_engine_gets_images_networks_volumes_and_folders_before_containers() {
    let mut engine = Engine::default();
    engine.seen.missing_folders.insert("/srv/p/db".into());
    assert_eq!(
        steps_of(&plan(&project([0; 3]), &engine.seen, &Policy::default())),
        [
            "pull i",
            "network p_default",
            "volume p_data",
            "folder /srv/p/db",
            "create p-db-1",
            "start p-db-1",
            "await p-db-1 Healthy",
            "create p-app-1",
            "start p-app-1",
            "await p-app-1 Started",
            "create p-web-1",
            "start p-web-1",
            "await p-web-1 Started",
        ]
    );
}

fn running() -> Engine {
    engine_with(&[(); 3].map(|()| Left::Current(0, State::Running, Health::Healthy)), true)
}

#[test]
fn a_replacement_renames_the_old_one_first_and_removes_it_last() {
    let plan = plan(&project([0, 0, 1]), &running().seen, &Policy::default());
    assert_eq!(
        steps_of(&plan),
        [
            "rename p-web-1 p-web-1.prev",
            "create p-web-1",
            "restart p-web-1.prev No",
            "stop p-web-1.prev",
            "start p-web-1",
            "await p-web-1 Started",
            "remove p-web-1.prev",
        ]
    );
    assert!(plan.steps.iter().all(|planned| matches!(planned.because, Because::Replaces(_))));
}

#[test]
fn conferences_hold_a_replacement_back_unless_told_otherwise() {
    let live = Policy { live: [("web".to_owned(), Some(3))].into(), ..Policy::default() };
    let held = plan(&project([0, 0, 1]), &running().seen, &live);
    assert_eq!(steps_of(&held), Vec::<String>::new());
    assert!(held.holds.contains(&Hold { subject: "web".into(), reason: Held::Conferences(Some(3)) }));
    let told = Policy { interrupt: true, ..live.clone() };
    assert_eq!(plan(&project([0, 0, 1]), &running().seen, &told).steps.len(), 7);
    let empty = Policy { live: [("web".to_owned(), Some(0))].into(), ..Policy::default() };
    assert_eq!(plan(&project([0, 0, 1]), &running().seen, &empty).steps.len(), 7);
    let unknown = Policy { live: [("web".to_owned(), None)].into(), ..Policy::default() };
    assert_eq!(plan(&project([0, 0, 1]), &running().seen, &unknown).steps.len(), 0);
}

#[test]
fn nothing_is_done_while_somebody_else_is_at_work() {
    let policy = Policy { foreign_activity: true, ..Policy::default() };
    let plan = plan(&project([1; 3]), &running().seen, &policy);
    assert!(plan.steps.is_empty());
    assert_eq!(plan.holds, [Hold { subject: "p".into(), reason: Held::ForeignActivity }]);
}

#[test]
fn orphans_are_told_and_removed_only_when_asked() {
    let told = plan(&project([0; 3]), &running().seen, &Policy::default());
    assert_eq!(told.holds, [Hold { subject: "p-gone-1".into(), reason: Held::Orphan }]);
    let policy = Policy { remove_orphans: true, ..Policy::default() };
    assert_eq!(
        steps_of(&plan(&project([0; 3]), &running().seen, &policy)),
        ["stop p-gone-1", "remove p-gone-1"]
    );
}

#[test]
fn a_service_waits_for_one_that_is_not_well() {
    let mut engine = running();
    engine.seen.containers[0].health = Some(Health::Unhealthy);
    engine.seen.containers[1].state = State::Exited(1);
    let waiting = plan(&project([0; 3]), &engine.seen, &Policy::default());
    assert!(waiting.steps.is_empty());
    assert_eq!((waiting.waits[0].service.as_str(), waiting.waits[0].on.as_str()), ("app", "db"));
    engine.seen.containers[0].health = Some(Health::Starting);
    let soon = plan(&project([0; 3]), &engine.seen, &Policy::default());
    assert_eq!(steps_of(&soon), ["await p-db-1 Healthy", "start p-app-1", "await p-app-1 Started"]);
}

#[test]
fn what_compose_made_from_the_same_files_is_kept_and_from_others_only_told() {
    let mut engine = running();
    engine.seen.containers[2].labels.remove(labels::SPEC_HASH);
    assert!(plan(&project([0; 3]), &engine.seen, &Policy::default()).steps.is_empty());
    engine.seen.containers[2].labels.insert(labels::CONFIG_HASH.into(), "other".into());
    let told = plan(&project([0; 3]), &engine.seen, &Policy::default());
    assert!(told.steps.is_empty() && told.holds.iter().any(|hold| hold.reason == Held::Drift));
    let policy = Policy { enforce: true, ..Policy::default() };
    assert_eq!(plan(&project([0; 3]), &engine.seen, &policy).steps.len(), 7);
}

#[test]
fn a_name_that_somebody_else_has_holds_the_service() {
    let mut engine = running();
    engine.seen.containers[2].labels.insert(labels::PROJECT.into(), "other".into());
    let held = plan(&project([0; 3]), &engine.seen, &Policy::default());
    assert!(held.steps.is_empty());
    assert!(held.holds.iter().any(|hold| hold.reason == Held::NameTaken("p-web-1".into())));
}

#[test]
fn a_stopped_service_stays_stopped_and_a_fallen_one_is_started() {
    let mut engine = running();
    engine.seen.containers[2].state = State::Exited(137);
    let policy = Policy { stopped: ["web".to_owned()].into(), ..Policy::default() };
    assert!(plan(&project([0; 3]), &engine.seen, &policy).steps.is_empty());
    let started = plan(&project([0; 3]), &engine.seen, &Policy::default());
    assert_eq!(steps_of(&started), ["start p-web-1", "await p-web-1 Started"]);
}

#[test]
fn a_service_is_restarted_with_the_one_it_asks_to_be() {
    let mut desired = project([1, 0, 0]);
    desired.services[1].restarts_with.insert("db".into());
    let steps = steps_of(&plan(&desired, &running().seen, &Policy::default()));
    assert_eq!(steps.last().map(String::as_str), Some("bounce p-app-1"));
    assert_eq!(steps.len(), 8);
    // The replacement is done, and whoever did it died before the restart.
    let (settled, mut owing) = (project([0; 3]), running());
    let app = owing.seen.containers.iter_mut().find(|one| one.name == "p-app-1").unwrap();
    app.owes_restart_with = Some("db".into());
    let late = plan(&settled, &owing.seen, &Policy::default());
    assert_eq!(steps_of(&late), ["bounce p-app-1"]);
    assert_eq!(late.steps[0].because, Because::RestartsWith("db".into()));
}

#[test]
fn containers_beyond_the_scale_are_stopped_and_removed() {
    let mut desired = project([0; 3]);
    desired.services[2].containers.clear();
    let plan = plan(&desired, &running().seen, &Policy::default());
    assert_eq!(steps_of(&plan), ["stop p-web-1", "remove p-web-1"]);
    assert!(plan.steps.iter().all(|planned| planned.because == Because::Surplus));
}

#[test]
fn a_network_of_somebody_else_holds_what_needs_it_and_one_that_differs_is_left() {
    let mut engine = running();
    let network = engine.seen.networks.get_mut("p_default").unwrap();
    network.labels.insert(labels::CONFIG_HASH.into(), "other".into());
    let differs = plan(&project([0; 3]), &engine.seen, &Policy::default());
    assert!(differs.steps.is_empty() && differs.holds.iter().any(|hold| hold.reason == Held::NetworkDiffers));
    engine.seen.networks.get_mut("p_default").unwrap().labels.clear();
    let foreign = plan(&project([0, 0, 1]), &engine.seen, &Policy::default());
    assert!(foreign.steps.is_empty());
    let not_ours = Hold { subject: "web".into(), reason: Held::NotOurs("p_default".into()) };
    assert!(foreign.holds.contains(&not_ours));
}
