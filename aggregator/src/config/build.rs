//! Settings to [`Config`]: everything that a row alone cannot check.

use std::path::Path;
use std::time::Duration;

use usher_common::rt::auth::Tokens;
use usher_common::rt::files::read_tokens;
use usher_common::settings::{Complaints, Origin, Settings};

use super::placement::placement;
use super::rooms::rooms;
use super::{Config, Health, Operator, Scrape, targets};

/// How long to go on answering after SIGTERM: longer than a load balancer needs to see
/// two failed checks 3 s apart with a deadline of 1 s each.
const DRAIN: Duration = Duration::from_secs(10);

impl Config {
    /// Checks what the rows cannot; reads the token, secret and target files.
    pub fn build(settings: &Settings) -> Result<Self, Complaints> {
        let mut complaints = Complaints::default();
        let public_listen = settings.address("public.listen").expect("has a default");
        let config = Self {
            public_listen,
            operator: operator(settings, &mut complaints),
            scrape: scrape(settings, &mut complaints),
            health: health(settings, &mut complaints),
            discovery: targets::discovery(settings, &mut complaints),
            placement: placement(settings, &mut complaints),
            rooms: rooms(settings, &mut complaints),
            drain: settings.duration("drain").unwrap_or(if public_listen.ip().is_loopback() {
                Duration::ZERO
            } else {
                DRAIN
            }),
            hold: Duration::ZERO,
        };
        if config.public_listen == config.operator.listen && public_listen.port() != 0 {
            complaints.add(
                &settings.origin("operator.listen"),
                format!("operator.listen must differ from public.listen, but both are {public_listen}: operators' answers are not for the public"),
            );
        }
        complaints.or(config)
    }
}

fn operator(settings: &Settings, complaints: &mut Complaints) -> Operator {
    let listen = settings.address("operator.listen").expect("has a default");
    let tokens = match settings.path("operator.token_file") {
        Some(path) => tokens(&path, &settings.origin("operator.token_file"), complaints),
        None if listen.ip().is_loopback() => Vec::new(),
        None => {
            complaints.add(
                &settings.origin("operator.listen"),
                format!("operator.listen {listen} can be reached from outside: set operator.token_file, or listen on a loopback address"),
            );
            Vec::new()
        }
    };
    Operator { listen, tokens: Tokens::new(tokens) }
}

fn scrape(settings: &Settings, complaints: &mut Complaints) -> Scrape {
    let interval = positive(settings, "scrape.interval", complaints);
    let timeout = positive(settings, "scrape.timeout", complaints);
    if timeout > interval {
        complaints.add(
            &settings.origin("scrape.timeout"),
            format!(
                "scrape.timeout is {timeout:?}, but must not be longer than scrape.interval, {interval:?}"
            ),
        );
    }
    Scrape {
        interval,
        timeout,
        max_bytes: count(settings, "scrape.max_bytes"),
        concurrency: count(settings, "scrape.concurrency"),
        retry_max: positive(settings, "scrape.retry_max", complaints),
        smoothing: positive(settings, "scrape.smoothing", complaints),
    }
}

fn health(settings: &Settings, complaints: &mut Complaints) -> Health {
    let max_age = positive(settings, "scrape.max_age", complaints);
    let least =
        settings.duration("scrape.interval").zip(settings.duration("scrape.timeout")).map(|(i, t)| i + t);
    if let Some(least) = least.filter(|least| max_age < *least) {
        complaints.add(
            &settings.origin("scrape.max_age"),
            format!("scrape.max_age is {max_age:?}, but a node read in time can be {least:?} old (scrape.interval plus scrape.timeout): make it longer than that"),
        );
    }
    let in_a_row =
        |path| settings.integer(path).and_then(|n| u32::try_from(n).ok()).expect("within its row's bounds");
    Health {
        fall: in_a_row("health.fall"),
        rise: in_a_row("health.rise"),
        panic: settings.number("health.panic").expect("has a default"),
        panic_hold_ms: millis(settings, "health.panic_hold"),
        max_age_ms: u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX),
        page: settings.bool("health.page").expect("has a default"),
    }
}

/// The tokens of a file; a complaint and none when it cannot be used.
pub(super) fn tokens(path: &Path, origin: &Origin, complaints: &mut Complaints) -> Vec<String> {
    read_tokens(path).unwrap_or_else(|error| {
        complaints.add(origin, error);
        Vec::new()
    })
}

/// A length of time that must not be zero.
pub(super) fn positive(settings: &Settings, path: &str, complaints: &mut Complaints) -> Duration {
    let duration = settings.duration(path).expect("has a default");
    if duration.is_zero() {
        complaints.add(&settings.origin(path), format!("{path} must be longer than nothing"));
        return Duration::from_millis(1);
    }
    duration
}

fn count(settings: &Settings, path: &str) -> usize {
    settings.integer(path).and_then(|n| usize::try_from(n).ok()).expect("within its row's bounds")
}

pub(super) fn millis(settings: &Settings, path: &str) -> u64 {
    let duration = settings.duration(path).expect("has a default");
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
