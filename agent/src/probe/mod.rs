//! Where readings come from. Each probe reads one thing and knows nothing of the others.
pub mod host;
