//! The front page: one button, and a field for those who have a name in mind.

use maud::{Markup, html};

use super::layout;

/// What the front page shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Front<'a> {
    /// Regions to choose from; no choice is offered for fewer than two.
    pub regions: &'a [String],
    /// What was entered before.
    pub name: &'a str,
    /// What was chosen before.
    pub region: &'a str,
    /// What was entered before.
    pub people: &'a str,
    /// What was wrong with it.
    pub error: Option<&'a str>,
}

/// What the page says when there is no server.
#[derive(Debug, Clone, Copy)]
pub struct Sorry<'a> {
    /// Why, as a fragment.
    pub reason: &'a str,
    /// When to try again.
    pub retry_after_s: Option<u32>,
    /// The room somebody wanted to join, which the page then tries again by itself.
    pub room: Option<&'a str>,
}

/// The page.
#[must_use]
pub fn front(front: &Front<'_>) -> Markup {
    let open = !front.people.is_empty() || !front.region.is_empty();
    let body = html! {
        main.card {
            img.logo src="/icon.svg" alt="" width="56" height="56";
            h1 { "Start a meeting" }
            p.lead { "One click opens a room on the server with the most space. Share its address to invite others." }
            @if let Some(error) = front.error { p.error #error role="alert" { (error) } }
            form method="post" action="/meet" {
                label for="name" { "Room name " span.hint { "(optional)" } }
                input #name name="name" type="text" value=(front.name) maxlength="200" autocomplete="off"
                    autocapitalize="none" spellcheck="false" placeholder="team-meeting" autofocus
                    aria-describedby=(if front.error.is_some() { "error name-hint" } else { "name-hint" })
                    aria-invalid=[front.error.map(|_| "true")];
                p.hint #name-hint { "Leave it empty for a name that nobody can guess. The same name always leads to the same room." }
                details open[open] {
                    summary { "More options" }
                    label for="people" { "How many people do you expect?" }
                    input #people name="people" type="number" min="1" max="10000" inputmode="numeric" value=(front.people);
                    @if front.regions.len() > 1 {
                        label for="region" { "Region" }
                        select #region name="region" {
                            option value="" { "Any" }
                            @for region in front.regions {
                                option value=(region) selected[region == front.region] { (region) }
                            }
                        }
                    }
                }
                button type="submit" { "Start a meeting" }
            }
        }
    };
    layout("Start a meeting", None, "front", &body)
}

/// The page for when nobody can be helped just now.
#[must_use]
pub fn sorry(sorry: &Sorry<'_>) -> Markup {
    let refresh = sorry.room.and(sorry.retry_after_s);
    let body = html! {
        main.card {
            img.logo src="/icon.svg" alt="" width="56" height="56";
            h1 { "Please try again in a moment" }
            p.lead { "We are sorry: " (sorry.reason) "." }
            @if let Some(seconds) = refresh {
                p { "This page tries again by itself every " (seconds) " seconds." }
            } @else {
                p { "Nothing is lost: go back and press the button again." }
                p { a.button href="/" { "Back to the start" } }
            }
        }
    };
    layout("Please try again", refresh, "front", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_enter_is_escaped_and_kept() {
        let regions = ["eu".to_owned(), "us".to_owned()];
        let page = front(&Front {
            regions: &regions,
            name: "\"><script>alert(1)</script>",
            region: "us",
            people: "12",
            error: Some("<b>no</b>"),
        });
        let page = page.into_string();
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(page.contains(r#"<option value="us" selected>"#) && page.contains(r#"value="12""#), "{page}");
    }

    #[test]
    fn a_single_region_is_no_choice() {
        assert!(
            !front(&Front { regions: &["eu".to_owned()], ..Front::default() })
                .into_string()
                .contains("<select")
        );
    }

    #[test]
    fn only_a_page_that_can_be_asked_for_again_reloads_itself() {
        let page = |room| sorry(&Sorry { reason: "r", retry_after_s: Some(5), room }).into_string();
        assert!(page(Some("a")).contains(r#"http-equiv="refresh" content="5""#));
        assert!(!page(None).contains("http-equiv"));
    }
}
