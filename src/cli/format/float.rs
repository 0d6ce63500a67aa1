//! Floating point numbers as Go's strconv writes them.

/// `%v`: the fewest digits that name the value, with an exponent below -4 and from 6 on.
pub fn shortest(value: f64) -> String {
    general_with(value, None, 6)
}

/// `%.Ng`: `precision` significant digits without trailing zeros.
pub fn general(value: f64, precision: usize) -> String {
    general_with(value, Some(precision), precision.max(1) as i32)
}

/// `%e`
pub fn exponent(value: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let text = match precision {
        Some(precision) => format!("{value:.precision$e}"),
        None => format!("{value:e}"),
    };
    // Rust writes 1e5 where Go writes 1e+05.
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
    format!("{digits}e{sign}{power:0>2}")
}

/// `%f`
pub fn fixed(value: f64, precision: usize) -> String {
    special(value).map_or_else(|| format!("{value:.precision$}"), str::to_owned)
}

/// `%g` with a given or the shortest precision; an exponent is used from `10^exponent_min` on.
fn general_with(value: f64, precision: Option<usize>, exponent_min: i32) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let scientific = exponent(value, precision.map(|precision| precision.max(1) - 1));
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    if power < -4 || power >= exponent_min {
        return format!("{}e{}", trimmed(digits), &scientific[digits.len() + 1..]);
    }
    let written = digits.bytes().filter(u8::is_ascii_digit).count() as i32;
    let decimals = usize::try_from(written - 1 - power).unwrap_or(0);
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

fn trimmed(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}
