//! The journal's priorities: each line begins with `<N>`, which journald takes off and keeps
//! as the field PRIORITY, so that `journalctl -p warning` works. See sd-daemon(3).

use std::fmt;
use std::os::unix::fs::MetadataExt as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Whether standard error is the stream that `JOURNAL_STREAM` (`device:inode`) names. The
/// variable alone says nothing: whoever redirects our output hands it on.
pub(super) fn is_stderr(journal_stream: Option<&str>) -> bool {
    let Ok(stderr) = std::fs::metadata("/proc/self/fd/2") else { return false };
    journal_stream.is_some_and(|said| said == format!("{}:{}", stderr.dev(), stderr.ino()))
}

/// Another format, behind the priority.
#[derive(Debug)]
pub(super) struct Prioritized<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Prioritized<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// The syslog priority of a level.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_line_begins_with_its_priority() {
        let lines = Lines::default();
        let sink = lines.clone();
        let format = Prioritized(tracing_subscriber::fmt::format().without_time().with_ansi(false));
        let subscriber =
            tracing_subscriber::fmt().event_format(format).with_writer(move || sink.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!("down");
            tracing::info!("up");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let begins: Vec<&str> = text.lines().map(|line| &line[..3]).collect();
        assert_eq!(begins, ["<3>", "<6>"], "{text}");
    }

    #[test]
    fn only_the_stream_that_the_journal_named_is_the_journals() {
        let stderr = std::fs::metadata("/proc/self/fd/2").unwrap();
        assert!(is_stderr(Some(&format!("{}:{}", stderr.dev(), stderr.ino()))));
        assert!(!is_stderr(Some("0:0")));
        assert!(!is_stderr(None));
    }
}
