//! Reproducible randomness: xoshiro256++ (Blackman and Vigna, public domain), seeded by splitmix64.
//!
//! Not a crate's generator, because the trace format promises the same bytes for the same seed
//! for ever, and a crate promises that only until its next major version. Not for secrets.

use std::f64::consts::TAU;

/// A stream of random numbers, given by a seed and the stream's number.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

/// One step of splitmix64: moves `state` on and returns a well-mixed number.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number that depends on both `a` and `b` and on nothing else.
#[must_use]
pub fn mix(a: u64, b: u64) -> u64 {
    let mut state = a.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ b.rotate_left(32);
    splitmix(&mut state);
    splitmix(&mut state)
}

/// The upper 53 bits as a fraction, strictly between 0 and 1.
#[must_use]
pub fn unit(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

impl Random {
    /// Stream `stream` of `seed`.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut at = mix(seed, stream);
        Self { state: std::array::from_fn(|_| splitmix(&mut at)) }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let out = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        out
    }

    /// Uniform, strictly between 0 and 1.
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from((u128::from(self.bits()) * n as u128) >> 64)
            .expect("smaller than n, which is a usize")
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -self.unit().ln() * mean
    }

    /// Log-normal with this median.
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// Standard normal (Box and Muller, one of the pair).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// Nearly standard normal, cheaply: the sum of four 16-bit uniforms, scaled.
    pub fn noise(&mut self) -> f64 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|lane| (bits >> (16 * lane)) & 0xFFFF).sum();
        (sum as f64 / 65536.0 - 2.0) * 1.732
    }
}
