//! `/v1/stack…`: what runs, what would be done, and deployments.
//!
//! | route | what |
//! |---|---|
//! | `GET /v1/stack` | what runs, what is held and why, the last deployments |
//! | `GET /v1/stack/plan?K=V` | what a deployment with these variables would do, and why |
//! | `POST /v1/stack/deploy` | begins one: 202 and its id |
//! | `GET /v1/stack/deploy/{id}` | how far it is; as `text/event-stream` its progress until it ends |
//! | `POST /v1/stack/rollback` | back to what was there before one: 202 and the id of the way back |

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, stream};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::Routes;
use crate::compose::plan::Policy;
use crate::deploy::job::{Job, Wanted};
use crate::deploy::orders::{Refused, What};
use crate::stack::PlanView;
use crate::upkeep::Works;

/// An order is answered within the time that a look at the stack takes; longer, and work is under way.
const ORDER_WITHIN: Duration = Duration::from_secs(15);
/// Deployments shown in the overview.
const SHOWN: usize = 10;

/// Body of `POST /v1/stack/rollback`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoBack {
    /// The deployment to undo; the newest that went well when not said.
    #[serde(default)]
    deployment: Option<String>,
    #[serde(default)]
    interrupt: bool,
    #[serde(default)]
    who: Option<String>,
}

fn error(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(json!({ "error": text.into() }))).into_response()
}

fn works(routes: &Routes) -> Result<Works, Box<Response>> {
    let text = "this agent keeps no stack: set stack.directory, and stack.manage to true";
    routes.node.works.clone().ok_or_else(|| Box::new(error(StatusCode::NOT_FOUND, text)))
}

async fn history(works: &Works) -> Vec<Job> {
    let journal = works.journal.clone();
    let reading = tokio::task::spawn_blocking(move || journal.all());
    reading.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

pub(super) async fn overview(State(routes): State<Routes>) -> Response {
    let works = match works(&routes) {
        Ok(works) => works,
        Err(response) => return *response,
    };
    let status = works.board.read();
    let snapshot = routes.node.latest();
    let containers: Option<Vec<Value>> = snapshot.as_ref().and_then(|snapshot| {
        let all = snapshot.containers.as_ref().ok()?.iter();
        Some(
            all.map(|one| {
                let one = &one.observed;
                json!({
                    "service": one.service, "name": one.name, "image": one.image, "image_id": one.image_id,
                    "state": one.state, "health": one.health, "restarts": one.restarts,
                    "started_unix_ms": one.started_unix_ms, "exit_code": one.exit_code,
                })
            })
            .collect(),
        )
    });
    let history = history(&works).await;
    let deployments: Vec<_> = history.iter().take(SHOWN).map(Job::view).collect();
    let failures: Vec<_> = status
        .failures
        .iter()
        .map(|(reason, detail)| json!({ "reason": reason, "detail": detail }))
        .collect();
    let body = json!({
        "project": routes.node.stack.project,
        "directory": routes.node.stack.directory,
        "upkeep": status.report(),
        "failures": failures,
        "containers": containers,
        "deployments": deployments,
    });
    Json(body).into_response()
}

pub(super) async fn plan(
    State(routes): State<Routes>,
    Query(set): Query<BTreeMap<String, String>>,
) -> Response {
    let works = match works(&routes) {
        Ok(works) => works,
        Err(response) => return *response,
    };
    let stack = works.stack.clone();
    let loading = tokio::task::spawn_blocking(move || stack.load(&set));
    let loaded = loading.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problem) => return error(StatusCode::UNPROCESSABLE_ENTITY, problem.to_string()),
    };
    let jitsi = routes.node.latest().and_then(|snapshot| snapshot.jitsi.clone());
    let conferences = jitsi.and_then(|jitsi| jitsi.conferences).filter(|count| *count > 0);
    let live = conferences.map(|count| ("jvb".to_owned(), Some(count))).into_iter().collect();
    let policy = Policy { live, enforce: true, refresh: true, ..Policy::default() };
    match works.stack.plan(&loaded, &policy).await {
        Ok(plan) => Json(PlanView::of(&plan)).into_response(),
        Err(failure) => error(StatusCode::SERVICE_UNAVAILABLE, failure.to_string()),
    }
}

