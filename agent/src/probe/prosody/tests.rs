use proptest::prelude::*;

use super::super::samples::{failed, ok};
use super::*;

const CENSUS: &str = include_str!("../../../../tests/fixtures/prosody/census.json");
const EMPTY_FORMER: &str = include_str!("../../../../tests/fixtures/prosody/census-empty-former.json");

fn read(text: &str) -> Census {
    match census(&ok(text.as_bytes())) {
        Ok(Reading::Census(census)) => census,
        other => panic!("no census: {other:?}"),
    }
}

#[test]
fn rooms_become_keys_with_sizes_and_ages() {
    let census = read(CENSUS);
    assert_eq!((census.participants, census.conferences, census.largest_conference), (22, 3, 18));
    assert_eq!((census.leaked, census.skipped), (1, 0));
    let key = |tenant: &str, name: &str| RoomKey::of(b"secret", tenant, name);
    let want = [
        (key("", "weekly"), 3, Some(643)),
        (key("", "café"), 18, Some(3600)),
        (key("acme", "weekly"), 1, None),
        (key("", "starting"), 0, None),
    ];
    let rooms = census.rooms.expect("a secret was given");
    let got: Vec<_> = rooms.into_iter().map(|room| (room.key, room.participants, room.age_s)).collect();
    assert_eq!(got, want);
}

#[test]
fn an_empty_census_is_zero_in_both_dialects_and_anything_else_is_malformed() {
    for empty in [EMPTY_FORMER, r#"{"room_census":[]}"#] {
        assert_eq!(read(empty), Census { rooms: Some(vec![]), ..Census::default() });
    }
    for bad in [
        "{}",
        r#"{"room_census":{"a":1}}"#,
        r#"{"room_census":7}"#,
        "[]",
        "<html>",
        r#"{"room_census":[1,2]}"#,
    ] {
        assert_eq!(failed(census(&ok(bad.as_bytes()))), ProbeFailure::Malformed, "{bad}");
    }
    assert_eq!(failed(census(&Answered { status: 404, ..ok(b"") })), ProbeFailure::Disabled);
}

#[test]
fn without_the_secret_rooms_are_counted_but_not_listed() {
    let answered = Answered { room_secret: None, ..ok(CENSUS.as_bytes()) };
    let Ok(Reading::Census(census)) = census(&answered) else { panic!("no census") };
    assert_eq!((census.rooms, census.participants), (None, 22));
}

#[test]
fn entries_that_make_no_sense_are_skipped_and_counted() {
    let census = read(
        r#"{"room_census":[{"room_name":"a@m","participants":2},{"participants":2},{"room_name":"b@m"},{"room_name":"c@m","participants":"3"},7]}"#,
    );
    assert_eq!((census.participants, census.skipped), (2, 4));
}

#[test]
fn creation_times_are_taken_in_seconds_and_milliseconds_and_never_lead_below_zero() {
    let age = |created: &str| {
        let text =
            format!(r#"{{"room_census":[{{"room_name":"a@m","participants":1,"created_time":{created}}}]}}"#);
        read(&text).rooms.unwrap()[0].age_s
    };
    assert_eq!(age("1787303603"), Some(40));
    assert_eq!(age("1787303603000"), Some(40));
    assert_eq!(age("\"1787303603000\""), Some(40));
    assert_eq!(age("1787399999000"), Some(0), "the room's clock is ahead");
    assert_eq!((age("null"), age("0"), age("-5"), age("\"soon\"")), (None, None, None, None));
}

#[test]
fn a_health_page_that_is_not_for_us_is_neither_health_nor_illness() {
    let at = |status| Answered { status, ..ok(b"HAS ERRORS\n") };
    assert_eq!(health(&at(200)), Ok(Reading::Well));
    assert_eq!(failed(health(&at(403))), ProbeFailure::Denied);
    assert_eq!(failed(health(&at(404))), ProbeFailure::Disabled);
    assert_eq!(failed(health(&at(500))), ProbeFailure::Unhealthy);
    assert_eq!(bosh(&at(200)), Ok(Reading::Well));
    assert_eq!(failed(bosh(&at(502))), ProbeFailure::Status);
}

proptest! {
    #[test]
    fn no_name_is_in_what_leaves(name in "[a-z]{12,20}", tenant in "[a-z]{12,20}", damage in "[{}\\[\\]\",: ]{0,3}", at in 0usize..90) {
        let mut text = format!(
            r#"{{"room_census":[{{"room_name":"[{tenant}]{name}@muc.meet.jitsi","participants":3}},{{"room_name":"{name}"}}]}}"#
        );
        text.insert_str(at.min(text.len()), &damage);
        let result = census(&ok(text.as_bytes()));
        let shown = match &result {
            Ok(reading) => format!("{reading:?}"),
            Err(failed) => format!("{failed:?} {failed}"),
        };
        prop_assert!(!shown.contains(&name) && !shown.contains(&tenant), "{}", shown);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), status in 100u16..600) {
        let answered = Answered { status, ..ok(&bytes) };
        for read in [census, health, bosh, metrics] {
            prop_assert!(read(&answered).is_err() || status == 200);
        }
    }
}
