//! From compose files and `.env` to a [`Project`](super::model::Project), without touching the disk.
//!
//! ```text
//! Request ─┬─► select ──► which files, which variables, which name
//! Files ───┘                 │
//!                            ▼ for each file
//!        yaml ─► interpolate ─► extends ─► merge ─► unique ─► short ─► unique
//!                                                                        │ once
//!                       Project ◄── check ◄── bind ◄── defaults, paths ◄─┘
//! ```
//!
//! The order of the steps is compose's own and matters: variables are expanded per file before merging, doubles are
//! dropped before and after the short syntaxes are written out. [`load`] asks for the files it needs through
//! [`LoadError::Unread`], so reading them stays in one small place, [`super::disk`].

pub mod dotenv;
pub mod interpolate;
pub mod merge;
pub mod node;
pub mod path;
pub mod place;
pub mod scalar;
pub mod yaml;

mod bound;
mod check;
mod environment;
mod expand;
mod extends;
mod load;
mod paths;
mod select;
mod short;
mod unique;
mod warning;

pub use load::{LoadError, Loaded, load};
pub use select::Request;
pub use warning::Warning;

use std::collections::BTreeMap;

/// Texts of files by absolute path; `None`: there is no such file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Option<String>>);

impl Files {
    /// Notes what is at a path.
    pub fn put(&mut self, path: impl Into<String>, text: Option<String>) {
        self.0.insert(path.into(), text);
    }

    /// What is at a path; the outer `None`: nobody has looked yet.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Option<&str>> {
        self.0.get(path).map(Option::as_deref)
    }

    /// The paths where something is.
    pub(super) fn present(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter(|(_, text)| text.is_some()).map(|(path, _)| path)
    }
}

#[cfg(test)]
mod tests;
