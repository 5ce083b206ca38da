//! Bearer tokens: compared in constant time, never logged.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq as _;

/// The tokens that open a door. Several may be valid while one is being replaced.
#[derive(Clone, Default)]
pub struct Tokens(Vec<String>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({} hidden)", self.0.len())
    }
}

impl Tokens {
    /// Doors that these tokens open.
    #[must_use]
    pub fn new(tokens: Vec<String>) -> Self {
        Self(tokens)
    }

    /// Whether there is none, so that nothing can be opened with one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one to present to others: the first.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// Whether the request bears one of the tokens.
    #[must_use]
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let Some((scheme, given)) = given.split_once(' ') else { return false };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return false;
        }
        // Every token is compared, so that the time does not tell which one came near.
        let hits = self.0.iter().map(|token| token.as_bytes().ct_eq(given.trim().as_bytes()));
        hits.fold(subtle::Choice::from(0), |any, hit| any | hit).into()
    }

    /// The answer to whoever may not enter; `None` for those who may.
    #[must_use]
    pub fn refuse(&self, request: &Request<Body>) -> Option<Response> {
        if self.admit(request.headers()) {
            return None;
        }
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let body = "a bearer token is needed: Authorization: Bearer <token>\n";
        Some((StatusCode::UNAUTHORIZED, challenge, body).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_under_the_bearer_scheme_opens() {
        let tokens = Tokens::new(vec!["0123456789abcdef".into(), "fedcba9876543210".into()]);
        let admit = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            tokens.admit(&headers)
        };
        assert!(admit("Bearer fedcba9876543210") && admit("bearer 0123456789abcdef"));
        for bad in ["Bearer 0123456789abcde", "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"] {
            assert!(!admit(bad), "{bad}");
        }
        assert!(!tokens.admit(&HeaderMap::new()));
        assert!(!Tokens::default().admit(&HeaderMap::new()));
        assert!(!format!("{tokens:?}").contains("0123"));
    }
}
