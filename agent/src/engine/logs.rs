//! What containers say, line by line.

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use bytes::{Buf as _, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};

use super::{Engine, EngineFailure};

/// What to read of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Go on with what is said from now on.
    pub follow: bool,
    /// So many last lines; `None`: all.
    pub tail: Option<u64>,
    /// Put the engine's time before each line.
    pub timestamps: bool,
    /// From then on, seconds since the Unix epoch.
    pub since: Option<i32>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Whether it was said on the error stream.
    pub error: bool,
    /// The line without its end; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// Longest line that is kept together, bytes: the engine cuts its own at 16 KiB.
const LINE_MAX: usize = 64 * 1024;

impl Engine {
    /// The log of a container.
    pub fn logs(
        &self,
        container: &str,
        request: &LogRequest,
    ) -> impl Stream<Item = Result<LogLine, EngineFailure>> + use<> {
        let tail = request.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::new()
            .follow(request.follow)
            .stdout(true)
            .stderr(true)
            .timestamps(request.timestamps)
            .since(request.since.unwrap_or(0))
            .tail(&tail)
            .build();
        let mut lines = Lines::default();
        let chunks = self.docker.logs(container, Some(options)).map(Some).chain(stream::once(async { None }));
        chunks.flat_map(move |chunk| {
            stream::iter(match chunk {
                Some(Ok(LogOutput::StdErr { message })) => lines.take(true, &message),
                Some(Ok(
                    LogOutput::StdOut { message }
                    | LogOutput::Console { message }
                    | LogOutput::StdIn { message },
                )) => lines.take(false, &message),
                Some(Err(error)) => vec![Err(EngineFailure::from(error))],
                None => lines.rest(),
            })
        })
    }
}

/// The beginnings of lines that have no end yet, one for each stream.
#[derive(Default)]
struct Lines {
    open: [BytesMut; 2],
}

impl Lines {
    fn take(&mut self, error: bool, chunk: &[u8]) -> Vec<Result<LogLine, EngineFailure>> {
        let open = &mut self.open[usize::from(error)];
        open.extend_from_slice(chunk);
        let mut out = Vec::new();
        while let Some(end) = open.iter().position(|byte| *byte == b'\n') {
            let line = open.split_to(end);
            open.advance(1);
            out.push(Ok(line_of(error, &line)));
        }
        if open.len() > LINE_MAX {
            let line = open.split();
            out.push(Ok(line_of(error, &line)));
        }
        out
    }

    fn rest(&mut self) -> Vec<Result<LogLine, EngineFailure>> {
        let ends = [false, true].map(|error| (error, self.open[usize::from(error)].split()));
        ends.into_iter()
            .filter(|(_, rest)| !rest.is_empty())
            .map(|(error, rest)| Ok(line_of(error, &rest)))
            .collect()
    }
}

fn line_of(error: bool, bytes: &[u8]) -> LogLine {
    LogLine { error, text: String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_the_engine_cuts_them() {
        let mut lines = Lines::default();
        let text = |found: Vec<Result<LogLine, EngineFailure>>| -> Vec<(bool, String)> {
            found.into_iter().map(|line| line.unwrap()).map(|line| (line.error, line.text)).collect()
        };
        assert_eq!(text(lines.take(false, b"one\r\ntw")), [(false, "one".to_owned())]);
        assert_eq!(text(lines.take(true, b"oops\n")), [(true, "oops".to_owned())]);
        assert_eq!(text(lines.take(false, b"o\nend")), [(false, "two".to_owned())]);
        assert_eq!(text(lines.rest()), [(false, "end".to_owned())]);
    }
}
