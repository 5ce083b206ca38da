//! The operators' door: a bearer token for programs; for browsers, which cannot send one
//! by themselves, the same token as the password of basic authentication.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::App;
use super::respond::Failed;

/// Lets in who bears a token; everybody when none is set (loopback only, by the settings).
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let admitted = app.tokens.is_empty()
        || app.tokens.admit(headers)
        || basic_as_bearer(headers).is_some_and(|headers| app.tokens.admit(&headers));
    if admitted {
        return next.run(request).await;
    }
    let reason = "a token is needed: Authorization: Bearer <token>, or the token as the password of any user";
    let mut response = Failed::new(StatusCode::UNAUTHORIZED, "unauthorized", reason).into_response();
    for scheme in ["Bearer", "Basic realm=\"usher operators\", charset=\"UTF-8\""] {
        response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    response
}

/// The password of a basic authentication, as the bearer token it is.
fn basic_as_bearer(headers: &HeaderMap) -> Option<HeaderMap> {
    let (scheme, coded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(coded.trim()).ok())??;
    let text = String::from_utf8(decoded).ok()?;
    let (_, password) = text.split_once(':')?;
    let value = HeaderValue::from_str(&format!("Bearer {password}")).ok()?;
    Some(HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use usher_common::rt::auth::Tokens;

    #[test]
    fn the_password_of_any_user_is_the_token() {
        let tokens = Tokens::new(vec!["0123456789abcdef".into()]);
        let admit = |text: &str| {
            let value = format!("Basic {}", STANDARD.encode(text)).parse().unwrap();
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
            basic_as_bearer(&headers).is_some_and(|headers| tokens.admit(&headers))
        };
        assert!(admit("anybody:0123456789abcdef") && admit(":0123456789abcdef"));
        for bad in ["0123456789abcdef", "0123456789abcdef:", "a:0123456789abcde", "a:\n"] {
            assert!(!admit(bad), "{bad}");
        }
    }
}
