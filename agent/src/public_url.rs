//! Where people are sent, when the settings do not say.

use std::net::SocketAddr;
use std::path::Path;

use usher_common::wire::PublicUrl;

use crate::config::Config;
use crate::node::UrlSource;
use crate::stack_env;

/// The public URL of this node and where it came from: the settings, else `PUBLIC_URL`
/// of docker-jitsi-meet's `.env`, else the agent's own page on `listen`.
#[must_use]
pub fn public_url(config: &Config, listen: SocketAddr, host_name: Option<&str>) -> (PublicUrl, UrlSource) {
    if let Some(url) = &config.public_url {
        return (url.clone(), UrlSource::Settings);
    }
    if let Some(url) = config.stack.directory.as_deref().and_then(of_stack) {
        return (url, UrlSource::StackEnvironment);
    }
    let host = if listen.ip().is_unspecified() {
        host_name.unwrap_or("localhost").to_owned()
    } else if listen.is_ipv6() {
        format!("[{}]", listen.ip())
    } else {
        listen.ip().to_string()
    };
    let text = format!("http://{host}:{}/", listen.port());
    let url =
        PublicUrl::parse(&text).unwrap_or_else(|_| PublicUrl::parse("http://localhost/").expect("a literal"));
    (url, UrlSource::OwnPage)
}

fn of_stack(directory: &Path) -> Option<PublicUrl> {
    let variables = stack_env::read(directory)
        .inspect_err(|error| tracing::warn!(%error, "PUBLIC_URL of the stack is not known"))
        .ok()?;
    let parsed = PublicUrl::parse(variables.get("PUBLIC_URL")?);
    parsed.inspect_err(|error| tracing::warn!(%error, "PUBLIC_URL of the stack cannot be used")).ok()
}
