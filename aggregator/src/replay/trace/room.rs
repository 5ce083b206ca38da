//! Drawing one room and its people. The order of the draws is part of the format.

use super::random::Random;
use super::workload::Workload;
use super::{Room, Stay};

/// Largest meeting.
const SIZE_MAX: f64 = 300.0;
/// Shares: meetings almost without video; people who come late, leave early, lose the connection;
/// people of a named room who come when it opens; those who type its name again.
const QUIET: f64 = 0.3;
const LATE: f64 = 0.08;
const EARLY_LEAVER: f64 = 0.15;
const REJOINER: f64 = 0.04;
const TOGETHER: f64 = 0.2;
const BY_NAME: f64 = 0.7;

impl Workload {
    /// A room first asked for at second `t`.
    pub(super) fn draw_room(&self, t: f64, random: &mut Random) -> Room {
        let abandoned = random.chance(self.abandoned);
        let named = random.chance(self.named);
        let people =
            random.lognormal(self.size_median, self.size_sigma).round().clamp(1.0, SIZE_MAX) as usize;
        // the two branches together have a mean of 1
        let weight = if random.chance(QUIET) { 0.35 } else { 1.2786 * random.lognormal(1.0, 0.35) / 1.0632 };
        let life_s = random.lognormal(35.0 * 60.0, 0.7).clamp(60.0, 4.0 * 3600.0);
        let mut stays = Vec::new();
        if !abandoned {
            for person in 0..people {
                self.draw_person(person == 0, named, life_s, random, &mut stays);
            }
            // the creator stays entry 0
            stays[1..].sort_by_key(|stay| stay.ask_ms);
        }
        Room {
            at_ms: (t * 1000.0).round() as u64,
            named,
            abandoned,
            live_on: None,
            weight_permille: (weight * 1000.0).round() as u32,
            stays,
        }
    }

    /// One person: one stay, or two for whoever loses the connection on the way.
    fn draw_person(
        &self,
        creator: bool,
        named: bool,
        life_s: f64,
        random: &mut Random,
        stays: &mut Vec<Stay>,
    ) {
        let delay = random.lognormal(5.0, 0.6).clamp(1.0, 40.0);
        let late = random.chance(LATE);
        let together = named && random.chance(TOGETHER);
        let usual = random.lognormal(self.join_median_s, self.join_sigma);
        let ask = if creator {
            0.0
        } else if late {
            random.unit() * 0.7 * life_s
        } else if together {
            random.exponential(5.0)
        } else {
            (usual - delay).max(0.3)
        };
        let ask = ask.min((life_s - 30.0).max(1.0));
        let left = (life_s - ask - delay).max(20.0);
        let stay = if random.chance(EARLY_LEAVER) {
            random.unit() * left
        } else {
            left + random.exponential(20.0) - 20.0
        };
        let asks = creator || (named && random.chance(BY_NAME));
        let entry = |ask_s: f64, delay_s: f64, stay_s: f64, asks: bool| Stay {
            ask_ms: ms(ask_s),
            delay_ms: ms(delay_s),
            stay_ms: ms(stay_s),
            asks,
        };
        if random.chance(REJOINER) && stay > 240.0 {
            let first = stay * (0.2 + 0.6 * random.unit());
            stays.push(entry(ask, delay, first, asks));
            stays.push(entry(ask + delay + first + 10.0, 5.0, stay - first, named && asks));
        } else {
            stays.push(entry(ask, delay, stay, asks));
        }
    }
}

fn ms(seconds: f64) -> u32 {
    (seconds.max(0.001) * 1000.0).round() as u32
}

/// What is left at time 0 of a room that was asked for `age_s` before; `None` when all have left.
pub(super) fn left_of(room: &Room, age_s: f64) -> Option<Room> {
    let age = (age_s * 1000.0) as i64;
    let signed = |ms: u64| i64::try_from(ms).expect("a stay is shorter than the age of the universe");
    let short = |ms: i64| u32::try_from(ms).expect("not negative, and within one trace");
    let mut stays: Vec<Stay> = room
        .stays
        .iter()
        .filter(|stay| signed(stay.leaves_ms()) > age)
        .map(|stay| {
            let joins = (signed(stay.joins_ms()) - age).max(0);
            Stay {
                ask_ms: short((joins - i64::from(stay.delay_ms)).max(0)),
                delay_ms: if joins == 0 { 0 } else { stay.delay_ms },
                stay_ms: short(signed(stay.leaves_ms()) - age - joins),
                asks: false,
            }
        })
        .collect();
    if stays.is_empty() {
        return None;
    }
    stays.sort_by_key(Stay::joins_ms);
    Some(Room { at_ms: 0, named: false, live_on: Some(0), stays, ..*room })
}
