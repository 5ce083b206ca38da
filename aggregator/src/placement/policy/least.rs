//! The smallest of one figure: measured CPU (the old design's rule), or people for the capacity.

use super::Seat;
use crate::placement::candidate::Candidate;
use crate::placement::params::Params;
use crate::placement::score;

/// Ties are broken by lot, so that a fleet of equally idle nodes does not fill from one end.
pub(super) fn order(seats: &mut [Seat<'_>]) {
    seats.sort_by(|a, b| a.key.total_cmp(&b.key).then(a.lot.cmp(&b.lot)).then(a.index.cmp(&b.index)));
}

/// Measured CPU as it is, 0..=1.
pub(super) fn cpu(candidate: &Candidate) -> Option<f64> {
    candidate.reading.as_ref()?.cpu.filter(|cpu| cpu.is_finite())
}

/// People per standard VM.
pub(super) fn participants(candidate: &Candidate, params: &Params) -> Option<f64> {
    let people = candidate.reading.as_ref()?.participants?;
    Some(people as f64 / score::capacity(candidate, params))
}
