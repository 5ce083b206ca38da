//! The one hop: the owner of a room is asked where it is, or to place it.

use http::StatusCode;
use usher_common::rt::http_client::{Failure, call};

use super::{Owner, Peers, Question};
use crate::fleet::{PlaceRequest, Placed};

/// Largest answer, bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// Why the owner did not help; then each replica decides for itself.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AskError {
    /// There was no answer in time, or none at all.
    #[error("the replica at {0} did not answer: {1}")]
    Silent(url::Url, Failure),
    /// The answer was something else: it could not place the room either, or does not take our token.
    #[error("the replica at {0} answered with HTTP status {1}")]
    Status(url::Url, StatusCode),
}

impl Peers {
    /// Asks the owner. One that stays silent is not asked again until it is seen to be back.
    pub async fn ask(&self, owner: &Owner, request: &PlaceRequest) -> Result<Placed, AskError> {
        let mut url = owner.url.clone();
        url.set_path("/api/v1/peer/place");
        let question = Question { request: request.clone() };
        let request = self.client.post(url).bearer_auth(&self.token).json(&question);
        let answer = call(request, self.settings.timeout, ANSWER_MAX).await.map_err(|failure| {
            self.doubt(&owner.url, &failure.to_string());
            AskError::Silent(owner.url.clone(), failure)
        })?;
        let status = answer.status;
        match serde_json::from_slice(&answer.body) {
            Ok(placed) if status == StatusCode::OK => Ok(placed),
            _ => Err(AskError::Status(owner.url.clone(), status)),
        }
    }

    fn doubt(&self, url: &url::Url, why: &str) {
        let now = self.clock.now();
        for peer in self.lock().iter_mut().filter(|peer| peer.url == *url && peer.live) {
            tracing::warn!(peer = %peer.url, why, "a replica did not answer; its rooms are decided on without it");
            (peer.live, peer.trouble, peer.since) = (false, Some(why.to_owned()), now);
        }
    }
}
