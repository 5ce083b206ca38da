//! One run: a trace in compressed time, its agents, its aggregators, and the people who ask.
//!
//! ```text
//!  clock ──step──► Stage ──Ask──► POST /api/v1/rooms at one of the replicas ──answer──► Stage
//!                    ▲                        │ scrapes, reservations
//!                    └──────── agents ◄───────┘
//! ```

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_aggregator::replay::trace::{Random, Trace};
use usher_aggregator::replay::{Answered, Happening, Outcome, Stage, World, hint};
use usher_common::rt::http_client::{ClientOptions, Failure, call, client};
use usher_common::wire::RoomKey;

use crate::agents::{Agents, Shared};
use crate::replicas::{Replica, cpu_of};
use crate::settings::{Claims, Kind, Settings};

/// The stage is brought up to the clock this often.
const BEAT: Duration = Duration::from_millis(2);
/// What the clock goes on by from beat to beat at most, ms of real time.
const LEAP_MS: f64 = 20.0;
/// Deadline of one answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Largest answer, bytes.
const ANSWER_MAX: usize = 1 << 16;

/// What is run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) replicas: usize,
    pub(crate) speed: f64,
    pub(crate) interval_ms: u64,
    /// Share of rooms whose size is roughly announced.
    pub(crate) hints: f64,
    /// Tells runs side by side apart.
    pub(crate) net: u8,
    /// Where our replicas claim rooms.
    pub(crate) store: Option<Claims>,
    /// More settings of our aggregators, `section.key=value`.
    pub(crate) more: Vec<String>,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) plan: Plan,
    pub(crate) outcome: Outcome,
    /// Times of all answers, ms, in order of size.
    pub(crate) answers_ms: Vec<f64>,
    /// CPU of the aggregators together, cores.
    pub(crate) aggregator_cores: f64,
    /// Real time in which the machine ran others and the trace stood still, ms.
    pub(crate) held_ms: f64,
    /// The same as a share of the run.
    pub(crate) held_share: f64,
    /// Reads of agents that were due while the one before was under way, and all reads.
    pub(crate) missed: f64,
    pub(crate) scrapes: f64,
}

/// Lives the trace through; `lived_ms` tells how far it is.
pub(crate) async fn run(
    plan: Plan,
    trace: Arc<Trace>,
    directory: &Path,
    lived_ms: &AtomicU64,
) -> anyhow::Result<Ran> {
    let (targets, secret) = (directory.join("targets.json"), directory.join("secret"));
    let names = Names::new(&plan, &trace);
    std::fs::write(&secret, &names.secret)?;
    let keys = (0..trace.rooms.len()).map(|number| names.first_key(&trace, number)).collect();
    let stage = Stage::new(trace.clone(), World::default(), false);
    let shared = Shared::new(stage, keys, plan.speed);
    let mut agents = Agents::new(plan.kind, plan.net, shared.clone(), targets.clone());
    let mut asks = Asks::new(&plan, &trace, names, shared.clone())?;
    advance(&shared, 0, &mut agents, &mut asks)?;
    agents.publish()?;

    let mut replicas = Vec::new();
    let ports: Vec<(u16, u16)> =
        (0..plan.replicas).map(|_| Ok((free_port()?, free_port()?))).collect::<anyhow::Result<_>>()?;
    let public_ports: Vec<u16> = ports.iter().map(|ports| ports.0).collect();
    for (number, &ports) in ports.iter().enumerate() {
        let settings = Settings {
            kind: plan.kind,
            speed: plan.speed,
            interval_ms: plan.interval_ms,
            public_port: ports.0,
            operator_port: ports.1,
            replicas: &public_ports,
            store: plan.store.as_ref(),
            targets: &targets,
            secret: &secret,
            more: &plan.more,
        };
        let file = directory.join(format!("replica{number}.toml"));
        replicas.push(Replica::start(&settings.toml()?, &file, ports)?);
    }
    for replica in &mut replicas {
        replica.ready(&asks.client).await?;
    }
    if plan.kind == Kind::OldDesign {
        // a rate needs two polls
        tokio::time::sleep(Duration::from_secs_f64(65.0 / plan.speed)).await;
    }
    asks.urls = replicas.iter().map(|replica| format!("{}/api/v1/rooms", replica.public)).collect();

    let cpu = || replicas.iter().map(Replica::cpu_s).sum::<anyhow::Result<f64>>();
    let (cpu_before, began) = (cpu()?, Instant::now());
    let mut clock = Clock { speed: plan.speed, last: began, trace_ms: 0.0, held_ms: 0.0 };
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let until_ms = clock.now_ms();
        advance(&shared, until_ms, &mut agents, &mut asks)?;
        lived_ms.store(until_ms, Ordering::Relaxed);
        if until_ms >= trace.end_ms {
            break;
        }
    }
    let took_s = began.elapsed().as_secs_f64();
    let aggregator_cores = (cpu()? - cpu_before) / took_s;
    let mut answers_ms = asks.finish().await;
    answers_ms.sort_by(f64::total_cmp);
    let (mut missed, mut scrapes) = (0.0, 0.0);
    for replica in &replicas {
        missed += replica
            .metric(&client(&ClientOptions::default())?, "usher_aggregator_scrapes_missed_total")
            .await?;
        scrapes +=
            replica.metric(&client(&ClientOptions::default())?, "usher_aggregator_scrapes_total").await?;
    }
    let outcome = shared.outcome();
    Ok(Ran {
        plan,
        outcome,
        answers_ms,
        aggregator_cores,
        held_ms: clock.held_ms,
        held_share: clock.held_ms / 1000.0 / took_s,
        missed,
        scrapes,
    })
}

