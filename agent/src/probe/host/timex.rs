//! How well the clock is disciplined, from `adjtimex(2)`, which only reads here.
//!
//! A systemd unit with `ProtectClock=yes` may not make the call: no data, as in
//! node_exporter.

use std::io;

use rtime_clock::adjtime::{Timex, adjtimex};
use usher_common::metric::Families;

use super::{CollectError, table::Machine};

/// `STA_NANO`: offset and jitter are nanoseconds, not microseconds.
const NANOSECONDS: i32 = 0x2000;
/// `TIME_ERROR`: the clock is not synchronised.
const UNSYNCHRONISED: i32 = 5;
/// Frequencies are parts per million with a 16-bit fraction.
const FREQUENCY_UNIT: f64 = 1e6 * 65536.0;

pub(super) fn collect(_machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let mut timex = Timex::default();
    let state = adjtimex(&mut timex).map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied => CollectError::NoData { path: "adjtimex(2)".into() },
        _ => CollectError::Call { call: "adjtimex", source },
    })?;
    let t = timex.0;
    let fraction = if t.status & NANOSECONDS == 0 { 1e6 } else { 1e9 };
    let mut gauge = |name, help, value| families.gauge(name, help, &[], value);
    gauge(
        "node_timex_sync_status",
        "Is clock synchronized to a reliable server (1 = yes, 0 = no).",
        f64::from(u8::from(state != UNSYNCHRONISED)),
    );
    gauge(
        "node_timex_offset_seconds",
        "Time offset in between local system and reference clock.",
        t.offset as f64 / fraction,
    );
    gauge(
        "node_timex_frequency_adjustment_ratio",
        "Local clock frequency adjustment.",
        1.0 + t.freq as f64 / FREQUENCY_UNIT,
    );
    gauge("node_timex_maxerror_seconds", "Maximum error in seconds.", t.maxerror as f64 / 1e6);
    gauge("node_timex_estimated_error_seconds", "Estimated error in seconds.", t.esterror as f64 / 1e6);
    gauge("node_timex_status", "Value of the status array bits.", f64::from(t.status));
    gauge("node_timex_loop_time_constant", "Phase-locked loop time constant.", t.constant as f64);
    gauge("node_timex_tick_seconds", "Seconds between clock ticks.", t.tick as f64 / 1e6);
    gauge("node_timex_pps_frequency_hertz", "Pulse per second frequency.", t.ppsfreq as f64 / FREQUENCY_UNIT);
    gauge("node_timex_pps_jitter_seconds", "Pulse per second jitter.", t.jitter as f64 / fraction);
    gauge("node_timex_pps_shift_seconds", "Pulse per second interval duration.", f64::from(t.shift));
    gauge(
        "node_timex_pps_stability_hertz",
        "Pulse per second stability, average of recent frequency changes.",
        t.stabil as f64 / FREQUENCY_UNIT,
    );
    gauge("node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset.", f64::from(t.tai));
    for (name, help, count) in [
        ("node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events.", t.jitcnt),
        ("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals.", t.calcnt),
        ("node_timex_pps_error_total", "Pulse per second count of calibration errors.", t.errcnt),
        (
            "node_timex_pps_stability_exceeded_total",
            "Pulse per second count of stability limit exceeded events.",
            t.stbcnt,
        ),
    ] {
        families.counter(name, help, &[], count as f64);
    }
    Ok(())
}
