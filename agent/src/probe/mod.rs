//! Where readings come from. Each probe reads one thing and knows nothing of the others;
//! what a reading means for the node is decided elsewhere.
//!
//! The machine: [`host`], [`systemd`]. The containers: what the kernel counts of them ([`cgroup`],
//! [`containers`]). The Jitsi services: [`aim`] finds them, the [`rows`] say what is asked,
//! [`service`] asks, the pure files named after the services understand, [`merge`] makes one
//! statement of it all.

pub mod aim;
pub mod certificate;
pub mod cgroup;
pub mod containers;
pub mod families;
pub mod host;
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
pub mod series;
pub mod service;
pub mod systemd;
pub mod targets;
