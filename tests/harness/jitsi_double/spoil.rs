//! Good answers made bad, as the world says.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::Value;
use tokio::sync::watch;

use super::world::{Fault, Part, World};

/// Longest answer of our own that is rewritten, bytes.
const OWN_MAX: usize = 1 << 20;

/// The middleware of every service.
pub(super) async fn spoil(
    State((part, world)): State<(Part, watch::Receiver<World>)>,
    request: Request,
    next: Next,
) -> Response {
    let fault = world.borrow().fault(part);
    let Some(fault) = fault else { return next.run(request).await };
    match fault {
        Fault::Drip => endless(b" ", Some(Duration::from_millis(50))),
        Fault::Cut => cut(),
        Fault::Flood => endless(&[b' '; 65536], None),
        Fault::Html => {
            ([(header::CONTENT_TYPE, "text/html")], "<html><body>It works!</body></html>").into_response()
        }
        Fault::Error => (StatusCode::INTERNAL_SERVER_ERROR, "java.lang.NullPointerException").into_response(),
        Fault::Nan | Fault::MissingFields | Fault::WrongTypes => {
            rewritten(next.run(request).await, fault).await
        }
        // These never let a connection in; one that came before is answered well.
        Fault::Refuse | Fault::Reset | Fault::Hang => next.run(request).await,
    }
}

/// A 200 whose body never ends: a piece `every` so often, or as fast as it is read.
fn endless(piece: &'static [u8], every: Option<Duration>) -> Response {
    let pieces = stream::unfold((), move |()| async move {
        if let Some(every) = every {
            tokio::time::sleep(every).await;
        }
        Some((Ok::<_, std::io::Error>(Bytes::from_static(piece)), ()))
    });
    Body::from_stream(pieces).into_response()
}

/// A 200 that promises more than it gives.
fn cut() -> Response {
    let half = stream::iter([
        Ok(Bytes::from_static(b"{\"participants\":")),
        Err(std::io::Error::other("the line is cut")),
    ]);
    let mut response = Body::from_stream(half).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("5000"));
    response
}

async fn rewritten(response: Response, fault: Fault) -> Response {
    let (mut head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, OWN_MAX).await.expect("a body of our own");
    let text = String::from_utf8_lossy(&body).into_owned();
    head.headers.remove(header::CONTENT_LENGTH);
    let text = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(map)) if fault == Fault::MissingFields => {
            let renamed = map.into_iter().map(|(key, value)| (format!("x_{key}"), value));
            Value::Object(renamed.collect()).to_string()
        }
        Ok(Value::Object(map)) => {
            let with = if fault == Fault::Nan { Value::Null } else { Value::from("many") };
            Value::Object(map.into_iter().map(|(key, _)| (key, with.clone())).collect()).to_string()
        }
        _ => text.lines().map(|line| spoiled_sample(line, fault) + "\n").collect(),
    };
    Response::from_parts(head, Body::from(text))
}

/// A sample line of exposition text; other lines stay.
fn spoiled_sample(line: &str, fault: Fault) -> String {
    let Some((series, _)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) else {
        return line.to_owned();
    };
    match fault {
        Fault::MissingFields => format!("other_{line}"),
        Fault::Nan => format!("{series} NaN"),
        _ => format!("{series} many"),
    }
}
