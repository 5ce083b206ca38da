//! What a scrape of the host costs: CPU time per pass, by collector and in all.
//!
//! ```text
//! cargo run --release -p usher-agent --example host_cost [passes]
//! ```

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use usher_agent::probe::host::{Host, Roots, Settings};
use usher_common::metric::{Families, Format, encode};

fn main() {
    let passes = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1000_u32);
    // Every pass pays for everything.
    let settings = Settings { warm_for: Duration::ZERO, ..Settings::default() };
    let mut host = Host::new(Roots::default(), settings);
    let mut by_collector: BTreeMap<&str, Duration> = BTreeMap::new();
    let (mut collecting, mut encoding, mut size, mut samples) = (Duration::ZERO, Duration::ZERO, 0, 0);
    let start = cpu();
    let mut families = Families::new();
    for _ in 0..passes {
        families.clear();
        let before = cpu();
        for ran in host.collect(Instant::now(), &mut families) {
            *by_collector.entry(ran.collector).or_default() += ran.took;
        }
        let between = cpu();
        size = encode(Format::Text, [&families]).len();
        samples = families.samples();
        collecting += between - before;
        encoding += cpu() - between;
    }
    let total = cpu() - start;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(passes);
    println!("{passes} passes, {samples} samples, {size} bytes");
    println!(
        "CPU per pass: {:.0} µs: collect {:.0}, encode {:.0}",
        each(total),
        each(collecting),
        each(encoding)
    );
    let start = cpu();
    for _ in 0..passes {
        host.sample(Instant::now());
    }
    println!("CPU per sample of the hot figures: {:.0} µs", each(cpu() - start));
    let mut rows: Vec<_> = by_collector.into_iter().collect();
    rows.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
    for (collector, took) in rows {
        println!("{:>8.1} µs wall  {collector}", each(took));
    }
}

/// CPU time of this process, all threads.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}
