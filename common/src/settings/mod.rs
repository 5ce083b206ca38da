//! Settings of a program: a table of keys, and one precedence over four sources.
//!
//! ```text
//!  flag  >  environment  >  file  >  default          every complaint, at once
//!      \________|____________|__________/
//!                     resolve  ──►  Settings (typed, each value knows where it came from)
//! ```
//!
//! A program states its keys once, as rows ([`Key`]). The flags, the variables'
//! names, the check of the file (unknown keys, wrong types), the example file and
//! the help all come from these rows, so that they cannot drift apart. Reading the
//! file and the environment is the caller's; everything here is a pure function.

mod complaint;
mod example;
mod file;
mod flags;
mod key;
mod resolve;
mod value;

pub use complaint::{Complaints, Origin};
pub use example::example;
pub use flags::{flag_args, flag_values};
pub use key::{Key, Kind, Schema, Table};
pub use resolve::{Entry, Settings, Sources, resolve};
pub use value::Value;
