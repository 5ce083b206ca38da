//! The aggregator's settings in a world that runs `speed` times as fast.
//!
//! Every length of time among the program's own keys is divided by it, whichever keys there are; but for
//! those in [`MACHINE`]: the loopback and the scheduler of this machine do not run faster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use usher_aggregator::config::SCHEMA;
use usher_common::settings::{Kind as KeyKind, Sources, resolve};

/// Times that are not scaled, and why.
const MACHINE: &[(&str, &str)] = &[
    ("drain", "nothing stands before these aggregators"),
    ("placement.confirm_timeout", "bounds the wait for a silent agent, and nobody is placed by it"),
    ("placement.confirm_total", "the same, for several"),
    ("rooms.peer_interval", "the replicas' talk; the default is quick enough"),
    ("rooms.peer_timeout", "bounds the wait for a silent replica"),
    ("rooms.promised_equal", "what the way from an agent to a replica takes"),
    ("rooms.store_timeout", "bounds the wait for a silent store"),
];

/// Which aggregator is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Ours, with agents that confirm.
    Usher,
    /// What was there before, lived by our program: every 30 s the least CPU of plain node_exporters,
    /// nobody asked for confirmation, nothing promised.
    OldDesign,
}

impl Kind {
    /// How rows are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Usher => "usher",
            Self::OldDesign => "old design",
        }
    }
}

/// A Redis in which rooms are claimed.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    pub(crate) url: String,
    pub(crate) password_file: Option<PathBuf>,
}

/// The settings of one replica.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) kind: Kind,
    pub(crate) speed: f64,
    /// From one read of an agent to the next, ms of the trace.
    pub(crate) interval_ms: u64,
    pub(crate) public_port: u16,
    pub(crate) operator_port: u16,
    /// Public ports of all replicas.
    pub(crate) replicas: &'a [u16],
    /// file_sd list of the agents.
    pub(crate) targets: &'a Path,
    pub(crate) secret: &'a Path,
    /// Where rooms are claimed; `None`: replicas ask one another.
    pub(crate) store: Option<&'a Claims>,
    /// More settings, `section.key=value` with the value in TOML; only for ours.
    pub(crate) more: &'a [String],
}

impl Settings<'_> {
    /// The file.
    pub(crate) fn toml(&self) -> anyhow::Result<String> {
        let mut keys = times(self.speed);
        let mut set = |path: &str, value: String| drop(keys.insert(path.to_owned(), value));
        let replicas = self.replicas.len();
        set("drain", quoted("0s"));
        set("public.listen", quoted(format!("127.0.0.1:{}", self.public_port)));
        set("operator.listen", quoted(format!("127.0.0.1:{}", self.operator_port)));
        set("discovery.file", format!("[{:?}]", self.targets));
        set("rooms.secret_file", format!("{:?}", self.secret));

        let interval_ms = match self.kind {
            Kind::Usher => self.interval_ms,
            Kind::OldDesign => 30_000,
        };
        let ms = |ms: u64| quoted(format!("{}ms", ((ms as f64 / self.speed).round() as u64).max(1)));
        set("scrape.interval", ms(interval_ms));
        set("scrape.timeout", ms(interval_ms));
        // the study's figure: with intervals of some 100 ms a hiccup of the machine must not empty the fleet
        set("scrape.max_age", ms(15_000.max(4 * interval_ms)));
        set("scrape.retry_max", ms(5_000.max(interval_ms)));
        match self.kind {
            Kind::Usher => {
                set("placement.replicas", replicas.to_string());
                // whole seconds on the wire
                set("placement.confirm_ttl", ms(CONFIRM_TTL_MS.max((self.speed * 1000.0) as u64)));
                match self.store {
                    Some(Claims { url, password_file }) => {
                        set("rooms.store", quoted(url));
                        if let Some(password) = password_file {
                            set("rooms.store_password_file", format!("{password:?}"));
                        }
                    }
                    None if replicas == 1 => {}
                    None => {
                        let peer = |port: &u16| quoted(format!("http://127.0.0.1:{port}"));
                        let peers: Vec<String> = self.replicas.iter().map(peer).collect();
                        set("rooms.peers", format!("[{}]", peers.join(", ")));
                        set("rooms.peer_interval", quoted("100ms"));
                    }
                }
                for change in self.more {
                    let (path, value) =
                        change.split_once('=').with_context(|| format!("{change:?} is no key=value"))?;
                    set(path.trim(), value.trim().to_owned());
                }
            }
            // its replicas knew nothing of one another
            Kind::OldDesign => {
                for (path, value) in OLD_DESIGN {
                    set(path, (*value).to_owned());
                }
            }
        }
        Ok(sections(&keys))
    }
}

