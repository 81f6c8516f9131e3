//! Rounding to 16-bit floats, to the nearest and to even, without branches, so that it runs on vector units everywhere.

#![expect(clippy::cast_possible_truncation, reason = "rounding")]

/// The nearest `f32`, or its neighbour with an odd last bit where the value lies between two: rounding that once more is as
/// good as rounding the value itself (Boldo and Melquiond, "When double rounding is odd", 2005).
#[inline(always)]
pub(super) fn round_to_odd(value: f64) -> f32 {
    let near = value as f32;
    let back = f64::from(near);
    let bits = near.to_bits();
    // One step towards zero where the nearest is beyond the value, and an odd last bit.
    let cut = if back.abs() > value.abs() { bits - 1 } else { bits };
    f32::from_bits(if back == value || value.is_nan() { bits } else { cut | 1 })
}

/// An integer with its sign, as an `f64` that rounds to fewer bits as the integer does.
#[inline(always)]
pub(super) fn sticky(magnitude: u64, negative: bool) -> f64 {
    const LOW: u64 = (1 << 11) - 1;
    let kept =
        if magnitude >> 53 == 0 { magnitude } else { (magnitude & !LOW) | (u64::from(magnitude & LOW != 0) << 11) };
    let value = kept as f64;
    if negative { -value } else { value }
}

/// The bits of the nearest IEEE half, and whether the value is another.
#[inline(always)]
pub(super) fn to_half(value: f32) -> (u16, bool) {
    const INFINITY: u32 = 0x7f80_0000;
    /// The smallest normal half, and the number whose last bit has the weight of the last bit of a subnormal half.
    const NORMAL: u32 = 113 << 23;
    const MAGIC: u32 = 126 << 23;
    let bits = value.to_bits();
    let sign = (bits >> 16) & 0x8000;
    let size = bits & 0x7fff_ffff;
    let even = (size >> 13) & 1;
    let normal = (size.wrapping_sub(112 << 23).wrapping_add(0xfff + even)) >> 13;
    let subnormal = (f32::from_bits(size) + f32::from_bits(MAGIC)).to_bits().wrapping_sub(MAGIC);
    let scaled = f32::from_bits(size.min(NORMAL)) * 16_777_216.0;
    let small = size < NORMAL;
    let rounded = if small { subnormal } else { normal };
    let large = if size > INFINITY { 0x7e00 | ((size >> 13) & 0x1ff) } else { 0x7c00 };
    let half = if size >= 143 << 23 { large } else { rounded };
    let lost = if small { (scaled as i32) as f32 != scaled } else { size & 0x1fff != 0 || size >= 143 << 23 };
    ((sign | half) as u16, lost && size < INFINITY)
}

/// The bits of the nearest brain float, and whether the value is another.
#[inline(always)]
pub(super) fn to_brain(value: f32) -> (u16, bool) {
    let bits = value.to_bits();
    let even = (bits >> 16) & 1;
    let rounded = bits.wrapping_add(0x7fff + even) >> 16;
    let nan = (bits >> 16) | 0x40;
    let is_nan = bits & 0x7fff_ffff > 0x7f80_0000;
    ((if is_nan { nan } else { rounded }) as u16, !is_nan && bits & 0xffff != 0)
}

#[cfg(all(test, feature = "half"))]
mod tests {
    use half::{bf16, f16};

    use super::*;

    /// Every half, the middle between it and the next, and what is just beside both.
    #[test]
    fn halves_round_to_the_nearest_even() {
        for bits in 0..0x7c00_u16 {
            let (low, high) = (f16::from_bits(bits).to_f64(), f16::from_bits(bits + 1).to_f64());
            let high = if high.is_infinite() { 65536.0 } else { high };
            let middle = f64::midpoint(low, high);
            let even = if bits % 2 == 0 { bits } else { bits + 1 };
            for (value, expected) in [
                (low, bits),
                (low.next_up(), bits),
                (middle.next_down(), bits),
                (middle, even),
                (middle.next_up(), bits + 1),
                (high.next_down(), bits + 1),
            ] {
                let (found, lost) = to_half(round_to_odd(value));
                assert_eq!(found, expected, "{value:e}");
                assert_eq!(lost, value != low, "{value:e}");
                assert_eq!(to_half(round_to_odd(-value)).0, expected | 0x8000, "-{value:e}");
            }
        }
        assert_eq!(to_half(f32::INFINITY), (0x7c00, false));
        assert_eq!(to_half(f32::MAX), (0x7c00, true));
        assert!(f16::from_bits(to_half(f32::NAN).0).is_nan());
    }

    #[test]
    fn brain_floats_round_to_the_nearest_even() {
        for bits in (0..0x7f80_u16).step_by(7) {
            let (low, high) = (bf16::from_bits(bits).to_f64(), bf16::from_bits(bits + 1).to_f64());
            if high.is_infinite() {
                continue;
            }
            let middle = f64::midpoint(low, high);
            let even = if bits % 2 == 0 { bits } else { bits + 1 };
            for (value, expected) in [
                (low, bits),
                (low.next_up(), bits),
                (middle.next_down(), bits),
                (middle, even),
                (middle.next_up(), bits + 1),
            ] {
                let (found, lost) = to_brain(round_to_odd(value));
                assert_eq!((found, lost), (expected, value != low), "{value:e}");
            }
        }
        assert!(bf16::from_bits(to_brain(f32::NAN).0).is_nan());
        assert_eq!(to_brain(f32::MAX), (0x7f80, true));
    }

    #[test]
    fn large_integers_round_once() {
        // Just above the middle of two brain floats, by a bit that an `f64` drops.
        let above = (0x101_u64 << 54) + 1;
        assert_eq!(to_brain(round_to_odd(sticky(above, false))).0, bf16::from_f32(2_f32.powi(62)).to_bits() + 1);
        assert_eq!(to_brain(round_to_odd(sticky(above - 1, false))).0, bf16::from_f32(2_f32.powi(62)).to_bits());
    }
}
