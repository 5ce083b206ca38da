//! One question to one agent: `POST /v1/reservations`, its answer to a closed outcome.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Client, RequestBuilder};
use usher_common::rt::http_client::{Answer, ClientOptions, Failure, call, client};
use usher_common::wire::{ProbeFailure, ReservationAnswer, ReservationRequest};

use crate::decision::Answer as Recorded;
use crate::target::Target;

/// Largest answer, bytes.
const ANSWER_MAX: usize = 64 * 1024;
/// Connections kept open per agent: placements come in bursts.
const IDLE_PER_HOST: usize = 4;

/// What came of asking.
#[derive(Debug)]
pub enum Outcome {
    /// It keeps room.
    Confirmed,
    /// It is not of the kind that can be asked (a plain node_exporter).
    Unasked,
    /// It is an agent that does not know the question: an older one.
    Unconfirmed,
    /// It answered, but not with yes: a word of the wire's, or the status.
    Refused(String),
    /// There was no answer in time.
    Timeout(Failure),
    /// There was no answer, nor will there be.
    Unreachable(Failure),
}

impl Outcome {
    /// As it goes on record.
    #[must_use]
    pub const fn answer(&self) -> Recorded {
        match self {
            Self::Confirmed => Recorded::Confirmed,
            Self::Unasked => Recorded::Unasked,
            Self::Unconfirmed => Recorded::Unconfirmed,
            Self::Refused(_) => Recorded::Refused,
            Self::Timeout(_) => Recorded::Timeout,
            Self::Unreachable(_) => Recorded::Unreachable,
        }
    }
}

/// Asks agents over connections that are kept open.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    client: Client,
}

impl Asker {
    pub(super) fn new() -> Result<Self, Failure> {
        let options = ClientOptions { idle_per_host: IDLE_PER_HOST, ..ClientOptions::default() };
        Ok(Self { client: client(&options)? })
    }

    /// Asks an agent to keep room.
    pub(super) async fn ask(
        &self,
        target: &Target,
        reservation: &ReservationRequest,
        deadline: Duration,
    ) -> Outcome {
        let request = self.client.post(target.at("v1/reservations")).json(reservation);
        match call(with_token(request, target), deadline, ANSWER_MAX).await {
            Ok(answer) => understand(&answer),
            Err(failure) if failure.reason == ProbeFailure::Timeout => Outcome::Timeout(failure),
            Err(failure) => Outcome::Unreachable(failure),
        }
    }

    /// Takes a promise back.
    pub(super) async fn release(
        &self,
        target: &Target,
        id: &str,
        deadline: Duration,
    ) -> Result<Answer, Failure> {
        let request = self.client.delete(target.at(&format!("v1/reservations/{id}")));
        call(with_token(request, target), deadline, ANSWER_MAX).await
    }
}

fn with_token(request: RequestBuilder, target: &Target) -> RequestBuilder {
    match &target.token {
        Some(token) => request.bearer_auth(token.expose()),
        None => request,
    }
}

fn understand(answer: &Answer) -> Outcome {
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => Outcome::Confirmed,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Outcome::Unconfirmed,
        status => match serde_json::from_slice(&answer.body) {
            Ok(ReservationAnswer::Refused { refused }) => Outcome::Refused(refused.as_str().to_owned()),
            _ => Outcome::Refused(format!("HTTP status {status}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn word(status: u16, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.to_owned().into();
        let outcome = understand(&Answer { status, headers: HeaderMap::new(), body, certificate: None });
        match outcome {
            Outcome::Refused(why) => why,
            other => other.answer().to_string(),
        }
    }

    #[test]
    fn only_a_yes_confirms_and_only_who_does_not_know_the_question_passes_without() {
        let yes = r#"{"id": "1", "cpu_busy": 0.1, "pending": 8.0, "seq": 3}"#;
        assert_eq!((word(201, yes), word(200, yes)), ("confirmed".into(), "confirmed".into()));
        assert_eq!((word(404, ""), word(405, "")), ("unconfirmed".into(), "unconfirmed".into()));
        assert_eq!(word(409, r#"{"refused": "full"}"#), "full");
        assert_eq!(word(409, r#"{"refused": "on_fire"}"#), "unknown");
        assert_eq!(word(401, ""), "HTTP status 401 Unauthorized");
        assert_eq!(word(500, "oops"), "HTTP status 500 Internal Server Error");
    }
}
