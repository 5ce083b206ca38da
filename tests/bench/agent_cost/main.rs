//! What the agent costs beside Debian's node_exporter, on this machine, now.
//!
//! - *bursts*: scrapes one after the other over one connection, the two programs in turn.
//!   The agent keeps the machine's readings for its sampling interval, so most of these ask
//!   for nothing new: they show the cost of a second scraper, not of the first.
//! - *cold*: scrapes so far apart that the agent keeps nothing from one to the next but what
//!   hardly ever changes (a minute: see the settings of its host probe); what an agent without
//!   scrapes costs (it samples each second) is taken off. What a scrape costs.
//! - *the mix*: each as it would be used, per minute, everything included. node_exporter under
//!   Prometheus (every 15 s); the agent under the same, plus a report each second for an
//!   aggregator, plus its own sampling, plus its probes of a stand-in Jitsi.
//!
//! The agent is the one of the profile `dist`, as it is installed.
//!
//!   Where a Docker engine runs, a third agent does the same beside a compose project of four
//!   stand-in containers, which it finds, measures each second and probes by itself.
//!
//! CPU time is the kernel's count in nanoseconds and bears other work on the machine;
//! latency does not, so look at the load average beside it.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod figure;
mod http;
mod subject;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use figure::{Figure, row};
use http::{Connection, Request};
use subject::Subject;

/// From scrape to scrape in the cold run: longer than the agent keeps what may change (5 s).
const COLD_EVERY: Duration = Duration::from_millis(5200);
/// Prometheus's default is a minute; most set this.
const PROMETHEUS_EVERY: Duration = Duration::from_secs(15);
/// The aggregator's default.
const AGGREGATOR_EVERY: Duration = Duration::from_secs(1);
/// The programs settle before they are measured: allocators, first samples, first probes.
const SETTLE: Duration = Duration::from_secs(3);

/// Compares the agent's cost with node_exporter's.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder of the agent to be measured, as `packaging/dist.sh agent` prints it.
    #[arg(long)]
    programs: PathBuf,
    /// Rounds of bursts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Scrapes in a burst.
    #[arg(long, default_value_t = 200)]
    scrapes: usize,
    /// Length of the cold run and of the mix, seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let agent = arguments.programs.join("usher-agent");
    ensure!(agent.is_file(), "{} is not there: packaging/dist.sh agent", agent.display());
    println!("load average before: {}", load()?);
    bursts(&agent, &arguments)?;
    steady(&agent, Duration::from_secs(arguments.seconds))?;
    println!("load average after: {}", load()?);
    Ok(())
}

fn load() -> Result<String> {
    Ok(std::fs::read_to_string("/proc/loadavg")?.trim().to_owned())
}

/// One burst's outcome.
struct Burst {
    /// CPU seconds for 1,000 scrapes.
    cpu_s: f64,
    /// Milliseconds.
    p50_ms: f64,
    p99_ms: f64,
    /// Bytes of a body as it was sent.
    bytes: f64,
}

fn bursts(agent: &std::path::Path, arguments: &Arguments) -> Result<()> {
    let mut ours = Subject::agent(agent, &[])?;
    let mut theirs = Subject::node_exporter()?;
    pause(SETTLE);
    for request in [Request::Metrics { gzip: false }, Request::Metrics { gzip: true }] {
        let mut both: [Vec<Burst>; 2] = [Vec::new(), Vec::new()];
        for _ in 0..arguments.rounds {
            both[0].push(burst(&mut ours, request, arguments.scrapes)?);
            both[1].push(burst(&mut theirs, request, arguments.scrapes)?);
        }
        println!("\nbursts, {request}, {} rounds of {}", arguments.rounds, arguments.scrapes);
        let figures = |of: fn(&Burst) -> f64| both.each_ref().map(|all| Figure::of(all.iter().map(of)));
        println!("{}", row("CPU s per 1,000 scrapes", figures(|burst| burst.cpu_s)));
        println!("{}", row("latency p50, ms", figures(|burst| burst.p50_ms)));
        println!("{}", row("latency p99, ms", figures(|burst| burst.p99_ms)));
        println!("{}", row("body, bytes", figures(|burst| burst.bytes)));
    }
    let memory = [ours.memory()?, theirs.memory()?];
    println!("\nmemory after the bursts");
    println!("{}", row("RSS, MiB", memory.map(|memory| Figure::one(memory.rss_mib))));
    println!("{}", row("highest RSS, MiB", memory.map(|memory| Figure::one(memory.peak_mib))));
    Ok(())
}

