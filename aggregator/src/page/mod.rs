//! The pages: functions of plain values to HTML. No script, no foreign resource.

pub mod dashboard;
pub mod front;

use maud::{DOCTYPE, Markup, html};

/// A whole page.
fn layout(title: &str, refresh_s: Option<u32>, class: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                @if let Some(seconds) = refresh_s { meta http-equiv="refresh" content=(seconds); }
                title { (title) }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/style.css";
            }
            body class=(class) { (body) }
        }
    }
}
