//! `[rooms]`: what is remembered of rooms, and by what replicas agree on them.

use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo as _};
use url::Url;
use usher_common::settings::{Complaints, Key, Kind, Settings};

use super::build::{millis, positive, tokens};
use super::rows::key;
use super::{Peers, Rooms, Store};

/// The keys.
pub(super) const ROWS: &[Key] = &[
    key(
        "rooms.memory",
        Kind::Duration,
        Some("2h"),
        "How long a room's server is remembered (and claimed in rooms.store) after somebody last asked for it",
    ),
    key(
        "rooms.agreed",
        Kind::Duration,
        Some("1s"),
        "How long an answer on which all replicas agree is passed on without asking the others or the store again",
    ),
    key(
        "rooms.live_equal",
        Kind::Duration,
        Some("5s"),
        "A room that is live on two nodes is taken to be on the older one; ages closer together than this are equal, and the node's name decides",
    ),
    key(
        "rooms.promised_equal",
        Kind::Duration,
        Some("250ms"),
        "The same for a room that is promised on two nodes",
    ),
    key(
        "rooms.secret_file",
        Kind::Path,
        None,
        "File with the secret that room names are hashed with, the same for all replicas and agents; not set: random",
    ),
    key(
        "rooms.store",
        Kind::Text,
        None,
        "Redis or Valkey in which replicas claim rooms, redis://host:6379/0 or redis+unix:///path; while it is away they agree by what agents report",
    ),
    key(
        "rooms.store_password_file",
        Kind::Path,
        None,
        "File with the store's password; the user's name, if any, stands in the URL",
    ),
    key(
        "rooms.store_timeout",
        Kind::Duration,
        Some("100ms"),
        "How long the store may take to answer before it is left out until it is back",
    ),
    key(
        "rooms.store_refresh",
        Kind::Duration,
        Some("30s"),
        "How often the store is told at least which rooms the agents report; a quarter of rooms.memory where that is shorter",
    ),
    key(
        "rooms.peers",
        Kind::List,
        None,
        "Public addresses of all replicas (this one may be among them): without a store, one of them decides on each named room and the others ask it; needs rooms.secret_file",
    ),
    key("rooms.peer_interval", Kind::Duration, Some("500ms"), "How often it is looked which replicas live"),
    key(
        "rooms.peer_timeout",
        Kind::Duration,
        Some("1500ms"),
        "How long another replica may take to decide on a room before this one decides alone; longer than twice placement.confirm_total",
    ),
];

/// Reads the section.
pub(super) fn rooms(settings: &Settings, complaints: &mut Complaints) -> Rooms {
    let memory_ms = millis(settings, "rooms.memory");
    let secret = settings
        .path("rooms.secret_file")
        .and_then(|path| tokens(&path, &settings.origin("rooms.secret_file"), complaints).into_iter().next());
    Rooms {
        memory_ms,
        store: store(settings, memory_ms, complaints),
        peers: peers(settings, complaints),
        secret: secret.map(String::into_bytes),
    }
}

fn store(settings: &Settings, ttl_ms: u64, complaints: &mut Complaints) -> Option<Store> {
    let timeout = positive(settings, "rooms.store_timeout", complaints);
    let refresh = positive(settings, "rooms.store_refresh", complaints);
    let url = settings.text("rooms.store")?;
    let password = settings.path("rooms.store_password_file").and_then(|path| {
        let origin = settings.origin("rooms.store_password_file");
        tokens(&path, &origin, complaints).into_iter().next()
    });
    need_secret(settings, "rooms.store", complaints);
    match server(&url, password.as_deref()) {
        Ok(server) => Some(Store { server, timeout, ttl_ms: ttl_ms.max(1000), refresh }),
        Err(why) => {
            let mend = "write for example redis://redis.example.org:6379/0";
            complaints.add(&settings.origin("rooms.store"), format!("rooms.store {why}; {mend}"));
            None
        }
    }
}

