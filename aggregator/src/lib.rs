//! The aggregator: finds the agents, asks them, and answers with the Jitsi that has the most room.

pub mod placement;
