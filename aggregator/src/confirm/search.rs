//! The search for a node that takes the room: the best is asked, then the next best, until one says
//! yes, none is left, or the time is over. What was chosen on what, and what was said, goes on record.

use std::time::Instant as Stopwatch;

use tokio::time::Instant;
use usher_common::wire::NodeId;

use super::{Outcome, Placer};
use crate::claims::unix_ms;
use crate::decision::{Answer, Decision, Expected, Try, Weighed};
use crate::fleet::{Chosen, NoPlace, PlaceRequest, Placed, Proposal, Unfit};
use crate::placement::Request;

/// What a search came to.
#[derive(Debug)]
pub(super) enum Found {
    /// The room is there already.
    Known(Placed),
    /// A node takes it, and holds it for us.
    Taken(Box<TakenBy>),
}

/// A node that said yes, or cannot be asked.
#[derive(Debug)]
pub(super) struct TakenBy {
    pub(super) chosen: Chosen,
    /// Whether the node knows of the promise itself.
    pub(super) told: bool,
    pub(super) draft: Draft,
}

/// A record in the making.
#[derive(Debug)]
pub(super) struct Draft {
    started: Stopwatch,
    asked: Option<(Request, Expected)>,
    tries: Vec<Try>,
}

impl Found {
    pub(super) fn placed(&self) -> &Placed {
        match self {
            Self::Known(placed) => placed,
            Self::Taken(taken) => &taken.chosen.placed,
        }
    }
}

impl Placer {
    /// Searches until `deadline`.
    pub(super) async fn search(&self, request: &PlaceRequest, deadline: Instant) -> Result<Found, NoPlace> {
        let mut draft = Draft { started: Stopwatch::now(), asked: None, tries: Vec::new() };
        let mut declined = Vec::new();
        loop {
            let id = format!("{:032x}", rand::random::<u128>());
            let mut chosen = match self.fleet.propose(request, &declined, &id, self.settings.ttl_s) {
                Proposal::Known(placed) => return Ok(Found::Known(placed)),
                Proposal::Chosen(chosen) => chosen,
                Proposal::Nowhere(none, weighed) => {
                    draft.tried(*weighed, None, None, None);
                    self.journal.record(draft.ended(None));
                    return Err(none);
                }
            };
            let stopwatch = Stopwatch::now();
            let outcome = self.ask(&chosen, deadline).await;
            let asked_us = chosen.reservation.is_some().then(|| micros(stopwatch));
            let weighed = chosen.weighed.take().expect("a proposal says what it was made on");
            let (node, answer) = (chosen.placed.node.clone(), outcome.answer());
            draft.tried(weighed, Some(node.clone()), Some(answer), asked_us);
            let unfit = match outcome {
                Outcome::Confirmed | Outcome::Unasked | Outcome::Unconfirmed => {
                    let told = matches!(outcome, Outcome::Confirmed);
                    return Ok(Found::Taken(Box::new(TakenBy { chosen: *chosen, told, draft })));
                }
                outcome => self.declined(&chosen, outcome),
            };
            declined.push((node, unfit));
            if Instant::now() >= deadline {
                self.journal.record(draft.ended(None));
                return Err(self.fleet.no_place(request, &declined));
            }
        }
    }

    /// Asks the node, if it is of the kind that can be asked.
    async fn ask(&self, chosen: &Chosen, deadline: Instant) -> Outcome {
        let Some(reservation) = &chosen.reservation else {
            self.stats.reservations.with_label_values(&[Answer::Unasked.as_str()]).inc();
            return Outcome::Unasked;
        };
        let patience = self.settings.timeout.min(deadline.saturating_duration_since(Instant::now()));
        let stopwatch = Stopwatch::now();
        let outcome = self.asker.ask(&chosen.target, reservation, patience).await;
        self.stats.reservation_seconds.observe(stopwatch.elapsed().as_secs_f64());
        self.stats.reservations.with_label_values(&[outcome.answer().as_str()]).inc();
        outcome
    }

    /// Tells the fleet that the node does not take the room.
    fn declined(&self, chosen: &Chosen, outcome: Outcome) -> Unfit {
        match outcome {
            Outcome::Timeout(failure) | Outcome::Unreachable(failure) => {
                tracing::warn!(node = %chosen.placed.node, %failure, "did not answer when asked to take a room");
                if let Some(reservation) = &chosen.reservation {
                    self.release.take_back(&chosen.target, &reservation.id);
                }
                self.fleet.withdraw(chosen, Some((failure.reason, failure.detail)));
                Unfit::Unreachable
            }
            Outcome::Refused(why) => {
                tracing::info!(node = %chosen.placed.node, why, "does not take a room");
                self.fleet.withdraw(chosen, None);
                Unfit::Refused
            }
            Outcome::Confirmed | Outcome::Unasked | Outcome::Unconfirmed => {
                unreachable!("a node that takes the room has not declined")
            }
        }
    }
}

impl Draft {
    fn tried(
        &mut self,
        weighed: Weighed,
        node: Option<NodeId>,
        answer: Option<Answer>,
        asked_us: Option<u64>,
    ) {
        let Weighed { request, expected, inputs } = weighed;
        self.asked.get_or_insert((request, expected));
        self.tries.push(Try { inputs, node, answer, asked_us });
    }

    /// The record of a search that ended with `node`, or without any.
    pub(super) fn ended(self, node: Option<NodeId>) -> Decision {
        let (request, expected) = self.asked.expect("a search that ended has tried");
        let took_us = micros(self.started);
        Decision { seq: 0, at_unix_ms: unix_ms(), request, expected, tries: self.tries, node, took_us }
    }

    /// The record of a search whose result was not needed: another replica was first.
    pub(super) fn late(mut self) -> Decision {
        if let Some(last) = self.tries.last_mut() {
            last.answer = Some(Answer::Late);
        }
        self.ended(None)
    }
}

fn micros(stopwatch: Stopwatch) -> u64 {
    u64::try_from(stopwatch.elapsed().as_micros()).unwrap_or(u64::MAX)
}
