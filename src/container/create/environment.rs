//! A container's variables: the engine's, those of containers.conf, the image's, the caller's, and then those that were
//! named one by one.

use super::merge;
use crate::container::config::DefaultVariables;
use crate::settings::Settings;

/// The variables that name proxies, as most programs read them.
const PROXIES: [&str; 8] =
    ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"];

/// The longest value that is made of others.
const VALUE_BYTES_MAX: usize = 128 << 10;

/// Changes the variables of engine and image as was wanted, and adds the caller's.
pub fn adjust(environment: &mut Vec<String>, wanted: &DefaultVariables, settings: &Settings) {
    for entry in &wanted.merged {
        let Some((name, text)) = entry.split_once('=') else { continue };
        let value = expand(text, environment);
        merge(environment, &[format!("{name}={value}")]);
    }
    let is_wanted = |entry: &String| !wanted.unset.iter().any(|name| name == name_of(entry));
    environment.retain(is_wanted);
    if wanted.unset_all {
        environment.clear();
    }
    let containers = &settings.containers;
    let takes_all = containers.env_host.unwrap_or(false);
    // Whoever runs in the container reads them, and there may be a password in them: so they are to be asked for.
    if takes_all || containers.http_proxy.unwrap_or(false) {
        let own: Vec<String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| takes_all || PROXIES.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        merge(environment, &own);
    }
}

fn name_of(entry: &str) -> &str {
    entry.split_once('=').map_or(entry, |(name, _)| name)
}

/// Puts variables in place of `$NAME`, `${NAME}`, `${NAME:-instead}` and `${NAME:+if set}`. One that is not there is empty.
fn expand(text: &str, environment: &[String]) -> String {
    let value_of = |name: &str| {
        let entry = environment.iter().find(|entry| name_of(entry) == name);
        entry.and_then(|entry| entry.split_once('=')).map_or("", |(_, value)| value)
    };
    let mut made = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        made.push_str(&rest[..at]);
        let is_escape = rest[at..].starts_with('\\');
        rest = &rest[at + 1..];
        if is_escape {
            let character = rest.chars().next();
            made.extend(character);
            rest = &rest[character.map_or(0, char::len_utf8)..];
            continue;
        }
        let (value, behind) = match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((inner, behind)) => (braced(inner, value_of), behind),
            None => {
                let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
                let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
                (if end == 0 { "$" } else { value_of(&rest[..end]) }, &rest[end..])
            }
        };
        if made.len() + value.len() > VALUE_BYTES_MAX {
            break;
        }
        made.push_str(value);
        rest = behind;
    }
    made.push_str(rest);
    made
}

/// What stands between braces.
fn braced<'a>(inner: &'a str, value_of: impl Fn(&str) -> &'a str) -> &'a str {
    match inner.split_once(":-").map(|parts| (parts, false)).or(inner.split_once(":+").map(|parts| (parts, true))) {
        Some(((name, word), true)) => {
            if value_of(name).is_empty() {
                ""
            } else {
                word
            }
        }
        Some(((name, word), false)) => match value_of(name) {
            "" => word,
            value => value,
        },
        None => value_of(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::expand;
    use proptest::prelude::*;

    #[test]
    fn variables_take_their_values_in_texts() {
        let environment = ["A=1".to_owned(), "EMPTY=".to_owned()];
        for (text, expected) in [
            ("$A-x", "1-x"),
            ("${A}x", "1x"),
            ("${NOSUCH}-x", "-x"),
            ("${EMPTY:-2}${A:-2}${A:+3}${NOSUCH:+3}", "213"),
            ("\\$A $ ${A", "$A $ ${A"),
        ] {
            assert_eq!(expand(text, &environment), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-zä$\\\\{}:+-]{0,40}") {
            let _ = expand(&text, &["a=$a".to_owned()]);
        }
    }
}
