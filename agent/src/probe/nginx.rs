//! What the web container's nginx says: `stub_status`, and whether the front door opens.

use super::certificate::{Certificate, from_der};
use super::json::whole;
use super::reading::{Answered, Failed, Reading};

/// nginx's own counters, under the names of its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StubStatus {
    /// Open client connections, waiting ones included.
    pub active: u64,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Connections handled since the start; fewer than accepted when a limit was reached.
    pub handled: u64,
    /// Requests since the start.
    pub requests: u64,
    /// Connections whose request header is being read.
    pub reading: u64,
    /// Connections whose answer is being written.
    pub writing: u64,
    /// Idle connections.
    pub waiting: u64,
}

/// Reads `stub_status`: words and numbers, whatever the blanks between them.
pub fn status(answered: &Answered<'_>) -> Result<Reading, Failed> {
    if answered.status != 200 {
        return Err(Failed::of_status(answered.status));
    }
    let text = std::str::from_utf8(answered.body).map_err(|_| Failed::malformed("not UTF-8"))?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let after = |word: &str, nth: usize, field: &str| {
        let at = words.iter().position(|other| *other == word);
        let number = at.and_then(|at| words[at..].iter().filter_map(|word| word.parse().ok()).nth(nth));
        number.and_then(whole).ok_or_else(|| Failed::malformed(format!("stub_status without {field:?}")))
    };
    Ok(Reading::StubStatus(StubStatus {
        active: after("connections:", 0, "Active connections")?,
        accepted: after("requests", 0, "accepts")?,
        handled: after("requests", 1, "handled")?,
        requests: after("requests", 2, "requests")?,
        reading: after("Reading:", 0, "Reading")?,
        writing: after("Writing:", 0, "Writing")?,
        waiting: after("Waiting:", 0, "Waiting")?,
    }))
}

/// Reads the answer of the front door: a page or a redirect. The certificate is not judged,
/// and one that cannot be read is no reason to call the door shut.
pub fn page(answered: &Answered<'_>) -> Result<Reading, Failed> {
    if !(200..400).contains(&answered.status) {
        // A page that is not there is not an interface that is switched off.
        let detail = format!("HTTP {}", answered.status);
        return Err(Failed::new(usher_common::wire::ProbeFailure::Status, detail));
    }
    let certificate: Option<Certificate> = answered.certificate.and_then(|der| from_der(der).ok());
    Ok(Reading::Page(certificate))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{failed, ok};
    use super::*;

    const TEXT: &str = "Active connections: 291 \nserver accepts handled requests\n 16630948 16630947 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n";

    #[test]
    fn the_documented_page_is_read_whatever_its_blanks() {
        let want = StubStatus {
            active: 291,
            accepted: 16_630_948,
            handled: 16_630_947,
            requests: 31_070_465,
            reading: 6,
            writing: 179,
            waiting: 106,
        };
        assert_eq!(status(&ok(TEXT.as_bytes())), Ok(Reading::StubStatus(want)));
        let squeezed = TEXT.split_ascii_whitespace().collect::<Vec<_>>().join("\t");
        assert_eq!(status(&ok(squeezed.as_bytes())), Ok(Reading::StubStatus(want)));
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = status(&ok(TEXT.replace("Waiting: 106", "Waiting:").as_bytes())).unwrap_err();
        assert_eq!(error.to_string(), "malformed: stub_status without \"Waiting\"");
        let error = status(&ok(b"<html>It works</html>")).unwrap_err();
        assert_eq!(error.to_string(), "malformed: stub_status without \"Active connections\"");
        assert_eq!(failed(status(&Answered { status: 404, ..ok(b"") })).as_str(), "disabled");
        assert_eq!(failed(page(&Answered { status: 404, ..ok(b"") })).as_str(), "status");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            for answered in [ok(&bytes), Answered { certificate: Some(&bytes), ..ok(&bytes) }] {
                proptest::prop_assert!(page(&answered).is_ok());
                proptest::prop_assert!(status(&answered).is_err());
            }
        }
    }
}
