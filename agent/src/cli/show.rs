//! What a person sees while work goes on: bars on a terminal, lines elsewhere; and tables at the end.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use usher_agent::stack::{HoldView, LoadedStack, Outcome, PlanView, Progress, StepView, WaitView};

/// Shows progress on standard error.
pub(crate) struct Display {
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    step: Option<ProgressBar>,
    layers: BTreeMap<String, ProgressBar>,
}

impl Display {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { bars: terminal.then(|| Bars { all: MultiProgress::new(), open: Mutex::default() }) }
    }

    /// Says something between the news.
    #[expect(clippy::print_stderr, reason = "this is the program's face")]
    pub(crate) fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.say(&format!("{} {text}", style("→").cyan())),
            None => eprintln!("{text}"),
        }
    }

    /// Takes one piece of news.
    pub(crate) fn show(&self, progress: Progress) {
        match &self.bars {
            Some(bars) => bars.show(progress),
            None => say_line(&progress),
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is the program's face")]
fn say_line(progress: &Progress) {
    match progress {
        Progress::StepBegan { step, .. } => eprintln!("{}", line(step)),
        Progress::StepEnded { failure: Some(failure), .. } => eprintln!("failed: {failure}"),
        Progress::Retry { failure, wait_ms } => eprintln!("again in {} s: {failure}", wait_ms.div_ceil(1000)),
        Progress::Layer { image, layer } if layer.layer.is_none() => eprintln!("  {image}: {}", layer.status),
        Progress::Planned { .. }
        | Progress::Layer { .. }
        | Progress::People { .. }
        | Progress::StepEnded { failure: None, .. } => {}
    }
}

/// `create meet-web-1 from web:2 (its settings changed)`.
pub(crate) fn line(step: &StepView) -> String {
    let detail = if step.detail.is_empty() { String::new() } else { format!(" {}", step.detail) };
    format!("{} {}{detail} ({})", step.action, step.subject, step.because)
}

impl Bars {
    fn show(&self, progress: Progress) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::StepBegan { step, .. } => {
                let spinner = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}");
                let bar = self.all.add(ProgressBar::new_spinner());
                bar.set_style(spinner.expect("the template is sound"));
                bar.set_message(line(&step));
                bar.enable_steady_tick(Duration::from_millis(120));
                open.step = Some(bar);
            }
            Progress::StepEnded { failure, .. } => {
                for bar in std::mem::take(&mut open.layers).into_values() {
                    bar.finish_and_clear();
                }
                if let Some(bar) = open.step.take() {
                    let text = bar.message();
                    bar.finish_and_clear();
                    self.say(&match failure {
                        None => format!("{} {text}", style("✓").green()),
                        Some(failure) => format!("{} {text}\n  {failure}", style("✗").red()),
                    });
                }
            }
            Progress::Retry { failure, wait_ms } => {
                self.say(&format!(
                    "{} again in {} s: {failure}",
                    style("!").yellow(),
                    wait_ms.div_ceil(1000)
                ));
            }
            Progress::Layer { layer, .. } => {
                let Some(id) = layer.layer else { return };
                let bar = open.layers.entry(id.clone()).or_insert_with(|| {
                    let template = "  {prefix} {bar:30.cyan/blue} {bytes:>10}/{total_bytes:<10} {msg}";
                    let bar = self.all.add(ProgressBar::new(0));
                    bar.set_style(ProgressStyle::with_template(template).expect("the template is sound"));
                    bar.set_prefix(id);
                    bar
                });
                let size = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
                if let Some(total) = size(layer.total) {
                    bar.set_length(total);
                }
                if let Some(current) = size(layer.current) {
                    bar.set_position(current);
                }
                bar.set_message(layer.status);
            }
            Progress::Planned { .. } | Progress::People { .. } => {}
        }
    }

    /// A bar that cannot be drawn over is no reason to fail.
    fn say(&self, text: &str) {
        if let Err(error) = self.all.println(text) {
            tracing::debug!(%error, "the terminal takes no lines");
        }
    }
}

/// A table without lines.
pub(crate) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head);
    table
}

/// What the compose files hold that their author hardly means.
#[expect(clippy::print_stderr, reason = "this is the program's face")]
pub(crate) fn warnings(stack: &LoadedStack) {
    for warning in &stack.warnings {
        eprintln!("{} {warning}", style("warning:").for_stderr().yellow());
    }
}

/// A plan for people.
pub(crate) fn plan(plan: &PlanView) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !plan.steps.is_empty() {
        let mut table = table(&["", "STEP", "ON", "", "WHY"]);
        for (index, step) in plan.steps.iter().enumerate() {
            let number = (index + 1).to_string();
            table.add_row([&number, &*step.action, &step.subject, &step.detail, &step.because]);
        }
        lines.push(table.to_string());
    }
    lines.extend(left(&plan.holds, &plan.waits));
    if lines.is_empty() {
        lines.push("nothing to do".to_owned());
    }
    lines.join("\n")
}

/// What is left as it is.
pub(crate) fn left(holds: &[HoldView], waits: &[WaitView]) -> Vec<String> {
    let held =
        holds.iter().map(|hold| format!("{} {}: {}", style("held:").yellow(), hold.subject, hold.text));
    let waiting = waits.iter().map(|wait| {
        format!("{} {} for {} ({})", style("waits:").yellow(), wait.service, wait.on, wait.until)
    });
    held.chain(waiting).collect()
}

/// How it ended, for people.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    if let Some(said) = &outcome.hold_file {
        lines.push(format!("{} a HOLD file is there ({said}): remove it first", style("held:").yellow()));
    }
    lines.extend(outcome.failures.iter().map(|failure| format!("{} {failure}", style("failed:").red())));
    lines.extend(left(&outcome.holds, &outcome.waits));
    if lines.is_empty() {
        let text = if outcome.done.is_empty() { "nothing to do" } else { "done" };
        lines.push(style(text).green().to_string());
    }
    lines.join("\n")
}
