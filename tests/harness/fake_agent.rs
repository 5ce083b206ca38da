//! An agent at the wire: a real HTTP server that speaks the report format and obeys a
//! script: any load, slow, garbled, oversized, frozen, dead and back on the same port.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use usher_common::rt::http_server::{bind, serve};
use usher_common::wire::{
    Cpu, Jitsi, NodeId, NotReady, OperatorMode, OperatorState, PublicUrl, Refusal, Report, Reservation,
    ReservationAnswer, ReservationRequest, Reserved, Room, RoomKey, SCHEMA,
};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As an agent should.
    Well,
    /// After a while.
    Slow(Duration),
    /// With something that is no report.
    Garbage,
    /// With this many bytes (a few thousand on the wire: they compress well).
    Huge(usize),
    /// With this status.
    Status(u16),
}

/// How it answers to `POST /v1/reservations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserving {
    /// It keeps room, and lists it from then on.
    Well,
    /// With 409.
    Refuse(Refusal),
    /// Never.
    Hang,
    /// With 404, as an agent that does not know the question.
    Unknown,
}

/// What it says and how; change it at any time with [`FakeAgent::set`].
#[derive(Debug, Clone)]
pub struct Script {
    /// How it answers.
    pub manner: Manner,
    /// The report; `seq` and `sample_age_ms` as told below.
    pub report: Report,
    /// How it answers when asked to keep room.
    pub reserving: Reserving,
    /// What it was asked to keep room for and did, with when; listed in its reports.
    pub held: Vec<(Instant, ReservationRequest)>,
    /// Ids of promises that it was asked to give up.
    pub released: Vec<String>,
    /// Whether `seq` stands still.
    pub frozen: bool,
    /// Whether the sample (and its tag) stays the same for now, as between two samples.
    pub resting: bool,
    /// The token it asks for.
    pub token: Option<String>,
    /// Seconds busy and idle that it exports as a node_exporter.
    pub exported: (f64, f64),
    /// Reads so far, of any outcome.
    pub asked: u64,
    /// Reads that came with the newest report's tag.
    pub not_modified: u64,
}

/// The agent. Dropped, it dies.
#[derive(Debug)]
pub struct FakeAgent {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    alive: Option<(CancellationToken, JoinSet<()>)>,
}

impl FakeAgent {
    /// A ready node with a load.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn start(node: &str, busy: f64) -> Self {
        let report = Report {
            schema: SCHEMA,
            node: NodeId::parse(node).expect("a node name"),
            public_url: PublicUrl::parse(&format!("https://{node}.example.org")).expect("a URL"),
            agent_version: "fake".to_owned(),
            boot_id: format!("{node}-1"),
            seq: 1,
            sample_age_ms: 20,
            ready: true,
            not_ready: Vec::new(),
            operator: OperatorState::default(),
            region: None,
            labels: std::collections::BTreeMap::new(),
            host: None,
            // Many cores, so that promises weigh little against the scripted load.
            cpu: Some(Cpu {
                cores: 64,
                busy: Some(busy),
                busy_smooth: Some(busy),
                steal: None,
                iowait: None,
                per_core_busy: None,
                load: None,
            }),
            memory: None,
            disk: None,
            net: None,
            jitsi: Some(Jitsi::default()),
            stack: None,
            rooms: Some(Vec::new()),
            reservations: Vec::new(),
            probes: std::collections::BTreeMap::new(),
        };
        let script = Script {
            manner: Manner::Well,
            report,
            reserving: Reserving::Well,
            held: Vec::new(),
            released: Vec::new(),
            frozen: false,
            resting: false,
            token: None,
            exported: (0.0, 0.0),
            asked: 0,
            not_modified: 0,
        };
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut agent = Self { address, script: Arc::new(Mutex::new(script)), alive: None };
        agent.listen(listener);
        agent
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what it says or how; gives how often it had been asked before the change.
    pub fn set(&self, change: impl FnOnce(&mut Script)) -> u64 {
        let mut script = lock(&self.script);
        change(&mut script);
        script.asked
    }

