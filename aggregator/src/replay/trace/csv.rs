//! The text form, "fleet-trace v1": `#` lines with `key=value`, one head line, rows by time.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::cost::{COST_A, COST_B, CPU_IDLE, LAST_N};
use super::{Room, Stay, Trace, VmEvent, VmKind};

const HEAD: &str = "t_ms,kind,id,vm,size,flags,weight,joins";

/// A text that is no trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the trace: {what}")]
pub struct BadTrace {
    /// Counting from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Trace {
    /// The trace as text.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("writing to a string does not fail");
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let spikes: Vec<String> = self.spikes_ms.iter().map(u64::to_string).collect();
        writeln!(out, "# fleet-trace v1")?;
        let (warm, end) = (self.warm_ms, self.end_ms);
        writeln!(out, "# seed={} warm_ms={warm} end_ms={end} spikes_ms={}", self.seed, spikes.join(":"))?;
        writeln!(out, "# cost_a={COST_A} cost_b={COST_B} last_n={LAST_N} cpu_idle={CPU_IDLE}")?;
        writeln!(out, "{HEAD}")?;
        let mut vms = self.vms.iter().peekable();
        for (number, room) in self.rooms.iter().enumerate() {
            while let Some(event) = vms.next_if(|event| event.at_ms <= room.at_ms) {
                write_vm(out, event)?;
            }
            write_room(out, number, room)?;
        }
        vms.try_for_each(|event| write_vm(out, event))
    }

    /// Reads a trace.
    ///
    /// # Errors
    /// Names the first line that is not understood.
    pub fn from_csv(text: &str) -> Result<Self, BadTrace> {
        let mut trace =
            Self { seed: 0, warm_ms: 0, end_ms: 0, spikes_ms: vec![], vms: vec![], rooms: vec![] };
        for (index, line) in text.lines().enumerate() {
            let read = match line.strip_prefix('#') {
                Some(head) => trace.read_head(head),
                None if line.is_empty() || line == HEAD => Ok(()),
                None => trace.read_row(line),
            };
            read.map_err(|what| BadTrace { line: index + 1, what })?;
        }
        Ok(trace)
    }

    fn read_head(&mut self, head: &str) -> Result<(), String> {
        for (key, value) in head.split_whitespace().filter_map(|pair| pair.split_once('=')) {
            match key {
                "seed" => self.seed = number(key, value)?,
                "warm_ms" => self.warm_ms = number(key, value)?,
                "end_ms" => self.end_ms = number(key, value)?,
                "spikes_ms" => {
                    let starts = value.split(':').filter(|start| !start.is_empty());
                    self.spikes_ms = starts.map(|start| number(key, start)).collect::<Result<_, _>>()?;
                }
                // the cost model is the same in every v1 trace
                _ => {}
            }
        }
        Ok(())
    }

    fn read_row(&mut self, line: &str) -> Result<(), String> {
        let columns: Vec<&str> = line.split(',').collect();
        let [at, kind, id, vm, size, flags, weight, joins] = columns[..] else {
            return Err(format!("{} columns, 8 are wanted", columns.len()));
        };
        let at_ms = number("t_ms", at)?;
        let vm_kind = match kind {
            "add" => VmKind::Add,
            "die" => VmKind::Die,
            "drain" => VmKind::Drain,
            "room" | "live" => {
                if number::<usize>("id", id)? != self.rooms.len() {
                    return Err(format!(
                        "room {id} where {} is wanted: rooms count up from 0",
                        self.rooms.len()
                    ));
                }
                self.rooms.push(Room {
                    at_ms,
                    named: flags.contains('n'),
                    abandoned: flags.contains('x'),
                    live_on: (kind == "live").then(|| number("vm", vm)).transpose()?,
                    weight_permille: number("weight", weight)?,
                    stays: joins
                        .split(';')
                        .filter(|join| !join.is_empty())
                        .map(read_stay)
                        .collect::<Result<_, _>>()?,
                });
                return Ok(());
            }
            other => return Err(format!("no row is of kind {other:?}")),
        };
        self.vms.push(VmEvent {
            at_ms,
            kind: vm_kind,
            vm: number("id", id)?,
            capacity_permille: number("size", size)?,
        });
        Ok(())
    }
}

fn write_vm(out: &mut String, event: &VmEvent) -> fmt::Result {
    let kind = match event.kind {
        VmKind::Add => "add",
        VmKind::Die => "die",
        VmKind::Drain => "drain",
    };
    writeln!(out, "{},{kind},{},,{},,,", event.at_ms, event.vm, event.capacity_permille)
}

fn write_room(out: &mut String, number: usize, room: &Room) -> fmt::Result {
    write!(out, "{},{},{number},", room.at_ms, if room.live_on.is_some() { "live" } else { "room" })?;
    if let Some(vm) = room.live_on {
        write!(out, "{vm}")?;
    }
    let named = if room.named { "n" } else { "" };
    let abandoned = if room.abandoned { "x" } else { "" };
    write!(out, ",{},{named}{abandoned},{},", room.stays.len(), room.weight_permille)?;
    for (index, stay) in room.stays.iter().enumerate() {
        let between = if index == 0 { "" } else { ";" };
        let asks = if stay.asks { "a" } else { "" };
        write!(out, "{between}{}+{}+{}{asks}", stay.ask_ms, stay.delay_ms, stay.stay_ms)?;
    }
    writeln!(out)
}

fn read_stay(text: &str) -> Result<Stay, String> {
    let (times, asks) = match text.strip_suffix('a') {
        Some(times) => (times, true),
        None => (text, false),
    };
    let times: Vec<&str> = times.split('+').collect();
    let [ask, delay, stay] = times[..] else {
        return Err(format!("{text:?} is no ask+delay+stay"));
    };
    Ok(Stay {
        ask_ms: number("ask", ask)?,
        delay_ms: number("delay", delay)?,
        stay_ms: number("stay", stay)?,
        asks,
    })
}

fn number<T: FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{what} is {text:?}, a whole number is wanted"))
}
