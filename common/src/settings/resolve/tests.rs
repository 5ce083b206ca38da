use super::*;
use crate::settings::{Kind, example};

static SCHEMA: Schema = Schema {
    env_prefix: "T",
    keys: &[
        Key { path: "listen", kind: Kind::Address, default: Some("127.0.0.1:9100"), help: "Where." },
        Key { path: "scrape.interval", kind: Kind::Duration, default: Some("1s"), help: "How often." },
        Key {
            path: "scrape.fall",
            kind: Kind::Integer { min: 1, max: 9 },
            default: Some("2"),
            help: "In a row.",
        },
        Key { path: "labels", kind: Kind::Map, default: None, help: "Own words." },
        Key { path: "policy", kind: Kind::Word(&["random", "least-cpu"]), default: None, help: "How." },
        Key {
            path: "full",
            kind: Kind::Number { min_milli: 0, max_milli: 2000 },
            default: Some("1"),
            help: "At.",
        },
    ],
    tables: &[Table {
        path: "discovery.static",
        keys: &[
            Key { path: "targets", kind: Kind::List, default: None, help: "Whom." },
            Key { path: "kind", kind: Kind::Text, default: Some("usher"), help: "What." },
        ],
        help: "Fixed targets.",
    }],
};

fn from_file(text: &str) -> Result<Settings, Complaints> {
    resolve(&SCHEMA, &Sources::default().with_file(Path::new("t.toml"), text))
}

fn complaints(text: &str) -> Vec<String> {
    from_file(text).expect_err("was taken").lines().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let mut sources = Sources::default();
    let interval = |sources: &Sources| {
        let settings = resolve(&SCHEMA, sources).unwrap();
        (
            settings.duration("scrape.interval").unwrap().as_millis(),
            settings.origin("scrape.interval").to_string(),
        )
    };
    assert_eq!(interval(&sources), (1000, "default".to_owned()));
    sources = sources.with_file(Path::new("t.toml"), "\n[scrape]\ninterval = \"2s\"");
    assert_eq!(interval(&sources), (2000, "t.toml:3".to_owned()));
    sources.environment.insert("T_SCRAPE_INTERVAL".into(), "3s".into());
    assert_eq!(interval(&sources), (3000, "$T_SCRAPE_INTERVAL".to_owned()));
    sources.flags.insert("scrape.interval".into(), "250ms".into());
    assert_eq!(interval(&sources), (250, "--scrape-interval".to_owned()));
}

#[test]
fn all_complaints_come_at_once_each_with_its_line() {
    let lines = complaints(
        "listn = \"x\"\nlisten = 9100\n[scrape]\ninterval = \"soon\"\nfall = 0\n[nothing]\nx = 1\n",
    );
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert_eq!(lines[0], "t.toml:1: unknown key \"listn\"; did you mean \"listen\"?");
    assert!(lines[1].starts_with("t.toml:2: listen must be a string with an address"), "{}", lines[1]);
    assert!(
        lines.iter().any(|line| line.starts_with("t.toml:4: scrape.interval \"soon\" is no length of time"))
    );
    assert!(
        lines.iter().any(|line| line == "t.toml:5: scrape.fall must be a whole number from 1 to 9, but is 0")
    );
    assert!(lines.iter().any(|line| line == "t.toml:6: unknown key \"nothing\""), "{lines:#?}");
}

#[test]
fn broken_toml_and_duplicate_keys_are_named_by_line() {
    assert!(
        complaints("listen = \n")[0].starts_with("t.toml:1: not TOML: "),
        "{:?}",
        complaints("listen = \n")
    );
    assert!(complaints("full = 1\nfull = 2\n")[0].starts_with("t.toml:2: not TOML: duplicate key"));
}

#[test]
fn a_misspelt_variable_with_our_prefix_is_a_complaint() {
    let mut sources = Sources::default();
    sources.environment.insert("T_SCRAPE_INTERVALL".into(), "3s".into());
    sources.environment.insert("OTHER".into(), "x".into());
    let text = resolve(&SCHEMA, &sources).expect_err("was taken").to_string();
    assert!(
        text.contains("$T_SCRAPE_INTERVALL: unknown variable; did you mean \"T_SCRAPE_INTERVAL\"?"),
        "{text}"
    );
}

#[test]
fn repeatable_tables_have_defaults_and_their_own_complaints() {
    let text =
        "[[discovery.static]]\ntargets = [\"http://a\"]\n[[discovery.static]]\nkind = \"node_exporter\"\n";
    let settings = from_file(text).unwrap();
    let kinds: Vec<_> =
        settings.entries("discovery.static").iter().map(|e| e.text("kind").unwrap()).collect();
    assert_eq!(kinds, ["usher", "node_exporter"]);
    assert_eq!(settings.entries("discovery.static")[1].list("targets"), None);
    let lines = complaints("[[discovery.static]]\ntarget = [\"http://a\"]\n[discovery.statik]\n");
    assert!(
        lines[0].contains("unknown key \"target\" in [[discovery.static]]; did you mean \"targets\"?"),
        "{lines:?}"
    );
}

#[test]
fn maps_words_and_numbers_come_from_text_too() {
    let mut sources = Sources::default();
    sources.flags.insert("labels".into(), "a=1, b=x=y".into());
    sources.flags.insert("policy".into(), "least-cpu".into());
    sources.flags.insert("full".into(), "0.85".into());
    let settings = resolve(&SCHEMA, &sources).unwrap();
    assert_eq!(settings.map("labels").unwrap()["b"], "x=y");
    assert_eq!(settings.text("policy").unwrap(), "least-cpu");
    assert!((settings.number("full").unwrap() - 0.85).abs() < 1e-9);
    sources.flags.insert("policy".into(), "leest-cpu".into());
    let text = resolve(&SCHEMA, &sources).expect_err("was taken").to_string();
    assert!(text.contains("--policy") && text.contains("did you mean \"least-cpu\"?"), "{text}");
}

#[test]
fn the_example_file_is_the_defaults() {
    let text = example(&SCHEMA, "The test.");
    let settings = from_file(&text).unwrap();
    for (key, value, _) in settings.iter() {
        assert_eq!(
            value.map(Value::to_text),
            resolve(&SCHEMA, &Sources::default()).unwrap().value(key.path).map(Value::to_text)
        );
    }
    let uncommented: String =
        text.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).map(|l| format!("{l}\n")).collect();
    from_file(&uncommented).unwrap();
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let read = from_file(&text);
        proptest::prop_assert!(read.is_ok() || !read.expect_err("checked").lines().is_empty());
    }
}