/// The trace's clock. When this process was not let run for a while, neither were the aggregators:
/// the trace then goes on from where it stood, and does not leap.
struct Clock {
    speed: f64,
    last: Instant,
    trace_ms: f64,
    held_ms: f64,
}

impl Clock {
    fn now_ms(&mut self) -> u64 {
        let elapsed_ms = self.last.elapsed().as_secs_f64() * 1000.0;
        self.last = Instant::now();
        let counted_ms = elapsed_ms.min(LEAP_MS);
        self.held_ms += elapsed_ms - counted_ms;
        self.trace_ms += counted_ms * self.speed;
        self.trace_ms as u64
    }
}

/// The rooms' names and keys.
#[derive(Debug, Clone)]
struct Names {
    /// The same for agents and aggregators of a run, and no other: two runs that claim in one store
    /// have no room in common.
    secret: String,
}

impl Names {
    fn new(plan: &Plan, trace: &Trace) -> Self {
        let (kind, process) = (plan.kind.name(), std::process::id());
        Self { secret: format!("placement bench, {kind}, {}, {}, {process}", plan.replicas, trace.seed) }
    }

    /// Rooms with a name have their key from the start; so have those that run already. The others
    /// get theirs with the name that the aggregator makes for them.
    fn first_key(&self, trace: &Trace, number: usize) -> Option<RoomKey> {
        let room = &trace.rooms[number];
        (room.named || room.live_on.is_some()).then(|| self.key(&format!("r{number}")))
    }

    fn key(&self, name: &str) -> RoomKey {
        RoomKey::of(self.secret.as_bytes(), "", name)
    }
}

/// Brings the stage up to `until_ms` of the trace, and does what it cannot do.
fn advance(shared: &Shared, until_ms: u64, agents: &mut Agents, asks: &mut Asks) -> anyhow::Result<()> {
    let mut added = false;
    loop {
        let happening = shared.lock().stage.step(until_ms);
        match happening {
            None => break,
            Some(Happening::Added { vm }) => {
                agents.start(vm)?;
                added = true;
            }
            Some(Happening::Died { vm }) => agents.kill(vm),
            Some(Happening::Ask { room, entry }) => asks.ask(room, entry, agents),
            Some(Happening::Other(_)) => unreachable!("nothing of ours is in the queue"),
        }
    }
    if added && until_ms > 0 {
        agents.publish()?;
    }
    while asks.under_way.try_join_next().is_some() {}
    Ok(())
}

/// The people's side.
struct Asks {
    trace: Arc<Trace>,
    names: Names,
    shared: Arc<Shared>,
    client: reqwest::Client,
    urls: Vec<String>,
    hints: f64,
    balancer: Random,
    under_way: JoinSet<()>,
    took: Arc<std::sync::Mutex<Vec<f64>>>,
}

impl Asks {
    fn new(plan: &Plan, trace: &Arc<Trace>, names: Names, shared: Arc<Shared>) -> anyhow::Result<Self> {
        Ok(Self {
            trace: trace.clone(),
            names,
            shared,
            client: client(&ClientOptions { idle_per_host: 64, ..ClientOptions::default() })?,
            urls: Vec::new(),
            hints: plan.hints,
            balancer: Random::new(trace.seed, 12),
            under_way: JoinSet::new(),
            took: Arc::default(),
        })
    }

    /// Somebody asks for a room; the stage learns of the answer when it comes.
    fn ask(&mut self, room: u32, entry: u32, agents: &Agents) {
        let wanted = &self.trace.rooms[room as usize];
        let mut body = serde_json::Map::new();
        if wanted.named {
            body.insert("name".to_owned(), json!(format!("r{room}")));
        }
        if let Some(people) = hint(&self.trace, room, self.hints) {
            body.insert("expected_participants".to_owned(), json!(people.max(1.0)));
        }
        let url = &self.urls[self.balancer.below(self.urls.len())];
        let request = self.client.post(url).body(Value::Object(body).to_string());
        let (shared, took, named) = (self.shared.clone(), self.took.clone(), wanted.named);
        let (numbers, names) = (agents.numbers(), self.names.clone());
        self.under_way.spawn(async move {
            let began = Instant::now();
            let answer = call(request, DEADLINE, ANSWER_MAX).await;
            took.lock().expect("nobody panics with it").push(began.elapsed().as_secs_f64() * 1000.0);
            let understood = understand(answer, &numbers);
            let mut scene = shared.lock();
            if let (Some((_, name)), false) = (&understood, named) {
                scene.keys[room as usize] = Some(names.key(name));
            }
            scene.stage.answered(room, entry, understood.map(|(answered, _)| answered));
        });
    }

    async fn finish(mut self) -> Vec<f64> {
        while self.under_way.join_next().await.is_some() {}
        let took = self.took.lock().expect("nobody panics with it");
        took.clone()
    }
}

/// Where the answer leads, and what the room is called; `None` for every answer that leads nowhere.
fn understand(
    answer: Result<usher_common::rt::http_client::Answer, Failure>,
    numbers: &std::collections::HashMap<String, usize>,
) -> Option<(Answered, String)> {
    let answer = answer.ok()?;
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let vm = *numbers.get(body["server"].as_str()?)?;
    let name = body["room"].as_str()?.to_owned();
    Some((Answered { vm, placed: answer.status == StatusCode::CREATED }, name))
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// CPU of this process so far, s: agents, people and stage.
pub(crate) fn own_cpu_s() -> anyhow::Result<f64> {
    cpu_of("self")
}
