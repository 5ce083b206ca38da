//! The format, held by hashes: they were made once and must never change.

use sha2::{Digest as _, Sha256};

use super::{Random, Trace, Workload};

fn sha256_of(preset: &str, seed: u64, change: impl FnOnce(&mut Workload)) -> String {
    let mut workload = Workload::preset(preset, seed).unwrap();
    change(&mut workload);
    let digest = Sha256::digest(workload.generate().to_csv().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_seed_means_the_same_bytes_for_ever() {
    let same =
        |preset, seed, hash: &str| assert_eq!(sha256_of(preset, seed, |_| ()), hash, "{preset} {seed}");
    same("tiny", 1, "86ba7c3317f661f4e9ea3e63cb2504c1e30c4531198305e3f86122567be56668");
    same("tiny", 42, "024d82519f6b2a7e4572ce419a8ade2c5072f911ba75bf0d0ca6771fc63acd47");
    same("fleet20", 3, "865c2b6a7ec8f6d6c20b56b93f2a45f1fbf6687e02c66cd9d6673683b8be05d2");
    same("replay", 1, "fa6be1dc9f5cb017f3d0ae6ed3e02afe896025b65a94c140da07fc3dfd742f03");
    same("replay", 2, "f17b1214963f9d5838ea9f7cafd3c8ab98616599884fb1064679913dfbf43b39");
}

#[test]
fn options_change_a_preset_the_same_way_for_ever() {
    let lighter = sha256_of("replay", 77, |workload| workload.load = 0.55);
    assert_eq!(lighter, "550b4c7756dd1144998f2213cd0c0756d74b78521cb6e706de222c7194645ab4");
    let smaller = sha256_of("replay", 5, |workload| (workload.vms, workload.measured_s) = (30, 1200.0));
    assert_eq!(smaller, "1983bc997837cd856c11dc7dff01a58cc53f1d54ff6a147a7d25e45a017ae502");
}

#[test]
fn a_written_trace_reads_back_as_the_same_value() {
    for preset in ["tiny", "fleet20", "replay"] {
        let trace = Workload::preset(preset, 7).unwrap().generate();
        assert_ne!(trace, Workload::preset(preset, 8).unwrap().generate());
        assert_eq!(Trace::from_csv(&trace.to_csv()), Ok(trace), "{preset}");
    }
}

#[test]
fn rooms_are_as_the_format_says() {
    let workload = Workload::preset("fleet100", 1).unwrap();
    let mut random = Random::new(1, 1);
    let rooms: Vec<_> = (0..50_000).map(|_| workload.draw_room(0.0, &mut random)).collect();
    let abandoned = rooms.iter().filter(|room| room.abandoned).count();
    assert!((12_000..13_000).contains(&abandoned), "{abandoned} of 50000 abandoned");
    let mut sizes: Vec<usize> =
        rooms.iter().filter(|room| !room.abandoned).map(|room| room.stays.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes[sizes.len() / 2], 3, "median size");
    assert!(
        (45..=57).contains(&sizes[sizes.len() * 99 / 100]),
        "99 % size {}",
        sizes[sizes.len() * 99 / 100]
    );
    assert!(rooms.iter().all(|room| room.abandoned == room.stays.is_empty()));
    assert!(rooms.iter().filter_map(|room| room.stays.first()).all(|stay| stay.asks && stay.ask_ms == 1));
}

#[test]
fn a_bad_line_is_named() {
    for (text, what) in [
        ("1,room,0,,1,,1000,0+1", "ask+delay+stay"),
        ("1,room,5,,1,,1000,0+1+1a", "rooms count up"),
        ("1,what,0,,1,,1000,", "no row is of kind"),
        ("1,live,0,,1,,1000,0+1+1", "vm is \"\""),
        ("1,add,0,,x,,", "7 columns"),
        ("# warm_ms=soon", "warm_ms is \"soon\""),
    ] {
        let error = Trace::from_csv(&format!("\n{text}\n")).unwrap_err();
        assert_eq!(error.line, 2, "{text}");
        assert!(error.to_string().contains(what), "{text}: {error}");
    }
}

#[test]
fn an_unknown_preset_is_answered_with_the_known_ones() {
    let error = Workload::preset("huge", 1).unwrap_err().to_string();
    assert!(Workload::PRESETS.iter().all(|preset| error.contains(preset)), "{error}");
}
