//! The better of two nodes drawn at random, by expected load; then the others in the draw's order.

use super::Seat;

pub(super) fn order(seats: &mut [Seat<'_>]) {
    super::random::order(seats);
    if let [first, second, ..] = seats
        && second.key < first.key
    {
        seats.swap(0, 1);
    }
}
