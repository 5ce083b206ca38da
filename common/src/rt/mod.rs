//! The half of this crate that touches the world: sockets, files, signals, the
//! environment, the log. Everything here is plumbing; no decision about nodes,
//! rooms or containers lives here.

pub mod auth;
pub mod files;
pub mod http_client;
pub mod http_server;
mod journal;
pub mod listeners;
pub mod logging;
pub mod paper;
pub mod process;
pub mod shutdown;
pub mod systemd;
pub mod tasks;
