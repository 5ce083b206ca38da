//! The compose engine: what should run, what runs, and the steps between them.
//!
//! ```text
//! compose files, .env ──► file ──► model::Project ──┬──► canonical, hash   (as docker compose prints and labels it)
//!        ▲                                          └──► desired ─┐
//!      disk (reads)                                               ├──► plan ──► apply (drives the engine)
//!                                            engine ──► observed ─┘
//! ```
//!
//! Everything here is a function of values but `disk`, which reads files. Applying a plan, the `stack` commands and
//! healing build on it: they belong beside `plan`, not inside it.

pub mod bind;
pub mod canonical;
pub mod create_body;
pub mod desired;
pub mod diff;
pub mod disk;
pub mod file;
pub mod hash;
pub mod model;
pub mod observed;
pub mod order;
pub mod plan;
