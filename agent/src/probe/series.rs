//! Series of a service's own, kept as their text: it comes every few seconds, and only a scrape wants
//! the families.

use std::sync::OnceLock;

use usher_common::metric::{Bounds, Families, parse, values};

use super::reading::{Answered, Failed};

/// Most samples of one service: JVB 2.3 has about 250, jicofo 1.1 about 120.
const SERIES_MAX: usize = 2000;
/// Longest label value that is passed on, bytes.
const TEXT_MAX: usize = 256;
/// Most labels of one sample.
const LABELS_MAX: usize = 16;

/// Series to be passed on under their own names.
#[derive(Debug, Clone, Default)]
pub struct Series {
    text: Box<str>,
    prefix: &'static str,
    families: OnceLock<Families>,
}

impl PartialEq for Series {
    /// What was read of the text is no more than the text.
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.prefix) == (&other.text, other.prefix)
    }
}

impl Series {
    /// The series whose names begin with `prefix`, and of each of `names` (what follows the prefix) its
    /// value. An answer without a single one is not understood.
    pub(super) fn read<const N: usize>(
        answered: &Answered<'_>,
        prefix: &'static str,
        names: [&str; N],
    ) -> Result<(Self, [Option<f64>; N]), Failed> {
        if answered.status != 200 {
            return Err(Failed::of_status(answered.status));
        }
        let text = std::str::from_utf8(answered.body).map_err(|_| Failed::malformed("not UTF-8"))?;
        let found = values(text, &bounds(&[prefix]), prefix, names)
            .ok_or_else(|| Failed::malformed(format!("no series named {prefix}* in it")))?;
        Ok((Self { text: text.into(), prefix, families: OnceLock::new() }, found))
    }

    /// The families, bounded in number and size; none of what is empty.
    pub fn families(&self) -> &Families {
        self.families.get_or_init(|| Families::of(&parse(&self.text, &bounds(&[self.prefix])).families))
    }
}

const fn bounds<'a>(prefixes: &'a [&'a str]) -> Bounds<'a> {
    Bounds { prefixes, samples: SERIES_MAX, text_bytes: TEXT_MAX, labels: LABELS_MAX, created: false }
}