fn burst(subject: &mut Subject, request: Request, scrapes: usize) -> Result<Burst> {
    let mut connection = Connection::open(subject.port)?;
    connection.get(request)?;
    let before = subject.cpu()?;
    let mut bytes = 0;
    let mut took = Vec::with_capacity(scrapes);
    for _ in 0..scrapes {
        let start = Instant::now();
        bytes = connection.get(request)?;
        took.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let cpu = subject.cpu()? - before;
    took.sort_by(f64::total_cmp);
    Ok(Burst {
        cpu_s: cpu.as_secs_f64() * 1000.0 / scrapes as f64,
        p50_ms: took[took.len() / 2],
        p99_ms: took[took.len() * 99 / 100],
        bytes: bytes as f64,
    })
}

/// Asks `every` so often until told to stop; how many answers there were.
fn repeat(port: u16, request: Request, every: Duration, stop: &AtomicBool) -> Result<u32> {
    let mut connection = Connection::open(port)?;
    let start = Instant::now();
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        if start.elapsed() >= every * count {
            connection.get(request)?;
            count += 1;
        }
        pause(Duration::from_millis(20));
    }
    Ok(count)
}

fn steady(agent: &std::path::Path, length: Duration) -> Result<()> {
    let (_jitsi, services) = subject::stand_in_jitsi()?;
    let flags: Vec<&str> = services.iter().map(String::as_str).collect();
    let containers = subject::stand_in_containers()?;
    // In the order of the names below.
    let mut subjects = vec![
        Subject::agent(agent, &[])?,
        Subject::agent(agent, &[])?,
        Subject::node_exporter()?,
        Subject::agent(agent, &flags)?,
        Subject::agent(agent, &flags)?,
        Subject::node_exporter()?,
    ];
    let ports: Vec<u16> = subjects.iter().map(|subject| subject.port).collect();
    let (cold, cold_theirs, mixed, mixed_theirs) = (ports[1], ports[2], ports[4], ports[5]);
    pause(SETTLE);
    let scrape = Request::Metrics { gzip: true };
    let mut plan = vec![
        (cold, scrape, COLD_EVERY),
        (cold_theirs, scrape, COLD_EVERY),
        (mixed, scrape, PROMETHEUS_EVERY),
        (mixed, Request::Report, AGGREGATOR_EVERY),
        (mixed_theirs, scrape, PROMETHEUS_EVERY),
    ];
    if let Some(stack) = &containers {
        let subject = Subject::beside(agent, stack)?;
        plan.push((subject.port, scrape, PROMETHEUS_EVERY));
        plan.push((subject.port, Request::Report, AGGREGATOR_EVERY));
        subjects.push(subject);
        // it looks around first
        pause(SETTLE);
    }
    let stop = AtomicBool::new(false);
    let mut before = vec![Duration::ZERO; subjects.len()];
    for (before, subject) in before.iter_mut().zip(&mut subjects) {
        *before = subject.cpu()?;
    }
    let start = Instant::now();
    let counts: Vec<Result<u32>> = thread::scope(|scope| {
        let asking: Vec<_> = plan
            .iter()
            .map(|(port, request, every)| scope.spawn(|| repeat(*port, *request, *every, &stop)))
            .collect();
        while start.elapsed() < length {
            pause(Duration::from_millis(500));
            // A thread that ends takes its count along: look before it does.
            for subject in &mut subjects {
                drop(subject.cpu());
            }
        }
        stop.store(true, Ordering::Relaxed);
        asking.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    });
    let counts = counts.into_iter().collect::<Result<Vec<_>>>()?;
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let mut spent = vec![0.0; subjects.len()];
    for (spent, (before, subject)) in spent.iter_mut().zip(before.into_iter().zip(&mut subjects)) {
        *spent = (subject.cpu()? - before).as_secs_f64();
    }
    let per_1000 = |spent: f64, count: u32| Figure::one(spent * 1000.0 / f64::from(count));
    println!("\ncold: {} scrapes, {COLD_EVERY:?} apart, gzip, own sampling taken off", counts[0]);
    let cold = [per_1000(spent[1] - spent[0], counts[0]), per_1000(spent[2], counts[1])];
    println!("{}", row("CPU s per 1,000 scrapes", cold));
    println!("\nthe mix, for {:.1} minutes: {} scrapes, {} reports", minutes, counts[2], counts[3]);
    let figures = [spent[4], spent[5]].map(|spent| Figure::one(spent / minutes));
    println!("{}", row("CPU s per minute", figures));
    println!("  of the agent's: sampling and probes alone {:.3}", spent[3] / minutes);
    println!("  without a Jitsi to probe: sampling alone {:.3}", spent[0] / minutes);
    let memory = [subjects[4].memory()?, subjects[5].memory()?];
    println!("{}", row("RSS, MiB", memory.map(|memory| Figure::one(memory.rss_mib))));
    println!("{}", row("highest RSS, MiB", memory.map(|memory| Figure::one(memory.peak_mib))));
    match subjects.get(6) {
        Some(beside) => {
            println!("\nthe mix beside four containers");
            let figures = [spent[6], spent[5]].map(|spent| Figure::one(spent / minutes));
            println!("{}", row("CPU s per minute", figures));
            let memory = [beside.memory()?, subjects[5].memory()?];
            println!("{}", row("RSS, MiB", memory.map(|memory| Figure::one(memory.rss_mib))));
        }
        None => println!("\nthe mix beside containers: not measured, {}", subject::NO_ENGINE),
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a program of plain threads: there is no runtime to block")]
fn pause(length: Duration) {
    thread::sleep(length);
}
