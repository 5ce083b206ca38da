//! A room's name as people type it: checked once, trusted afterwards.

use std::fmt;

/// Longest name, bytes: prosody takes 1023 bytes of the percent-encoded name, which is
/// up to three times as long, and something must be left for its own additions.
const NAME_MAX: usize = 200;

/// What Jitsi's own welcome page refuses, and what would make a path of more segments.
const FORBIDDEN: &[char] = &['?', '&', ':', '"', '\'', '%', '#', '/', '\\', '<', '>'];

/// Paths that a Jitsi server's web container answers itself, in lower case.
const RESERVED: &[&str] = &[
    ".",
    "..",
    "about",
    "close.html",
    "close2.html",
    "close3.html",
    "colibri-ws",
    "colibri-relay-ws",
    "conference-request",
    "config.js",
    "external_api.js",
    "favicon.ico",
    "http-bind",
    "index.html",
    "interface_config.js",
    "robots.txt",
    "static",
    "xmpp-websocket",
    "_api",
    "_unlock",
];

/// A room's name: without surrounding blanks, inner blanks turned to `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomName(String);

/// Why a text is no room name; the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRoomName {
    /// Nothing is left.
    #[error("A room name cannot be empty.")]
    Empty,
    /// It is too long.
    #[error("A room name can have at most {NAME_MAX} bytes; this one has {0}.")]
    TooLong(usize),
    /// It holds a character that links cannot carry.
    #[error("A room name cannot contain {0:?}. Letters, digits, '-' and '_' are always fine.")]
    Forbidden(char),
    /// It is the name of a page.
    #[error("{0:?} is the name of a page on the video servers. Please choose another room name.")]
    Reserved(String),
}

impl BadRoomName {
    /// The closed reason.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong(_) => "too_long",
            Self::Forbidden(_) => "forbidden_character",
            Self::Reserved(_) => "reserved",
        }
    }
}

impl RoomName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, BadRoomName> {
        let name = text.split_whitespace().collect::<Vec<_>>().join("-");
        if name.is_empty() {
            return Err(BadRoomName::Empty);
        }
        if name.len() > NAME_MAX {
            return Err(BadRoomName::TooLong(name.len()));
        }
        if let Some(bad) = name.chars().find(|c| FORBIDDEN.contains(c) || c.is_control() || is_invisible(*c))
        {
            return Err(BadRoomName::Forbidden(bad));
        }
        if RESERVED.contains(&name.to_lowercase().as_str()) {
            return Err(BadRoomName::Reserved(name));
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn trusted(name: String) -> Self {
        Self(name)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that make two names look the same, or a link read backwards.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_taken_and_blanks_become_dashes() {
        let parse = |text| RoomName::parse(text).map(|name| name.0);
        assert_eq!(parse(" Team  meeting "), Ok("Team-meeting".to_owned()));
        assert_eq!(parse("Été_2026!"), Ok("Été_2026!".to_owned()));
        assert_eq!(parse("会议"), Ok("会议".to_owned()));
    }

    #[test]
    fn what_links_or_jitsi_cannot_carry_is_refused_by_name() {
        for c in "?&:\"'%#/\\<>\u{7}\u{202e}".chars() {
            assert_eq!(RoomName::parse(&format!("a{c}b")), Err(BadRoomName::Forbidden(c)));
        }
        assert_eq!(RoomName::parse(" \t"), Err(BadRoomName::Empty));
        assert_eq!(RoomName::parse(&"é".repeat(101)), Err(BadRoomName::TooLong(202)));
        assert!(RoomName::parse(&"é".repeat(100)).is_ok());
        for page in ["config.js", "HTTP-bind", "..", "static"] {
            assert_eq!(RoomName::parse(page), Err(BadRoomName::Reserved(page.to_owned())));
        }
    }
}