    /// Sets its load.
    pub fn set_busy(&self, busy: f64) -> u64 {
        self.set(|script| {
            let cpu = script.report.cpu.as_mut().expect("fakes know their load");
            (cpu.busy, cpu.busy_smooth) = (Some(busy), Some(busy));
        })
    }

    /// Puts people into a room.
    pub fn set_room(&self, secret: &[u8], name: &str, participants: u64) {
        let room = Room { key: RoomKey::of(secret, "", name), participants, age_s: None };
        self.set(|script| script.report.rooms = Some(vec![room]));
    }

    /// Lists a promise.
    pub fn set_promise(&self, secret: &[u8], name: &str, age_ms: u64) {
        let room_key = Some(RoomKey::of(secret, "", name));
        let id = "1".to_owned();
        let promise = Reservation { id, room_key, expected: 8.0, age_ms, expires_in_ms: 60_000 };
        self.set(|script| script.report.reservations = vec![promise]);
    }

    /// Sets what its operator wants.
    pub fn set_mode(&self, mode: OperatorMode) {
        self.set(|script| obey(script, OperatorState { mode, ..OperatorState::default() }));
    }

    /// Reads so far, of any outcome.
    #[must_use]
    pub fn asked(&self) -> u64 {
        lock(&self.script).asked
    }

    /// What it says now.
    #[must_use]
    pub fn script(&self) -> Script {
        lock(&self.script).clone()
    }

    /// Ends it: connections are cut, the port is closed.
    pub async fn kill(&mut self) {
        if let Some((stop, mut running)) = self.alive.take() {
            stop.cancel();
            while running.join_next().await.is_some() {}
        }
    }

    /// Starts it again on its old port, as a new life of the agent.
    ///
    /// # Panics
    /// If somebody else took the port.
    pub fn revive(&mut self) {
        self.set(|script| {
            script.report.boot_id.push('+');
            script.report.seq = 0;
        });
        self.listen(bind(self.address).expect("the port is still free"));
    }

    fn listen(&mut self, listener: TcpListener) {
        let routes = Router::new()
            .route("/v1/report", get(report))
            .route("/v1/state", put(set_state))
            .route("/v1/reservations", post(reserve))
            .route("/v1/reservations/{id}", delete(release))
            .route("/metrics", get(exporter))
            .layer(CompressionLayer::new())
            .with_state(self.script.clone());
        let stop = CancellationToken::new();
        let serving = serve(listener, routes, stop.clone(), Duration::ZERO);
        let mut running = JoinSet::new();
        running.spawn(async move { serving.await.expect("the fake agent serves") });
        self.alive = Some((stop, running));
    }
}

