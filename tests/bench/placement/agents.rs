//! The fleet at the wire: one listener for each VM of the trace, all in this process. Each reports
//! what the stage says of its VM, keeps promises in the real agent's own book, serves a page, and is
//! gone when the VM dies.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use usher_agent::reservations::{Book, Granted, Limits, Standing};
use usher_aggregator::replay::{Figures, Outcome, Stage};
use usher_common::rt::http_server::{bind, serve};
use usher_common::wire::{
    Cpu, Jitsi, NodeId, NotReady, OperatorMode, OperatorState, PublicUrl, Report, ReservationAnswer,
    ReservationRequest, Reserved, Room, RoomKey, SCHEMA,
};

use crate::settings::Kind;

/// The stage, and what the agents know beside it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    /// Key of each room, once it has a name.
    pub(crate) keys: Vec<Option<RoomKey>>,
    books: Vec<Book>,
    reports: u64,
}

/// The scene, shared by the clock, the agents and the people.
#[derive(Debug)]
pub(crate) struct Shared {
    scene: Mutex<Scene>,
    began: Instant,
    speed: f64,
}

impl Shared {
    pub(crate) fn new(stage: Stage, keys: Vec<Option<RoomKey>>, speed: f64) -> Arc<Self> {
        let scene = Scene { stage, keys, books: Vec::new(), reports: 0 };
        Arc::new(Self { scene: Mutex::new(scene), began: Instant::now(), speed })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was measured of the stage as it is now.
    pub(crate) fn outcome(&self) -> Outcome {
        self.lock().stage.clone().finish()
    }

    /// The agents' own clock, ms of real time; not 0, which would be "made in the future" to no one.
    fn wall_ms(&self) -> u64 {
        1_000 + u64::try_from(self.began.elapsed().as_millis()).expect("a run is short")
    }
}

/// The agents that run.
#[derive(Debug)]
pub(crate) struct Agents {
    kind: Kind,
    /// Second byte of their loopback addresses: tells runs side by side apart.
    net: u8,
    shared: Arc<Shared>,
    running: JoinSet<std::io::Result<()>>,
    stops: Vec<CancellationToken>,
    targets: Vec<String>,
    /// VM by node name; shared with the requests under way.
    numbers: Arc<HashMap<String, usize>>,
    list: PathBuf,
}

#[derive(Debug, Clone)]
struct Agent {
    vm: usize,
    node: NodeId,
    url: PublicUrl,
    shared: Arc<Shared>,
}

impl Agents {
    pub(crate) fn new(kind: Kind, net: u8, shared: Arc<Shared>, list: PathBuf) -> Self {
        let (running, stops, targets) = (JoinSet::new(), Vec::new(), Vec::new());
        Self { kind, net, shared, running, stops, targets, numbers: Arc::default(), list }
    }

    /// The agent of a VM starts.
    pub(crate) fn start(&mut self, vm: usize) -> anyhow::Result<()> {
        let [high, low] = [vm / 250, vm % 250 + 1].map(|byte| u8::try_from(byte).expect("a small fleet"));
        let listener = bind(SocketAddr::from(([127, self.net, high, low], 0)))?;
        let address = listener.local_addr()?;
        // an exporter is known by its host
        let name = match self.kind {
            Kind::Usher => format!("vm{vm}"),
            Kind::OldDesign => address.ip().to_string(),
        };
        let agent = Agent {
            vm,
            node: NodeId::parse(&name)?,
            url: PublicUrl::parse(&format!("http://{address}"))?,
            shared: self.shared.clone(),
        };
        let routes = Router::new()
            // the VM's web server: there as long as the VM is, whatever its agent does
            .route("/", get(|| async { "meetings" }))
            .route("/v1/report", get(report))
            .route("/v1/reservations", post(reserve))
            .route("/v1/reservations/{id}", delete(release))
            .route("/metrics", get(exporter))
            .with_state(agent);
        let stop = CancellationToken::new();
        self.running.spawn(serve(listener, routes, stop.clone(), Duration::ZERO));
        self.shared.lock().books.push(Book::default());
        self.stops.push(stop);
        self.targets.push(format!("http://{address}"));
        Arc::make_mut(&mut self.numbers).insert(name, vm);
        Ok(())
    }

    /// VM by node name.
    pub(crate) fn numbers(&self) -> Arc<HashMap<String, usize>> {
        self.numbers.clone()
    }

    /// It is gone for good: its connections are cut, its port is closed.
    pub(crate) fn kill(&self, vm: usize) {
        self.stops[vm].cancel();
    }

