//! The steps from a request to a project, in compose's order; see the head of [`super`].

use std::collections::{BTreeMap, BTreeSet};

use super::expand::Expansion;
use super::merge::{self, Path};
use super::node::{Map, Node, Value};
use super::place::{Complaints, Place};
use super::select::{Reading, Request, Selection, Stop, select};
use super::{Files, Warning, bound, check, environment, extends, paths, short, unique, yaml};
use crate::compose::model::Project;

/// A project, and what its operator should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// What compose accepts and an operator hardly means.
    pub warnings: Vec<Warning>,
    /// Env files that were asked for by name; compose notes them on every container.
    pub env_files: Vec<String>,
    /// Every file that was read: compose files, `.env`, the services' env files; absolute.
    pub sources: Vec<String>,
}

/// Why there is no project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// These absolute paths have to be looked at, and [`Files`] told, before there is an answer.
    #[error("files not looked at yet: {}", .0.join(", "))]
    Unread(Vec<String>),
    /// Everything that is wrong.
    #[error(transparent)]
    Refused(#[from] Complaints),
}

/// Loads the project that a request means.
///
/// # Errors
/// See [`LoadError`]; on [`LoadError::Unread`] call again with those files added.
pub fn load(files: &Files, request: &Request) -> Result<Loaded, LoadError> {
    let mut complaints = Complaints::default();
    let mut warnings = Vec::new();
    let result = select(files, request, &mut complaints, &mut warnings)
        .and_then(|selection| project(files, request, selection, &mut complaints, &mut warnings));
    match result {
        Ok((project, env_files)) if complaints.is_empty() => {
            let mut seen: Vec<Warning> = Vec::new();
            warnings.into_iter().for_each(|warning| {
                if !seen.contains(&warning) {
                    seen.push(warning);
                }
            });
            Ok(Loaded { project, warnings: seen, env_files, sources: files.present().cloned().collect() })
        }
        Ok(_) | Err(Stop::Refused) => Err(complaints.into()),
        Err(Stop::Unread(paths)) => Err(LoadError::Unread(paths)),
    }
}

fn project(
    files: &Files,
    request: &Request,
    mut selection: Selection,
    complaints: &mut Complaints,
    warnings: &mut Vec<Warning>,
) -> Result<(Project, Vec<String>), Stop> {
    let mut reading = Reading::new(files);
    let mut documents = Vec::new();
    for file in &selection.files {
        let known = reading.unread();
        match reading.get(file) {
            Some(text) => documents.extend(yaml::read(file, text, complaints)),
            None if reading.unread() == known => {
                complaints.general(file.as_str(), "there is no such compose file");
            }
            None => {}
        }
    }
    reading.settle()?;
    if !complaints.is_empty() {
        return Err(Stop::Refused);
    }
    let name = project_name(request, &selection, &documents, complaints);
    selection.variables.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());

    let mut expansion =
        Expansion { variables: &selection.variables, unset: BTreeSet::new(), warnings: Vec::new() };
    let Some(mut root) = merged(documents, &mut expansion, complaints) else {
        complaints.general(selection.files.join(", "), "there is nothing in it");
        return Err(Stop::Refused);
    };
    let (mut unset, noted) = (expansion.unset, expansion.warnings);
    warnings.extend(noted);
    paths::Base { directory: &selection.directory, home: request.home.as_deref() }
        .tree(&mut root, complaints);
    let mut found = bound::bound(&root, &name, complaints, warnings);

    for (key, node) in bound::section(&root, "services") {
        let path = format!("services.{key}");
        let Some(service) = found.services.get_mut(key) else { continue };
        let own = std::mem::take(&mut service.environment);
        service.environment = environment::resolve(
            node,
            &path,
            own,
            &selection.variables,
            &mut reading,
            &mut unset,
            complaints,
        );
    }
    reading.settle()?;
    warnings.extend(unset.into_iter().map(|name| Warning::Unset { name }));
    found.directory = selection.directory;
    found.files = selection.files;
    bound::choose_profiles(&mut found, &selection.profiles);
    let places: BTreeMap<String, Place> =
        bound::section(&root, "services").map(|(key, node)| (key.to_owned(), node.place.clone())).collect();
    check::check(&found, &places, complaints);
    bound::drop_unused(&mut found);
    Ok((found, selection.env_files))
}

/// `-p`, `COMPOSE_PROJECT_NAME`, the last `name:`, the directory: the first that is there.
fn project_name(
    request: &Request,
    selection: &Selection,
    documents: &[Node],
    complaints: &mut Complaints,
) -> String {
    let said = |text: &str, by: &str, complaints: &mut Complaints| {
        if text != normal_name(text) || text.is_empty() {
            let text =
                format!("{text:?} is no project name: lower case letters, digits, - and _, not - or _ first");
            complaints.general(by, text);
        }
        text.to_owned()
    };
    let nonempty = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    if let Some(name) = nonempty(request.name.as_ref()) {
        return said(&name, "project name", complaints);
    }
    if let Some(name) = nonempty(selection.variables.get("COMPOSE_PROJECT_NAME")) {
        return said(&name, "COMPOSE_PROJECT_NAME", complaints);
    }
    let mut expansion =
        Expansion { variables: &selection.variables, unset: BTreeSet::new(), warnings: Vec::new() };
    let mut name = String::new();
    for document in documents {
        let Some(node) = document.as_map().and_then(|map| map.get("name")) else { continue };
        let mut node = node.clone();
        // A malformed variable is complained of when the whole file is expanded.
        expansion.tree(&mut node, &mut vec!["name".to_owned()], &mut Complaints::default());
        if let Some(text) = node.as_str().filter(|text| !text.is_empty()) {
            text.clone_into(&mut name);
        }
    }
    if !name.is_empty() {
        return said(&name, "name", complaints);
    }
    let name = normal_name(selection.directory.rsplit('/').next().unwrap_or_default());
    if name.is_empty() {
        complaints.general(
            "",
            "no project name can be made from the directory: give one with -p or COMPOSE_PROJECT_NAME",
        );
    }
    name
}

fn normal_name(text: &str) -> String {
    let kept: String = text
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
        .collect();
    kept.trim_start_matches(['-', '_']).to_owned()
}

/// Every document expanded and merged, with its short syntaxes written out.
fn merged(documents: Vec<Node>, expansion: &mut Expansion<'_>, complaints: &mut Complaints) -> Option<Node> {
    let mut root: Option<Node> = None;
    for mut document in documents {
        if document.as_map().is_none() {
            complaints.add(&document.place, "", "a compose file is a mapping");
            continue;
        }
        let marks: Vec<Path> = merge::take_marks(&mut document);
        expansion.tree(&mut document, &mut Vec::new(), complaints);
        extends::apply(&mut document, &marks, complaints);
        let mut base = root.take().unwrap_or_else(|| document.like(Value::Map(Map::default())));
        merge::forget(&mut base, &marks);
        let mut next = merge::merge(base, document, &mut Vec::new(), complaints);
        unique::enforce(&mut next);
        short::expand(&mut next, complaints);
        unique::enforce(&mut next);
        root = Some(next);
    }
    root
}
