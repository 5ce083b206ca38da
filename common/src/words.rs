//! Closed sets of words: one spelling for the wire, labels, logs, the API and the configuration.

/// Gives an enum of unit variants `ALL`, `as_str` and `Display`.
///
/// With the name of what the set is of, also `FromStr` and serde by that spelling, for which the
/// calling crate must have `serde`. Enums that travel do without: they derive serde, so that a word of
/// a newer version becomes their `Unknown`.
#[macro_export]
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, for metrics that must show zeroes too and for messages that name the choices.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire, in labels and in logs.
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
    };
    ($name:ident, $what:literal { $($variant:ident => $word:literal),+ $(,)? }) => {
        $crate::words!($name { $($variant => $word),+ });

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied();
                known.clone().find(|value| value.as_str() == text).ok_or_else(|| {
                    $crate::words::UnknownWord::new($what, text, known.map(Self::as_str))
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

impl UnknownWord {
    /// `given` where one of `known` was wanted.
    pub fn new(what: &'static str, given: &str, known: impl Iterator<Item = &'static str>) -> Self {
        let known = known.collect::<Vec<_>>().join(", ");
        Self { what, given: given.chars().take(80).collect(), known }
    }
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "what the macro makes is public")]
mod tests {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Colour {
        Red,
        Green,
    }
    crate::words!(Colour, "colour" { Red => "red", Green => "green" });

    #[test]
    fn a_word_reads_back_as_what_it_was_written_from_and_another_is_told_the_choices() {
        for colour in Colour::ALL {
            assert_eq!(colour.to_string().parse(), Ok(*colour));
            let json = serde_json::to_string(colour).unwrap();
            assert_eq!(serde_json::from_str::<Colour>(&json).unwrap(), *colour);
        }
        let error = "blue".parse::<Colour>().unwrap_err();
        assert_eq!(error.to_string(), "\"blue\" is no colour: take one of red, green");
    }
}