async fn report(State(script): State<Arc<Mutex<Script>>>, headers: HeaderMap) -> Response {
    let manner = {
        let mut script = lock(&script);
        script.asked += 1;
        script.manner
    };
    match manner {
        Manner::Well => {}
        Manner::Slow(pause) => tokio::time::sleep(pause).await,
        Manner::Garbage => return "{\"schema\": 1, \"node\": ".into_response(),
        Manner::Huge(bytes) => return huge(bytes).into_response(),
        Manner::Status(status) => {
            return StatusCode::from_u16(status).expect("a status").into_response();
        }
    }
    let mut script = lock(&script);
    if let Some(refused) = refuse(&script, &headers) {
        return refused;
    }
    let tag = |script: &Script| format!("\"{}-{}\"", script.report.boot_id, script.report.seq);
    let shown = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if script.resting && shown == Some(tag(&script).as_str()) {
        script.not_modified += 1;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    if !script.frozen && !script.resting {
        script.report.seq += 1;
    }
    ([(header::ETAG, tag(&script))], Json(with_held(&script))).into_response()
}

/// Made piece by piece, so that what nobody reads is never made, nor compressed.
fn huge(bytes: usize) -> Body {
    const PIECE: usize = 64 * 1024;
    let pieces = (0..bytes.div_ceil(PIECE)).map(|_| Ok::<_, Infallible>(Bytes::from_static(&[b' '; PIECE])));
    Body::from_stream(futures_util::stream::iter(pieces))
}

/// What a plain node_exporter would say: counters that ran for a second since the last read.
async fn exporter(State(script): State<Arc<Mutex<Script>>>) -> String {
    let mut script = lock(&script);
    script.asked += 1;
    let busy = script.report.cpu.as_ref().and_then(|cpu| cpu.busy).unwrap_or(0.0);
    script.exported.0 += busy;
    script.exported.1 += 1.0 - busy;
    let (busy, idle) = script.exported;
    let line =
        |mode: &str, value: f64| format!("node_cpu_seconds_total{{cpu=\"0\",mode=\"{mode}\"}} {value}\n");
    line("user", busy) + &line("idle", idle)
}

async fn set_state(State(script): State<Arc<Mutex<Script>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut script = lock(&script);
    if let Some(refused) = refuse(&script, &headers) {
        return refused;
    }
    match serde_json::from_slice::<OperatorState>(&body) {
        Ok(state) => {
            obey(&mut script, state);
            Json(script.report.operator.clone()).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response(),
    }
}

async fn reserve(State(script): State<Arc<Mutex<Script>>>, headers: HeaderMap, body: Bytes) -> Response {
    let reserving = lock(&script).reserving;
    match reserving {
        Reserving::Well => {}
        Reserving::Refuse(refused) => {
            return (StatusCode::CONFLICT, Json(ReservationAnswer::Refused { refused })).into_response();
        }
        Reserving::Hang => std::future::pending().await,
        Reserving::Unknown => return StatusCode::NOT_FOUND.into_response(),
    }
    let mut script = lock(&script);
    if let Some(refused) = refuse(&script, &headers) {
        return refused;
    }
    match serde_json::from_slice::<ReservationRequest>(&body) {
        Ok(request) => {
            let id = request.id.clone();
            script.held.push((Instant::now(), request));
            let pending = script.held.iter().map(|(_, request)| request.expected).sum();
            let cpu_busy = script.report.cpu.as_ref().and_then(|cpu| cpu.busy);
            let reserved = Reserved { id, cpu_busy, pending, seq: script.report.seq };
            (StatusCode::CREATED, Json(ReservationAnswer::Reserved(reserved))).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response(),
    }
}

async fn release(State(script): State<Arc<Mutex<Script>>>, Path(id): Path<String>) -> StatusCode {
    let mut script = lock(&script);
    script.held.retain(|(_, request)| request.id != id);
    script.released.push(id);
    StatusCode::NO_CONTENT
}

/// The report, with what it was asked to keep room for.
fn with_held(script: &Script) -> Report {
    let mut report = script.report.clone();
    report.reservations.extend(script.held.iter().map(|(made, request)| {
        let age_ms = u64::try_from(made.elapsed().as_millis()).expect("a test is short");
        Reservation {
            id: request.id.clone(),
            room_key: request.room_key.clone(),
            expected: request.expected,
            age_ms,
            expires_in_ms: (request.ttl_s * 1000).saturating_sub(age_ms),
        }
    }));
    report
}

fn refuse(script: &Script, headers: &HeaderMap) -> Option<Response> {
    let wanted = format!("Bearer {}", script.token.as_ref()?);
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    (given != Some(wanted.as_str())).then(|| StatusCode::UNAUTHORIZED.into_response())
}

fn obey(script: &mut Script, state: OperatorState) {
    script.report.not_ready = match state.mode {
        OperatorMode::Ready => Vec::new(),
        OperatorMode::Drain => vec![NotReady::Draining],
        OperatorMode::Maint => vec![NotReady::Maintenance],
    };
    script.report.ready = script.report.not_ready.is_empty();
    script.report.operator = state;
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}
