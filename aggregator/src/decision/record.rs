//! The record itself: serde types, the same in memory, over HTTP and in files of one JSON a line.

use serde::{Deserialize, Serialize};
use usher_common::wire::NodeId;
use usher_common::words;

use crate::fleet::Unfit;
use crate::placement::{self, Candidate, Choice, NoPlace, Params, Request};

/// One placement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its number in this life of the process, from 1, without gaps.
    pub seq: u64,
    /// When it was answered, milliseconds since the Unix epoch. For people: nothing is computed
    /// from it, all other times are of the process's own clock.
    pub at_unix_ms: u64,
    /// What the policy was asked.
    pub request: Request,
    /// Where the request's number of people comes from.
    pub expected: Expected,
    /// The nodes chosen one after the other, until one took the room; never empty.
    pub tries: Vec<Try>,
    /// Who took the room; `None` when nobody did.
    pub node: Option<NodeId>,
    /// From the question to the answer, microseconds.
    pub took_us: u64,
}

/// What was known of the number of people to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// As whoever asked said, unclamped; `None` when nobody said.
    pub given: Option<f64>,
    /// As earlier meetings of this room teach; `None` when there were too few.
    pub learned: Option<f64>,
}

impl Expected {
    /// People to expect: what was said, but within `tolerance` times of what the room's own history
    /// teaches; else what that teaches. `None` when nothing is known.
    #[must_use]
    pub fn people(&self, tolerance: f64) -> Option<f64> {
        match (self.given, self.learned) {
            (Some(given), Some(learned)) => Some(given.clamp(learned / tolerance, learned * tolerance)),
            (given, learned) => given.or(learned),
        }
    }
}

/// What a choice is made on, before it becomes part of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// What the policy is asked.
    pub request: Request,
    /// Where the request's number of people comes from.
    pub expected: Expected,
    /// The rest.
    pub inputs: Inputs,
}

/// One choice and what its node said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// What the choice was made on.
    pub inputs: Inputs,
    /// The choice; `None` when no node could take the room.
    pub node: Option<NodeId>,
    /// What the node said; `None` when there was nobody to ask.
    pub answer: Option<Answer>,
    /// How long its answer took, microseconds; `None` when it was not asked.
    pub asked_us: Option<u64>,
}

/// Everything that a choice is a function of, besides the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The moment, by the process's own clock, milliseconds.
    pub now_ms: u64,
    /// What ties were broken with.
    pub seed: u64,
    /// The policy and its constants, learned ones included.
    pub params: Params,
    /// The nodes that the policy looked at, as it saw them.
    pub candidates: Vec<Candidate>,
    /// The others, which were never put before it.
    pub excluded: Vec<Excluded>,
}

/// A node that was not put before the policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Excluded {
    /// Its name, or `host:port` while it has none.
    pub node: String,
    /// Why.
    pub by: Unfit,
}

/// What came of asking a chosen node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It keeps room.
    Confirmed,
    /// It is not of the kind that can be asked (a plain node_exporter).
    Unasked,
    /// It is an agent that does not know the question: an older one.
    Unconfirmed,
    /// It answered, but not with yes.
    Refused,
    /// There was no answer in time.
    Timeout,
    /// There was no answer, nor will there be.
    Unreachable,
    /// It would have, but another replica had placed the room already.
    Late,
}

words!(Answer, "answer" {
    Confirmed => "confirmed", Unasked => "unasked", Unconfirmed => "unconfirmed", Refused => "refused",
    Timeout => "timeout", Unreachable => "unreachable", Late => "late",
});

impl Try {
    /// The choice made again, from what is recorded.
    ///
    /// # Errors
    /// When no node could take the room.
    pub fn replay(&self, request: &Request) -> Result<Choice, NoPlace> {
        self.inputs.choose(request, &self.inputs.params)
    }
}

impl Inputs {
    /// What the policy of `params` chooses on these inputs.
    ///
    /// # Errors
    /// When no node can take the room.
    pub fn choose(&self, request: &Request, params: &Params) -> Result<Choice, NoPlace> {
        placement::choose(&self.candidates, request, params, self.seed, self.now_ms)
    }

    /// About how much memory this takes, bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        /// Names, regions and reasons of one node, about.
        const TEXTS: usize = 96;
        let promises: usize = self.candidates.iter().map(|candidate| candidate.promises.len()).sum();
        size_of::<Self>()
            + self.candidates.len() * (size_of::<Candidate>() + TEXTS)
            + promises * size_of::<placement::Promise>()
            + self.excluded.len() * (size_of::<Excluded>() + TEXTS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::placement::properties::{NOW_MS, any_fleet, any_policy, any_request};

    proptest! {
        #[test]
        fn a_record_read_back_from_its_line_gives_the_same_choice_to_the_last_bit(
            candidates in any_fleet(), request in any_request(), policy in any_policy(), seed in any::<u64>(),
        ) {
            let params = Params { policy, cost_per_person: 0.1 + 0.2, ..Params::default() };
            let inputs = Inputs { now_ms: NOW_MS, seed, params, candidates, excluded: Vec::new() };
            let made = inputs.choose(&request, &inputs.params);
            let node = made.as_ref().ok().map(|choice| choice.node.clone());
            let attempt = Try { inputs, node: node.clone(), answer: None, asked_us: None };
            let expected = Expected::default();
            let decision =
                Decision { seq: 1, at_unix_ms: 0, request, expected, tries: vec![attempt], node, took_us: 1 };
            let line = serde_json::to_string(&decision).unwrap();
            prop_assert!(!line.contains('\n'));
            let back: Decision = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(&back, &decision);
            let again = back.tries[0].replay(&back.request);
            let bits = |choice: &Result<Choice, NoPlace>| {
                choice.as_ref().ok().and_then(|choice| Some(choice.load.as_ref()?.score.to_bits()))
            };
            prop_assert_eq!(bits(&again), bits(&made));
            prop_assert_eq!(again, made);
        }
    }
}
