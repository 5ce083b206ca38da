//! `GET /v1/state` and `PUT /v1/state`: the operator's wish.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use usher_common::rt::process::unix_now_ms;
use usher_common::wire::{OperatorMode, OperatorState};

use super::Routes;

/// Body of `PUT /v1/state`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    mode: OperatorMode,
    #[serde(default)]
    who: Option<String>,
    #[serde(default)]
    why: Option<String>,
    #[serde(default)]
    deadline_unix_ms: Option<u64>,
}

/// Longest "who" or "why" that is kept, characters.
const WORDS_MAX: usize = 500;

pub(super) async fn show(State(routes): State<Routes>) -> Json<OperatorState> {
    Json(routes.node.operator.now())
}

pub(super) async fn set(State(routes): State<Routes>, wish: Result<Json<Wish>, JsonRejection>) -> Response {
    let refuse = |status: StatusCode, error: String| {
        (status, Json(serde_json::json!({ "error": error }))).into_response()
    };
    let Json(wish) = match wish {
        Ok(wish) => wish,
        Err(rejection) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                format!(
                    "{}; send {{\"mode\": \"ready\" | \"drain\" | \"maint\", \"who\"?, \"why\"?, \"deadline_unix_ms\"?}}",
                    rejection.body_text()
                ),
            );
        }
    };
    let cut = |words: Option<String>| words.map(|words| words.chars().take(WORDS_MAX).collect());
    let state = OperatorState {
        mode: wish.mode,
        who: cut(wish.who),
        why: cut(wish.why),
        since_unix_ms: Some(unix_now_ms()),
        deadline_unix_ms: wish.deadline_unix_ms,
    };
    match routes.node.operator.set(state.clone()).await {
        Ok(()) => {
            tracing::info!(mode = %state.mode, who = state.who, why = state.why, "the operator state changed");
            Json(state).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the operator state could not be kept");
            refuse(StatusCode::INSUFFICIENT_STORAGE, error.to_string())
        }
    }
}
