//! One node after the other, by name. The seed counts the turns; a named room has its own turn.

use super::Seat;
use crate::placement::draw::Draw;

pub(super) fn order(seats: &mut [Seat<'_>], draw: Draw) {
    if seats.is_empty() {
        return;
    }
    seats.sort_by(|a, b| a.node.cmp(b.node));
    let first = usize::try_from(draw.turn % seats.len() as u64).expect("smaller than a length");
    seats.rotate_left(first);
}
