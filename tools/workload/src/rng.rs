//! Random numbers that are the same on every machine and in every release.
//!
//! The generator is xoshiro256++ seeded by splitmix64 (Blackman and Vigna, 2019). Logarithms and
//! powers are computed here from additions and multiplications alone: those of the platform's
//! libm differ in their last bits, and with them every file made from a seed would.

/// A deterministic source of random numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        let mut mixed = seed;
        let state = std::array::from_fn(|_| {
            mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(mixed)
        });
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number in `0..bound`; 0 if the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`, each as likely.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low.wrapping_add(self.below(high.wrapping_sub(low).wrapping_add(1) as u64) as i64)
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True this often, of 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Exponentially distributed with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -log2(1.0 - self.unit()) * std::f64::consts::LN_2
    }

    /// Around `median`, spread by a factor of `2^spread` a standard deviation.
    pub fn lognormal(&mut self, median: f64, spread: f64) -> f64 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|i| (bits >> (16 * i)) & 0xffff).sum();
        // Four uniform numbers add up to a bell with a deviation of 1/sqrt(3).
        let normal = (sum as f64 / 65536.0 - 2.0) * 1.732;
        median * exp2(normal * spread)
    }

    /// A rank in `0..count`, the n-th about n times rarer than the first (Zipf's law).
    pub fn rank(&mut self, count: u64) -> u64 {
        let rank = exp2(self.unit() * log2(count.max(1) as f64)) as u64;
        rank.saturating_sub(1).min(count.saturating_sub(1))
    }

    /// A whole number of at least 1 with a heavy tail: P(n > x) = x^-steepness, at most `most`.
    pub fn pareto(&mut self, steepness: f64, most: u64) -> u64 {
        let value = exp2(-log2(1.0 - self.unit()) / steepness);
        (value as u64).clamp(1, most.max(1))
    }

    /// One of `choices`, the first the likeliest.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let rank = self.rank(choices.len() as u64);
        choices.get(rank as usize)
    }
}

/// Spreads a number over all 64 bits, one to one (splitmix64's finaliser).
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The logarithm to base 2 of a positive normal number, to some ten digits.
fn log2(value: f64) -> f64 {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as f64 - 1023.0;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0];
    let sum = series.iter().fold(0.0, |sum, term| sum * square + term);
    exponent + 2.0 * t * sum * std::f64::consts::LOG2_E
}

/// Two to the power of `value`, to some seven digits; `value` is clamped to +-1000.
fn exp2(value: f64) -> f64 {
    let value = value.clamp(-1000.0, 1000.0);
    let floor = value.floor();
    let x = (value - floor) * std::f64::consts::LN_2;
    let series = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let sum = series.iter().fold(0.0, |sum, term| sum * x + term);
    sum * f64::from_bits(((floor as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_and_logarithms_are_close_to_true_ones() {
        for i in 1..2000 {
            let x = f64::from(i) * 0.37;
            assert!((log2(x) - x.log2()).abs() < 1e-7, "{x}");
            let y = f64::from(i - 1000) * 0.013;
            assert!((exp2(y) / y.exp2() - 1.0).abs() < 1e-6, "{y}");
        }
    }

    #[test]
    fn distributions_have_their_means_and_bounds() {
        let mut rng = Rng::new(7);
        let mean = (0..100_000).map(|_| rng.exponential()).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((0..10_000).all(|_| rng.rank(10) < 10));
        assert!((0..10_000).all(|_| (1..=50).contains(&rng.pareto(1.0, 50))));
        assert!((0..10_000).all(|_| (-3..=4).contains(&rng.between(-3, 4))));
        assert_eq!((rng.below(0), rng.rank(0), rng.rank(1)), (0, 0, 0));
    }

    #[test]
    fn numbers_of_a_seed_never_change() {
        let mut rng = Rng::new(1);
        let first: [u64; 3] = std::array::from_fn(|_| rng.bits());
        assert_eq!(first, [14971601782005023387, 13781649495232077965, 1847458086238483744]);
    }
}
