//! How many conferences would be interrupted, when the bridge does not say. Pure.

/// What is remembered of the bridge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Somebody looked.
    looked: bool,
    life: Option<Life>,
    known: Option<u64>,
}

/// One life of the bridge's container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The container's id.
    pub container: String,
    /// When it began, milliseconds since the Unix epoch; `None`: the engine did not say.
    pub started_unix_ms: Option<i64>,
}

impl Calls {
    /// Takes in what is seen now: the running bridge, if one runs, and how many conferences it says there are.
    /// `since_unix_ms`: since when we have been looking.
    pub fn note(&mut self, life: Option<Life>, said: Option<u64>, since_unix_ms: i64) {
        self.looked = true;
        if life != self.life {
            // A life that began before our eyes and never said anything has nobody on it; of one that was there
            // before us we do not know.
            let seen =
                life.as_ref().is_some_and(|life| life.started_unix_ms.is_some_and(|at| at >= since_unix_ms));
            self.known = seen.then_some(0);
            self.life = life;
        }
        if self.life.is_some() && said.is_some() {
            self.known = said;
        }
    }

    /// Conferences on the bridge as far as known: the last figure of this life. `None`: nobody knows.
    #[must_use]
    pub const fn count(&self) -> Option<u64> {
        // Without a bridge that runs there is nothing to interrupt.
        if self.looked && self.life.is_none() { Some(0) } else { self.known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(id: &str, at: i64) -> Option<Life> {
        Some(Life { container: id.to_owned(), started_unix_ms: Some(at) })
    }

    #[test]
    fn a_bridge_that_falls_silent_is_judged_by_its_last_word_and_one_from_before_us_by_none() {
        let mut calls = Calls::default();
        assert_eq!(calls.count(), None);
        calls.note(life("a", 5), None, 10);
        assert_eq!(calls.count(), None);
        calls.note(life("a", 5), Some(3), 10);
        calls.note(life("a", 5), None, 10);
        assert_eq!(calls.count(), Some(3));
        calls.note(life("b", 20), None, 10);
        assert_eq!(calls.count(), Some(0));
        calls.note(None, None, 10);
        assert_eq!(calls.count(), Some(0));
    }

    #[test]
    fn without_a_bridge_nobody_is_interrupted_even_if_others_still_count() {
        let mut calls = Calls::default();
        calls.note(None, None, 10);
        assert_eq!(calls.count(), Some(0));
        calls.note(life("a", 20), Some(2), 10);
        calls.note(None, Some(2), 10);
        assert_eq!(calls.count(), Some(0));
    }
}
