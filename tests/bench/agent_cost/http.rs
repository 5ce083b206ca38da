//! A scraper that costs next to nothing itself: one connection, kept open, blocking reads.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// What Debian 12's Prometheus sends.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    /// As Prometheus does.
    Metrics { gzip: bool },
    /// As the aggregator does: packed, and only when it is news.
    Report,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metrics { gzip: false } => "/metrics plain",
            Self::Metrics { gzip: true } => "/metrics gzip",
            Self::Report => "/v1/report gzip",
        })
    }
}

/// A connection to a port of loopback.
#[derive(Debug)]
pub(crate) struct Connection {
    port: u16,
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
    tag: Option<String>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self { port, stream: BufReader::new(stream), body: Vec::new(), tag: None })
    }

    /// Asks and reads the whole answer; the bytes of its body as sent.
    pub(crate) fn get(&mut self, request: Request) -> Result<usize> {
        let (path, gzip) = match request {
            Request::Metrics { gzip } => ("/metrics", gzip),
            Request::Report => ("/v1/report", true),
        };
        let mut head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {ACCEPT}\r\n");
        if gzip {
            head.push_str("Accept-Encoding: gzip\r\n");
        }
        if let Some(tag) = &self.tag {
            head.push_str(&format!("If-None-Match: {tag}\r\n"));
        }
        head.push_str("\r\n");
        if self.is_closed()? {
            let tag = self.tag.take();
            *self = Self { tag, ..Self::open(self.port)? };
        }
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.answer().with_context(|| format!("no sound answer to {path}"))
    }

    /// Whether the server ended an idle connection, as servers do; Prometheus opens another, too.
    fn is_closed(&self) -> Result<bool> {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true)?;
        let closed = matches!(stream.peek(&mut [0]), Ok(0));
        stream.set_nonblocking(false)?;
        Ok(closed)
    }

    fn answer(&mut self) -> Result<usize> {
        let status = self.line()?;
        let news = status.starts_with("HTTP/1.1 200");
        ensure!(news || status.starts_with("HTTP/1.1 304"), "{status}");
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-length", value) => length = value.parse()?,
                ("transfer-encoding", value) => chunked = value == "chunked",
                ("etag", value) => self.tag = Some(value.to_owned()),
                _ => {}
            }
        }
        let mut total = 0;
        if news && !chunked {
            self.read(length)?;
            total = length;
        }
        let mut last = !(news && chunked);
        while !last {
            let length = usize::from_str_radix(&self.line()?, 16)?;
            self.read(length)?;
            self.line()?;
            total += length;
            last = length == 0;
        }
        ensure!(!news || total > 0, "an empty body");
        Ok(total)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the connection was closed");
        Ok(line.trim_end().to_owned())
    }

    fn read(&mut self, length: usize) -> Result<()> {
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(())
    }
}
