//! Points in time and durations as Go writes and reads them, which is how docker and podman show and take them.

use crate::error::Kind;
use anyhow::Result;
use chrono::{DateTime, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use std::time::{Duration, SystemTime};

const NANOS_PER_SEC: i128 = 1_000_000_000;
/// No point in time or duration is written longer.
const TEXT_BYTES_MAX: usize = 128;

/// Where a point in time is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    Utc,
    Local,
}

/// Which end of a span is asked for: a bare duration counts back from now for its start, onward for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Since,
    Until,
}

/// Nanoseconds since 1970; negative before.
pub fn unix_nanos(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

/// `None` where the platform's time does not reach.
pub fn from_unix_nanos(nanos: i128) -> Option<SystemTime> {
    let size = nanos.unsigned_abs();
    let secs = u64::try_from(size / NANOS_PER_SEC as u128).ok()?;
    let distance = Duration::new(secs, (size % NANOS_PER_SEC as u128) as u32);
    match nanos < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(distance),
        false => SystemTime::UNIX_EPOCH.checked_add(distance),
    }
}

/// A time beyond chrono's years (±262000) is shown as 1970.
fn in_zone(time: SystemTime, zone: Zone) -> DateTime<FixedOffset> {
    let nanos = unix_nanos(time);
    let secs = i64::try_from(nanos.div_euclid(NANOS_PER_SEC)).unwrap_or(0);
    let utc = DateTime::from_timestamp(secs, nanos.rem_euclid(NANOS_PER_SEC) as u32).unwrap_or_default();
    match zone {
        Zone::Utc => utc.fixed_offset(),
        Zone::Local => utc.with_timezone(&Local).fixed_offset(),
    }
}

/// `2006-01-02 15:04:05.1234 +0000 UTC`, what Go's Time.String writes.
pub fn go_string(time: SystemTime, zone: Zone) -> String {
    let time = in_zone(time, zone);
    let offset = time.format("%z").to_string();
    // A zone without an abbreviation at hand is named by its offset, as Go does.
    let name = if zone == Zone::Utc || offset == "+0000" { "UTC" } else { &offset };
    format!("{}{} {offset} {name}", time.format("%Y-%m-%d %H:%M:%S"), fraction(time.timestamp_subsec_nanos()))
}

fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        _ => format!(".{nanos:09}").trim_end_matches('0').to_owned(),
    }
}

/// A Go duration in nanoseconds (package time, ParseDuration): `1h30m`, `1.5s`, `300ms`; it fits 64 bits.
pub fn read_duration(text: &str) -> Option<i64> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    match rest {
        "" => return None,
        "0" => return Some(0),
        _ => {}
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (nanos, after) = read_part(rest)?;
        total = total.checked_add(nanos).filter(|total| *total <= i128::from(i64::MAX) + 1)?;
        rest = after;
    }
    i64::try_from(sign * total).ok()
}

/// One number and its unit, in nanoseconds, and what follows.
fn read_part(text: &str) -> Option<(i128, &str)> {
    let digits = |text: &str| text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at(digits(text));
    let (part, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let end = rest.find(|character: char| character == '.' || character.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let unit: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => NANOS_PER_SEC,
        "m" => 60 * NANOS_PER_SEC,
        "h" => 3_600 * NANOS_PER_SEC,
        _ => return None,
    };
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Digits beyond a nanosecond cannot count; eighteen keep the product within 128 bits.
    let part = &part[..part.len().min(18)];
    let scale = 10_i128.pow(part.len() as u32);
    let part: i128 = if part.is_empty() { 0 } else { part.parse().ok()? };
    Some((whole.checked_mul(unit)?.checked_add(part * unit / scale)?, rest))
}

/// A Go duration that is not negative, in nanoseconds.
pub fn parse_duration(text: &str) -> Result<u64> {
    let nanos = read_duration(text).and_then(|nanos| u64::try_from(nanos).ok());
    nanos.ok_or_else(|| {
        let shown: String = text.chars().take(TEXT_BYTES_MAX).collect();
        Kind::BadInput.hinted(format!("malformed duration {shown:?}"), "write it like 30s, 1m30s or 500ms")
    })
}

/// What `--since` and `--until` take: RFC 3339 in any precision with or without zone (none is UTC), a date, seconds
/// since 1970 with a fraction, or a Go duration from `now`.
pub fn parse_time(text: &str, bound: Bound, now: SystemTime) -> Result<SystemTime> {
    read_time(text, bound, now).ok_or_else(|| {
        let shown: String = text.chars().take(TEXT_BYTES_MAX).collect();
        Kind::BadInput.hinted(
            format!("malformed time {shown:?}"),
            "write it like 2006-01-02T15:04:05Z, 2006-01-02, 1136214245.5 or 10m",
        )
    })
}

fn read_time(text: &str, bound: Bound, now: SystemTime) -> Option<SystemTime> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let nanos = read_date(text).or_else(|| read_unix(text)).or_else(|| {
        let duration = i128::from(read_duration(text)?);
        Some(match bound {
            Bound::Since => unix_nanos(now) - duration,
            Bound::Until => unix_nanos(now) + duration,
        })
    })?;
    from_unix_nanos(nanos)
}

