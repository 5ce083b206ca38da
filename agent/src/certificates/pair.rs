//! Whether a certificate and a key belong together and may be served. Pure.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;

/// Why a pair is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A file cannot be read or is far too large.
    #[error("{0}")]
    Unreadable(String),
    /// The certificate file holds none.
    #[error("the certificate file holds no certificate that can be read: {0}")]
    NoCertificate(String),
    /// The key file holds none.
    #[error("the key file holds no private key that can be used: {0}")]
    NoKey(String),
    /// They do not belong together.
    #[error("the key is not that of the first certificate: put the server's own certificate first")]
    Mismatch,
    /// It is over.
    #[error("the certificate ended {0} s ago")]
    Expired(i64),
    /// It has not begun.
    #[error("the certificate begins in {0} s")]
    NotYet(i64),
    /// It could not be put in place.
    #[error("{0}")]
    NotPlaced(String),
}

impl Refusal {
    /// The closed word for metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NoCertificate(_) => "no_certificate",
            Self::NoKey(_) => "no_key",
            Self::Mismatch => "mismatch",
            Self::Expired(_) => "expired",
            Self::NotYet(_) => "not_yet",
            Self::NotPlaced(_) => "not_placed",
        }
    }

    /// Every word.
    pub const WORDS: [&'static str; 7] =
        ["unreadable", "no_certificate", "no_key", "mismatch", "expired", "not_yet", "not_placed"];
}

/// Checks a chain and a key, both PEM; the end of the server's own certificate when they may be served, seconds since
/// the Unix epoch.
pub fn check(chain: &[u8], key: &[u8], now_unix_s: i64) -> Result<i64, Refusal> {
    let no_certificate = |error: &dyn std::fmt::Display| Refusal::NoCertificate(error.to_string());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| no_certificate(&error))?;
    let first = chain.first().ok_or_else(|| no_certificate(&"it is empty"))?;
    let parsed = CertificateInner::<Raw>::from_der(first).map_err(|error| no_certificate(&error))?;
    let validity = *parsed.tbs_certificate().validity();
    let seconds =
        |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    let (begin, end) = (seconds(validity.not_before), seconds(validity.not_after));
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| Refusal::NoKey(error.to_string()))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Refusal::Mismatch,
        rustls::Error::InvalidCertificate(error) => Refusal::NoCertificate(format!("{error:?}")),
        error => Refusal::NoKey(error.to_string()),
    })?;
    if now_unix_s >= end {
        return Err(Refusal::Expired(now_unix_s - end));
    }
    if now_unix_s < begin {
        return Err(Refusal::NotYet(begin - now_unix_s));
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, String) {
        let mut params = rcgen::CertificateParams::new(vec!["*.example.org".into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2031, 5, 17);
        let key = rcgen::KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    const WITHIN: i64 = 1_800_000_000;
    const END: i64 = 1_936_742_400;

    #[test]
    fn a_pair_that_fits_is_taken_and_its_end_told() {
        let (chain, key) = made();
        assert_eq!(check(chain.as_bytes(), key.as_bytes(), WITHIN), Ok(END));
        let with_issuer = format!("{chain}{}", made().0);
        assert_eq!(check(with_issuer.as_bytes(), key.as_bytes(), WITHIN), Ok(END));
    }

    #[test]
    fn what_does_not_fit_is_over_or_is_nothing_is_refused_by_its_reason() {
        let ((chain, key), (other, _)) = (made(), made());
        let word =
            |chain: &str, key: &str, now| check(chain.as_bytes(), key.as_bytes(), now).unwrap_err().word();
        assert_eq!(word(&other, &key, WITHIN), "mismatch");
        assert_eq!(word(&format!("{other}{chain}"), &key, WITHIN), "mismatch");
        assert_eq!(word(&chain, &key, END), "expired");
        assert_eq!(word(&chain, &key, 0), "not_yet");
        assert_eq!(word("", &key, WITHIN), "no_certificate");
        assert_eq!(word(&key, &key, WITHIN), "no_certificate");
        assert_eq!(word(&chain, "", WITHIN), "no_key");
        assert_eq!(word(&chain, &chain, WITHIN), "no_key");
        assert_eq!(word(&chain[..chain.len() / 2], &key, WITHIN), "no_certificate");
    }

    proptest::proptest! {
        #[test]
        fn no_damage_makes_it_panic_or_pass_as_another(at in 0_usize..600, byte in 32_u8..127) {
            let (chain, key) = made();
            let mut damaged = chain.clone().into_bytes();
            let at = at % damaged.len();
            damaged[at] = byte;
            if let Ok(end) = check(&damaged, key.as_bytes(), WITHIN) {
                proptest::prop_assert!(end > WITHIN);
            }
        }
    }
}
