//! The rows: what a key is called, what it holds, what it is for.

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path in the file system.
    Path,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, both included.
    Integer {
        /// Smallest value that is taken.
        min: i64,
        /// Largest value that is taken.
        max: i64,
    },
    /// A fraction or another real number within bounds given in thousandths, both included.
    Number {
        /// Smallest value that is taken, times 1000.
        min_milli: i64,
        /// Largest value that is taken, times 1000.
        max_milli: i64,
    },
    /// A length of time such as `250ms`, `1s`, `5m`, `2h`.
    Duration,
    /// `ADDRESS:PORT`, such as `127.0.0.1:9100` or `[::1]:9100`. Port 0 lets the kernel choose.
    Address,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts; comma-separated in a flag or variable.
    List,
    /// A table of texts, `{ name = "value" }`; `name=value,...` in a flag or variable.
    Map,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its place, dotted: `scrape.interval`.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What holds when nobody says otherwise, as one would write it in a flag;
    /// `None` for "not set".
    pub default: Option<&'static str>,
    /// One sentence, with the unit; for help, example file and manual.
    pub help: &'static str,
}

/// A repeatable table (`[[discovery.static]]`), whose keys have no flags.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its place, dotted.
    pub path: &'static str,
    /// The keys of one entry; their `path` is relative to the entry.
    pub keys: &'static [Key],
    /// One sentence.
    pub help: &'static str,
}

/// All keys of a program.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Start of its variables' names: `USHER_AGENT`.
    pub env_prefix: &'static str,
    /// The keys.
    pub keys: &'static [Key],
    /// The repeatable tables.
    pub tables: &'static [Table],
}

impl Key {
    /// The flag's name, without dashes in front: `scrape-interval`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    /// The variable's name: `USHER_AGENT_SCRAPE_INTERVAL`.
    #[must_use]
    pub fn variable(&self, schema: &Schema) -> String {
        format!("{}_{}", schema.env_prefix, self.path.replace('.', "_").to_uppercase())
    }
}
