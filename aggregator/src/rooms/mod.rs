//! Rooms: what a name may be, names for those who bring none, and where rooms went.

mod generated;
mod memory;
mod name;

pub use generated::generated;
pub use memory::Memory;
pub use name::{BadRoomName, RoomName};