/// Where the store is. What goes wrong is told without the URL: it may hold a password.
fn server(url: &str, password: Option<&str>) -> Result<ConnectionInfo, String> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "rediss" | "valkeys") {
        return Err("cannot use TLS: put the store on the same machine, or a tunnel before it".to_owned());
    }
    let server = url.into_connection_info().map_err(|_| "is no address of a store".to_owned())?;
    if server.redis_settings().password().is_some() {
        return Err("must not hold a password: use rooms.store_password_file".to_owned());
    }
    let Some(password) = password else { return Ok(server) };
    let with_password = server.redis_settings().clone().set_password(password);
    Ok(server.set_redis_settings(with_password))
}

fn peers(settings: &Settings, complaints: &mut Complaints) -> Peers {
    let origin = settings.origin("rooms.peers");
    let mut urls = Vec::new();
    for text in settings.list("rooms.peers").into_iter().flatten() {
        match Url::parse(&text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() =>
            {
                urls.push(url);
            }
            _ => complaints.add(
                &origin,
                format!("rooms.peers: {text:?} is no replica's address; write for example http://agg2:7080"),
            ),
        }
    }
    if !urls.is_empty() {
        need_secret(settings, "rooms.peers", complaints);
    }
    Peers {
        urls,
        interval: positive(settings, "rooms.peer_interval", complaints),
        timeout: positive(settings, "rooms.peer_timeout", complaints),
    }
}

/// Replicas that hash names differently have no room in common.
fn need_secret(settings: &Settings, what: &str, complaints: &mut Complaints) {
    if settings.path("rooms.secret_file").is_none() {
        complaints.add(
            &settings.origin(what),
            format!(
                "{what} needs rooms.secret_file, the same for all replicas: rooms are known by their hashes"
            ),
        );
    }
}

impl Default for Peers {
    fn default() -> Self {
        Self { urls: Vec::new(), interval: Duration::from_millis(500), timeout: Duration::from_millis(1500) }
    }
}

#[cfg(test)]
mod tests {
    use usher_common::settings::{Sources, resolve};

    use super::*;
    use crate::config::SCHEMA;

    fn read(text: &str) -> Result<Rooms, String> {
        let sources = Sources::default().with_file(std::path::Path::new("a.toml"), text);
        let mut complaints = Complaints::default();
        let read = rooms(&resolve(&SCHEMA, &sources).expect("kinds are right"), &mut complaints);
        complaints.or(read).map_err(|complaints| complaints.to_string())
    }

    #[test]
    fn a_store_and_peers_need_the_shared_secret_and_understandable_addresses() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
        let with = |more: &str| read(&format!("[rooms]\nsecret_file = {path:?}\n{more}"));
        let store = with("store = \"redis://ann@h:6380/2\"").unwrap().store.unwrap();
        assert_eq!((store.ttl_ms, store.server.redis_settings().db()), (7_200_000, 2));
        assert!(with("store = \"redis+unix:///run/valkey.sock\"").unwrap().store.is_some());
        let locked = with(&format!("store = \"redis://h\"\nstore_password_file = {path:?}")).unwrap();
        let shown = format!("{locked:?}{:?}", locked.store);
        assert!(!shown.contains("0123456789"), "{shown}");
        assert_eq!(locked.store.unwrap().server.redis_settings().password().map(str::len), Some(32));
        assert_eq!(with("peers = [\"http://a:7080\", \"https://b\"]").unwrap().peers.urls.len(), 2);
        for (bad, why) in [
            ("store = \"redis://:hunter2hunter2@h\"", "must not hold a password"),
            ("store = \"rediss://h\"", "cannot use TLS"),
            ("store = \"h:6379\"", "no address of a store"),
            ("store_timeout = \"0s\"", "longer than nothing"),
            ("peers = [\"agg2\"]", "no replica's address"),
        ] {
            let complaint = with(bad).unwrap_err();
            assert!(complaint.contains(why) && !complaint.contains("hunter2"), "{complaint}");
        }
        for alone in ["store = \"redis://h\"", "peers = [\"http://a:7080\"]"] {
            assert!(read(&format!("[rooms]\n{alone}")).unwrap_err().contains("needs rooms.secret_file"));
        }
    }
}
