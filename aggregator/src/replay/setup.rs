//! What is tried: a way to decide, and how the replicas around it look at the fleet.

use crate::placement::{Params, Policy};

/// One row of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// What the row is called.
    pub name: String,
    /// Who decides.
    pub decider: Decider,
    /// Aggregators side by side.
    pub replicas: usize,
    /// Each asks every agent this often, ms.
    pub interval_ms: u64,
    /// Failures in a row after which a node is down.
    pub down_after: u32,
    /// Failures in a row after which the rooms known to be there are placed anew.
    pub lost_after: u32,
    /// Not while the VM's page is served.
    pub look_at_page: bool,
    /// Agents are asked in so many groups, spread over the interval.
    pub groups: usize,
    /// The agent takes a promise before the answer is given, and reports it to all replicas.
    pub confirm: bool,
    /// Requests that name the same room go to the same replica; else to any.
    pub route_by_name: bool,
    /// The CPU figure used is smoothed over 15 s (a `rate()` of a monitoring system) and not 3.
    pub slow_cpu: bool,
    /// Replicas look at JVB's stress too.
    pub read_stress: bool,
    /// CPU per person is learned, of the fleet and of each node.
    pub learn_cost: bool,
    /// Share of the rooms of which a rough size is given (`expected_participants`).
    pub hints: f64,
}

/// Who decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Decider {
    /// The product's placement.
    Placement(Box<Params>),
    /// Knows the true future of every room that was placed, not the size of the room to place.
    Oracle,
    /// Knows that too.
    Clairvoyant,
}

impl Setup {
    /// The product as it is set up by default, with this many replicas.
    #[must_use]
    pub fn usher(replicas: usize) -> Self {
        let params = Params { replicas: u32::try_from(replicas).expect("a handful"), ..Params::default() };
        Self {
            name: format!("usher, {replicas} replica{}", if replicas == 1 { "" } else { "s" }),
            decider: Decider::Placement(Box::new(params)),
            replicas,
            interval_ms: 1_000,
            down_after: 2,
            lost_after: 2,
            look_at_page: true,
            groups: 10,
            confirm: true,
            route_by_name: true,
            slow_cpu: false,
            read_stress: true,
            learn_cost: true,
            hints: 0.0,
        }
    }

    /// Another policy in the same product.
    #[must_use]
    pub fn policy(policy: Policy) -> Self {
        let mut setup = Self::usher(1).with_params(|params| params.policy = policy);
        setup.name = policy.to_string();
        setup
    }

    /// What was there before: one aggregator, every 30 s the least CPU of a monitoring system,
    /// nothing remembered but names, nobody ever refused.
    #[must_use]
    pub fn old_design() -> Self {
        let params = Params {
            policy: Policy::LeastCpu,
            full: f64::INFINITY,
            slow_start_ms: 1,
            stale_after_ms: u64::MAX,
            breaker_placements: u32::MAX,
            ..Params::default()
        };
        Self {
            name: "old design".to_owned(),
            decider: Decider::Placement(Box::new(params)),
            replicas: 1,
            interval_ms: 30_000,
            down_after: 1,
            lost_after: 1,
            look_at_page: false,
            groups: 1,
            confirm: false,
            slow_cpu: true,
            read_stress: false,
            learn_cost: false,
            ..Self::usher(1)
        }
    }

    /// The bar: what could be had without knowing sizes beforehand.
    #[must_use]
    pub fn oracle() -> Self {
        Self { name: "oracle".to_owned(), decider: Decider::Oracle, confirm: false, ..Self::usher(1) }
    }

    /// What could be had with knowing everything.
    #[must_use]
    pub fn clairvoyant() -> Self {
        Self { name: "clairvoyant".to_owned(), decider: Decider::Clairvoyant, ..Self::oracle() }
    }

    /// The same with other constants; without effect on an oracle.
    #[must_use]
    pub fn with_params(mut self, change: impl FnOnce(&mut Params)) -> Self {
        if let Decider::Placement(params) = &mut self.decider {
            change(params);
        }
        self
    }

    /// The constants in use; an oracle borrows the default's for what it does not decide.
    #[must_use]
    pub fn params(&self) -> Params {
        match &self.decider {
            Decider::Placement(params) => (**params).clone(),
            Decider::Oracle | Decider::Clairvoyant => Params::default(),
        }
    }
}
