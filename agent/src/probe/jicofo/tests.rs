use usher_common::wire::ProbeFailure;

use super::super::samples::{failed, ok};
use super::*;

const STATS: &str = include_str!("../../../../tests/fixtures/jicofo/stats-1.1.json");
const FORMER: &str = include_str!("../../../../tests/fixtures/jicofo/stats-1.0.json");

fn focus(text: &str) -> Focus {
    match stats(&ok(text.as_bytes())) {
        Ok(Reading::Focus(focus)) => focus,
        other => panic!("no focus: {other:?}"),
    }
}

#[test]
fn present_and_former_statistics_are_understood() {
    let want = Focus {
        participants: Some(46),
        conferences: Some(9),
        largest_conference: Some(18),
        joins_total: Some(6120),
        operational_bridges: Some(1),
        version: Some("1.1.x".into()),
    };
    assert_eq!(focus(STATS), want);
    let former = focus(FORMER);
    assert_eq!((former.participants, former.joins_total, former.version), (Some(11), Some(1337), None));
}

#[test]
fn nested_objects_of_the_wrong_type_cost_their_own_field_only() {
    let focus = focus(r#"{"participants":2,"bridge_selector":[1],"conference_sizes":"?"}"#);
    assert_eq!(focus, Focus { participants: Some(2), ..Focus::default() });
    assert_eq!(failed(stats(&ok(b"{}"))), ProbeFailure::Malformed);
    assert_eq!(failed(stats(&Answered { status: 404, ..ok(b"") })), ProbeFailure::Disabled);
}

#[test]
fn only_jicofos_own_series_are_passed_on() {
    let text =
        b"# TYPE jitsi_jicofo_participants_current gauge\njitsi_jicofo_participants_current 4.0\njvm_x 1\n";
    let Ok(Reading::Series(series)) = metrics(&ok(text)) else { panic!("no series") };
    assert_eq!(series.families().names().collect::<Vec<_>>(), ["jitsi_jicofo_participants_current"]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        proptest::prop_assert!(stats(&ok(&bytes)).is_err() && metrics(&ok(&bytes)).is_err());
    }
}
