//! The keys of `aggregator.toml`, one row each: flags, variables, the example file and
//! the checks of the file all come from here.

use usher_common::settings::{Key, Kind, Schema, Table};

use super::{placement, rooms};
use crate::target::TargetKind;

/// Where the settings are looked for when nobody names a file.
pub const DEFAULT_FILE: &str = "/etc/usher/aggregator.toml";

const COUNT: Kind = Kind::Integer { min: 1, max: 1_000_000 };
const IN_A_ROW: Kind = Kind::Integer { min: 1, max: 100 };
const FRACTION: Kind = Kind::Number { min_milli: 0, max_milli: 1000 };

/// All keys.
pub static SCHEMA: Schema = Schema {
    env_prefix: "USHER_AGGREGATOR",
    keys: &ALL,
    tables: &[Table {
        path: "discovery.static",
        keys: &[
            key("targets", Kind::List, None, "Agents to read: URLs or host[:port]"),
            key(
                "token_file",
                Kind::Path,
                None,
                "File with the token to show to them; not set: discovery.token_file",
            ),
            key("region", Kind::Text, None, "Their region, where their reports name none"),
            key("labels", Kind::Map, None, "Labels of theirs"),
            key(
                "kind",
                Kind::Word(TargetKind::WORDS),
                Some("agent"),
                "What answers there: an agent of ours or a plain node_exporter",
            ),
            key(
                "public_url",
                Kind::Text,
                None,
                "For node_exporter: where people are sent, {host} stands for the target's host; not set: https://{host}",
            ),
        ],
        help: "Fixed targets that share a token, a region or labels.",
    }],
};

/// The sections, one after the other.
const SECTIONS: [&[Key]; 3] = [GENERAL, rooms::ROWS, placement::ROWS];

const ALL: [Key; GENERAL.len() + rooms::ROWS.len() + placement::ROWS.len()] = {
    let mut all = [GENERAL[0]; GENERAL.len() + rooms::ROWS.len() + placement::ROWS.len()];
    let (mut section, mut row, mut index) = (0, 0, 0);
    while index < all.len() {
        if row == SECTIONS[section].len() {
            (section, row) = (section + 1, 0);
        }
        all[index] = SECTIONS[section][row];
        (row, index) = (row + 1, index + 1);
    }
    all
};

/// All but `[placement]` and `[rooms]`.
const GENERAL: &[Key] = &[
    key(
        "drain",
        Kind::Duration,
        None,
        "How long to keep answering after SIGTERM with /-/ready at 503, so that load balancers turn away first; not set: 10s, or 0s when public.listen is a loopback address",
    ),
    key("public.listen", Kind::Address, Some("127.0.0.1:7080"), "Where people and front ends are answered"),
    key(
        "operator.listen",
        Kind::Address,
        Some("127.0.0.1:7081"),
        "Where operators are answered: dashboard, fleet API, metrics",
    ),
    key(
        "operator.token_file",
        Kind::Path,
        None,
        "File with the tokens that open the operator listener, one a line; needed off loopback",
    ),
    key("scrape.interval", Kind::Duration, Some("1s"), "How often each target is read"),
    key(
        "scrape.timeout",
        Kind::Duration,
        Some("800ms"),
        "How long one read may take, connection included; at most scrape.interval",
    ),
    key(
        "scrape.max_bytes",
        Kind::Integer { min: 1024, max: 1 << 30 },
        Some("4194304"),
        "Largest answer that is taken, bytes after decompression",
    ),
    key("scrape.concurrency", COUNT, Some("256"), "How many reads may be under way at once"),
    key(
        "scrape.max_age",
        Kind::Duration,
        Some("3s"),
        "Age of a sample (when sent, plus the time since) beyond which its node gets no new rooms",
    ),
    key(
        "scrape.retry_max",
        Kind::Duration,
        Some("5s"),
        "Longest wait between two reads of a target that keeps failing",
    ),
    key(
        "scrape.smoothing",
        Kind::Duration,
        Some("3s"),
        "Time constant with which the CPU of a plain node_exporter is smoothed (agents smooth their own)",
    ),
    key("health.fall", IN_A_ROW, Some("2"), "Failures in a row that take a node down"),
    key("health.rise", IN_A_ROW, Some("2"), "Good reads in a row that bring it back"),
    key(
        "health.panic",
        FRACTION,
        Some("0.5"),
        "Share of the fleet that must be lost at once before we suspect ourselves: an alarm is raised, and if no node is left, those whose death is not proven stay in use for health.panic_hold",
    ),
    key("health.panic_hold", Kind::Duration, Some("60s"), "How long lost nodes stay in use then"),
    key(
        "health.page",
        Kind::Bool,
        Some("true"),
        "Look whether a node whose agent is silent still serves its public URL: while it does, its meetings stay there (it gets no new ones)",
    ),
    key(
        "discovery.targets",
        Kind::List,
        None,
        "Agents to read: URLs or host[:port]; not set: http://127.0.0.1:9100, unless there is other discovery",
    ),
    key(
        "discovery.token_file",
        Kind::Path,
        None,
        "File with the token to show to agents that have no token file of their own; the first line counts",
    ),
    key(
        "discovery.file",
        Kind::List,
        None,
        "Files with targets in Prometheus' file_sd format, JSON or YAML by their ending; read anew when they change",
    ),
    key("discovery.poll", Kind::Duration, Some("2s"), "How often those files are looked at"),
];

pub(super) const fn key(
    path: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key { path, kind, default, help }
}
