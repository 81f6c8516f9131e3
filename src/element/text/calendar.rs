//! Dates and times in the proleptic Gregorian calendar, at any distance from today.
//!
//! All arithmetic is in `i128`, which holds every `i64` of every unit with room to spare.

use super::super::dtype::Unit;

const DAY_SECONDS: i128 = 86_400;

/// Years to which the calendar repeats, and the days in them.
const ERA_YEARS: i128 = 400;
const ERA_DAYS: i128 = 146_097;

/// Days from 0000-03-01, on which the era begins, to 1970-01-01.
const EPOCH: i128 = 719_468;

/// How many of the unit make a second, for units that fit into one.
fn per_second(unit: Unit) -> Option<i128> {
    Some(match unit {
        Unit::Second => 1,
        Unit::Millisecond => 10_i128.pow(3),
        Unit::Microsecond => 10_i128.pow(6),
        Unit::Nanosecond => 10_i128.pow(9),
        Unit::Picosecond => 10_i128.pow(12),
        Unit::Femtosecond => 10_i128.pow(15),
        Unit::Attosecond => 10_i128.pow(18),
        _ => return None,
    })
}

/// How many seconds one of the unit takes, for units of fixed length from the second up.
fn seconds(unit: Unit) -> Option<i128> {
    Some(match unit {
        Unit::Week => 7 * DAY_SECONDS,
        Unit::Day => DAY_SECONDS,
        Unit::Hour => 3600,
        Unit::Minute => 60,
        Unit::Second => 1,
        _ => return None,
    })
}

/// Digits after the decimal point of the seconds.
fn fraction_digits(unit: Unit) -> usize {
    match unit {
        Unit::Millisecond => 3,
        Unit::Microsecond => 6,
        Unit::Nanosecond => 9,
        Unit::Picosecond => 12,
        Unit::Femtosecond => 15,
        Unit::Attosecond => 18,
        _ => 0,
    }
}

/// The unit in words, as NumPy prints it.
pub(super) fn plural(unit: Unit) -> &'static str {
    match unit {
        Unit::Generic => "generic time units",
        Unit::Year => "years",
        Unit::Month => "months",
        Unit::Week => "weeks",
        Unit::Day => "days",
        Unit::Hour => "hours",
        Unit::Minute => "minutes",
        Unit::Second => "seconds",
        Unit::Millisecond => "milliseconds",
        Unit::Microsecond => "microseconds",
        Unit::Nanosecond => "nanoseconds",
        Unit::Picosecond => "picoseconds",
        Unit::Femtosecond => "femtoseconds",
        Unit::Attosecond => "attoseconds",
    }
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(days: i128) -> (i128, i128, i128) {
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    // Leap days come every 4 years, but not every 100, but every 400.
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Years begin in March here, so that the months repeat a pattern of 153 days in 5.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * ERA_YEARS + year + next_year, month, day)
}

/// Days since 1970-01-01.
fn days(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(ERA_YEARS), year.rem_euclid(ERA_YEARS));
    let month = (month + 9) % 12;
    era * ERA_DAYS + 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1 - EPOCH
}

fn days_in_month(year: i128, month: i128) -> i128 {
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next.0, next.1, 1) - days(year, month, 1)
}

/// A number of units since 1970-01-01 as ISO 8601, to the precision of the unit.
pub(super) fn format(count: i128, unit: Unit) -> String {
    match unit {
        Unit::Generic => return count.to_string(),
        Unit::Year => return format!("{:04}", 1970 + count),
        Unit::Month => return format!("{:04}-{:02}", 1970 + count.div_euclid(12), count.rem_euclid(12) + 1),
        _ => {}
    }
    let (seconds, fraction) = match (seconds(unit), per_second(unit)) {
        (Some(seconds), _) => (count * seconds, 0),
        (None, scale) => {
            let scale = scale.unwrap_or(1);
            (count.div_euclid(scale), count.rem_euclid(scale))
        }
    };
    let (year, month, day) = date(seconds.div_euclid(DAY_SECONDS));
    let date = format!("{year:04}-{month:02}-{day:02}");
    let seconds = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match unit {
        Unit::Week | Unit::Day => date,
        Unit::Hour => format!("{date}T{hour:02}"),
        Unit::Minute => format!("{date}T{hour:02}:{minute:02}"),
        Unit::Second => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        _ => {
            let digits = fraction_digits(unit);
            format!("{date}T{hour:02}:{minute:02}:{second:02}.{fraction:0digits$}")
        }
    }
}

/// The number of units since 1970-01-01 of an ISO 8601 text: `None` where the text is no time, `Some(None)` where the
/// time is not a whole number of units.
pub(super) fn parse(text: &str, unit: Unit) -> Option<Option<i128>> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let (sign, unsigned) = match date.strip_prefix('-') {
        Some(date) => (-1, date),
        None => (1, date.strip_prefix('+').unwrap_or(date)),
    };
    let mut parts = unsigned.split('-');
    // NumPy pads negative years to four places, the sign among them.
    let year = sign * number(parts.next()?, if sign < 0 { 3 } else { 4 }, 25)?;
    let month = part(parts.next(), 1, 12)?;
    let day = part(parts.next(), 1, days_in_month(year, month.unwrap_or(1)))?;
    if parts.next().is_some() || (time.is_some() && day.is_none()) {
        return None;
    }
    let (seconds, attoseconds) = clock(time)?;
    let (month, day) = (month.unwrap_or(1), day.unwrap_or(1));
    let exact = seconds == 0 && attoseconds == 0;
    Some(match unit {
        Unit::Year => (exact && month == 1 && day == 1).then_some(year - 1970),
        Unit::Month => (exact && day == 1).then_some((year - 1970) * 12 + month - 1),
        _ => whole_units(days(year, month, day) * DAY_SECONDS + seconds, attoseconds, unit),
    })
}

/// Digits only, at least and at most so many.
fn number(text: &str, least: usize, most: usize) -> Option<i128> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// Two digits within bounds, where there are any.
fn part(text: Option<&str>, least: i128, most: i128) -> Option<Option<i128>> {
    match text {
        None => Some(None),
        Some(text) => Some(Some(number(text, 2, 2).filter(|value| (least..=most).contains(value))?)),
    }
}

/// Seconds since midnight, and attoseconds since that second.
fn clock(time: Option<&str>) -> Option<(i128, i128)> {
    let Some(time) = time else { return Some((0, 0)) };
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (time, None),
    };
    let mut parts = clock.split(':');
    let hour = part(parts.next(), 0, 23)??;
    let minute = part(parts.next(), 0, 59)?;
    let second = part(parts.next(), 0, 59)?;
    if parts.next().is_some() || (fraction.is_some() && second.is_none()) {
        return None;
    }
    let attoseconds = match fraction {
        Some(digits) => number(&format!("{digits:0<18}"), 18, 18).filter(|_| !digits.is_empty())?,
        None => 0,
    };
    Some((hour * 3600 + minute.unwrap_or(0) * 60 + second.unwrap_or(0), attoseconds))
}

/// A time since 1970 in whole units, if it is.
fn whole_units(total: i128, attoseconds: i128, unit: Unit) -> Option<i128> {
    if let Some(seconds) = seconds(unit) {
        return (attoseconds == 0 && total % seconds == 0).then(|| total / seconds);
    }
    let scale = per_second(unit)?;
    let step = 10_i128.pow(18) / scale;
    (attoseconds % step == 0).then_some(())?;
    total.checked_mul(scale)?.checked_add(attoseconds / step)
}
