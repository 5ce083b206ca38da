//! GET and POST with a deadline and a size cap, and a closed set of failures.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use reqwest::{Client, ClientBuilder, RequestBuilder};

use crate::wire::ProbeFailure;

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// The server's own certificate (DER), of clients that take any; `None` over plain HTTP.
    pub certificate: Option<Bytes>,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Failure {
    /// The closed reason.
    pub reason: ProbeFailure,
    /// What exactly happened, for the log.
    pub detail: String,
}

impl Failure {
    /// A failure with its detail.
    pub fn new(reason: ProbeFailure, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// How to call: whom to trust and what to keep open.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// PEM certificates to trust instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// PEM certificate and key to show.
    pub identity_pem: Option<Vec<u8>>,
    /// Takes any certificate: only to look at one (its end date), never to send a secret.
    pub accept_any_certificate: bool,
    /// Idle connections kept per host.
    pub idle_per_host: usize,
}

/// Makes a client. Redirects are not followed and proxies of the environment are not used:
/// whom we call is written in the settings.
///
/// A machine without certificate authorities (a bare container) gets a client that trusts nobody:
/// calls in the clear work, and calls behind TLS say what they lack.
pub fn client(options: &ClientOptions) -> Result<Client, Failure> {
    use_ring();
    let malformed = |error: reqwest::Error| Failure::new(ProbeFailure::Tls, chain(&error));
    let Some(pem) = &options.ca_pem else {
        let failure = match builder(options).map_err(malformed)?.build() {
            Ok(client) => return Ok(client),
            Err(error) => malformed(error),
        };
        // What else may be wrong is wrong without them too, and said then.
        let client = builder(options).map_err(malformed)?.tls_certs_only([]).build().map_err(malformed)?;
        tracing::warn!(%failure, "nobody is trusted behind TLS; apt-get install ca-certificates if somebody should be");
        return Ok(client);
    };
    let roots = reqwest::Certificate::from_pem_bundle(pem).map_err(malformed)?;
    builder(options).map_err(malformed)?.tls_certs_only(roots).build().map_err(malformed)
}

fn builder(options: &ClientOptions) -> reqwest::Result<ClientBuilder> {
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(options.idle_per_host)
        .pool_idle_timeout(Duration::from_secs(90))
        .tcp_nodelay(true);
    if let Some(pem) = &options.identity_pem {
        builder = builder.identity(reqwest::Identity::from_pem(pem)?);
    }
    if options.accept_any_certificate {
        builder = builder.tls_danger_accept_invalid_certs(true).tls_info(true);
    }
    Ok(builder)
}

/// Chooses ring for all TLS of this process; harmless when done before.
pub fn use_ring() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Sends a request; the whole exchange, body included, within `deadline`, the body (after
/// decompression) within `cap` bytes.
pub async fn call(request: RequestBuilder, deadline: Duration, cap: usize) -> Result<Answer, Failure> {
    match tokio::time::timeout(deadline, exchange(request, cap)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::new(ProbeFailure::Timeout, format!("no whole answer within {deadline:?}"))),
    }
}

async fn exchange(request: RequestBuilder, cap: usize) -> Result<Answer, Failure> {
    let mut response = request.send().await.map_err(|error| classify(&error))?;
    let too_large = || Failure::new(ProbeFailure::TooLarge, format!("the answer is larger than {cap} bytes"));
    let peer = response.extensions().get::<reqwest::tls::TlsInfo>();
    let certificate = peer.and_then(|peer| peer.peer_certificate()).map(Bytes::copy_from_slice);
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > cap {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, body: body.freeze(), certificate })
}

/// Finds the reason in the chain of causes: reqwest itself only says "connect" or "body".
fn classify(error: &reqwest::Error) -> Failure {
    let mut reason = if error.is_timeout() {
        ProbeFailure::Timeout
    } else if error.is_builder() {
        ProbeFailure::Malformed
    } else {
        ProbeFailure::Reset
    };
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            reason = match io.kind() {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ProbeFailure::Refused,
                io::ErrorKind::PermissionDenied => ProbeFailure::Denied,
                io::ErrorKind::TimedOut => ProbeFailure::Timeout,
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                    ProbeFailure::Reset
                }
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ProbeFailure::Refused,
                _ => ProbeFailure::Io,
            };
            if wraps_tls(io) {
                reason = ProbeFailure::Tls;
            }
        }
        if inner.is::<rustls::Error>() {
            reason = ProbeFailure::Tls;
        }
        let text = inner.to_string();
        // hyper keeps its parse errors private; these are the words of its Display.
        if text.starts_with("invalid HTTP") || text.contains("message head is too large") {
            reason = ProbeFailure::Malformed;
        }
        if text.starts_with("dns error") {
            return Failure::new(ProbeFailure::Dns, chain(error));
        }
        if text.contains("end of file before") || text.contains("closed before message completed") {
            return Failure::new(ProbeFailure::Reset, chain(error));
        }
        cause = inner.source();
    }
    if error.is_decode() && reason == ProbeFailure::Reset {
        reason = ProbeFailure::Malformed;
    }
    Failure::new(reason, chain(error))
}

/// Whether a TLS error is inside: an `io::Error` is no source of what it wraps.
fn wraps_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>() || inner.downcast_ref::<io::Error>().is_some_and(wraps_tls)
    })
}

/// The whole chain of causes in one line, without the URL (it may bear names).
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        let line = inner.to_string();
        let line = line.split(" for url").next().map_or(line.as_str(), |start| start);
        if !text.contains(line) {
            text = if text.is_empty() { line.to_owned() } else { format!("{text}: {line}") };
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// A server that answers one connection with `bytes` and then closes or hangs.
    async fn server(bytes: &'static [u8], hang: bool) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's own server")]
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(bytes).await.unwrap();
            if hang {
                std::future::pending::<()>().await;
            }
        });
        format!("http://{address}/")
    }

    async fn outcome(url: &str) -> Result<Answer, ProbeFailure> {
        let client = client(&ClientOptions::default()).unwrap();
        call(client.get(url), Duration::from_millis(500), 100).await.map_err(|failure| failure.reason)
    }

    #[tokio::test]
    async fn every_kind_of_failure_has_its_own_reason() {
        let ok = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", false).await;
        assert_eq!(outcome(&ok).await.unwrap().body, "hi");
        assert_eq!(outcome("http://127.0.0.1:1/").await.unwrap_err(), ProbeFailure::Refused);
        assert_eq!(outcome("http://no-such-host.invalid/").await.unwrap_err(), ProbeFailure::Dns);
        assert_eq!(outcome(&server(b"", true).await).await.unwrap_err(), ProbeFailure::Timeout);
        assert_eq!(outcome(&server(b"", false).await).await.unwrap_err(), ProbeFailure::Reset);
        let cut = server(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf", false).await;
        assert_eq!(outcome(&cut).await.unwrap_err(), ProbeFailure::Reset);
        let drip = server(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf", true).await;
        assert_eq!(outcome(&drip).await.unwrap_err(), ProbeFailure::Timeout);
        let large = server(b"HTTP/1.1 200 OK\r\ncontent-length: 120\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", false).await;
        assert_eq!(outcome(&large).await.unwrap_err(), ProbeFailure::TooLarge);
        assert_eq!(
            outcome(&server(b"SSH-2.0-x\r\n\r\n", false).await).await.unwrap_err(),
            ProbeFailure::Malformed
        );
        let plain = server(b"hello\r\n", false).await.replace("http:", "https:");
        assert_eq!(outcome(&plain).await.unwrap_err(), ProbeFailure::Tls);
    }
}