/// A calendar time in nanoseconds since 1970.
fn read_date(text: &str) -> Option<i128> {
    let time: DateTime<Utc> = match text.split_once('T') {
        None => {
            let (date, offset) = text.split_at_checked(10)?;
            let midnight = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN);
            at_offset(midnight, offset)?
        }
        Some((date, clock)) => {
            let end = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
            let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
            at_offset(date.and_time(read_clock(&clock[..end])?), &clock[end..])?
        }
    };
    Some(i128::from(time.timestamp()) * NANOS_PER_SEC + i128::from(time.timestamp_subsec_nanos()))
}

/// `15`, `15:04`, `15:04:05` or `15:04:05.123`.
fn read_clock(text: &str) -> Option<NaiveTime> {
    ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok()).or_else(|| {
        let hour = text.parse().ok().filter(|_| text.len() == 2)?;
        NaiveTime::from_hms_opt(hour, 0, 0)
    })
}

/// The moment of a wall clock time at an offset: nothing or `Z` for none, `+02:00` or `+0200`.
fn at_offset(time: NaiveDateTime, offset: &str) -> Option<DateTime<Utc>> {
    if matches!(offset, "" | "Z" | "z") {
        return Some(time.and_utc());
    }
    let sign = match offset.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = offset[1..].split_once(':').or_else(|| offset[1..].split_at_checked(2))?;
    let two = |text: &str| match text.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(i32::from(tens - b'0') * 10 + i32::from(ones - b'0')),
        _ => None,
    };
    let minutes = two(minutes).filter(|minutes| *minutes < 60)?;
    let offset = FixedOffset::east_opt(sign * (two(hours)? * 3_600 + minutes * 60))?;
    offset.from_local_datetime(&time).single().map(|time| time.to_utc())
}

/// Seconds since 1970 with a fraction, exact where a float would not be.
fn read_unix(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let secs: i128 = i128::from(whole.parse::<i64>().ok()?);
    let nanos: i128 = format!("{part:0<9}")[..9].parse().ok()?;
    Some(sign * (secs * NANOS_PER_SEC + nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64, nanos: i128) -> SystemTime {
        from_unix_nanos(i128::from(secs) * NANOS_PER_SEC + nanos).unwrap()
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        let time = at(1_136_214_245, 120_000_000);
        assert_eq!(go_string(time, Zone::Utc), "2006-01-02 15:04:05.12 +0000 UTC");
    }

    // What Go's ParseDuration reads.
    #[test]
    fn durations_are_read_as_go_does() {
        let table = [
            ("0", 0),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            ("300ms", 300_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("+5s", 5_000_000_000),
            ("-5s", -5_000_000_000),
            ("1.5µs", 1_500),
            ("1h1ns", 3_600_000_000_001),
            ("2562047h47m16.854775807s", i64::MAX),
        ];
        for (text, expected) in table {
            assert_eq!(read_duration(text), Some(expected), "{text}");
        }
        for text in ["", "1", "s", ".s", "-", "+", "1d", "1h ", " 1h", "2562047h47m16.854775808s", "1e3s", "٣s"] {
            assert_eq!(read_duration(text), None, "{text}");
        }
    }

    #[test]
    fn since_and_until_take_every_form() {
        let now = at(2_000_000_000, 0);
        let table = [
            ("2006-01-02T15:04:05Z", 1_136_214_245, 0),
            ("2006-01-02T15:04:05.123456789Z", 1_136_214_245, 123_456_789),
            ("2006-01-02T15:04:05+02:00", 1_136_207_045, 0),
            ("2006-01-02T15:04:05.5-0700", 1_136_239_445, 500_000_000),
            ("2006-01-02T15:04:05", 1_136_214_245, 0),
            ("2006-01-02T15:04:05.25", 1_136_214_245, 250_000_000),
            ("2006-01-02T15:04", 1_136_214_240, 0),
            ("2006-01-02T15", 1_136_214_000, 0),
            ("2006-01-02", 1_136_160_000, 0),
            ("2006-01-02Z", 1_136_160_000, 0),
            ("2006-01-02+01:00", 1_136_156_400, 0),
            ("1136214245", 1_136_214_245, 0),
            ("1136214245.5", 1_136_214_245, 500_000_000),
            ("1136214245.000000001", 1_136_214_245, 1),
            ("10m", 1_999_999_400, 0),
            ("1h30m", 1_999_994_600, 0),
        ];
        for (text, secs, nanos) in table {
            assert_eq!(parse_time(text, Bound::Since, now).unwrap(), at(secs, nanos), "{text}");
        }
        assert_eq!(parse_time("10m", Bound::Until, now).unwrap(), at(2_000_000_600, 0));
        for text in [
            "",
            "yesterday",
            "2006-13-02",
            "2006-01-02T25:00:00Z",
            "2006-01-02X",
            "1.2.3",
            "-",
            ".5",
            "2006-01-02T",
            "9999999999999999999999",
        ] {
            assert!(parse_time(text, Bound::Since, now).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse_time(&text, Bound::Since, SystemTime::UNIX_EPOCH);
        }

        #[test]
        fn no_likely_text_panics(text in "[-+0-9.:TZhmsnuµ]{0,30}") {
            let _ = parse_time(&text, Bound::Until, SystemTime::UNIX_EPOCH);
        }
    }
}
