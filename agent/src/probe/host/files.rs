//! Reading: bytes of files into a buffer that is used again and again.
//!
//! Files of `/proc` that live as long as the kernel are kept open: reading them anew
//! from their start costs a fraction of opening them (no path walk, no allocation).

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::{CollectError, Roots};

/// No file we read is larger, bytes; `/proc/net/udp` of 50,000 sockets has about 7 MiB.
const CAP: usize = 16 << 20;

/// The open files and the buffer.
#[derive(Debug)]
pub(super) struct Files {
    roots: Roots,
    kept: HashMap<&'static str, File>,
    text: Text,
    last: PathBuf,
}

impl Files {
    pub(super) fn new(roots: Roots) -> Self {
        Self { roots, kept: HashMap::new(), text: Text::default(), last: PathBuf::new() }
    }

    /// The text of a file below `/proc` that exists for as long as the kernel runs.
    pub(super) fn proc(&mut self, name: &'static str) -> Result<&str, CollectError> {
        self.read_proc(name, End::Nothing)
    }

    /// As [`Self::proc`], for a file that the kernel makes in one piece: most that are not lists.
    pub(super) fn proc_single(&mut self, name: &'static str) -> Result<&str, CollectError> {
        self.read_proc(name, End::LessThanRoom)
    }

    /// As [`Self::proc`], for a file of short records that is dear to read past its end.
    pub(super) fn proc_records(&mut self, name: &'static str) -> Result<&str, CollectError> {
        self.read_proc(name, End::LessThanHalfAPage)
    }

    fn read_proc(&mut self, name: &'static str, end: End) -> Result<&str, CollectError> {
        if !self.kept.contains_key(name) {
            let path = self.roots.proc.join(name);
            let file = File::open(&path).map_err(|source| CollectError::read(&path, source))?;
            self.kept.insert(name, file);
        }
        self.last.clear();
        self.last.push(&self.roots.proc);
        self.last.push(name);
        match self.text.fill(&self.kept[name], end) {
            Ok(()) => Ok(self.text.as_str()),
            Err(source) => {
                // Whatever ails the handle, the next pass opens anew.
                self.kept.remove(name);
                Err(CollectError::read(&self.last, source))
            }
        }
    }

    /// The text that was read last.
    pub(super) fn text(&self) -> &str {
        self.text.as_str()
    }

    /// The text of any other file, opened for this one reading.
    pub(super) fn once(&mut self, path: &Path) -> Result<&str, CollectError> {
        self.last.clear();
        self.last.push(path);
        let read = File::open(path).and_then(|file| self.text.fill(&file, End::ShortRead));
        read.map_err(|source| CollectError::read(path, source))?;
        Ok(self.text.as_str())
    }

    /// The trimmed text of a small file that need not exist or be readable, such as an
    /// attribute in `/sys`: `None` when it is not, as not every device has every attribute.
    pub(super) fn attribute(&mut self, path: &Path) -> Option<&str> {
        self.once(path).ok().map(str::trim)
    }

    /// As [`Self::attribute`], a number.
    pub(super) fn number(&mut self, path: &Path) -> Option<f64> {
        self.attribute(path)?.parse().ok()
    }

    /// The file read last: what a panic is blamed on.
    pub(super) fn last(&self) -> &Path {
        &self.last
    }

    /// The path of a file below `/proc`, for errors.
    pub(super) fn proc_path(&self, name: &str) -> PathBuf {
        self.roots.proc.join(name)
    }
}

/// How the end of a file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By reading once more: for every file of `/proc`.
    Nothing,
    /// A file made in one piece comes whole, as far as there is room.
    LessThanRoom,
    /// Attributes of `/sys` come whole, up to a page; other files as far as there is room.
    ShortRead,
    /// The kernel gives as many whole records at a time as a page holds. Where no record
    /// is longer than half a page, less than that is the end.
    LessThanHalfAPage,
}

const PAGE: usize = 4096;

impl End {
    /// Whether a piece of so many bytes, read into so much room, was the last.
    const fn is_reached(self, count: usize, room: usize) -> bool {
        match self {
            Self::Nothing => count == 0,
            Self::LessThanRoom => count < room,
            Self::ShortRead => count < PAGE,
            Self::LessThanHalfAPage => count < PAGE / 2,
        }
    }
}

/// A file of one device or control group that is kept open while that lives.
#[derive(Debug)]
pub(in crate::probe) struct Attribute {
    path: PathBuf,
    file: Option<File>,
}

impl Attribute {
    pub(in crate::probe) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Its trimmed text. When the device is gone the file is opened anew, for another one
    /// of the same name may have come.
    pub(in crate::probe) fn read<'text>(&mut self, text: &'text mut Text) -> io::Result<&'text str> {
        let gone = rustix::io::Errno::NODEV.raw_os_error();
        if let Some(file) = &self.file {
            match text.fill(file, End::ShortRead) {
                Ok(()) => return Ok(text.as_str().trim()),
                // What the device does not tell, such as the speed of a link that is down.
                Err(error) if error.raw_os_error() != Some(gone) => return Err(error),
                Err(_) => {}
            }
        }
        self.file = None;
        let file = self.file.insert(File::open(&self.path)?);
        text.fill(file, End::ShortRead)?;
        Ok(text.as_str().trim())
    }
}

/// A buffer of text. Bytes that are not UTF-8 (mount points may hold any) are replaced.
#[derive(Debug, Default)]
pub(in crate::probe) struct Text {
    bytes: Vec<u8>,
    length: usize,
}

impl Text {
    /// Reads the whole file from its start.
    fn fill(&mut self, file: &File, end: End) -> io::Result<()> {
        self.length = 0;
        loop {
            if self.bytes.len() - self.length < PAGE {
                if self.length >= CAP {
                    return Err(io::Error::new(
                        io::ErrorKind::FileTooLarge,
                        format!("larger than {CAP} bytes"),
                    ));
                }
                self.bytes.resize((self.bytes.len() * 2).max(16 << 10), 0);
            }
            // A text of /proc may come in pieces: only nothing at all is its end.
            match file.read_at(&mut self.bytes[self.length..], self.length as u64) {
                Ok(0) => break,
                Ok(count) => {
                    let room = self.bytes.len() - self.length;
                    self.length += count;
                    if end.is_reached(count, room) {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if std::str::from_utf8(&self.bytes[..self.length]).is_err() {
            let clean = String::from_utf8_lossy(&self.bytes[..self.length]).into_owned();
            self.length = clean.len();
            self.bytes = clean.into_bytes();
        }
        Ok(())
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).expect("fill leaves only UTF-8")
    }
}
