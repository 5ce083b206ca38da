//! What a service manager is told: ready, status, reloading, stopping, alive.
//!
//! ```text
//!  program ──READY=1, STATUS=──► systemd ──► systemctl status
//!  proof of life ──WATCHDOG=1──►    │
//!                                   └── no proof for WatchdogSec=: SIGABRT, and a fresh start
//! ```
//!
//! Without a service manager (`NOTIFY_SOCKET` is not set) all of it does nothing. What
//! counts as proof is the program's to say; see its `vitals`.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Time between two proofs when nobody asks for them, so that a program that is stuck says so
/// in its log all the same.
const UNASKED: Duration = Duration::from_secs(15);

/// How long our own listener may take to answer us, connection included.
const OWN_ANSWER: Duration = Duration::from_secs(5);

/// Longest first line of our own that is read, bytes.
const OWN_LINE_MAX: usize = 4096;

/// Start-up, or a reload, is over.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The one line that `systemctl status` shows.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// The settings are being read anew; [`ready`] ends that.
pub fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    // Wanted by Type=notify-reload of systemd 253 and newer, passed over by older ones.
    states.extend(NotifyState::monotonic_usec_now().ok());
    tell(&states);
}

/// The end begins, and may take `at_most`, whatever the unit's `TimeoutStopSec=` says.
pub fn stopping(at_most: Duration) {
    let micros = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::Status("finishing what is under way"),
        NotifyState::ExtendTimeoutUsec(micros),
    ]);
}

/// Asks `proof` three times per `WatchdogSec=` for ever and passes good answers on: the text
/// becomes the status. A missing proof is logged when it begins and when it ends.
pub async fn prove_life<F>(mut proof: impl FnMut() -> F)
where
    F: Future<Output = Result<String, String>>,
{
    let pause = sd_notify::watchdog_enabled().map_or(UNASKED, |patience| patience / 3);
    let mut missing = false;
    loop {
        tokio::time::sleep(pause).await;
        match proof().await {
            Ok(text) => {
                tell(&[NotifyState::Watchdog, NotifyState::Status(&text)]);
                if missing {
                    tracing::info!("alive again");
                }
                missing = false;
            }
            Err(why) => {
                if !missing {
                    tracing::error!(%why, "no proof of life; a watchdog would end this process");
                }
                missing = true;
            }
        }
    }
}

/// Whether the listener at `address` answers its own program: accepting, parsing, routing and
/// writing all work. A new connection each time, and no client around it: this is asked for ever.
pub async fn answers(address: SocketAddr) -> Result<(), String> {
    let stuck = |what: &str| format!("the listener {address} does not answer: {what}");
    match tokio::time::timeout(OWN_ANSWER, first_line(reachable(address))).await {
        Err(_) => Err(stuck(&format!("nothing came within {OWN_ANSWER:?}"))),
        Ok(Err(error)) => Err(stuck(&error.to_string())),
        Ok(Ok(line)) if line.starts_with("HTTP/1.1 200 ") => Ok(()),
        Ok(Ok(line)) => Err(stuck(&format!("{line:?}"))),
    }
}

/// What `/-/healthy` answers, as far as the status.
async fn first_line(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let ask = format!("GET /-/healthy HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::with_capacity(256);
    while !answer.contains(&b'\n') && answer.len() < OWN_LINE_MAX {
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    let line = answer.split(|byte| *byte == b'\r').next();
    Ok(String::from_utf8_lossy(line.unwrap_or(&answer)).into_owned())
}

/// Where a listener can be reached from this machine: "any address" is none to connect to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:9100", "127.0.0.1:9100"),
            ("[::]:9100", "[::1]:9100"),
            ("10.0.0.7:9100", "10.0.0.7:9100"),
        ] {
            let listens: SocketAddr = listens.parse().unwrap();
            assert_eq!(reachable(listens).to_string(), asked);
        }
    }

    #[tokio::test]
    async fn only_the_answer_that_all_is_well_is_a_proof() {
        for (answer, is_proof) in [("HTTP/1.1 200 OK\r\n", true), ("HTTP/1.1 500 Oh\r\n", false), ("", false)]
        {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let serve = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; 14];
                stream.read_exact(&mut asked).await.unwrap();
                assert_eq!(&asked, b"GET /-/healthy");
                stream.write_all(answer.as_bytes()).await.unwrap();
            };
            let (proof, ()) = tokio::join!(answers(address), serve);
            assert_eq!(proof.is_ok(), is_proof, "{answer:?}: {proof:?}");
        }
    }

    #[tokio::test]
    async fn a_listener_that_is_gone_is_no_proof() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = gone.local_addr().unwrap();
        drop(gone);
        assert!(answers(address).await.unwrap_err().contains("does not answer"));
    }
}
