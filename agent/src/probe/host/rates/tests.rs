use std::time::Instant;

use proptest::prelude::*;

use super::super::{CpuTimes, DiskTotals, NetTotals};
use super::*;

fn sample(ticks: Ticks, bytes: u64) -> HostSample {
    let totals = NetTotals { receive_bytes: bytes, transmit_bytes: bytes / 2, receive_drop: bytes / 3 };
    HostSample {
        at: Instant::now(),
        cpu: Some(CpuTimes { total: ticks, cores: vec![(0, ticks), (7, ticks)], boot_time_unix_s: 1 }),
        memory: None,
        net: Some([("eth0".to_owned(), totals)].into()),
    }
}

fn slow(at: Instant, bytes: u64) -> SlowSample {
    let disks = Some([("vda".to_owned(), DiskTotals { read_bytes: bytes, written_bytes: bytes })].into());
    SlowSample { at, load: None, disks, udp_rcvbuf_errors: Some(bytes) }
}

fn plus(a: Ticks, b: Ticks) -> Ticks {
    std::array::from_fn(|mode| a[mode] + b[mode])
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn busy_is_all_but_idle_and_iowait_with_guests_counted_once() {
    //              user nice sys idle iow irq soft steal guest gnice
    let before = [0; 10];
    let after = [30, 0, 10, 40, 10, 0, 0, 10, 30, 0];
    let shares = rates(&sample(before, 0), &sample(after, 0), SECOND).cpu.unwrap();
    assert_eq!(shares, CpuShares { busy: 0.5, steal: 0.1, iowait: 0.1 });
}

#[test]
fn idle_may_step_back_a_little_but_no_other_mode() {
    let before = [100, 0, 100, 1000, 100, 0, 0, 0, 0, 0];
    let mut idle_back = plus(before, [50, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    idle_back[IDLE] -= 2;
    assert_eq!(rates(&sample(before, 0), &sample(idle_back, 0), SECOND).cpu.unwrap().busy, 1.0);
    let mut exchanged = before;
    exchanged[IDLE] -= SMALL_STEP;
    assert_eq!(rates(&sample(before, 0), &sample(exchanged, 0), SECOND).cpu, None);
    let mut user_back = plus(before, [0, 0, 9, 9, 9, 0, 0, 0, 0, 0]);
    user_back[0] -= 1;
    assert_eq!(rates(&sample(before, 0), &sample(user_back, 0), SECOND).cpu, None);
}

#[test]
fn a_core_that_came_or_went_is_not_compared() {
    let (before, mut after) = (sample([1; 10], 0), sample([2; 10], 0));
    after.cpu.as_mut().unwrap().cores = vec![(0, [2; 10]), (3, [2; 10])];
    let cores = rates(&before, &after, SECOND).core_busy;
    assert_eq!(cores, [(0, Some(0.75))]);
}

#[test]
fn an_interface_that_came_does_not_count_until_it_was_seen_twice() {
    let (before, mut after) = (sample([1; 10], 100), sample([2; 10], 200));
    let new = NetTotals { receive_bytes: 1 << 40, transmit_bytes: 0, receive_drop: 0 };
    after.net.as_mut().unwrap().insert("eth1".to_owned(), new);
    assert_eq!(rates(&before, &after, 2 * SECOND).receive_bytes_per_s, Some(50.0));
}

#[test]
fn what_was_not_read_has_no_speed() {
    let mut blind = sample([1; 10], 1);
    (blind.cpu, blind.net) = (None, None);
    assert_eq!(rates(&blind, &sample([2; 10], 2), SECOND), Rates::default());
    let blind = SlowSample { at: Instant::now(), load: None, disks: None, udp_rcvbuf_errors: None };
    assert_eq!(slow_rates(&blind, &slow(blind.at + SECOND, 2)), SlowRates::default());
    assert_eq!(rates(&sample([1; 10], 1), &sample([2; 10], 2), Duration::ZERO).receive_bytes_per_s, None);
}

#[test]
fn smoothing_goes_the_whole_way_in_the_end_and_two_thirds_in_one_time_constant() {
    let tau = 3 * SECOND;
    assert_eq!(smooth(None, 0.7, SECOND, tau), 0.7);
    assert!((smooth(Some(0.0), 1.0, tau, tau) - 0.632).abs() < 0.001);
    assert!((smooth(Some(0.0), 1.0, 100 * tau, tau) - 1.0).abs() < 1e-9);
}

fn ticks() -> impl Strategy<Value = Ticks> {
    proptest::array::uniform10(0_u64..1 << 40)
}

proptest! {
    #[test]
    fn shares_are_between_nothing_and_all(before in ticks(), passed in proptest::array::uniform10(0_u64..1 << 20)) {
        let rates = rates(&sample(before, 0), &sample(plus(before, passed), 0), SECOND);
        if let Some(CpuShares { busy, steal, iowait }) = rates.cpu {
            prop_assert!((0.0..=1.0).contains(&busy));
            prop_assert!(steal <= busy);
            prop_assert!(busy + iowait <= 1.0 + 1e-9);
        } else {
            prop_assert!(passed[..DISTINCT].iter().all(|ticks| *ticks == 0));
        }
    }

    #[test]
    fn any_two_samples_give_shares_in_range_or_none(before in ticks(), after in ticks()) {
        if let Some(CpuShares { busy, .. }) = rates(&sample(before, 0), &sample(after, 0), SECOND).cpu {
            prop_assert!((0.0..=1.0).contains(&busy));
        }
    }

    #[test]
    fn a_speed_times_the_time_is_what_passed_and_a_fall_has_none(
        before in 0_u64..1 << 50, after in 0_u64..1 << 50, milliseconds in 1_u64..100_000,
    ) {
        let elapsed = Duration::from_millis(milliseconds);
        let at = Instant::now();
        let speed = slow_rates(&slow(at, before), &slow(at + elapsed, after)).read_bytes_per_s;
        match after.checked_sub(before) {
            None => prop_assert_eq!(speed, None),
            Some(passed) => {
                let again = speed.unwrap() * elapsed.as_secs_f64();
                prop_assert!((again - passed as f64).abs() <= passed as f64 * 1e-9);
            }
        }
    }

    #[test]
    fn smoothing_stays_between_the_old_and_the_new(
        before in 0.0..1.0, value in 0.0..1.0, milliseconds in 0_u64..60_000,
    ) {
        let smoothed = smooth(Some(before), value, Duration::from_millis(milliseconds), Duration::from_secs(3));
        prop_assert!(smoothed >= f64::min(before, value) - 1e-12 && smoothed <= f64::max(before, value) + 1e-12);
    }
}
