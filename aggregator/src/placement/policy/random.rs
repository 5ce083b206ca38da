//! Any node, all with the same chance: what every other policy must beat.

use super::Seat;

pub(super) fn order(seats: &mut [Seat<'_>]) {
    seats.sort_by_key(|seat| (seat.lot, seat.index));
}