    /// Tells the aggregators who is there. Whole or not at all: they read it at any time.
    pub(crate) fn publish(&self) -> anyhow::Result<()> {
        let kind = match self.kind {
            Kind::Usher => "agent",
            Kind::OldDesign => "node_exporter",
        };
        let list = json!([{ "targets": self.targets, "labels": { "__usher_kind__": kind } }]);
        let new = self.list.with_extension("new");
        std::fs::write(&new, list.to_string())?;
        Ok(std::fs::rename(new, &self.list)?)
    }
}

async fn report(State(agent): State<Agent>) -> Response {
    let report = agent.shared.lock().report(&agent);
    match report {
        Some(report) => Json(report).into_response(),
        None if agent.answers() => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        None => silence().await,
    }
}

/// What a plain node_exporter would say: all cores as one.
async fn exporter(State(agent): State<Agent>) -> Response {
    let figures = agent.shared.lock().stage.report(agent.vm);
    let Some(figures) = figures else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    // before the trace begins nothing is busy, but time goes on
    let total_s = agent.shared.wall_ms() as f64 * agent.shared.speed / 1000.0;
    let line =
        |mode: &str, value: f64| format!("node_cpu_seconds_total{{cpu=\"0\",mode=\"{mode}\"}} {value}\n");
    (line("user", figures.busy_s) + &line("idle", total_s - figures.busy_s)).into_response()
}

async fn reserve(State(agent): State<Agent>, body: Bytes) -> Response {
    if !agent.answers() {
        return silence().await;
    }
    let Ok(request) = serde_json::from_slice::<ReservationRequest>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let now_ms = agent.shared.wall_ms();
    let mut scene = agent.shared.lock();
    let (node_load, draining) = (scene.stage.load_of(agent.vm), scene.stage.is_draining(agent.vm));
    let not_ready: &[NotReady] = if draining { &[NotReady::Draining] } else { &[] };
    let standing = Standing { not_ready, load: Some(node_load) };
    let seq = scene.reports;
    let book = &mut scene.books[agent.vm];
    match book.reserve(&request, standing, Limits::default(), now_ms) {
        Ok(granted) => {
            let status = if granted == Granted::New { StatusCode::CREATED } else { StatusCode::OK };
            let pending = book.pending(now_ms);
            let reserved = Reserved { id: request.id, cpu_busy: Some(node_load), pending, seq };
            (status, Json(ReservationAnswer::Reserved(reserved))).into_response()
        }
        Err(refused) => (StatusCode::CONFLICT, Json(ReservationAnswer::Refused { refused })).into_response(),
    }
}

async fn release(State(agent): State<Agent>, Path(id): Path<String>) -> StatusCode {
    agent.shared.lock().books[agent.vm].release(&id);
    StatusCode::NO_CONTENT
}

/// An agent that hangs: whoever asks gives up by itself.
async fn silence() -> Response {
    std::future::pending().await
}

impl Agent {
    fn answers(&self) -> bool {
        self.shared.lock().stage.answers(self.vm)
    }
}

impl Scene {
    fn report(&mut self, agent: &Agent) -> Option<Report> {
        let now_ms = agent.shared.wall_ms();
        let figures = self.stage.report(agent.vm)?;
        let key = |room: u32| self.keys[room as usize].clone();
        let rooms: Vec<Room> = self
            .stage
            .rooms_on(agent.vm)
            .filter_map(|(room, people)| {
                Some(Room { key: key(room)?, participants: u64::from(people), age_s: None })
            })
            .collect();
        let book = &mut self.books[agent.vm];
        book.lapse(now_ms);
        book.arrived(&rooms);
        let reservations = book.list(now_ms);
        self.reports += 1;
        let not_ready = if figures.draining { vec![NotReady::Draining] } else { Vec::new() };
        let mode = if figures.draining { OperatorMode::Drain } else { OperatorMode::Ready };
        Some(Report {
            schema: SCHEMA,
            node: agent.node.clone(),
            public_url: agent.url.clone(),
            agent_version: "bench".to_owned(),
            boot_id: "1".to_owned(),
            seq: self.reports,
            sample_age_ms: 0,
            ready: not_ready.is_empty(),
            not_ready,
            operator: OperatorState { mode, ..OperatorState::default() },
            region: None,
            labels: std::collections::BTreeMap::new(),
            host: None,
            cpu: Some(cpu(&figures)),
            memory: None,
            disk: None,
            net: None,
            jitsi: Some(Jitsi {
                stress: Some(figures.stress),
                participants: Some(figures.participants),
                conferences: Some(figures.conferences),
                joins_total: Some(figures.joins_total),
                ..Jitsi::default()
            }),
            stack: None,
            rooms: Some(rooms),
            reservations,
            probes: std::collections::BTreeMap::new(),
        })
    }
}

fn cpu(figures: &Figures) -> Cpu {
    Cpu {
        cores: figures.cores,
        busy: Some(figures.cpu),
        busy_smooth: Some(figures.cpu_3s),
        steal: None,
        iowait: None,
        per_core_busy: None,
        load: None,
    }
}