pub(super) async fn deploy(
    State(routes): State<Routes>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Response {
    match wanted {
        Ok(Json(wanted)) => order(&routes, What::Deploy(wanted)).await,
        Err(rejection) => error(
            StatusCode::BAD_REQUEST,
            format!(
                "{}; send {{\"set\": {{\"NAME\": \"value\"}}, \"interrupt\"?, \"drain_s\"?, \"deadline_s\"?, \"who\"?}}",
                rejection.body_text()
            ),
        ),
    }
}

pub(super) async fn rollback(
    State(routes): State<Routes>,
    wanted: Result<Json<GoBack>, JsonRejection>,
) -> Response {
    match wanted {
        Ok(Json(GoBack { deployment, interrupt, who })) => {
            order(&routes, What::GoBack { id: deployment, interrupt, who }).await
        }
        Err(rejection) => error(
            StatusCode::BAD_REQUEST,
            format!("{}; send {{\"deployment\"?, \"interrupt\"?, \"who\"?}}", rejection.body_text()),
        ),
    }
}

async fn order(routes: &Routes, what: What) -> Response {
    let works = match works(routes) {
        Ok(works) => works,
        Err(response) => return *response,
    };
    if let Some(deployment) = works.board.read().deployment.filter(|one| !one.phase.is_final()) {
        return error(StatusCode::CONFLICT, Refused::Busy(deployment.id).to_string());
    }
    match tokio::time::timeout(ORDER_WITHIN, works.desk.order(what)).await {
        Ok(Ok(job)) => {
            let place = format!("/v1/stack/deploy/{}", job.id);
            (StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(json!(job.view()))).into_response()
        }
        Ok(Err(refused)) => {
            let status = match refused {
                Refused::Busy(_) => StatusCode::CONFLICT,
                Refused::Bad(_) => StatusCode::BAD_REQUEST,
                Refused::NothingToUndo(_) => StatusCode::NOT_FOUND,
                Refused::NotNow(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            error(status, refused.to_string())
        }
        Err(_) => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "the stack is being worked on, or the engine does not answer; nothing was begun: ask again",
        ),
    }
}

pub(super) async fn follow(
    State(routes): State<Routes>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let works = match works(&routes) {
        Ok(works) => works,
        Err(response) => return *response,
    };
    // Listening begins before the look, so that nothing falls between the two.
    let news = works.board.follow();
    let Some(job) = history(&works).await.into_iter().find(|job| job.id == id) else {
        return error(StatusCode::NOT_FOUND, format!("there is no deployment {id}"));
    };
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accepts.is_some_and(|accepts| accepts.contains("text/event-stream")) {
        return Sse::new(lines(&job, news)).keep_alive(KeepAlive::default()).into_response();
    }
    Json(json!(job.view())).into_response()
}

/// First how far it is, then everything new, until it is over.
fn lines(
    job: &Job,
    news: tokio::sync::broadcast::Receiver<crate::upkeep::News>,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let first = json!({ "event": "phase", "deployment": job.view() }).to_string();
    let state = (Some(first), news, job.id.clone(), false);
    stream::unfold(state, |(first, mut news, id, over)| async move {
        if over {
            return None;
        }
        let line = match first {
            Some(line) => line,
            None => loop {
                match news.recv().await {
                    Ok(one) if one.id == id => break one.line.to_string(),
                    // Progress that was missed is missed; the next phase tells everything.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            },
        };
        let over = serde_json::from_str::<Value>(&line)
            .is_ok_and(|line| line["deployment"]["finished"] == Value::Bool(true));
        Some((Ok(Event::default().data(line)), (None, news, id, over)))
    })
}
