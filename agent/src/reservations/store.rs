//! The book, its lock and its file.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use usher_common::rt::files::{SMALL_FILE_MAX, read_text};
use usher_common::rt::process::unix_now_ms;
use usher_common::wire::{Refusal, Reservation, ReservationRequest, Room};

use super::book::{Book, Granted, Limits, Standing};

const FILE: &str = "reservations.json";

/// The reservations of a running agent.
#[derive(Debug)]
pub struct Reservations {
    path: PathBuf,
    limits: Limits,
    book: Mutex<Book>,
}

impl Reservations {
    /// Reads what an earlier life promised; what cannot be read is forgotten, with a warning.
    #[must_use]
    pub fn load(directory: &Path, limits: Limits) -> Self {
        let path = directory.join(FILE);
        let mut book = match read_text(&path, SMALL_FILE_MAX * 8) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "old reservations cannot be read");
                Book::default()
            }),
            Err(_) => Book::default(),
        };
        book.lapse(unix_now_ms());
        Self { path, limits, book: Mutex::new(book) }
    }

    /// Grants a reservation, or says why not.
    pub fn reserve(&self, request: &ReservationRequest, standing: Standing<'_>) -> Result<Granted, Refusal> {
        self.change(|book| {
            let answer = book.reserve(request, standing, self.limits, unix_now_ms());
            (answer == Ok(Granted::New), answer)
        })
    }

    /// Takes a reservation back; whether it was there.
    pub fn release(&self, id: &str) -> bool {
        self.change(|book| {
            let was = book.release(id);
            (was, was)
        })
    }

    /// Ends the reservations of rooms that are live.
    pub fn arrived(&self, rooms: &[Room]) {
        self.change(|book| (book.arrived(rooms), ()));
    }

    /// What holds now.
    #[must_use]
    pub fn list(&self) -> Vec<Reservation> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).list(unix_now_ms())
    }

    /// People promised and not arrived.
    #[must_use]
    pub fn pending(&self) -> f64 {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).pending(unix_now_ms())
    }

    /// Changes the book and, when it changed, writes it.
    fn change<T>(&self, act: impl FnOnce(&mut Book) -> (bool, T)) -> T {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let (changed, answer) = act(&mut book);
        if changed && let Err(error) = self.write(&book) {
            // The promise holds in memory; a full disk must not refuse meetings.
            tracing::debug!(path = %self.path.display(), %error, "reservations were not written");
        }
        answer
    }

    /// Whole or not at all, into the page cache: microseconds, so it is done in place.
    fn write(&self, book: &Book) -> std::io::Result<()> {
        let temporary = self.path.with_extension("json.new");
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(&temporary, serde_json::to_vec(book)?)?;
        std::fs::rename(&temporary, &self.path)
    }
}
