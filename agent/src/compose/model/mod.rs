//! The project as compose understands it once everything is read, merged and defaulted.
//!
//! Field order and what is left out when empty follow compose's own structs, because their JSON is what its
//! `config-hash` is made of: reordering two fields here changes every hash. Maps are sorted by key for the same
//! reason. [`super::hash`] turns these values into the hash, [`super::canonical`] prints them.

pub mod deploy;
mod parts;
pub mod print;
pub mod resource;
pub mod service;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use deploy::Deploy;
pub use resource::{FileResource, Network, Volume};
pub use service::Service;

/// One compose project: everything its files say, with nothing left to look up.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Name: lower case letters, digits, `_` and `-`; the first part of every container's name.
    pub name: String,
    /// Absolute directory that relative paths start from.
    pub directory: String,
    /// Absolute paths of the compose files, in merge order.
    pub files: Vec<String>,
    /// Services that run: those whose profiles are active.
    pub services: BTreeMap<String, Service>,
    /// Services that the active profiles leave out.
    pub disabled: BTreeMap<String, Service>,
    /// Networks in use, by their key in the file.
    pub networks: BTreeMap<String, Network>,
    /// Named volumes in use, by their key in the file.
    pub volumes: BTreeMap<String, Volume>,
    /// Secrets in use, by their key in the file.
    pub secrets: BTreeMap<String, FileResource>,
    /// Configs in use, by their key in the file.
    pub configs: BTreeMap<String, FileResource>,
    /// Top-level `x-` keys, as they stand.
    pub extensions: BTreeMap<String, Json>,
}
