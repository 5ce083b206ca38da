//! Networks, volumes, secrets and configs of a project, in compose's field order.

use serde::Serialize;

use super::print::is_false;
use super::service::Texts;

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct Network {
    /// The engine's name for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver: String,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub driver_opts: Texts,
    /// Always printed.
    pub ipam: Ipam,
    /// Made by somebody else and only used here.
    #[serde(skip_serializing_if = "is_false")]
    pub external: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub internal: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub attachable: bool,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub labels: Texts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_ipv4: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_ipv6: Option<bool>,
}

/// How a network hands out addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct Ipam {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<Pool>,
}

/// One address pool of a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct Pool {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subnet: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip_range: String,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub aux_addresses: Texts,
}

/// A named volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct Volume {
    /// The engine's name for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver: String,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub driver_opts: Texts,
    /// Made by somebody else and only used here.
    #[serde(skip_serializing_if = "is_false")]
    pub external: bool,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub labels: Texts,
}

/// A secret or config that is a file on the host, the only kind we take.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct FileResource {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Absolute.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub labels: Texts,
}
