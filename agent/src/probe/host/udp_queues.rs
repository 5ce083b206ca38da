//! Bytes waiting in the queues of all UDP sockets, from `/proc/net/udp` and `udp6`. The
//! kernel walks a table of tens of thousands of places for each reading of them.

use procfs::net::UdpNetEntries;
use procfs::{FromReadSI as _, current_system_info};
use usher_common::metric::Families;

use super::CollectError;
use super::error::Garbled;
use super::table::Machine;

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    for (ip, file) in [("v4", "net/udp"), ("v6", "net/udp6")] {
        let text = match machine.files.proc_records(file) {
            Ok(text) => text,
            // No IPv6 in this kernel.
            Err(error) if error.is_no_data() && ip == "v6" => continue,
            Err(error) => return Err(error),
        };
        let (receive, send) = sums(text).map_err(|garbled| garbled.at(machine.files.proc_path(file)))?;
        for (queue, bytes) in [("tx", send), ("rx", receive)] {
            families.gauge(
                "node_udp_queues",
                "Number of allocated memory in the kernel for UDP datagrams in bytes.",
                &[("ip", ip), ("queue", queue)],
                bytes as f64,
            );
        }
    }
    Ok(())
}

fn sums(text: &str) -> Result<(u64, u64), Garbled> {
    let sockets = UdpNetEntries::from_read(text.as_bytes(), current_system_info())?.0;
    let receive = sockets.iter().map(|socket| u64::from(socket.rx_queue)).sum();
    let send = sockets.iter().map(|socket| u64::from(socket.tx_queue)).sum();
    Ok((receive, send))
}

#[cfg(test)]
mod tests {
    use super::sums;

    #[test]
    fn queues_are_summed_over_sockets() {
        let text = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n  \
            10: 00000000:2710 00000000:0000 07 00000010:00000200 00:00000000 00000000   100        0 1234 2 0000000000000000 0\n  \
            11: 00000000:2711 00000000:0000 07 00000000:00000001 00:00000000 00000000   100        0 1235 2 0000000000000000 7\n";
        assert_eq!(sums(text), Ok((0x201, 0x10)));
        assert!(sums("header\n 10: zz").is_err());
    }
}
