//! The short syntax of a mount: `[source:]target[:options]`.
//!
//! Compose's options are kept as it reads them: one it does not know is dropped without a word, so it is
//! complained of here instead.

use super::super::node::{Map, Node, Value};
use super::super::path;
use super::super::place::Complaints;

/// A mount as its short syntax says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The host path, the volume, or nothing for an anonymous volume.
    pub(crate) source: Option<String>,
    /// The path inside the container.
    pub(crate) target: String,
    /// `ro`, `z`, `nocopy` and so on, in order.
    pub(crate) options: Vec<String>,
}

const PROPAGATIONS: [&str; 6] = ["rprivate", "private", "rshared", "shared", "rslave", "slave"];

/// Takes a short mount apart.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn parse(text: &str) -> Result<Parts, String> {
    if text.is_empty() {
        return Err("a mount cannot be empty".to_owned());
    }
    let mut parts = text.split(':');
    let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if parts.next().is_some() {
        return Err(format!("{text:?} has too many colons for a mount: use the long syntax"));
    }
    if text.len() > 2 && text.split(':').any(str::is_empty) {
        return Err(format!("{text:?} has nothing between two colons"));
    }
    // Compose takes it for a Windows drive and mounts something else altogether.
    let drive = |part: &str| part.chars().count() == 1 && part.starts_with(char::is_alphabetic);
    if drive(first) && second.is_some() || second.is_some_and(drive) && third.is_some() {
        return Err(format!("{text:?}: one letter before a colon reads as a drive: use the long syntax"));
    }
    let options = third.map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default();
    Ok(match second {
        None => Parts { source: None, target: first.to_owned(), options },
        Some(target) => Parts { source: Some(first.to_owned()), target: target.to_owned(), options },
    })
}

/// Whether a short source is a host path rather than the name of a volume.
#[must_use]
pub(crate) fn is_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~'])
}

/// Writes a short mount out.
pub(crate) fn expand(node: &mut Node, at: &str, complaints: &mut Complaints) {
    let Some(text) = node.as_str() else { return };
    let parts = match parse(text) {
        Ok(parts) => parts,
        Err(why) => return complaints.add(&node.place, at, why),
    };
    let mut mount = Map::default();
    let bind = parts.source.as_deref().is_some_and(is_path);
    mount.set("type", node.text(if bind { "bind" } else { "volume" }));
    if let Some(source) = &parts.source {
        mount.set("source", node.text(source));
    }
    mount.set("target", node.text(path::clean(&parts.target)));
    let mut bind_options = Map::default();
    let mut volume_options = Map::default();
    let yes = node.like(Value::Bool(true));
    for option in &parts.options {
        match option.as_str() {
            "rw" => {}
            "ro" => mount.set("read_only", yes.clone()),
            "nocopy" => volume_options.set("nocopy", yes.clone()),
            "z" | "Z" => bind_options.set("selinux", node.text(option)),
            option if PROPAGATIONS.contains(&option) => bind_options.set("propagation", node.text(option)),
            other => complaints.add(&node.place, at, format!("the mount option {other:?} means nothing")),
        }
    }
    if bind {
        bind_options.set("create_host_path", yes);
    }
    // Compose leaves a mount of one or two characters without its kind's options; the hash shows it.
    let tiny = text.len() <= 2;
    if bind || !bind_options.is_empty() {
        mount.set("bind", node.like(Value::Map(bind_options)));
    }
    if !tiny && (!bind || !volume_options.is_empty()) {
        mount.set("volume", node.like(Value::Map(volume_options)));
    }
    *node = node.like(Value::Map(mount));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_two_and_three_parts_are_target_source_and_options() {
        let parts = |text: &str| {
            let parts = parse(text).unwrap();
            (parts.source.unwrap_or_default(), parts.target, parts.options.join(","))
        };
        assert_eq!(parts("/data"), (String::new(), "/data".into(), String::new()));
        assert_eq!(parts("vol:/data"), ("vol".into(), "/data".into(), String::new()));
        assert_eq!(parts("./a:/b:ro,z"), ("./a".into(), "/b".into(), "ro,z".into()));
    }

    #[test]
    fn what_is_not_a_mount_is_refused() {
        for text in ["", ":/web", "ab::ro", "ab:/b:ro:z", "ab:/b:", "v:/data", "./a:b:ro"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
