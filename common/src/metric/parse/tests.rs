use proptest::prelude::*;

use super::*;
use crate::metric::{Families, Format, encode};

const ALL: Bounds<'static> =
    Bounds { prefixes: &[], samples: 100, text_bytes: 64, labels: 4, created: false };

/// The value of the sample `name` without labels.
fn value(parsed: &Parsed, name: &str) -> Option<f64> {
    let family = parsed.families.iter().find(|family| family.name() == name)?;
    let metric = family.get_metric().iter().find(|metric| metric.get_label().is_empty())?;
    Some(match family.get_field_type() {
        proto::MetricType::COUNTER => metric.get_counter().get_value(),
        _ => metric.get_gauge().get_value(),
    })
}

/// What is written again after reading.
fn again(text: &str, bounds: &Bounds<'_>) -> (String, usize) {
    let parsed = parse(text, bounds);
    (encode(Format::Text, [&Families::of(&parsed.families)]), parsed.dropped)
}

#[test]
fn types_labels_and_special_values_survive() {
    let text = "# HELP a_total How\\nmany \\\\ of them.\n# TYPE a_total counter\n\
                a_total{x=\"1,2}\",y=\"a\\\"b\\\\c\\nd\"} 1.7E9\n\
                # TYPE g gauge\ng NaN\n# TYPE h histogram\nh_bucket{le=\"0\"} 1\nh_bucket{le=\"2.5\"} 3\n\
                h_bucket{le=\"+Inf\"} 4\nh_sum 7.5\nh_count 4\n# TYPE s summary\ns{quantile=\"0.5\"} 2\ns_sum 9\ns_count 3\n\
                # TYPE u untyped\nu -1\n";
    let want = "# HELP a_total How\\nmany \\\\ of them.\n# TYPE a_total counter\n\
                a_total{x=\"1,2}\",y=\"a\\\"b\\\\c\\nd\"} 1700000000\n\
                # TYPE g gauge\ng NaN\n# TYPE h histogram\nh_bucket{le=\"0\"} 1\nh_bucket{le=\"2.5\"} 3\n\
                h_bucket{le=\"+Inf\"} 4\nh_sum 7.5\nh_count 4\n# TYPE s summary\ns{quantile=\"0.5\"} 2\ns_sum 9\ns_count 3\n\
                # TYPE u untyped\nu -1\n";
    assert_eq!(again(text, &ALL), (want.to_owned(), 0));
}

#[test]
fn a_few_values_are_the_first_without_labels_of_their_names() {
    let text = "# TYPE j_a gauge\nj_a{x=\"1\"} 1\nj_ab 2\n  j_a 3\nj_a 4\nj_b NaN\nj_c{x=\"1\"} 5\nj_d word\nother 6\n";
    let found = values(text, &ALL, "j_", ["a", "b", "c", "d", "e"]).unwrap();
    assert_eq!((found[0], found[2..].to_vec()), (Some(3.0), vec![None; 3]));
    assert!(found[1].unwrap().is_nan());
    for nothing in ["", "other 6\n", "# HELP j_a Help.\n# TYPE j_a gauge\n", "j_a word\n", "<html>"] {
        assert_eq!(values(nothing, &ALL, "j_", ["a"]), None, "{nothing}");
    }
}

#[test]
fn openmetrics_names_lead_to_the_same_families() {
    let text = "# TYPE a counter\n# HELP a Things.\na_total{x=\"1\"} 2 1600000000 # {trace=\"z\"} 1 2\na_created 1e9\n\
                # TYPE v info\nv_info{v=\"1\"} 1\n# EOF\n";
    let want = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"1\"} 2\n# TYPE v_info gauge\nv_info{v=\"1\"} 1\n";
    assert_eq!(again(text, &ALL), (want.to_owned(), 0));
}

