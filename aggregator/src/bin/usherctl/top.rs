//! `usherctl top`: the fleet's table, drawn anew again and again.

use std::time::Duration;

use console::Term;

use crate::api::Api;
use crate::fleet::overview;

/// Draws until it is interrupted. An aggregator that does not answer is said and tried again.
pub(crate) async fn top(api: &Api, interval: Duration) -> anyhow::Result<()> {
    let term = Term::stdout();
    let mut beat = tokio::time::interval(interval.max(Duration::from_millis(100)));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    term.clear_screen()?;
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            stop = tokio::signal::ctrl_c() => return Ok(stop?),
        }
        let text = match api.get(&["api", "v1", "fleet"], &[]).await {
            Ok(fleet) => overview(&fleet),
            Err(error) => format!("{error:#}\n"),
        };
        let rows = usize::from(term.size().0).saturating_sub(2);
        term.move_cursor_to(0, 0)?;
        term.write_line(&format!("{}  every {interval:?}, Ctrl-C ends", api.server()))?;
        for line in text.lines().take(rows) {
            term.clear_line()?;
            term.write_line(line)?;
        }
        term.clear_to_end_of_screen()?;
    }
}
