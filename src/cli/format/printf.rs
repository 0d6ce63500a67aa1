//! Go's `printf` (package fmt, "Printing") for the values that templates have.

use super::value::{Data, sorted};
use super::{float, quote};
use std::fmt::{self, Write};

/// Go refuses a greater width or precision.
const WIDTH_MAX: usize = 1_000_000;
/// No float has more digits that mean something.
const DIGITS_MAX: usize = 1_100;

/// One directive: `%-10.3f` without its verb.
#[derive(Clone, Copy, Default)]
struct Spec {
    sharp: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    width: usize,
    precision: Option<usize>,
}

/// Writes `values` in the shape of `form`. What does not fit is shown as Go shows it: `%!d(string=x)`.
pub fn write(form: &str, values: &[Data<'_>], out: &mut dyn Write) -> fmt::Result {
    let mut printer = Printer { rest: form, values, next: 0, reordered: false, bad_index: false };
    while let Some((text, rest)) = printer.rest.split_once('%') {
        out.write_str(text)?;
        printer.rest = rest;
        printer.directive(out)?;
    }
    out.write_str(printer.rest)?;
    let extra = values.get(printer.next..).unwrap_or_default();
    if printer.reordered || extra.is_empty() {
        return Ok(());
    }
    out.write_str("%!(EXTRA ")?;
    for (at, value) in extra.iter().enumerate() {
        if at > 0 {
            out.write_str(", ")?;
        }
        typed(value, out)?;
    }
    out.write_char(')')
}

struct Printer<'a, 'd> {
    rest: &'a str,
    values: &'a [Data<'d>],
    next: usize,
    /// An explicit index was used, so values may be left over.
    reordered: bool,
    bad_index: bool,
}

impl Printer<'_, '_> {
    fn directive(&mut self, out: &mut dyn Write) -> fmt::Result {
        let mut spec = Spec::default();
        while let Some(flag) = self.rest.chars().next() {
            match flag {
                '#' => spec.sharp = true,
                '0' => spec.zero = true,
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                ' ' => spec.space = true,
                _ => break,
            }
            self.rest = &self.rest[1..];
        }
        self.bad_index = false;
        self.index();
        match self.number() {
            Some(Ok(width)) => {
                spec.minus |= width < 0;
                spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(0);
            }
            Some(Err(())) => out.write_str("%!(BADWIDTH)")?,
            None => {}
        }
        if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            self.index();
            match self.number() {
                Some(Ok(precision)) => spec.precision = usize::try_from(precision).ok(),
                Some(Err(())) => out.write_str("%!(BADPREC)")?,
                None => spec.precision = Some(0),
            }
        }
        self.index();
        let Some(verb) = self.rest.chars().next() else { return out.write_str("%!(NOVERB)") };
        self.rest = &self.rest[verb.len_utf8()..];
        if verb == '%' {
            return out.write_char('%');
        }
        if self.bad_index {
            return write!(out, "%!{verb}(BADINDEX)");
        }
        let Some(value) = self.values.get(self.next) else { return write!(out, "%!{verb}(MISSING)") };
        self.next += 1;
        spec.value(verb, value, out)
    }

    /// `[2]`: the value to take next, counted from one.
    fn index(&mut self) {
        let Some((number, rest)) = self.rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return };
        self.rest = rest;
        self.reordered = true;
        match number.parse::<usize>() {
            Ok(number) if (1..=self.values.len()).contains(&number) => self.next = number - 1,
            _ => self.bad_index = true,
        }
    }

    /// A width or a precision; `*` takes it from the values.
    fn number(&mut self) -> Option<Result<i64, ()>> {
        let max = WIDTH_MAX as i64;
        if let Some(rest) = self.rest.strip_prefix('*') {
            self.rest = rest;
            let value = self.values.get(self.next);
            self.next += 1;
            let number = match value {
                Some(Data::Int(number)) => i64::try_from(*number).ok(),
                _ => None,
            };
            let number = number.filter(|number| (-max..=max).contains(number)).ok_or(());
            self.index();
            return Some(number);
        }
        let end = self.rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!digits.is_empty()).then(|| digits.parse().ok().filter(|number| *number <= max).ok_or(()))
    }
}

/// `string=hello`, as errors show a value.
fn typed(value: &Data<'_>, out: &mut dyn Write) -> fmt::Result {
    match value {
        Data::Nil | Data::Missing => out.write_str("<nil>"),
        _ => {
            write!(out, "{}=", value.kind())?;
            value.print(out)
        }
    }
}

fn unfit(verb: char, value: &Data<'_>, out: &mut dyn Write) -> fmt::Result {
    write!(out, "%!{verb}(")?;
    typed(value, out)?;
    out.write_char(')')
}

