pub mod clock;
pub mod config;
pub mod discovery;
pub mod target;
