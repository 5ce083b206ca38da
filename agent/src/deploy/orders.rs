//! The desk where deployments are ordered: routes hand orders in, the one who works on the stack takes them.

use tokio::sync::{mpsc, oneshot};

use super::job::{Job, Wanted};

/// What is ordered.
#[derive(Debug)]
pub struct Order {
    /// What.
    pub what: What,
    /// Where the answer goes; closed when nobody waits for it any more: the order is off then.
    pub answer: oneshot::Sender<Result<Box<Job>, Refused>>,
}

/// The kinds of orders.
#[derive(Debug)]
pub enum What {
    /// Deploy.
    Deploy(Wanted),
    /// Go back to what was there before a deployment, the newest that changed something when none is named.
    GoBack {
        /// The deployment to undo.
        id: Option<String>,
        /// Interrupt conferences.
        interrupt: bool,
        /// Who asks.
        who: Option<String>,
    },
}

/// Why an order is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Another deployment is under way.
    #[error("deployment {0} is under way: follow it at /v1/stack/deploy/{0}")]
    Busy(String),
    /// Something in it cannot be.
    #[error("{0}")]
    Bad(String),
    /// There is nothing to go back to.
    #[error("there is no deployment to go back from{0}")]
    NothingToUndo(String),
    /// It could not be kept, or the stack could not be looked at, so it is not begun.
    #[error("{0}")]
    NotNow(String),
}

/// The outer side of the desk.
#[derive(Debug, Clone)]
pub struct Desk(mpsc::Sender<Order>);

impl Desk {
    /// A desk and its inner side. One order may wait.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Order>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Hands an order in and waits for the answer; drop it to take the order back.
    pub async fn order(&self, what: What) -> Result<Box<Job>, Refused> {
        let (answer, answered) = oneshot::channel();
        let gone = || Refused::NotNow("the agent is stopping".to_owned());
        self.0.send(Order { what, answer }).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Variables are set in a file of lines: what would not stay on one line, or is no name, is refused.
pub fn check(wanted: &Wanted) -> Result<(), Refused> {
    for (name, value) in &wanted.set {
        let fine = name
            .chars()
            .enumerate()
            .all(|(at, c)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()));
        if name.is_empty() || !fine {
            return Err(Refused::Bad(format!(
                "{name:?} is no variable name: letters, digits and _, not beginning with a digit"
            )));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(Refused::Bad(format!("the value of {name} has control characters")));
        }
        // They say which project this is; under another name everything would be made a second time.
        if ["COMPOSE_PROJECT_NAME", "COMPOSE_FILE"].contains(&name.as_str()) {
            return Err(Refused::Bad(format!("{name} says which project this is and cannot be deployed")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_must_be_one_and_fit_on_a_line() {
        let check = |name: &str, value: &str| {
            check(&Wanted { set: [(name.to_owned(), value.to_owned())].into(), ..Wanted::default() })
        };
        assert!(check("JITSI_IMAGE_VERSION", "stable-1 # \"'$x").is_ok());
        for (name, value) in [("", "x"), ("A B", "x"), ("1A", "x"), ("A", "x\ny"), ("COMPOSE_FILE", "x")] {
            assert!(matches!(check(name, value), Err(Refused::Bad(_))), "{name} {value}");
        }
    }

    #[tokio::test]
    async fn an_order_that_nobody_waits_for_shows_it() {
        let (desk, mut inside) = Desk::new();
        let ordering = desk.order(What::Deploy(Wanted::default()));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), ordering).await.is_err());
        assert!(inside.recv().await.unwrap().answer.is_closed());
    }
}
