//! Sizes and spans of time for people, in the words of docker and podman (Go package docker/go-units).

use super::format::float;
use crate::error::Kind;
use anyhow::Result;
use std::time::Duration;

const DECIMAL: [&str; 9] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];

/// `203MB`, as podman shows the sizes of containers, and docker those of images.
pub fn human_size(bytes: f64, digits: usize) -> String {
    scaled(bytes, digits).concat()
}

/// `203 MB`, as podman lists images.
pub fn human_size_spaced(bytes: f64, digits: usize) -> String {
    scaled(bytes, digits).join(" ")
}

fn scaled(size: f64, digits: usize) -> [String; 2] {
    let (mut size, mut power) = (size, 0);
    while size >= 1000.0 && power < DECIMAL.len() - 1 {
        size /= 1000.0;
        power += 1;
    }
    [float::general(size, digits), DECIMAL[power].to_owned()]
}

/// Bytes written with powers of 1024, as memory limits are: `64m` and `64MiB` are 67 108 864.
pub fn parse_bytes(text: &str) -> Result<u64> {
    read(text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        Kind::BadInput.hinted(format!("malformed size {shown:?}"), "write it like 512k, 64m or 1.5g")
    })
}

fn read(text: &str) -> Option<u64> {
    let end = text.rfind(|character: char| character.is_ascii_digit() || matches!(character, '.' | ' '))?;
    let (number, suffix) = text.split_at(end + 1);
    let number = number.strip_suffix(' ').unwrap_or(number);
    let power = match suffix.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    let factor = 1024_u64.pow(power);
    // Whole numbers stay exact beyond the 53 bits of a float.
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.parse::<u64>().ok()?.checked_mul(factor).filter(|size| *size <= i64::MAX as u64);
    }
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let size = number.parse::<f64>().ok().filter(|_| is_plain)? * factor as f64;
    (size < i64::MAX as f64).then_some(size as u64)
}

/// `3 seconds`, `About a minute`, `2 weeks`: one rounded unit.
pub fn human_duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    let hours = secs / 3600;
    let rounded_hours = (duration.as_secs_f64() / 3600.0 + 0.5) as u64;
    match (secs, secs / 60, rounded_hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (2..60, ..) => format!("{secs} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, minutes @ ..60, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".to_owned(),
        (.., hours @ ..48) => format!("{hours} hours"),
        (.., hours @ ..336) => format!("{} days", hours / 24),
        (.., hours @ ..1440) => format!("{} weeks", hours / 24 / 7),
        (.., hours @ ..17520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The tables are outputs of docker/go-units.
    #[test]
    fn sizes_are_written_as_docker_does() {
        let table = [
            (0.0, "0B", "0B"),
            (1.0, "1B", "1B"),
            (999.0, "999B", "999B"),
            (1000.0, "1kB", "1kB"),
            (1024.0, "1.02kB", "1.024kB"),
            (1500.0, "1.5kB", "1.5kB"),
            (123456.0, "123kB", "123.5kB"),
            (999999.0, "1e+03kB", "1000kB"),
            (1000000.0, "1MB", "1MB"),
            (203000000.0, "203MB", "203MB"),
            (202949632.0, "203MB", "202.9MB"),
            (1234567890.0, "1.23GB", "1.235GB"),
            (1000000000000.0, "1TB", "1TB"),
            (1000000000000000.0, "1PB", "1PB"),
            (1500000000000000000.0, "1.5EB", "1.5EB"),
            (8.3e24, "8.3YB", "8.3YB"),
        ];
        for (size, three, four) in table {
            let shown = (scaled(size, 3).concat(), scaled(size, 4).concat());
            assert_eq!(shown, (three.to_owned(), four.to_owned()));
        }
        assert_eq!(human_size_spaced(202_949_632.0, 3), "203 MB");
    }

    #[test]
    fn sizes_are_read_as_docker_does() {
        let table = [
            ("0", Some(0)),
            ("32", Some(32)),
            ("32b", Some(32)),
            ("32B", Some(32)),
            ("32k", Some(32768)),
            ("32K", Some(32768)),
            ("32kb", Some(32768)),
            ("32Kb", Some(32768)),
            ("32Mb", Some(33554432)),
            ("32Gb", Some(34359738368)),
            ("32Tb", Some(35184372088832)),
            ("32Pb", Some(36028797018963968)),
            ("32 k", Some(32768)),
            ("32.5kB", Some(33280)),
            ("32.5 kB", Some(33280)),
            ("32.5 B", Some(32)),
            ("0.3 K", Some(307)),
            ("1.5GiB", Some(1610612736)),
            ("64m", Some(67108864)),
            ("1g", Some(1073741824)),
            ("", None),
            ("hello", None),
            ("-32", None),
            ("32m b", None),
            ("32bm", None),
            ("1e3", None),
            (" 32 ", None),
            (" 32", None),
            ("32 ", Some(32)),
            ("32kk", None),
            ("1..5k", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_bytes(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn spans_are_written_as_docker_does() {
        let table = [
            (0, "Less than a second"),
            (450, "Less than a second"),
            (1000, "1 second"),
            (1500, "1 second"),
            (47000, "47 seconds"),
            (60000, "About a minute"),
            (119000, "About a minute"),
            (180000, "3 minutes"),
            (2100000, "35 minutes"),
            (3599000, "59 minutes"),
            (3600000, "About an hour"),
            (5340000, "About an hour"),
            (5460000, "2 hours"),
            (7200000, "2 hours"),
            (169200000, "47 hours"),
            (172800000, "2 days"),
            (432000000, "5 days"),
            (1123200000, "13 days"),
            (1209600000, "2 weeks"),
            (5097600000, "8 weeks"),
            (5184000000, "2 months"),
            (60480000000, "23 months"),
            (63072000000, "2 years"),
            (259200000000, "8 years"),
        ];
        for (millis, expected) in table {
            assert_eq!(human_duration(Duration::from_millis(millis)), expected, "{millis} ms");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse_bytes(&text);
        }

        #[test]
        fn whole_sizes_are_exact(size in 0..=i64::MAX as u64) {
            prop_assert_eq!(parse_bytes(&size.to_string()).unwrap(), size);
        }
    }
}
