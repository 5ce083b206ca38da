//! The sampler's clock, as a timer of the kernel's. A timer of the runtime's wakes the process twice for each
//! wait of a second (it sorts its waits by powers of 64 ms on the way), and to wake is half of what a sample
//! costs. Moments that were missed (a suspended machine, a long sample) are not made up for.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Comes again and again.
#[derive(Debug)]
pub(super) struct Beat(AsyncFd<OwnedFd>);

impl Beat {
    /// The first moment is now, the others follow at every `interval`, which must not be zero. Fails when
    /// the process has no file descriptor left, or outside a runtime.
    pub(super) fn every(interval: Duration) -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let at_once = Timespec { tv_sec: 0, tv_nsec: 1 };
        let interval = Timespec::try_from(interval).map_err(io::Error::other)?;
        let times = Itimerspec { it_interval: interval, it_value: at_once };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
        #[expect(
            deprecated,
            reason = "what took its place is unsafe, and an OwnedFd keeps what that asks for"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self(timer))
    }

    /// The next moment. Nothing is lost when it is not waited for to the end.
    pub(super) async fn next(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            // How many moments have passed: one, or more of which the others were missed.
            let mut passed = [0; size_of::<u64>()];
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut passed)?));
            if let Ok(read) = read {
                return read.map(drop);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_moment_is_now_and_others_follow() {
        let mut slow = Beat::every(Duration::from_secs(3600)).unwrap();
        slow.next().await.unwrap();
        let mut quick = Beat::every(Duration::from_millis(1)).unwrap();
        for _ in 0..3 {
            quick.next().await.unwrap();
        }
        tokio::select! {
            biased;
            _ = slow.next() => panic!("an hour has not passed"),
            second = quick.next() => second.unwrap(),
        }
    }
}
