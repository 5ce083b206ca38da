//! The part of the settings that says whom to read.

use std::path::PathBuf;

use usher_common::settings::{Complaints, Entry, Settings};
use usher_common::wire::PublicUrl;

use super::Discovery;
use super::build::{positive, tokens};
use crate::discovery::{Source, read_file};
use crate::target::{PUBLIC_URL_TEMPLATE, Target, TargetKind, Token};

/// An agent on this machine, for whoever starts without settings.
const DEFAULT_TARGET: &str = "http://127.0.0.1:9100";

/// All sources. A file of targets must be readable now: later failures keep its last list,
/// but at the start there is none to keep.
pub(super) fn discovery(settings: &Settings, complaints: &mut Complaints) -> Discovery {
    let token = settings.path("discovery.token_file").and_then(|path| {
        let lines = tokens(&path, &settings.origin("discovery.token_file"), complaints);
        lines.first().map(|line| Token::new(line))
    });
    let mut sources = Vec::new();
    if let Some(listed) = settings.list("discovery.targets") {
        let origin = settings.origin("discovery.targets");
        let mut targets = parse_all(&listed, |what| complaints.add(&origin, what));
        targets.iter_mut().for_each(|target| target.token.clone_from(&token));
        sources.push(Source { name: "discovery.targets".to_owned(), file: None, targets });
    }
    for (index, entry) in settings.entries("discovery.static").iter().enumerate() {
        let targets = static_entry(entry, token.as_ref(), complaints);
        sources.push(Source { name: format!("discovery.static[{index}]"), file: None, targets });
    }
    for path in settings.list("discovery.file").into_iter().flatten() {
        let path = PathBuf::from(path);
        match read_file(&path, token.as_ref()) {
            Ok(targets) => {
                sources.push(Source { name: path.display().to_string(), file: Some(path), targets });
            }
            Err(error) => complaints.add(&settings.origin("discovery.file"), error),
        }
    }
    if sources.is_empty() {
        let mut target = Target::parse(DEFAULT_TARGET).expect("a good URL");
        target.token = token.clone();
        sources.push(Source { name: "default".to_owned(), file: None, targets: vec![target] });
    }
    Discovery { sources, file_token: token, poll: positive(settings, "discovery.poll", complaints) }
}

fn static_entry(entry: &Entry, shared: Option<&Token>, complaints: &mut Complaints) -> Vec<Target> {
    let listed = entry.list("targets").filter(|listed| !listed.is_empty()).unwrap_or_else(|| {
        complaints.add(&entry.origin, "[[discovery.static]] needs targets = [\"http://vm1:9100\", ...]");
        Vec::new()
    });
    let token = match entry.path("token_file") {
        Some(path) => {
            tokens(&path, &entry.origin_of("token_file"), complaints).first().map(|line| Token::new(line))
        }
        None => shared.cloned(),
    };
    let kind = entry.text("kind").and_then(|word| TargetKind::parse(&word)).expect("one of its row's words");
    let public_url = entry.text("public_url");
    if let Some(template) = &public_url {
        let origin = entry.origin_of("public_url");
        if kind == TargetKind::Agent {
            complaints
                .add(&origin, "public_url is for kind = \"node_exporter\": an agent says itself where it is");
        } else if let Err(error) = PublicUrl::parse(&template.replace("{host}", "vm1.example.org")) {
            complaints.add(&origin, error);
        }
    }
    let mut targets = parse_all(&listed, |what| complaints.add(&entry.origin_of("targets"), what));
    for target in &mut targets {
        target.token.clone_from(&token);
        target.region = entry.text("region").filter(|region| !region.is_empty());
        target.labels = entry.map("labels").into_iter().flatten().collect();
        target.kind = kind;
        target.public_url = public_url.clone().unwrap_or_else(|| PUBLIC_URL_TEMPLATE.to_owned());
    }
    targets
}

fn parse_all(listed: &[String], mut complain: impl FnMut(String)) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for text in listed {
        match Target::parse(text) {
            Ok(target) if targets.iter().any(|other| other.id == target.id) => {
                complain(format!("the target {} is listed twice", target.id));
            }
            Ok(target) => targets.push(target),
            Err(error) => complain(error.to_string()),
        }
    }
    targets
}
