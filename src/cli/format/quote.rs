//! Strings escaped for Go source, HTML, JavaScript and URLs, as Go does it.

use std::fmt::{self, Write};

/// `%q`: an interpreted Go string; with `ascii_only` (`%+q`) nothing else is left as it is.
pub fn go(text: &str, quote: char, ascii_only: bool, out: &mut dyn Write) -> fmt::Result {
    out.write_char(quote)?;
    for character in text.chars() {
        match character {
            '\x07' => out.write_str("\\a")?,
            '\x08' => out.write_str("\\b")?,
            '\x0c' => out.write_str("\\f")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\x0b' => out.write_str("\\v")?,
            '\\' => out.write_str("\\\\")?,
            _ if character == quote => write!(out, "\\{character}")?,
            ' '..='~' => out.write_char(character)?,
            '\0'..='\x7f' => write!(out, "\\x{:02x}", u32::from(character))?,
            _ if !ascii_only && is_printable(character) => out.write_char(character)?,
            '\0'..='\u{ffff}' => write!(out, "\\u{:04x}", u32::from(character))?,
            _ => write!(out, "\\U{:08x}", u32::from(character))?,
        }
    }
    out.write_char(quote)
}

/// Whether a character beyond ASCII shows as itself.
pub fn is_printable(character: char) -> bool {
    !character.is_control() && !character.is_whitespace() && character.escape_debug().len() == 1
}

pub fn html(text: &str, out: &mut dyn Write) -> fmt::Result {
    for character in text.chars() {
        match character {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&#34;")?,
            '\'' => out.write_str("&#39;")?,
            '\0' => out.write_char('\u{fffd}')?,
            _ => out.write_char(character)?,
        }
    }
    Ok(())
}

pub fn js(text: &str, out: &mut dyn Write) -> fmt::Result {
    for character in text.chars() {
        match character {
            '\\' | '\'' | '"' => write!(out, "\\{character}")?,
            '<' | '>' | '&' | '=' | '\0'..' ' => write!(out, "\\u{:04X}", u32::from(character))?,
            ' '..='\x7f' => out.write_char(character)?,
            _ if is_printable(character) => out.write_char(character)?,
            _ => write!(out, "\\u{:04X}", u32::from(character))?,
        }
    }
    Ok(())
}

pub fn urlquery(text: &str, out: &mut dyn Write) -> fmt::Result {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.write_char(byte.into())?,
            b' ' => out.write_char('+')?,
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    Ok(())
}