#[test]
fn created_series_are_left_out_but_a_counter_of_things_created_is_not() {
    let text = "# TYPE rooms_created_total counter\nrooms_created_total 4\n# TYPE rooms_created_created gauge\nrooms_created_created 1.7E9\n";
    assert_eq!(again(text, &ALL).0, "# TYPE rooms_created_total counter\nrooms_created_total 4\n");
    assert_eq!(parse(text, &Bounds { created: true, ..ALL }).families.len(), 2);
}

#[test]
fn what_stands_behind_a_value_is_counted_and_a_type_that_is_none_is_dropped() {
    let parsed = parse("# TYPE a gadget\na 1 1600000000000\nb 2\n", &ALL);
    assert_eq!((value(&parsed, "a"), parsed.dated, parsed.dropped), (Some(1.0), 1, 1));
}

#[test]
fn nothing_is_there_twice_and_the_first_type_stands() {
    let text = "# TYPE a gauge\na 1\n# TYPE a counter\na 2\na{b=\"1\",c=\"2\"} 3\na{c=\"2\",b=\"1\"} 4\n\
                # TYPE h histogram\nh_count 1\nh_sum 1\n# TYPE h_count gauge\n";
    assert_eq!(
        again(text, &ALL),
        ("# TYPE a gauge\na 1\na{b=\"1\",c=\"2\"} 3\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n".into(), 2)
    );
    let shadow = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n# TYPE h_count gauge\nh_count 5\n";
    let (text, dropped) = again(shadow, &ALL);
    assert_eq!((text.matches("h_count").count(), dropped), (1, 1), "{text}");
}

#[test]
fn bounds_hold_and_what_is_beyond_is_counted() {
    let many: String = (0..150).map(|n| format!("m{{n=\"{n}\"}} {n}\n")).collect();
    let parsed = parse(&many, &ALL);
    assert_eq!((parsed.families[0].get_metric().len(), parsed.dropped), (100, 50));
    let long = format!("a{{b=\"{}\"}} 1\nb{{v=\"1\",w=\"2\",x=\"3\",y=\"4\",z=\"5\"}} 1\n", "x".repeat(65));
    assert_eq!(parse(&long, &ALL), Parsed { families: vec![], dropped: 2, dated: 0 });
    let prefixes = Bounds { prefixes: &["jitsi_"], ..ALL };
    let parsed = parse("jvm_threads 3\njitsi_x 1\n<html>\n", &prefixes);
    assert_eq!((parsed.families.len(), parsed.dropped, value(&parsed, "jitsi_x")), (1, 0, Some(1.0)));
}

#[test]
fn lines_that_make_no_sense_are_dropped_alone() {
    let text =
        "a 1\na{ 2\na{b} 2\na{b=} 2\na{b=\"} 2\na{b=\"c\"\n1a 3\na{b=\"1\",b=\"2\"} 1\nb nothing\nc\nd 4\n";
    let parsed = parse(text, &ALL);
    assert_eq!((value(&parsed, "a"), value(&parsed, "d"), parsed.dropped), (Some(1.0), Some(4.0), 9));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_comes_out_reads_the_same_again(
        text in "([a-c]|_total|_bucket|_count|_sum|\\{|\\}|\"|=|,|\\\\|le=\"1\"|[0-9.+-]| |\n|# TYPE |# HELP |histogram|counter|NaN|Inf|é){0,120}"
    ) {
        let first = parse(&text, &ALL);
        let written = encode(Format::Text, [&Families::of(&first.families)]);
        let second = parse(&written, &ALL);
        prop_assert_eq!(encode(Format::Text, [&Families::of(&second.families)]), written);
        prop_assert_eq!(second.dropped, 0);
    }

    #[test]
    fn arbitrary_text_is_survived_in_both_formats(text in "\\PC{0,300}") {
        let parsed = parse(&text, &ALL);
        prop_assert!(encode(Format::OpenMetrics, [&Families::of(&parsed.families)]).ends_with("# EOF\n"));
    }
}
