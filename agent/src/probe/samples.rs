//! Answers as tests hand them to the parsers.

use usher_common::wire::ProbeFailure;

use super::reading::{Answered, Failed, Reading};

/// The moment of all samples: 2026-08-21 09:14:03 UTC.
pub(super) const NOW_UNIX_S: u64 = 1_787_303_643;

/// A 200 with this body.
pub(super) fn ok(body: &[u8]) -> Answered<'_> {
    Answered { status: 200, body, certificate: None, room_secret: Some(b"secret"), now_unix_s: NOW_UNIX_S }
}

/// The reason of a failure that must be one.
pub(super) fn failed(result: Result<Reading, Failed>) -> ProbeFailure {
    result.expect_err("a failure").reason
}
