//! The distribution, from `/etc/os-release`.

use std::collections::HashMap;

use usher_common::metric::Families;

use super::{CollectError, table::Machine};

/// Label, key in the file.
const LABELS: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let (first, second) =
        (machine.roots.rootfs.join("etc/os-release"), machine.roots.rootfs.join("usr/lib/os-release"));
    let path = if first.exists() { first } else { second };
    let release = parse(machine.files.once(&path)?);
    let of = |key: &str| release.get(key).map_or("", String::as_str);
    families.gauge(
        "node_os_info",
        "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, \
         pretty_name, variant, variant_id, version, version_codename, version_id.",
        &LABELS.map(|(label, key)| (label, of(key))),
        1.0,
    );
    families.gauge_if(
        "node_os_version",
        "Metric containing the major.minor part of the OS version.",
        &[("id", of("ID")), ("id_like", of("ID_LIKE")), ("name", of("NAME"))],
        version(of("VERSION_ID")),
    );
    Ok(())
}

/// The format is the shell's assignments, with or without quotes (os-release(5)).
fn parse(text: &str) -> HashMap<&str, String> {
    let assignments = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    assignments
        .filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let quoted = ['"', '\''].iter().find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
            Some((key, quoted.unwrap_or(value).replace("\\\"", "\"").replace("\\$", "$")))
        })
        .collect()
}

/// `12`, `22.04` out of `22.04.1`; `None` for a rolling release.
fn version(id: &str) -> Option<f64> {
    let mut dots = 0;
    let end = id.find(|c: char| {
        dots += usize::from(c == '.');
        !(c.is_ascii_digit() || (c == '.' && dots == 1))
    });
    id[..end.unwrap_or(id.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_major_and_minor() {
        assert_eq!(version("12"), Some(12.0));
        assert_eq!(version("22.04.1"), Some(22.04));
        assert_eq!(version("9.x"), Some(9.0));
        assert_eq!(version("rolling"), None);
    }

    #[test]
    fn quotes_are_the_shells() {
        let release = parse("NAME=\"Debian GNU/Linux\"\nID=debian\n# A=b\nVARIANT='x y'\n");
        assert_eq!(
            (release["NAME"].as_str(), release["ID"].as_str(), release["VARIANT"].as_str()),
            ("Debian GNU/Linux", "debian", "x y")
        );
        assert_eq!(release.len(), 3);
    }
}
