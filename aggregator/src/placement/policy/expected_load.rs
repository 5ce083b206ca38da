//! The smallest expected load; for a named room, the first of its own order among near-equals.

use super::Seat;
use crate::placement::draw::Draw;
use crate::placement::params::Params;

pub(super) fn order(seats: &mut [Seat<'_>], draw: Draw, params: &Params) {
    super::least::order(seats);
    if !draw.by_room {
        return;
    }
    // Two replicas read the same node at different moments and see slightly different loads. Among
    // those that are nearly the best, the room's own order decides, which both know.
    let Some(best) = seats.first().map(|seat| seat.key) else { return };
    let near = seats.partition_point(|seat| seat.key <= best + params.near_equal);
    seats[..near].sort_by_key(|seat| (seat.lot, seat.index));
}
