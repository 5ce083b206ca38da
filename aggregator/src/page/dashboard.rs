//! The operators' page: the fleet at a glance, loaded anew every two seconds.

use maud::{Markup, html};
use usher_common::wire::OperatorMode;

use super::layout;
use crate::claims::StoreView;
use crate::discovery::FileView;
use crate::fleet::{Figures, FleetView, Life, NodeView, Readiness};

/// How often the page is loaded anew, seconds.
const REFRESH_S: u32 = 2;

/// The page.
#[must_use]
pub fn dashboard(
    view: &FleetView,
    readiness: &Readiness,
    files: &[FileView],
    store: Option<&StoreView>,
) -> Markup {
    let count = |life: Life| view.nodes.iter().filter(|node| node.life == life).count();
    let people: u64 = figures(view).filter_map(|figures| figures.participants).sum();
    let meetings: u64 = figures(view).filter_map(|figures| figures.conferences).sum();
    let body = html! {
        header {
            h1 { img src="/icon.svg" alt="" width="28" height="28"; " Fleet" }
            nav { a href="/api/v1/fleet" { "JSON" } " " a href="/metrics" { "Metrics" } " " a href="/sd" { "Targets" } }
        }
        main {
            @if view.panic {
                p.error role="alert" { "Most of the fleet was lost at once. Is it us? Check this machine's network and name resolution first." }
            }
            @for reason in &readiness.reasons { p.warning { "Not ready: " (reason) "." } }
            @for file in files.iter().filter(|file| file.error.is_some()) {
                p.warning { (file.error.as_deref().unwrap_or("")) " — its last good list (" (file.targets) " targets) stays in use." }
            }
            @if let Some(store) = store.filter(|store| !store.up) {
                p.warning {
                    "The store of claims is away (" (store.trouble.map_or("", |trouble| trouble.as_str()))
                    ", for " (seconds(store.age_ms)) "): rooms are found by what the agents report."
                }
            }
            @if view.splits.live > 0 {
                p.warning { (view.splits.live) " rooms have people on two nodes; newcomers are led to the earlier one." }
            }
            ul.tiles {
                (tile("may take rooms", &format!("{} of {}", view.eligible, view.nodes.len())))
                (tile("up", &count(Life::Up).to_string()))
                (tile("suspect", &count(Life::Suspect).to_string()))
                (tile("down", &count(Life::Down).to_string()))
                (tile("meetings", &meetings.to_string()))
                (tile("people", &people.to_string()))
            }
            div.scroll {
                table {
                    thead { tr {
                        @for head in ["Node", "Region", "State", "CPU", "Stress", "Memory", "Meetings", "People", "Promised", "Age"] {
                            th scope="col" { (head) }
                        }
                    } }
                    tbody { @for node in &view.nodes { (row(node)) } }
                }
            }
            @if view.nodes.is_empty() { p { "Discovery lists no target." } }
        }
    };
    layout("Fleet", Some(REFRESH_S), "fleet", &body)
}

fn tile(label: &str, value: &str) -> Markup {
    html! { li { strong { (value) } " " span { (label) } } }
}

fn row(node: &NodeView) -> Markup {
    let figures = node.figures.as_ref();
    let smooth = figures.and_then(|figures| figures.cpu_busy_smooth.or(figures.cpu_busy));
    let promised = node.pledged + figures.map_or(0.0, |figures| figures.reserved);
    html! {
        tr class=(if node.eligible { "ok" } else { "off" }) {
            th scope="row" {
                @match (&node.node, &node.url) {
                    (Some(name), Some(url)) => a href=(url) rel="noreferrer" { (name) },
                    _ => (node.target),
                }
            }
            td { (node.region.as_deref().unwrap_or("–")) }
            td.state { (state(node)) }
            td { (bar(smooth)) }
            td { (bar(figures.and_then(|figures| figures.stress))) }
            td { (bar(figures.and_then(|figures| figures.memory_used))) }
            td.number { (known(figures.and_then(|figures| figures.conferences))) }
            td.number { (known(figures.and_then(|figures| figures.participants))) }
            td.number { (format!("{promised:.0}")) }
            td.number { @match figures { Some(figures) => (seconds(figures.age_ms)), None => "–" } }
        }
    }
}

fn state(node: &NodeView) -> Markup {
    let operator = node.operator.as_ref().filter(|operator| operator.mode != OperatorMode::Ready);
    html! {
        span class={ "badge " (node.life.as_str()) } { (node.life.as_str()) }
        @if let Some(operator) = operator {
            " " span.badge.operator { (operator.mode) }
            @if let Some(why) = &operator.why { " " small { (why) } }
        }
        @if let Some(trouble) = &node.trouble {
            " " small title=(trouble.detail) { (trouble.reason) " ×" (trouble.failures) ", for " (seconds(trouble.age_ms)) }
        }
        @for reason in &node.not_ready { " " small { (reason) } }
        @if let (true, Some(unfit)) = (node.life == Life::Up && node.not_ready.is_empty() && operator.is_none(), node.unfit) {
            " " small { (unfit) }
        }
        @for error in &node.errors { " " small.error { (error) } }
    }
}

/// A fraction as a bar and a number; unknown is not zero.
fn bar(fraction: Option<f64>) -> Markup {
    html! {
        @match fraction {
            Some(fraction) => {
                meter min="0" max="1" low="0.6" high="0.85" optimum="0" value=(format!("{fraction:.3}")) {}
                " " span.number { (format!("{:.0} %", fraction * 100.0)) }
            }
            None => "–",
        }
    }
}

fn known(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), |count| count.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "ages in milliseconds")]
fn seconds(ms: u64) -> String {
    let seconds = ms as f64 / 1000.0;
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

fn figures(view: &FleetView) -> impl Iterator<Item = &Figures> {
    view.nodes.iter().filter(|node| node.life != Life::Down).filter_map(|node| node.figures.as_ref())
}
