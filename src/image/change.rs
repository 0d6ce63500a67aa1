//! Changes to an image's configuration as one line of a Containerfile each: `--change` of `import` and `commit`.

use crate::error::Kind;
use crate::image::config::ImageConfig;
use anyhow::{Result, bail};

/// Applies one change, such as `CMD ["sh"]`, `ENV A=b` or, as podman also takes it, `CMD=sh`.
pub fn apply(config: &mut ImageConfig, line: &str) -> Result<()> {
    let line = line.trim();
    let (instruction, value) = line.split_once([' ', '\t']).or_else(|| line.split_once('=')).unwrap_or((line, ""));
    let value = value.trim();
    let bad = |reason: String| {
        let shown: String = line.chars().take(200).collect();
        Kind::BadInput.error(format!("change {shown:?}: {reason}"))
    };
    if value.is_empty() || value.contains('\0') {
        return Err(bad("it has no value".to_owned()));
    }
    apply_one(config, &instruction.to_ascii_uppercase(), value).map_err(|error| bad(error.to_string()))
}

fn apply_one(config: &mut ImageConfig, instruction: &str, value: &str) -> Result<()> {
    let process = &mut config.config;
    match instruction {
        "CMD" => process.cmd = command(value),
        "ENTRYPOINT" => process.entrypoint = command(value),
        "ENV" => {
            for (name, value) in pairs(value)? {
                let prefix = format!("{name}=");
                process.env.retain(|entry| !entry.starts_with(&prefix));
                process.env.push(prefix + &value);
            }
        }
        "EXPOSE" => {
            for port in words(value)? {
                process.exposed_ports.insert(read_port(&port)?);
            }
        }
        "LABEL" => process.labels.extend(pairs(value)?),
        "ONBUILD" => process.on_build.push(value.to_owned()),
        "STOPSIGNAL" => process.stop_signal = value.to_owned(),
        "USER" => process.user = value.to_owned(),
        "VOLUME" => process.volumes.extend(match json_list(value) {
            Some(list) => list,
            None => words(value)?,
        }),
        "WORKDIR" => {
            process.working_dir = match value.starts_with('/') {
                true => value.to_owned(),
                false => format!("{}/{value}", process.working_dir.trim_end_matches('/')),
            }
        }
        _ => bail!(
            "it does not begin with CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR"
        ),
    }
    Ok(())
}

/// A JSON list is the arguments; anything else is a line for the shell.
fn command(value: &str) -> Vec<String> {
    json_list(value).unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned(), value.to_owned()])
}

fn json_list(value: &str) -> Option<Vec<String>> {
    serde_json::from_str(value).ok()
}

/// `80`, `80/udp` or `8000-8010/tcp`, always with the protocol.
fn read_port(text: &str) -> Result<String> {
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match (number(first), number(last), protocol) {
        (Some(first), Some(last), "tcp" | "udp" | "sctp") if first <= last => Ok(format!("{range}/{protocol}")),
        _ => bail!("{text} is not a port"),
    }
}

/// `NAME=value` words, or the old form of one name, a space and the value.
fn pairs(value: &str) -> Result<Vec<(String, String)>> {
    let words = words(value)?;
    if let [name, _, ..] = words.as_slice()
        && !name.contains('=')
    {
        let rest = value.split_once([' ', '\t']).map_or("", |(_, rest)| rest.trim_start());
        return Ok(vec![(name.clone(), rest.to_owned())]);
    }
    let pair = |word: &String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        None if !word.is_empty() => Ok((word.clone(), String::new())),
        Some(_) | None => bail!("a name is missing"),
    };
    words.iter().map(pair).collect()
}

/// Splits at spaces outside quotes; a backslash takes the next character as it is, but not in single quotes.
fn words(text: &str) -> Result<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), close) if open == close => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (_, character) => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        bail!("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_changes_its_field() {
        let mut config = ImageConfig::default();
        let lines = [
            r#"CMD ["a", "b c"]"#,
            "entrypoint echo x",
            "ENV A=1 B='2 3' C=a\\ b",
            "ENV A=4",
            "ENV D e f",
            "EXPOSE 80 53/udp 8000-8010",
            r#"LABEL a=b c="d e""#,
            "ONBUILD RUN x",
            "STOPSIGNAL SIGINT",
            "USER=1000:1000",
            r#"VOLUME ["/v", "/w"]"#,
            "VOLUME /x /y",
            "WORKDIR /a",
            "WORKDIR b",
        ];
        for line in lines {
            apply(&mut config, line).unwrap();
        }
        let process = config.config;
        assert_eq!(process.cmd, ["a", "b c"]);
        assert_eq!(process.entrypoint, ["/bin/sh", "-c", "echo x"]);
        assert_eq!(process.env, ["B=2 3", "C=a b", "A=4", "D=e f"]);
        assert_eq!(process.exposed_ports.into_iter().collect::<Vec<_>>(), ["53/udp", "80/tcp", "8000-8010/tcp"]);
        assert_eq!(process.labels.into_iter().collect::<Vec<_>>().len(), 2);
        assert_eq!((process.user.as_str(), process.working_dir.as_str()), ("1000:1000", "/a/b"));
        assert_eq!((process.volumes.len(), process.on_build.len(), process.stop_signal.len()), (4, 1, 6));
    }

    #[test]
    fn malformed_changes_are_refused() {
        for line in
            ["", "CMD", "RUN x", "ENV", "ENV =x", "EXPOSE x", "EXPOSE 0", "EXPOSE 9-8", "EXPOSE 80/x", "LABEL 'a"]
        {
            assert!(apply(&mut ImageConfig::default(), line).is_err(), "{line}");
        }
    }
}
