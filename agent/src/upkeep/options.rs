//! The settings of upkeep and deployments.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use usher_common::settings::{Complaints, Settings};

use super::heals::Limits;
use crate::stack::StackOptions;

/// How the stack is kept up.
#[derive(Debug, Clone)]
pub struct UpkeepOptions {
    /// Where the project is and how steps are done.
    pub stack: StackOptions,
    /// How often to compare with the files although nothing happened.
    pub resync: Duration,
    /// How long to leave the project alone after somebody else worked on it.
    pub quiet: Duration,
    /// So many failed probes in a row make a service ill.
    pub patience: u32,
    /// For so long after its start a service is not judged by our probes, nor what needs it after a help.
    pub recovery: Duration,
    /// How often a service may be helped.
    pub limits: Limits,
    /// How long a deployment waits for conferences to end.
    pub drain_within: Duration,
    /// How long a new version has to prove itself.
    pub verify_within: Duration,
    /// For how long it must be well without a break.
    pub verify_steady: Duration,
    /// Deployments that are remembered.
    pub history: usize,
    /// Certificates that are dropped in.
    pub certificates: Option<CertificateOptions>,
}

/// Where certificates come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateOptions {
    /// The folder that is watched.
    pub folder: PathBuf,
    /// How often it is looked at.
    pub every: Duration,
}

impl UpkeepOptions {
    /// `None` when there is no stack to keep up: no `stack.directory`, or `stack.manage` says no.
    pub fn from_settings(
        settings: &Settings,
        environment: &BTreeMap<String, String>,
        complaints: &mut Complaints,
    ) -> Option<Self> {
        let directory = settings.path("stack.directory")?;
        if !settings.bool("stack.manage").expect("has a default") {
            return None;
        }
        let stack = StackOptions::from_settings(settings, environment, &directory, complaints);
        Some(Self::of(settings, stack, complaints))
    }

    /// The settings' word on any stack.
    pub fn of(settings: &Settings, stack: StackOptions, complaints: &mut Complaints) -> Self {
        let duration = |path| settings.duration(path).expect("has a default");
        let count = |path| settings.integer(path).expect("has a default");
        let limits = Limits {
            first: duration("stack.heal_first"),
            most: duration("stack.heal_most"),
            per_hour: usize::try_from(count("stack.heal_per_hour")).unwrap_or(0),
        };
        if limits.first.is_zero() || limits.first > limits.most {
            complaints.add(
                &settings.origin("stack.heal_first"),
                "stack.heal_first must be more than zero and at most stack.heal_most",
            );
        }
        for path in ["stack.resync", "certificates.every"] {
            if duration(path) < Duration::from_millis(100) {
                complaints.add(&settings.origin(path), format!("{path} must be at least 100ms"));
            }
        }
        Self {
            stack,
            resync: duration("stack.resync"),
            quiet: duration("stack.quiet"),
            patience: u32::try_from(count("stack.heal_after_failures")).unwrap_or(u32::MAX),
            recovery: duration("stack.recovery"),
            limits,
            drain_within: duration("stack.drain_within"),
            verify_within: duration("stack.verify_within"),
            verify_steady: duration("stack.verify_steady"),
            history: usize::try_from(count("stack.history")).unwrap_or(1),
            certificates: settings
                .path("certificates.folder")
                .map(|folder| CertificateOptions { folder, every: duration("certificates.every") }),
        }
    }
}
