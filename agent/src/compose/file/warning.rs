//! What compose accepts and an operator hardly means.

use std::fmt;

use super::place::Place;

/// One thing worth telling although the project can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A variable without a value and without a default was taken for the empty text.
    Unset {
        /// Its name.
        name: String,
    },
    /// An empty variable made a port random or moved a host path to the root directory.
    EmptyVariable {
        /// Where.
        place: Place,
        /// The setting.
        path: String,
        /// As written.
        written: String,
        /// As it comes out.
        becomes: String,
    },
    /// A command as one text holds a shell operator, and compose drops everything from it on.
    CommandCut {
        /// Where.
        place: Place,
        /// The setting.
        path: String,
        /// What is dropped.
        dropped: String,
    },
    /// A top-level `version`, which means nothing any more.
    Version {
        /// Where.
        place: Place,
    },
    /// More than one file has a default name; the first one is used.
    SeveralFiles {
        /// The one that is used.
        used: String,
        /// The others.
        ignored: Vec<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Unset { name } => write!(f, "the variable {name} is not set: taken for an empty text"),
            Warning::EmptyVariable { place, path, written, becomes } => {
                write!(
                    f,
                    "{place}: {path}: a variable in {written:?} is empty, which makes it {becomes:?}: set it"
                )
            }
            Warning::CommandCut { place, path, dropped } => {
                write!(f, "{place}: {path}: {dropped:?} is dropped: no shell reads this; write [sh, -c, ...]")
            }
            Warning::Version { place } => write!(f, "{place}: version means nothing any more: remove it"),
            Warning::SeveralFiles { used, ignored } => {
                write!(f, "{used} is used, {} not", ignored.join(", "))
            }
        }
    }
}
