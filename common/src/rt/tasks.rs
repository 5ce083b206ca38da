//! Background tasks, supervised: one that ends or panics ends the process, by name.

use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// The tasks of one running program.
#[derive(Debug)]
pub struct Tasks {
    set: JoinSet<()>,
    names: Vec<(Id, String)>,
    stop: CancellationToken,
}

/// A task ended that should have gone on.
#[derive(Debug, thiserror::Error)]
pub enum TaskEnded {
    /// It returned.
    #[error("the task {0:?} ended before it was told to")]
    Returned(String),
    /// It panicked.
    #[error("the task {0:?} panicked: {1}")]
    Panicked(String, String),
}

impl Tasks {
    /// Tasks that are expected to return once `stop` is cancelled.
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        Self { set: JoinSet::new(), names: Vec::new(), stop }
    }

    /// Starts a task that runs until the token is cancelled. It is dropped at its next
    /// await when that happens: what must not be cut is not a background task.
    pub fn spawn(&mut self, name: impl Into<String>, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.spawn_until_done(name, async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Starts a task that watches the token itself and returns soon after.
    pub fn spawn_until_done(
        &mut self,
        name: impl Into<String>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let handle = self.set.spawn(work);
        self.names.push((handle.id(), name.into()));
    }

    /// Waits until the token is cancelled (then gives the tasks `grace` to return) or
    /// until a task ends on its own, which cancels the token and is an error.
    pub async fn run(mut self, grace: Duration) -> Result<(), TaskEnded> {
        let stop = self.stop.clone();
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            ended = self.set.join_next_with_id() => ended,
        };
        let outcome = match ended {
            Some(ended) if !self.stop.is_cancelled() => Err(self.blame(ended)),
            _ => Ok(()),
        };
        self.stop.cancel();
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!(
                grace_s = grace.as_secs_f64(),
                left = self.set.len(),
                "tasks did not end in time; cutting them"
            );
        }
        outcome
    }

    fn blame(&self, ended: Result<(Id, ()), JoinError>) -> TaskEnded {
        let name_of = |id: Id| {
            self.names
                .iter()
                .find(|(other, _)| *other == id)
                .map_or_else(|| "unnamed".to_owned(), |(_, n)| n.clone())
        };
        match ended {
            Ok((id, ())) => TaskEnded::Returned(name_of(id)),
            Err(error) => TaskEnded::Panicked(name_of(error.id()), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_named() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("steady", std::future::pending());
        tasks.spawn("brief", async {});
        let error = tasks.run(Duration::from_secs(1)).await.expect_err("ended");
        assert_eq!(error.to_string(), "the task \"brief\" ended before it was told to");
    }

    #[tokio::test]
    async fn a_panic_is_named_and_a_cancel_is_a_good_end() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("wild", async { panic!("boom") });
        assert!(
            matches!(tasks.run(Duration::from_secs(1)).await, Err(TaskEnded::Panicked(name, _)) if name == "wild")
        );
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("steady", std::future::pending());
        stop.cancel();
        tasks.run(Duration::from_secs(1)).await.unwrap();
    }
}