/// How long an agent keeps room for people who do not come, ms: the default.
const CONFIRM_TTL_MS: u64 = 120_000;

/// What makes our program the old design.
const OLD_DESIGN: &[(&str, &str)] = &[
    ("health.fall", "1"),
    ("health.rise", "1"),
    ("placement.policy", "\"least-cpu\""),
    ("placement.cores_per_participant", "0"),
    ("placement.full", "2"),
    ("placement.slow_start", "\"0s\""),
    ("placement.breaker_placements", "10000"),
];

/// Every time of the program that the speed scales, in TOML.
fn times(speed: f64) -> BTreeMap<String, String> {
    let defaults = resolve(&SCHEMA, &Sources::default()).expect("the defaults are of their kinds");
    let scaled = SCHEMA.keys.iter().filter(|key| key.kind == KeyKind::Duration && !is_machines_own(key.path));
    let value = |path: &str| {
        let default = defaults.duration(path).expect("what has no default is in MACHINE");
        let us = (default.as_secs_f64() * 1e6 / speed).round().max(1.0);
        // a whole number of milliseconds where it is one, which all of them are at ten times the speed
        if us % 1000.0 == 0.0 { quoted(format!("{}ms", us / 1000.0)) } else { quoted(format!("{us}us")) }
    };
    scaled.map(|key| (key.path.to_owned(), value(key.path))).collect()
}

fn is_machines_own(path: &str) -> bool {
    MACHINE.iter().any(|(own, _)| *own == path)
}

/// Keys with their values as a TOML file: those without a section first.
fn sections(keys: &BTreeMap<String, String>) -> String {
    let mut general = String::new();
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    for (path, value) in keys {
        match path.split_once('.') {
            Some((section, key)) => *sections.entry(section).or_default() += &format!("{key} = {value}\n"),
            None => general += &format!("{path} = {value}\n"),
        }
    }
    sections.iter().fold(general, |text, (section, keys)| format!("{text}[{section}]\n{keys}"))
}

fn quoted(text: impl std::fmt::Display) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: Kind, speed: f64, more: &[String]) -> usher_common::settings::Settings {
        let ours = Settings {
            kind,
            speed,
            interval_ms: 2_000,
            public_port: 1,
            operator_port: 2,
            replicas: &[1, 3, 5],
            targets: Path::new("/t.json"),
            secret: Path::new("/s"),
            store: None,
            more,
        };
        let sources = Sources::default().with_file(Path::new("a.toml"), &ours.toml().unwrap());
        resolve(&SCHEMA, &sources).unwrap()
    }

    #[test]
    fn every_time_of_the_aggregator_is_scaled_or_listed_as_the_machines_own() {
        for kind in [Kind::Usher, Kind::OldDesign] {
            let (slow, fast) = (settings(kind, 1.0, &[]), settings(kind, 10.0, &[]));
            for key in SCHEMA.keys.iter().filter(|key| key.kind == KeyKind::Duration) {
                let [slow, fast] = [&slow, &fast].map(|settings| settings.duration(key.path).unwrap());
                let wanted = if is_machines_own(key.path) { slow } else { slow / 10 };
                assert_eq!(fast, wanted, "{}", key.path);
            }
        }
        for (path, why) in MACHINE {
            assert!(SCHEMA.keys.iter().any(|key| key.path == *path), "{path} ({why}) is no key any more");
        }
    }

    #[test]
    fn what_is_asked_for_on_the_command_line_counts() {
        let more = ["placement.learn_person_cost=false".to_owned(), "rooms.agreed=\"7ms\"".to_owned()];
        let settings = settings(Kind::Usher, 10.0, &more);
        assert_eq!(settings.bool("placement.learn_person_cost"), Some(false));
        assert_eq!(settings.duration("rooms.agreed"), Some(std::time::Duration::from_millis(7)));
    }
}
