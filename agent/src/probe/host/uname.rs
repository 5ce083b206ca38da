//! The kernel and the host's name, from `uname(2)`.

use std::ffi::CStr;

use usher_common::metric::Families;

use super::{CollectError, table::Machine};

pub(super) fn collect(_machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let uname = rustix::system::uname();
    let text = |field: &CStr| field.to_string_lossy().into_owned();
    families.gauge(
        "node_uname_info",
        "Labeled system information as provided by the uname system call.",
        &[
            ("domainname", &text(uname.domainname())),
            ("machine", &text(uname.machine())),
            ("nodename", &text(uname.nodename())),
            ("release", &text(uname.release())),
            ("sysname", &text(uname.sysname())),
            ("version", &text(uname.version())),
        ],
        1.0,
    );
    Ok(())
}
