//! Floats as C99 and Python's `float.hex` write them.

/// The value of C99's hexadecimal notation, exactly.
pub(crate) fn hex_float(text: &str) -> f64 {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let value = match magnitude {
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => {
            let (mantissa, exponent) =
                magnitude.strip_prefix("0x").and_then(|rest| rest.split_once('p')).expect("a hex float");
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let digits = format!("{whole}{fraction}");
            let bits = u64::from_str_radix(&digits, 16).expect("hex digits");
            assert!(bits < 1 << 53, "{text} has more digits than an f64");
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let mantissa = bits as f64;
            let shift = exponent.parse::<i32>().expect("an exponent") - 4 * i32::try_from(fraction.len()).unwrap();
            // In two steps: 2^shift itself may be below the smallest f64 although the product is not.
            mantissa * 2_f64.powi(shift / 2) * 2_f64.powi(shift - shift / 2)
        }
    };
    if negative { -value } else { value }
}
