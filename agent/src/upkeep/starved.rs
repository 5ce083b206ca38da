//! Whether the kernel killed a container's process for want of memory, from counters. Pure.
//!
//! The engine does not always notice. A container's own counter goes with its control group, so the last sample
//! before its death may not have it; the host's counter stays.

use std::collections::BTreeMap;

/// Counters as they were seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starved {
    /// The host's counter before the container was last seen running, by container id. Not the one of that
    /// look: a killed container is said to run until the engine has noticed.
    alive_at: BTreeMap<String, u64>,
    /// Kills in the container's own group, by container id.
    own: BTreeMap<String, u64>,
    host: Option<u64>,
    host_before: Option<u64>,
}

impl Starved {
    /// Takes in the host's counter (`oom_kill` of `/proc/vmstat`); `None`: the kernel has none.
    pub fn note_host(&mut self, kills: Option<u64>) {
        self.host_before = self.host.or(kills);
        self.host = kills;
    }

    /// Takes in a container that runs, and its own counter.
    pub fn note_running(&mut self, container: &str, kills: Option<u64>) {
        if let Some(host) = self.host_before {
            self.alive_at.insert(container.to_owned(), host);
        }
        if let Some(kills) = kills {
            self.own.insert(container.to_owned(), kills);
        }
    }

    /// Forgets containers that are gone.
    pub fn keep_only(&mut self, present: impl Fn(&str) -> bool) {
        self.alive_at.retain(|id, _| present(id));
        self.own.retain(|id, _| present(id));
    }

    /// Whether one that ended with `exit_code` was killed for want of memory.
    #[must_use]
    pub fn was(&self, container: &str, exit_code: Option<i64>) -> bool {
        let own = self.own.get(container).is_some_and(|kills| *kills > 0);
        let host = self.alive_at.get(container).zip(self.host).is_some_and(|(then, now)| now > *then);
        exit_code == Some(137) && (own || host)
    }
}

/// The kernel's count of such kills since boot.
#[must_use]
pub fn host_kills(vmstat: &str) -> Option<u64> {
    let line = vmstat.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_137_with_a_counter_that_rose_is_want_of_memory_and_without_is_not() {
        let mut starved = Starved::default();
        starved.note_host(host_kills("nr_free 1\noom_kill 4\n"));
        starved.note_running("a", Some(0));
        assert!(!starved.was("a", Some(137)));
        starved.note_host(Some(5));
        assert!(starved.was("a", Some(137)) && !starved.was("a", Some(1)) && !starved.was("b", Some(137)));
        starved.note_running("a", Some(0));
        assert!(starved.was("a", Some(137)), "killed, and said to run until the engine has noticed");
        starved.note_host(Some(5));
        starved.note_running("a", Some(0));
        assert!(!starved.was("a", Some(137)), "in its next life");
        starved.note_running("a", Some(1));
        assert!(starved.was("a", Some(137)));
        starved.keep_only(|_| false);
        assert!(!starved.was("a", Some(137)));
        assert_eq!(host_kills("pgfault 1\n"), None);
    }
}
