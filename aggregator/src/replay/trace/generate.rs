//! Drawing a whole trace: the rate that gives the mean load aimed at, then the requests.

use super::cost::{CPU_IDLE, room_work};
use super::random::Random;
use super::room::left_of;
use super::workload::Workload;
use super::{Room, Trace};

/// Rooms drawn to learn the mean work of one; always the same ones, so that the rate is a constant.
const SAMPLE_ROOMS: u32 = 60_000;
/// Points at which the demand's shape is averaged.
const SHAPE_POINTS: u32 = 20_000;
/// VMs that are added and people who leave with a dead VM lower the mean load by this much.
const CHURN_LOSS: f64 = 1.025;

impl Workload {
    /// Draws the workload.
    #[must_use]
    pub fn generate(&self) -> Trace {
        let mut random = Random::new(self.seed, 1);
        let mut rooms = self.draw_requests(&mut random);
        if self.preload {
            self.settle_live(&mut rooms, &mut random);
        }
        let (from, end) = (self.measured_from_s(), self.end_s());
        let starts = (1u32..).map(|k| f64::from(k) * self.period_s).take_while(|&start| start < end);
        Trace {
            seed: self.seed,
            warm_ms: (from * 1000.0) as u64,
            end_ms: (end * 1000.0) as u64,
            spikes_ms: starts.filter(|&start| start >= from).map(|start| (start * 1000.0) as u64).collect(),
            vms: self.draw_fleet(),
            rooms,
        }
    }

    /// Requests as a Poisson stream of varying rate, by thinning; those before time 0 leave behind
    /// the rooms that still run then.
    fn draw_requests(&self, random: &mut Random) -> Vec<Room> {
        let shape = self.mean_shape();
        let rate = self.ordinary_rate(shape);
        let peak = self.spike_factor.max(self.half_way_factor) * 1.2;
        let mut t = if self.preload { -self.warm_s } else { 0.0 };
        let mut rooms = Vec::new();
        loop {
            t += random.exponential(1.0 / (rate * peak));
            if t >= self.end_s() {
                return rooms;
            }
            let demand = if t < 0.0 { shape } else { self.demand_at(t) };
            if random.unit() * peak >= demand {
                continue;
            }
            if t < 0.0 {
                rooms.extend(left_of(&self.draw_room(0.0, random), -t));
            } else {
                rooms.push(self.draw_room(t, random));
            }
        }
    }

    /// Requests per second that lead to the mean load aimed at.
    fn ordinary_rate(&self, shape: f64) -> f64 {
        let mut random = Random::new(12345, 99);
        let work = (0..SAMPLE_ROOMS).map(|_| room_work(&self.draw_room(0.0, &mut random))).sum::<f64>()
            / f64::from(SAMPLE_ROOMS);
        let fix = if self.churn { CHURN_LOSS } else { 1.0 };
        (self.load - CPU_IDLE) * self.capacity_at_start() / work / shape * fix
    }

    /// Mean of the demand over the time that feeds the measured part: meetings last half an hour.
    fn mean_shape(&self) -> f64 {
        let (from, to) = if self.preload {
            (0.0, self.measured_s)
        } else {
            ((self.warm_s - 2400.0).max(0.0), self.end_s() - 1200.0)
        };
        let at = |i: u32| from + (to - from) * f64::from(i) / f64::from(SHAPE_POINTS);
        (0..SHAPE_POINTS).map(|i| self.demand_at(at(i))).sum::<f64>() / f64::from(SHAPE_POINTS)
    }
}
