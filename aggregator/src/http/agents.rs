//! Operators' wishes, forwarded to the agent: it keeps them, we do not.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use usher_common::rt::http_client::{Answer, ClientOptions, Failure, call, client};

use crate::target::Target;

/// Longer than a scrape's: the agent syncs the wish to its disk before it answers.
const DEADLINE: Duration = Duration::from_secs(5);
/// Largest answer, bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// Calls agents on operators' behalf.
#[derive(Debug, Clone)]
pub struct Agents {
    client: Client,
}

impl Agents {
    /// A caller.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self { client: client(&ClientOptions::default())? })
    }

    /// `PUT /v1/state` of the agent.
    pub async fn set_state(&self, target: &Target, state: &Value) -> Result<Answer, Failure> {
        let request = self.client.put(target.at("v1/state")).json(state);
        let request = match &target.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        };
        call(request, DEADLINE, ANSWER_MAX).await
    }
}
