//! A stand-in for the services of one Jitsi: JVB's, jicofo's, prosody's and nginx's HTTP.
//!
//! ```text
//! PUT /double or Double::change ──► World (watch) ──► gate (TCP faults) ──► router ──► spoil (body faults)
//! ```
//!
//! What it stands for: the paths, statuses, header quirks, keys, units and refresh intervals that
//! the services' sources document, in a present and in a former dialect; people, meetings and
//! load as the test drives them; and every way an answer can go wrong on the wire.
//!
//! What it does not show: that a real service behaves so under load, XMPP, media, the time a
//! JVM takes to start, `/debug`, the JSON form of `/metrics`, HTTPS. nginx and prosody themselves
//! are run by the tests that need the real thing.

mod gate;
mod jicofo;
mod jvb;
mod prosody;
mod spoil;
mod web;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use gate::Gate;
pub use world::{Dialect, Fault, Health, Part, Room, World};

/// The world as the services share it.
type Shared = watch::Sender<World>;

/// A running stand-in; its services end with it.
#[derive(Debug)]
pub struct Double {
    world: Shared,
    addresses: Vec<(Part, SocketAddr)>,
    tasks: JoinSet<()>,
}

impl Double {
    /// Starts all four services on free loopback ports.
    pub async fn start(world: World) -> Self {
        let mut double = Self::empty(world);
        for part in Part::ALL {
            double.serve(*part, (Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free loopback port");
        }
        double
    }

    /// A stand-in without any service yet.
    #[must_use]
    pub fn empty(world: World) -> Self {
        Self { world: watch::Sender::new(world), addresses: Vec::new(), tasks: JoinSet::new() }
    }

    /// Starts one service.
    pub async fn serve(&mut self, part: Part, address: SocketAddr) -> std::io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let routes = match part {
            Part::Jvb => jvb::routes(self.world.clone()),
            Part::Jicofo => jicofo::routes(self.world.clone()),
            Part::Prosody => prosody::routes(self.world.clone()),
            Part::Web => web::routes(self.world.clone()),
        };
        let layer = axum::middleware::from_fn_with_state((part, self.world.subscribe()), spoil::spoil);
        let gate = Gate::new(part, listener, address, self.world.subscribe());
        self.run(gate, routes.layer(layer));
        self.addresses.push((part, address));
        Ok(())
    }

    /// Serves `GET` and `PUT /double`: the [`World`] as JSON. No fault touches it.
    pub async fn serve_control(&mut self, address: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let read = |State(world): State<Shared>| async move { Json(world.borrow().clone()) };
        let write = |State(world): State<Shared>, Json(next): Json<World>| async move {
            world.send_modify(|world| world.become_next(next));
        };
        self.run(
            listener,
            Router::new().route("/double", get(read).put(write)).with_state(self.world.clone()),
        );
        Ok(address)
    }

    fn run<L>(&mut self, listener: L, routes: Router)
    where
        L: axum::serve::Listener<Addr = SocketAddr>,
    {
        self.tasks.spawn(async move {
            axum::serve(listener, routes).await.expect("serving never ends by itself");
        });
    }

    /// Changes the world; the services show it at once, or at their next refresh where the
    /// world says that they refresh.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        self.world.send_modify(|world| {
            let mut next = world.clone();
            change(&mut next);
            world.become_next(next);
        });
    }

    /// Where a service listens.
    ///
    /// # Panics
    /// When it was not started.
    #[must_use]
    pub fn address(&self, part: Part) -> SocketAddr {
        let found = self.addresses.iter().find(|(other, _)| *other == part);
        found.unwrap_or_else(|| panic!("{part:?} was not started")).1
    }

    /// `http://address/`.
    #[must_use]
    pub fn url(&self, part: Part) -> url::Url {
        format!("http://{}/", self.address(part)).parse().expect("an address makes a URL")
    }

    /// Runs until the process is ended, for the program.
    pub async fn forever(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// How long the bridge shows the same people: `videobridge.stats.interval`.
const GAUGES_EVERY: Duration = Duration::from_secs(5);
/// How long the bridge shows the same stress: the interval of its load sampler.
const STRESS_EVERY: Duration = Duration::from_secs(10);
