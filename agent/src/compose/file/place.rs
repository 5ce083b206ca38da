//! Where in which file something was said, and the list of everything that is wrong with it.
//!
//! Every complaint is collected before anything is refused: an operator mends a compose file once, not once
//! per run.

use std::fmt;
use std::sync::Arc;

/// A position in a compose file; lines and columns count from 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The path of the file as it was named on the command line or in `COMPOSE_FILE`.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing that must be mended before the project can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// `None`: it is about the project as a whole (for instance a file that is missing).
    pub place: Option<Place>,
    /// The dotted path of the setting, such as `services.web.ports.0`; empty when there is none.
    pub path: String,
    /// What is wrong and, where we know it, the mend.
    pub text: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.text)
    }
}

/// Everything found wrong so far, in the order it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaints(Vec<Complaint>);

impl Complaints {
    /// Notes one complaint about the setting `path` at `place`.
    pub fn add(&mut self, place: &Place, path: impl Into<String>, text: impl Into<String>) {
        let (path, text) = (path.into(), text.into());
        self.0.push(Complaint { place: Some(place.clone()), path, text });
    }

    /// Notes one complaint that belongs to no place in a file.
    pub fn general(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.push(Complaint { place: None, path: path.into(), text: text.into() });
    }

    /// Every complaint, in the order found.
    #[must_use]
    pub fn list(&self) -> &[Complaint] {
        &self.0
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, complaint) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}

/// The name in `known` that `word` was probably meant to be, for a did-you-mean.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this Jaro-Winkler similarity a hint is noise; found by trying the usual slips
    /// (`port` for `ports`, `enviroment`, `depend_on`).
    const LIKE: f64 = 0.82;
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_gets_a_hint_and_nonsense_does_not() {
        let known = ["ports", "environment", "depends_on", "image"];
        assert_eq!(nearest("port", known), Some("ports"));
        assert_eq!(nearest("enviroment", known), Some("environment"));
        assert_eq!(nearest("depend_on", known), Some("depends_on"));
        assert_eq!(nearest("qqq", known), None);
    }

    #[test]
    fn every_complaint_is_printed_with_its_place() {
        let mut all = Complaints::default();
        let place = Place { file: "compose.yaml".into(), line: 3, column: 5 };
        all.add(&place, "services.web.port", "unknown key");
        all.general("", "no compose file");
        assert_eq!(all.to_string(), "compose.yaml:3:5: services.web.port: unknown key\nno compose file");
    }
}
