pub mod clock;
pub mod config;
pub mod discovery;
pub mod fleet;
pub mod ranking;
pub mod rooms;
pub mod target;
