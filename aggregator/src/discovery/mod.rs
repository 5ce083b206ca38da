//! Whom to read: several sources of targets, merged into one list.
//!
//! ```text
//!  settings ──► Source ┐
//!  file ──────► Source ├─merge──► targets ──diff──► which loops to start and stop
//!  file ──────► Source ┘
//! ```
//!
//! Whether a target answers is no matter of discovery's.

mod file;
mod file_sd;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::target::{Target, TargetId};

pub use file::{FileError, read_file};
pub use watch::{DiscoveryView, FileView, Watch};

/// Targets with one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// For logs and metrics: a file's path, or a key of the settings.
    pub name: String,
    /// The file, for sources that change while we run.
    pub file: Option<PathBuf>,
    /// What it lists, without doubles.
    pub targets: Vec<Target>,
}

/// The targets of all sources, by id. Where two list the same, the earlier source's
/// word on token, region and labels counts.
#[must_use]
pub fn merge(sources: &[Source]) -> Vec<Target> {
    let mut merged: BTreeMap<TargetId, Target> = BTreeMap::new();
    for target in sources.iter().flat_map(|source| &source.targets) {
        merged.entry(target.id.clone()).or_insert_with(|| target.clone());
    }
    merged.into_values().collect()
}

/// What differs between two lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Targets to begin with, changed ones included.
    pub start: Vec<Target>,
    /// Targets to end with, changed ones included.
    pub stop: Vec<TargetId>,
}

/// How to come from `old` to `new`. A target whose token, labels or kind changed is
/// stopped and started.
#[must_use]
pub fn diff(old: &[Target], new: &[Target]) -> Diff {
    let stays = |target: &Target, others: &[Target]| others.iter().any(|other| other == target);
    Diff {
        start: new.iter().filter(|target| !stays(target, old)).cloned().collect(),
        stop: old.iter().filter(|target| !stays(target, new)).map(|target| target.id.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(names: &[&str]) -> Vec<Target> {
        names.iter().map(|name| Target::parse(name).unwrap()).collect()
    }

    fn source(names: &[&str]) -> Source {
        Source { name: "s".into(), file: None, targets: targets(names) }
    }

    #[test]
    fn the_earlier_source_wins_and_the_order_does_not_depend_on_the_files() {
        let mut first = source(&["b", "a"]);
        first.targets[0].region = Some("eu".into());
        let merged = merge(&[first, source(&["c", "b"])]);
        assert_eq!(merged.iter().map(Target::authority).collect::<Vec<_>>(), ["a:9100", "b:9100", "c:9100"]);
        assert_eq!(merged[1].region.as_deref(), Some("eu"));
    }

    #[test]
    fn a_changed_target_is_stopped_and_started() {
        let old = targets(&["a", "b", "c"]);
        let mut new = targets(&["b", "c", "d"]);
        new[1].region = Some("eu".into());
        let diff = diff(&old, &new);
        assert_eq!(diff.start.iter().map(Target::authority).collect::<Vec<_>>(), ["c:9100", "d:9100"]);
        assert_eq!(diff.stop, [old[0].id.clone(), old[2].id.clone()]);
    }

    proptest::proptest! {
        #[test]
        fn applying_the_difference_gives_the_new_list(old in proptest::collection::btree_set("[a-f]", 0..6), new in proptest::collection::btree_set("[a-f]", 0..6)) {
            let list = |set: &std::collections::BTreeSet<String>| set.iter().map(|n| Target::parse(n).unwrap()).collect::<Vec<_>>();
            let (old, new) = (list(&old), list(&new));
            let change = diff(&old, &new);
            let mut after: Vec<Target> = old.iter().filter(|t| !change.stop.contains(&t.id)).cloned().collect();
            after.extend(change.start);
            after.sort_by(|a, b| a.id.cmp(&b.id));
            proptest::prop_assert_eq!(after, new);
        }
    }
}
