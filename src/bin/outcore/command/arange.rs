//! Numbers at equal distances: `create --arange`.

use std::str::FromStr;

use outcore::element::{bf16, f16};
use outcore::{AnyArrayFile, ByteOrder, DType, Selection};

use crate::blocks::blocks;
use crate::failure::Failure;
use crate::progress::Meter;
use crate::settings::Settings;

/// Bytes to write at a time.
const BLOCK: usize = 8 << 20;

/// `start + step * k`, for element `k` in row-major order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arange {
    Whole { start: i64, step: i64 },
    Real { start: f64, step: f64 },
}

impl FromStr for Arange {
    type Err = String;

    /// `START,STEP`; or `START` alone, for a step of 1.
    fn from_str(text: &str) -> Result<Self, String> {
        let (start, step) = text.split_once(',').unwrap_or((text, "1"));
        let (start, step) = (start.trim(), step.trim());
        if let (Ok(start), Ok(step)) = (start.parse(), step.parse()) {
            return Ok(Self::Whole { start, step });
        }
        match (start.parse::<f64>(), step.parse::<f64>()) {
            (Ok(start), Ok(step)) if start.is_finite() && step.is_finite() => Ok(Self::Real { start, step }),
            _ => Err(format!("'{text}' is not a range; write a start and a step, as in 0,1 or 0.5,0.25")),
        }
    }
}

impl Arange {
    /// Sees that all numbers are values of the type. They lie between the first and the last.
    pub(crate) fn check(self, dtype: &DType, count: u64) -> Result<(), Failure> {
        let last = count.saturating_sub(1);
        let range = match dtype {
            DType::Int { size, .. } => Some((-(1_i128 << (8 * size - 1)), (1_i128 << (8 * size - 1)) - 1)),
            DType::UInt { size, .. } => Some((0, (1_i128 << (8 * u32::from(*size))) - 1)),
            // The least count of a time stands for "not a time".
            DType::DateTime { .. } | DType::TimeDelta { .. } => Some((i128::from(-i64::MAX), i128::from(i64::MAX))),
            DType::Float { size: 2 | 4 | 8, .. } | DType::BFloat16 { .. } | DType::Complex { size: 8 | 16, .. } => None,
            _ => {
                return Err(Failure::usage(format!("{dtype} has no ranges"), "they are for numbers and times"));
            }
        };
        let Some((least, most)) = range else { return Ok(()) };
        let Self::Whole { .. } = self else {
            return Err(Failure::usage(format!("fractions in a range of {dtype}"), "give a whole start and step"));
        };
        for k in [0, last] {
            let value = self.whole(k);
            if count > 0 && !(least..=most).contains(&value) {
                let what = format!("element {k} would be {value}, beyond {least} to {most} of {dtype}");
                return Err(Failure::usage(what, "choose another start, step or dtype"));
            }
        }
        Ok(())
    }

    /// Writes the numbers to all elements.
    pub(crate) fn write(self, file: &mut AnyArrayFile, settings: &Settings) -> Result<(), Failure> {
        let header = file.header().clone();
        let dtype = header.dtype();
        let mut meter = Meter::new(settings, header.nbytes());
        let mut k = 0;
        for block in blocks(&header, &Selection::all(), settings.block(BLOCK))? {
            let count: u64 = block.shape_in(header.shape())?.iter().product();
            let mut items = Vec::with_capacity(usize::try_from(count).unwrap_or(0) * header.itemsize());
            for _ in 0..count {
                self.push(k, dtype, &mut items);
                k += 1;
            }
            if dtype.byte_order() == Some(ByteOrder::Big) {
                dtype.swap_bytes(&mut items);
            }
            file.write_selection(&block, &items)?;
            meter.add(items.len() as u64);
        }
        Ok(())
    }

    fn whole(self, k: u64) -> i128 {
        match self {
            Self::Whole { start, step } => i128::from(start) + i128::from(step) * i128::from(k),
            Self::Real { .. } => 0,
        }
    }

    fn real(self, k: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 a double is as near as it gets")]
        match self {
            Self::Whole { .. } => self.whole(k) as f64,
            Self::Real { start, step } => start + step * k as f64,
        }
    }

    /// Appends the bytes of element `k`, little-endian.
    fn push(self, k: u64, dtype: &DType, items: &mut Vec<u8>) {
        #[expect(clippy::cast_possible_truncation, reason = "a single is the nearest to the double, by design")]
        match dtype {
            DType::Float { size: 2, .. } => items.extend(f16::from_f64(self.real(k)).to_le_bytes()),
            DType::BFloat16 { .. } => items.extend(bf16::from_f64(self.real(k)).to_le_bytes()),
            DType::Float { size: 4, .. } => items.extend((self.real(k) as f32).to_le_bytes()),
            DType::Float { .. } => items.extend(self.real(k).to_le_bytes()),
            DType::Complex { size: 8, .. } => {
                items.extend((self.real(k) as f32).to_le_bytes());
                items.extend([0; 4]);
            }
            DType::Complex { .. } => {
                items.extend(self.real(k).to_le_bytes());
                items.extend([0; 8]);
            }
            // `check` has seen that the number fits, so that its low bytes are all of it.
            _ => items.extend(&self.whole(k).to_le_bytes()[..dtype.itemsize()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_start_and_a_step() {
        assert_eq!("3".parse(), Ok(Arange::Whole { start: 3, step: 1 }));
        assert_eq!("-3, 2".parse(), Ok(Arange::Whole { start: -3, step: 2 }));
        assert_eq!("0.5,1".parse(), Ok(Arange::Real { start: 0.5, step: 1.0 }));
        for text in ["", "a", "1,2,3", "nan", "1,inf"] {
            assert!(text.parse::<Arange>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_must_fit() {
        let fits = |text: &str, dtype: &str, count| {
            text.parse::<Arange>().unwrap().check(&dtype.parse().unwrap(), count).is_ok()
        };
        assert!(fits("0,1", "|u1", 256));
        assert!(!fits("0,1", "|u1", 257));
        assert!(fits("127,-1", "|i1", 256));
        assert!(!fits("127,-1", "|i1", 257));
        assert!(!fits("0.5", "<i4", 2));
        assert!(fits("0.5", "<f2", 2));
        assert!(!fits("0", "|S3", 2));
        assert!(fits("0", "<M8[D]", 2));
        assert!(fits("300", "|u1", 0));
    }
}
