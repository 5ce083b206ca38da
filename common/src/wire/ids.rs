//! Names that travel: parsed once at the border, trusted afterwards.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use url::Url;

/// Longest node name, in bytes: the length of a DNS name.
const NODE_ID_MAX: usize = 253;

/// The name of one node, unique in the fleet: letters, digits, `.`, `_`, `-`.
///
/// Used as a metric label, a URL path segment and a log field, hence the alphabet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct NodeId(String);

/// Why a text is no node name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no node name: 1 to 253 of letters, digits, '.', '_', '-', not starting with '.' or '-'")]
pub struct BadNodeId {
    text: String,
}

impl NodeId {
    /// Parses a node name.
    pub fn parse(text: &str) -> Result<Self, BadNodeId> {
        let ok_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let ok = !text.is_empty()
            && text.len() <= NODE_ID_MAX
            && text.chars().all(ok_char)
            && !text.starts_with(['.', '-']);
        if ok { Ok(Self(text.to_owned())) } else { Err(BadNodeId { text: text.chars().take(80).collect() }) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeId {
    type Error = BadNodeId;
    fn try_from(text: String) -> Result<Self, BadNodeId> {
        Self::parse(&text)
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The URL people are sent to: `http` or `https`, with a host, without query,
/// fragment or credentials. Ends in `/`, so that a room is one more segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PublicUrl(Url);

/// Why a text is no public URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no public URL: {why}; write for example https://vm1.example.org")]
pub struct BadPublicUrl {
    text: String,
    why: String,
}

impl PublicUrl {
    /// Parses and normalises a public URL.
    pub fn parse(text: &str) -> Result<Self, BadPublicUrl> {
        let bad = |why: &str| BadPublicUrl { text: text.chars().take(200).collect(), why: why.to_owned() };
        let mut url = Url::parse(text.trim()).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("the scheme must be http or https"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(bad("it has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it must not hold credentials"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it must not have a query or a fragment"));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    /// The URL of a room on this server; the name is percent-encoded as one path segment.
    #[must_use]
    pub fn room(&self, name: &str) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name);
        }
        url
    }

    /// The URL itself.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = BadPublicUrl;
    fn try_from(text: String) -> Result<Self, BadPublicUrl> {
        Self::parse(&text)
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What stands for a room outside its node: a keyed hash of its normalised
/// name, 32 hexadecimal digits. Room names are personal data and never travel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RoomKey(String);

impl RoomKey {
    /// The key of room `name` of `tenant` under the fleet's `secret`.
    ///
    /// Normalised as Jitsi's clients do before they ask for a room: NFKC, then lower case.
    /// HMAC-SHA-256 (RFC 2104), cut to 128 bits.
    #[must_use]
    pub fn of(secret: &[u8], tenant: &str, name: &str) -> Self {
        let normal = |text: &str| text.nfkc().collect::<String>().to_lowercase().nfkc().collect::<String>();
        let message = format!("{}\0{}", normal(tenant), normal(name));
        Self(hex::encode(&hmac_sha256(secret, message.as_bytes())[..16]))
    }

    /// The key as hexadecimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_are_safe_in_urls_and_labels() {
        assert!(NodeId::parse("vm-1.example.org").is_ok());
        for bad in ["", "a/b", "a b", "-x", ".x", "é", &"x".repeat(254)] {
            assert!(NodeId::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn public_urls_are_normalised_and_rooms_are_one_segment() {
        let url = PublicUrl::parse("https://vm1.example.org").unwrap();
        assert_eq!(url.to_string(), "https://vm1.example.org/");
        assert_eq!(url.room("Été/1?x#y").as_str(), "https://vm1.example.org/%C3%89t%C3%A9%2F1%3Fx%23y");
        let below = PublicUrl::parse("http://h:8000/jitsi").unwrap();
        assert_eq!(below.room("a").as_str(), "http://h:8000/jitsi/a");
        for bad in
            ["vm1", "ftp://h/", "https://u:p@h/", "https://h/?q", "https://h/#f", "javascript:alert(1)"]
        {
            assert!(PublicUrl::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_room_key_ignores_case_and_unicode_form_but_not_tenant_or_secret() {
        let key = |secret: &str, tenant: &str, name: &str| RoomKey::of(secret.as_bytes(), tenant, name);
        assert_eq!(key("s", "", "Cafe\u{301}"), key("s", "", "caf\u{e9}"));
        assert_ne!(key("s", "a", "x"), key("s", "b", "x"));
        assert_ne!(key("s", "", "x"), key("t", "", "x"));
        assert_ne!(key("s", "a", "bc"), key("s", "ab", "c"));
        assert_eq!(key("s", "", "x").as_str().len(), 32);
    }
}
