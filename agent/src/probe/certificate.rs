//! When a certificate ends. Whether it is trusted is for the browsers to say.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;

use super::reading::Failed;

/// What is known of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// Its last moment, seconds since the Unix epoch.
    pub not_after_unix_s: i64,
}

/// Reads a DER certificate.
pub fn from_der(der: &[u8]) -> Result<Certificate, Failed> {
    // `Raw` reads what browsers accept too, such as serial numbers longer than RFC 5280 allows.
    let parsed = CertificateInner::<Raw>::from_der(der)
        .map_err(|error| Failed::malformed(format!("no X.509 certificate: {error}")))?;
    let end = parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
    let not_after_unix_s = i64::try_from(end).map_err(|_| Failed::malformed("an end date out of range"))?;
    Ok(Certificate { not_after_unix_s })
}

/// Reads the first certificate of a PEM file: in a chain that is the server's own.
pub fn from_pem(pem: &[u8]) -> Result<Certificate, Failed> {
    let der = CertificateDer::from_pem_slice(pem)
        .map_err(|error| Failed::malformed(format!("no PEM certificate: {error}")))?;
    from_der(&der)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::new(vec!["vm1.example.org".into()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 5, 17);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn the_end_of_the_first_certificate_is_read() {
        let (leaf, other) = (made(), rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap());
        let end = Certificate { not_after_unix_s: 1_936_742_400 };
        assert_eq!(from_der(leaf.der()), Ok(end));
        assert_eq!(from_pem(format!("{}{}", leaf.pem(), other.cert.pem()).as_bytes()), Ok(end));
    }

    #[test]
    fn what_is_no_certificate_is_malformed() {
        let der = made().der().to_vec();
        for bad in [&der[..der.len() - 1], b"", b"-----BEGIN CERTIFICATE-----\n"] {
            assert!(from_der(bad).is_err() && from_pem(bad).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_damage_makes_it_panic(at in 0usize..400, byte: u8, pem in "(-----BEGIN CERTIFICATE-----|\n|[A-Za-z0-9+/=]|-----END CERTIFICATE-----){0,60}") {
            let mut der = made().der().to_vec();
            let at = at % der.len();
            der[at] = byte;
            drop((from_der(&der), from_pem(pem.as_bytes())));
        }
    }
}
