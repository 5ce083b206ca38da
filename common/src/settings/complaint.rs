//! What is wrong with the settings: every complaint, each with its place.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file, counted from 1.
    File(PathBuf, usize),
    /// A variable of the environment.
    Variable(String),
    /// A flag, without its dashes.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// All that is wrong, in one error; one line each, those of the file first and by line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Complaints {
    lines: Vec<(usize, String)>,
}

impl Complaints {
    /// Adds what is wrong at a place.
    pub fn add(&mut self, origin: &Origin, what: impl fmt::Display) {
        let line = if let Origin::File(_, line) = origin { *line } else { usize::MAX };
        let after = self.lines.partition_point(|(other, _)| *other <= line);
        self.lines.insert(after, (line, format!("{origin}: {what}")));
    }

    /// Adds what is wrong with no place in the settings.
    pub fn add_bare(&mut self, what: impl fmt::Display) {
        self.lines.push((usize::MAX, what.to_string()));
    }

    /// The complaints.
    #[must_use]
    pub fn lines(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, line)| line.as_str()).collect()
    }

    /// `value` if nothing is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.lines.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lines().as_slice() {
            [only] => write!(f, "the settings are wrong: {only}"),
            lines => {
                write!(f, "the settings are wrong in {} places:", lines.len())?;
                lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}

impl std::error::Error for Complaints {}

/// `; did you mean "x"?` when one of `known` is close to `text`.
pub(super) fn did_you_mean(text: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(text, word), strsim::jaro_winkler(text, word), word))
        .filter(|(edits, likeness, _)| *edits <= 2 || *likeness > 0.85)
        .min_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)))
        .map_or_else(String::new, |(_, _, word)| format!("; did you mean {word:?}?"))
}
