//! A decision, judged by what it was made on.

use std::sync::Arc;

use super::Scores;
use crate::decision::Decision;
use crate::placement::{Params, Policy};
use crate::stats::Stats;

/// The judge.
#[derive(Debug)]
pub struct Judge {
    stats: Arc<Stats>,
    shadow: Option<Policy>,
}

impl Judge {
    /// A judge who also looks at what `shadow` would have done.
    #[must_use]
    pub fn new(stats: Arc<Stats>, shadow: Option<Policy>) -> Self {
        Self { stats, shadow }
    }

    /// Judges the first choice: later ones were made among what was left.
    pub fn judge(&self, decision: &Decision) {
        let Some(first) = decision.tries.first() else { return };
        let Some(node) = &first.node else { return };
        let inputs = &first.inputs;
        let quality = &self.stats.quality;
        let chosen = inputs.candidates.iter().find(|candidate| candidate.node == *node);
        if let Some(reading) = chosen.and_then(|candidate| candidate.reading.as_ref()) {
            #[expect(clippy::cast_precision_loss, reason = "an age in milliseconds")]
            let age_s = inputs.now_ms.saturating_sub(reading.at_ms) as f64 / 1000.0;
            quality.snapshot_age.observe(age_s);
        }
        let scores = Scores::of(inputs, &decision.request);
        if let Some(regret) = scores.regret(node) {
            quality.regret.observe(regret);
        }
        let Some(policy) = self.shadow else { return };
        let params = Params { policy, ..inputs.params.clone() };
        let Ok(choice) = inputs.choose(&decision.request, &params) else {
            quality.shadow_choices.with_label_values(&["none"]).inc();
            return;
        };
        let word = if choice.node == *node { "same" } else { "other" };
        quality.shadow_choices.with_label_values(&[word]).inc();
        if let Some(regret) = scores.regret(&choice.node) {
            quality.shadow_regret.observe(regret);
        }
    }
}
