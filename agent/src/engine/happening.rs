//! What happened to the containers of a project, as the engine tells it; not only that something did.

use std::collections::HashMap;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::{Stream, StreamExt as _};

use super::{Engine, EngineFailure};
use crate::compose::desired::labels;

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When, milliseconds since the Unix epoch by the engine's clock.
    pub at_unix_ms: u64,
    /// What.
    pub deed: Deed,
    /// The container's id.
    pub container: String,
    /// Its name at that moment.
    pub name: String,
    /// The compose service it belongs to.
    pub service: String,
}

/// What can happen, as far as it matters to whoever keeps the project up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It was started.
    Start,
    /// It was stopped in order.
    Stop,
    /// It was sent a signal, by its number; `None`: the engine did not say which.
    Signal(Option<i64>),
    /// The kernel killed in it for want of memory.
    OutOfMemory,
    /// It was made, renamed or removed: somebody is at work.
    Work,
}

const EVENTS: [&str; 7] = ["start", "stop", "kill", "oom", "create", "rename", "destroy"];

impl Engine {
    /// What happens to a project's containers, beginning at `since_unix_s` as far as the engine remembers (the last
    /// 256 events since it started), else now. Its end means that the engine went.
    pub fn happenings(
        &self,
        project: &str,
        since_unix_s: Option<u64>,
    ) -> impl Stream<Item = Result<Happening, EngineFailure>> + use<> {
        let filters = HashMap::from([
            ("type", vec!["container".to_owned()]),
            ("event", EVENTS.map(str::to_owned).to_vec()),
            ("label", vec![format!("{}={project}", labels::PROJECT)]),
        ]);
        let mut options = EventsOptionsBuilder::new().filters(&filters);
        let since = since_unix_s.map(|since| since.to_string());
        if let Some(since) = &since {
            options = options.since(since);
        }
        self.docker.events(Some(options.build())).filter_map(|event| {
            std::future::ready(match event {
                Ok(message) => happening(message).map(Ok),
                Err(error) => Some(Err(error.into())),
            })
        })
    }
}

/// The event in our words; `None`: it is none of ours, such as of a container that was run by hand.
fn happening(message: EventMessage) -> Option<Happening> {
    let actor = message.actor?;
    let attributes = actor.attributes?;
    if attributes.get(labels::ONEOFF).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let nanos = message.time_nano.or_else(|| message.time.map(|s| s.saturating_mul(1_000_000_000)))?;
    Some(Happening {
        at_unix_ms: u64::try_from(nanos / 1_000_000).ok()?,
        deed: match message.action?.as_str() {
            "start" => Deed::Start,
            "stop" => Deed::Stop,
            "kill" => Deed::Signal(attributes.get("signal").and_then(|signal| signal.parse().ok())),
            "oom" => Deed::OutOfMemory,
            "create" | "rename" | "destroy" => Deed::Work,
            _ => return None,
        },
        container: actor.id?,
        name: attributes.get("name")?.clone(),
        service: attributes.get(labels::SERVICE)?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(action: &str, more: &[(&str, &str)]) -> Option<Happening> {
        let mut attributes =
            serde_json::json!({ labels::SERVICE: "web", labels::ONEOFF: "False", "name": "p-web-1" });
        for (name, value) in more {
            attributes[*name] = (*value).into();
        }
        let json = serde_json::json!({
            "Type": "container", "Action": action, "timeNano": 1_700_000_000_123_000_000_i64,
            "Actor": { "ID": "abc", "Attributes": attributes },
        });
        happening(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn an_event_becomes_a_deed_with_its_time_and_service() {
        let want = |deed| {
            let (container, name, service) = ("abc".to_owned(), "p-web-1".to_owned(), "web".to_owned());
            Some(Happening { at_unix_ms: 1_700_000_000_123, deed, container, name, service })
        };
        assert_eq!(told("stop", &[]), want(Deed::Stop));
        assert_eq!(told("kill", &[("signal", "9")]), want(Deed::Signal(Some(9))));
        assert_eq!(told("kill", &[]), want(Deed::Signal(None)));
        assert_eq!(told("destroy", &[]), want(Deed::Work));
        assert_eq!(told("top", &[]), None);
        assert_eq!(told("stop", &[(labels::ONEOFF, "True")]), None);
    }
}
