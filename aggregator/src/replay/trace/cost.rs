//! What people cost: the CPU model of the trace's head, and who comes back when after a death.

use super::random::{mix, unit};
use super::{Room, Stay};

/// CPU of one person, share of a standard VM: measured on bridges, decoding nothing, forwarding few.
pub(super) const COST_A: f64 = 0.0015;
/// CPU of forwarding one stream to one person, share of a standard VM.
pub(super) const COST_B: f64 = 0.00015;
/// Streams forwarded to one person at most (Jitsi's `last-n`).
pub(super) const LAST_N: f64 = 10.0;
/// CPU of a standard VM without any meeting.
pub const CPU_IDLE: f64 = 0.03;

/// CPU of a room of mean weight with `n` people, share of a standard VM.
#[must_use]
pub fn room_cost(n: u32) -> f64 {
    let n = f64::from(n);
    if n == 0.0 { 0.0 } else { COST_A * n + COST_B * n * (n - 1.0).min(LAST_N) }
}

/// CPU-seconds of a standard VM for a room whose people all meet in one place.
pub(super) fn room_work(room: &Room) -> f64 {
    let steps = |stay: &Stay| [(stay.joins_ms(), 1i64), (stay.leaves_ms(), -1)];
    let mut steps: Vec<(u64, i64)> = room.stays.iter().flat_map(steps).collect();
    steps.sort_unstable();
    let (mut people, mut since, mut work) = (0i64, 0u64, 0.0);
    for (at, step) in steps {
        work += room_cost(u32::try_from(people).expect("nobody leaves before joining")) * (at - since) as f64
            / 1000.0;
        people += step;
        since = at;
    }
    work * f64::from(room.weight_permille) / 1000.0
}

/// How long after the death of their VM the person of entry `entry` is back, ms: at the front page
/// (`asks`), where people look at once, or at the room's new URL, which somebody must send them.
#[must_use]
pub fn back_after_death_ms(seed: u64, room: u32, entry: u32, asks: bool) -> u64 {
    let u = unit(mix(u64::from(room) * 4096 + u64::from(entry), seed ^ 0xDEAD));
    let seconds = if asks { 5.0 + 30.0 * u } else { 15.0 + 75.0 * u };
    (seconds * 1000.0) as u64
}
