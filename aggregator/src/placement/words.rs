//! Closed sets of words: one spelling for labels, logs, the API and the configuration.

/// Gives an enum of unit variants `ALL`, `as_str`, `Display`, `FromStr` and serde by that spelling.
macro_rules! words {
    ($name:ident, $what:literal { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, for metrics that must show zeroes too and for messages that name the choices.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in labels, logs and the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::placement::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    $crate::placement::UnknownWord {
                        what: $what,
                        given: text.chars().take(80).collect(),
                        known: Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use words;

/// A word that is none of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no {what}: take one of {known}")]
pub struct UnknownWord {
    /// What the set is of.
    pub what: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
    /// The words of the set.
    pub known: String,
}
