//! How many conferences are on this node, asked of the agent that runs here: it watches the bridge.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use usher_common::rt::files::read_tokens;
use usher_common::rt::http_client::{self, ClientOptions};
use usher_common::settings::Settings;
use usher_common::wire::Report;

/// The agent answers from memory.
const DEADLINE: Duration = Duration::from_secs(2);
/// A report of a node with a thousand rooms is a tenth of that.
const REPORT_MAX: usize = 4 * 1024 * 1024;
/// Whoever replaces one of these ends or breaks every meeting.
const MEETING: [&str; 4] = ["jvb", "jicofo", "prosody", "web"];

/// For `Policy::live`: conferences by service; a number that nobody knows is `None`.
pub(crate) async fn conferences(settings: &Settings) -> BTreeMap<String, Option<u64>> {
    let count = ask(settings).await;
    MEETING.iter().map(|service| ((*service).to_owned(), count)).collect()
}

async fn ask(settings: &Settings) -> Option<u64> {
    http_client::use_ring();
    let client = http_client::client(&ClientOptions::default()).ok()?;
    let mut address = settings.address("listen")?;
    if address.ip().is_unspecified() {
        address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
    }
    let mut request = client.get(format!("http://{address}/v1/report"));
    if let Some(tokens) = settings.path("auth.token_file").and_then(|path| read_tokens(&path).ok())
        && let Some(token) = tokens.first()
    {
        request = request.bearer_auth(token);
    }
    let answer = http_client::call(request, DEADLINE, REPORT_MAX).await.ok()?;
    let report: Report = serde_json::from_slice(&answer.body).ok()?;
    report.jitsi?.conferences
}
