//! Where readings come from. Each probe reads one thing and knows nothing of the others.
//!
//! The Jitsi services: the [`rows`] say what is asked, [`service`] asks, the pure files
//! named after the services understand, [`merge`] makes one statement of it all.

pub mod certificate;
pub mod families;
pub mod jicofo;
mod json;
pub mod jvb;
pub mod merge;
pub mod nginx;
pub mod pace;
pub mod prosody;
pub mod reading;
pub mod rows;
#[cfg(test)]
mod samples;
pub mod service;
pub mod targets;
