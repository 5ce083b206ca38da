//! Paths as compose resolves them: text in, text out, nothing on disk is looked at.

/// `~` was used and nobody said where home is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("starts with ~ and no home directory is known: write an absolute path")]
pub struct NoHome;

/// A path from a compose file, made absolute: `~` is `home`, the rest starts from `base`. An absolute path stays
/// exactly as it is written, slashes and all, because it is in the hash.
///
/// # Errors
/// [`NoHome`] when there is a `~` and no home.
pub fn absolute(path: &str, base: &str, home: Option<&str>) -> Result<String, NoHome> {
    if let Some(rest) = path.strip_prefix('~') {
        let home = home.filter(|home| !home.is_empty()).ok_or(NoHome)?;
        return Ok(clean(&format!("{home}/{rest}")));
    }
    if path.starts_with('/') { Ok(path.to_owned()) } else { Ok(clean(&format!("{base}/{path}"))) }
}

/// Go's `path.Clean`: no `.`, no `..` that can be resolved, no doubled or trailing slash.
#[must_use]
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// The folder a file is in.
#[must_use]
pub fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((folder, _)) => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_joined_and_cleaned_and_absolute_ones_left() {
        let abs = |path| absolute(path, "/srv/jitsi", Some("/root"));
        assert_eq!(abs("./a/../b/"), Ok("/srv/jitsi/b".into()));
        assert_eq!(abs("~/cfg"), Ok("/root/cfg".into()));
        assert_eq!(abs("/a//b/"), Ok("/a//b/".into()));
        assert_eq!(abs("../x"), Ok("/srv/x".into()));
        assert_eq!(absolute("~/x", "/srv", None), Err(NoHome));
    }

    #[test]
    fn cleaning_follows_go() {
        for (path, expected) in
            [("/", "/"), ("a/..", "."), ("/../a", "/a"), ("../a", "../a"), ("/a/./b//", "/a/b")]
        {
            assert_eq!(clean(path), expected);
        }
    }
}
