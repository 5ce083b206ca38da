//! Listeners that outlive the process: what an earlier life (or a socket unit) left with the
//! service manager is taken over by its name, so that a restart refuses nobody.
//!
//! ```text
//!  old process ─bind─► listener ──FDSTORE=1, FDNAME=public──► systemd keeps it
//!                                                               │ restart, crash: connections queue
//!  new process ◄──LISTEN_FDS, LISTEN_FDNAMES=public:operator────┘
//! ```
//!
//! The settings say where to listen, nobody else: an inherited listener that stands elsewhere
//! is given up, and the address of the settings is bound.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;

use super::http_server::bind;

/// How often, and how long apart, an address is tried that the service manager still holds for us.
const RELEASE_TRIES: u32 = 40;
const RELEASE_PAUSE: Duration = Duration::from_millis(50);

/// What the service manager handed over.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(String, TcpListener)>);

/// A listener, bound.
#[derive(Debug)]
pub struct Bound {
    /// The listener.
    pub listener: TcpListener,
    /// Whether it was open before this process began, so that connections may be waiting.
    pub inherited: bool,
}

impl Inherited {
    /// Takes the sockets named in the environment. Once, at the start.
    #[must_use]
    pub fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "not a setting: the other half of LISTEN_FDS")]
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_else(|_| String::new());
        let mut handed = ListenFd::from_env();
        let listeners = names.split(':').enumerate().filter_map(|(index, name)| {
            // Anything but a TCP listener was not put there by us.
            let listener = handed.take_tcp_listener(index).ok()??;
            listener.set_nonblocking(true).ok()?;
            Some((name.to_owned(), listener))
        });
        Self(listeners.collect())
    }

    /// The listener `name` at `address`: the inherited one if it stands there, else a new one,
    /// which is left with the service manager for the next life.
    pub fn listen(&mut self, name: &str, address: SocketAddr) -> io::Result<Bound> {
        let released = match self.take(name, address) {
            Taken::Fits(listener) => return Ok(Bound { listener, inherited: true }),
            Taken::Elsewhere => true,
            Taken::None => false,
        };
        let listener = bind_released(address, released)?;
        let states = [NotifyState::FdStore, NotifyState::FdName(name)];
        if let Err(error) = sd_notify::notify_with_fds(&states, &[listener.as_fd()]) {
            tracing::warn!(%error, name, "the service manager does not keep the listener; a restart will refuse some");
        }
        Ok(Bound { listener, inherited: false })
    }

    fn take(&mut self, name: &str, address: SocketAddr) -> Taken {
        let Some(index) = self.0.iter().position(|(other, _)| other == name) else { return Taken::None };
        let (_, listener) = self.0.swap_remove(index);
        match listener.local_addr() {
            Ok(stands) if stands == address => Taken::Fits(listener),
            stands => {
                let stands = stands.map_or_else(|error| error.to_string(), |stands| stands.to_string());
                tracing::info!(name, %stands, %address, "the listener kept for us stands elsewhere; binding anew");
                let states = [NotifyState::FdStoreRemove, NotifyState::FdName(name)];
                if let Err(error) = sd_notify::notify(&states) {
                    tracing::warn!(%error, "the service manager cannot be told");
                }
                Taken::Elsewhere
            }
        }
    }
}

enum Taken {
    Fits(TcpListener),
    Elsewhere,
    None,
}

/// Binds; with patience when the service manager may need a moment to close its copy of a
/// listener that overlaps with this one (127.0.0.1:80 and 0.0.0.0:80).
fn bind_released(address: SocketAddr, released: bool) -> io::Result<TcpListener> {
    for _ in 0..if released { RELEASE_TRIES } else { 0 } {
        match bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                #[expect(clippy::disallowed_methods, reason = "before the runtime starts")]
                std::thread::sleep(RELEASE_PAUSE);
            }
            outcome => return outcome,
        }
    }
    bind(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> TcpListener {
        bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
    }

    #[test]
    fn a_listener_is_taken_over_by_name_where_the_settings_want_it() {
        let (public, operator) = (loopback(), loopback());
        let (at, other) = (public.local_addr().unwrap(), operator.local_addr().unwrap());
        let mut inherited = Inherited(vec![("operator".to_owned(), operator), ("public".to_owned(), public)]);
        let bound = inherited.listen("public", at).unwrap();
        assert!(bound.inherited && bound.listener.local_addr().unwrap() == at);
        assert!(inherited.listen("operator", other).unwrap().inherited);
        let fresh = inherited.listen("public", SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        assert!(!fresh.inherited, "each is handed over once");
    }

    #[test]
    fn one_that_stands_elsewhere_is_given_up() {
        let old = loopback();
        let before = old.local_addr().unwrap();
        let free = loopback().local_addr().unwrap();
        let mut inherited = Inherited(vec![("public".to_owned(), old)]);
        let bound = inherited.listen("public", free).unwrap();
        assert!(!bound.inherited && bound.listener.local_addr().unwrap() == free);
        bind(before).expect("the old address is free again");
    }
}