impl Spec {
    fn value(&self, verb: char, value: &Data<'_>, out: &mut dyn Write) -> fmt::Result {
        if verb == 'T' {
            return self.pad(value.kind(), out);
        }
        match value {
            Data::Missing | Data::Nil if verb == 'v' => self.pad("<nil>", out),
            Data::Missing | Data::Nil => unfit(verb, value, out),
            Data::Bool(truth) if matches!(verb, 't' | 'v') => self.pad(&truth.to_string(), out),
            Data::Bool(_) => unfit(verb, value, out),
            Data::Int(number) => self.integer(verb, *number, out),
            Data::Float(number) => self.float(verb, *number, out),
            Data::Text(text) => self.text(verb, text, out),
            Data::Made(text) => self.text(verb, text, out),
            Data::List(_) | Data::MadeList(_) => {
                out.write_char('[')?;
                for (at, item) in value.items().iter().flat_map(|items| items.iter()).enumerate() {
                    if at > 0 {
                        out.write_char(' ')?;
                    }
                    self.value(verb, &item, out)?;
                }
                out.write_char(']')
            }
            Data::Object(fields) => {
                out.write_str("map[")?;
                for (at, (name, field)) in sorted(fields).into_iter().enumerate() {
                    if at > 0 {
                        out.write_char(' ')?;
                    }
                    self.text(verb, name, out)?;
                    out.write_char(':')?;
                    self.value(verb, &Data::from(field), out)?;
                }
                out.write_char(']')
            }
        }
    }

    fn text(&self, verb: char, text: &str, out: &mut dyn Write) -> fmt::Result {
        let end = self.precision.and_then(|length| text.char_indices().nth(length)).map_or(text.len(), |(at, _)| at);
        let cut = &text[..end];
        match verb {
            'v' if self.sharp => Self { sharp: false, ..*self }.quoted(cut, '"', out),
            's' | 'v' => self.pad(cut, out),
            'q' => self.quoted(cut, '"', out),
            'x' | 'X' => {
                let bytes = &text.as_bytes()[..self.precision.unwrap_or(text.len()).min(text.len())];
                let prefix = if self.sharp { "0x" } else { "" };
                let between = if self.space { " " } else { "" };
                let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let hex = if digits.is_empty() { String::new() } else { prefix.to_owned() + &digits.join(between) };
                self.pad(&if verb == 'X' { hex.to_uppercase() } else { hex }, out)
            }
            _ => unfit(verb, &Data::Text(text), out),
        }
    }

    fn quoted(&self, text: &str, quote: char, out: &mut dyn Write) -> fmt::Result {
        let can_be_raw = self.sharp && quote == '"' && !text.contains(['`', '\u{feff}', '\x7f']);
        if can_be_raw && !text.contains(|character: char| character < ' ' && character != '\t') {
            return self.pad(&format!("`{text}`"), out);
        }
        let mut quoted = String::new();
        quote::go(text, quote, self.plus, &mut quoted)?;
        self.pad(&quoted, out)
    }

    fn integer(&self, verb: char, number: i128, out: &mut dyn Write) -> fmt::Result {
        let size = number.unsigned_abs();
        let (prefix, digits) = match verb {
            'd' | 'v' => ("", size.to_string()),
            'b' => ("0b", format!("{size:b}")),
            'o' => ("0", format!("{size:o}")),
            'O' => ("0o", format!("{size:o}")),
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            'c' | 'q' | 'U' => return self.character(verb, number, out),
            _ => return unfit(verb, &Data::Int(number), out),
        };
        let prefix = if self.sharp || verb == 'O' { prefix } else { "" };
        let sign = self.sign(number < 0);
        let digits_min = match self.precision {
            // No digits at all is what Go makes of zero with precision zero.
            Some(0) if size == 0 => return Self { zero: false, ..*self }.pad("", out),
            Some(precision) => precision,
            None if self.zero && !self.minus => self.width.saturating_sub(sign.len()),
            None => 0,
        };
        let zeros = "0".repeat(digits_min.saturating_sub(digits.len()));
        Self { zero: false, ..*self }.pad(&format!("{sign}{prefix}{zeros}{digits}"), out)
    }

    fn character(&self, verb: char, number: i128, out: &mut dyn Write) -> fmt::Result {
        let character = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        match verb {
            'c' => self.pad(character.encode_utf8(&mut [0; 4]), out),
            'q' => self.quoted(character.encode_utf8(&mut [0; 4]), '\'', out),
            _ => Self { zero: false, ..*self }.pad(&format!("U+{number:04X}"), out),
        }
    }

    fn sign(&self, is_negative: bool) -> &'static str {
        match is_negative {
            true => "-",
            false if self.plus => "+",
            false if self.space => " ",
            false => "",
        }
    }

    fn float(&self, verb: char, number: f64, out: &mut dyn Write) -> fmt::Result {
        let precision = self.precision.map(|precision| precision.min(DIGITS_MAX));
        let size = number.abs();
        let digits = match verb {
            'v' | 'g' | 'G' => precision.map_or_else(|| float::shortest(size), |digits| float::general(size, digits)),
            'e' | 'E' => float::exponent(size, Some(precision.unwrap_or(6))),
            'f' | 'F' => float::fixed(size, precision.unwrap_or(6)),
            _ => return unfit(verb, &Data::Float(number), out),
        };
        let digits = if verb.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
        let digits = digits.trim_start_matches('+');
        let sign = self.sign(number.is_sign_negative() && !number.is_nan());
        let zeros = match self.zero && !self.minus && number.is_finite() {
            true => "0".repeat(self.width.saturating_sub(sign.len() + digits.len())),
            false => String::new(),
        };
        Self { zero: false, ..*self }.pad(&format!("{sign}{zeros}{digits}"), out)
    }

    /// Fills up to the width, which counts characters.
    fn pad(&self, text: &str, out: &mut dyn Write) -> fmt::Result {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.minus {
            out.write_str(text)?;
            return out.write_str(&" ".repeat(missing));
        }
        out.write_str(&if self.zero { "0" } else { " " }.repeat(missing))?;
        out.write_str(text)
    }
}
