//! Names for rooms that come without one: readable, and too many to guess.
//!
//! `quiet-harbour-k7m2q-x9t4b`: two words of 64 each (12 bits) for the eye and ten
//! characters of 32 (50 bits) against guessing, 62 bits in all: at a thousand guesses a
//! second, a fleet with ten thousand rooms open is hit once in some 15,000 years.

use super::RoomName;

/// Crockford's base 32: no i, l, o, u, so that a name can be read out.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const ADJECTIVES: [&str; 64] = [
    "amber", "ample", "azure", "bold", "brave", "breezy", "bright", "brisk", "calm", "candid", "cheery",
    "civil", "clear", "clever", "coral", "cosy", "crisp", "dapper", "deft", "eager", "early", "earnest",
    "fair", "fleet", "fond", "frank", "fresh", "gentle", "glad", "golden", "grand", "happy", "hardy",
    "hearty", "humble", "ivory", "jolly", "keen", "kind", "lively", "loyal", "lucky", "lunar", "mellow",
    "merry", "mild", "misty", "modest", "neat", "noble", "polite", "proud", "quick", "quiet", "rosy",
    "silver", "smooth", "snowy", "solar", "spry", "steady", "sunny", "vivid", "warm",
];

const NOUNS: [&str; 64] = [
    "acorn", "anchor", "apple", "arbour", "badger", "basin", "beacon", "birch", "bridge", "brook", "candle",
    "canyon", "cedar", "cherry", "cliff", "clover", "comet", "copper", "cove", "dune", "falcon", "fern",
    "field", "forest", "fox", "garden", "glade", "harbour", "hazel", "heron", "hill", "island", "lake",
    "lantern", "lark", "maple", "meadow", "mill", "moon", "oak", "ocean", "orchard", "otter", "owl",
    "pebble", "pine", "planet", "plum", "pond", "quarry", "reef", "ridge", "river", "robin", "shore",
    "sparrow", "spruce", "star", "stone", "stream", "thistle", "valley", "willow", "wren",
];

/// The name that stands for `random`; 62 of its bits count.
#[must_use]
pub fn generated(random: u128) -> RoomName {
    let bits = |from: u32, count: u32| {
        usize::try_from((random >> from) & ((1 << count) - 1)).expect("at most 6 bits")
    };
    let code = |index: u32| char::from(ALPHABET[bits(12 + 5 * index, 5)]);
    let first: String = (0..5).map(code).collect();
    let second: String = (5..10).map(code).collect();
    RoomName::trusted(format!("{}-{}-{first}-{second}", ADJECTIVES[bits(0, 6)], NOUNS[bits(6, 6)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_one_of_62_bits_changes_the_name_and_every_name_is_valid() {
        let mut seen = HashSet::new();
        for bit in 0..62 {
            let name = generated(1 << bit);
            assert_eq!(RoomName::parse(name.as_str()).as_ref(), Ok(&name));
            assert!(seen.insert(name.to_string()), "bit {bit} changes nothing");
        }
        assert!(seen.insert(generated(0).to_string()));
        assert_eq!(generated(1 << 62), generated(0), "the documented number of bits");
    }

    #[test]
    fn no_word_is_twice_in_its_list() {
        assert_eq!(ADJECTIVES.iter().collect::<HashSet<_>>().len(), 64);
        assert_eq!(NOUNS.iter().collect::<HashSet<_>>().len(), 64);
    }
}
