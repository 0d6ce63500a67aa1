//! `info`: the engine and the host it runs on.

use super::format::{Names, Template, sorted};
use super::{Context, Verb, listing};
use crate::inspect::host;
use crate::inspect::view::View;
use anyhow::Result;

/// Show the engine, its store and the host
#[derive(clap::Args)]
pub struct Info {
    /// Accepted for scripts of podman: there is no more to tell
    #[arg(short = 'D', long = "debug", hide = true)]
    verbose: bool,
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
}

impl Verb for Info {
    fn run(self, context: &Context) -> Result<u8> {
        let mut info = host::info(&context.engine)?;
        if context.docker {
            // docker's own names; those of podman stay for who asks for them.
            let docker = host::docker_info(&context.engine, &info);
            if let Some("json") = self.format.as_deref() {
                listing::put(&format!("{docker}\n"));
                return Ok(0);
            }
            if self.format.is_some() {
                info = info.over(docker);
            }
        }
        match self.format.as_deref() {
            None => {
                let mut text = String::new();
                yaml(&info, 0, &mut text);
                listing::put(&text);
            }
            Some("json") => listing::json(&info),
            Some(template) => {
                // podman's templates have another name for this than its JSON.
                let version = info["host"]["cgroupVersion"].clone();
                if let Some(host) = info.field_mut("host") {
                    host.set("cgroupsVersion", version);
                }
                let text = Template::parse(template)?.render_with(&info, Names::AnyCase)?;
                listing::put(&format!("{text}\n"));
            }
        }
        Ok(0)
    }
}

/// Writes the entries of an object, or the items of a list, as YAML at a depth.
fn yaml(value: &View, depth: usize, out: &mut String) {
    let margin = "  ".repeat(depth);
    match value {
        View::Object(fields) => {
            for (name, value) in sorted(fields) {
                out.push_str(&format!("{margin}{name}:"));
                nested(value, depth, out);
            }
        }
        View::List(items) => {
            for item in items {
                let mut text = String::new();
                yaml(item, depth + 1, &mut text);
                // The first line of an item stands behind the dash.
                out.push_str(&format!("{margin}- {}", text.trim_start()));
            }
        }
        scalar => out.push_str(&format!("{margin}{}\n", yaml_scalar(scalar))),
    }
}

/// What stands behind a name: a scalar on its line, anything else below. The dashes of a list stand below the name.
fn nested(value: &View, depth: usize, out: &mut String) {
    match value {
        View::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            yaml(value, depth + 1, out);
        }
        View::List(items) if !items.is_empty() => {
            out.push('\n');
            yaml(value, depth, out);
        }
        scalar => out.push_str(&format!(" {}\n", yaml_scalar(scalar))),
    }
}

/// A string is quoted, as in JSON, unless it can only be read as that string. Empty objects and lists are scalars.
fn yaml_scalar(value: &View) -> String {
    match value {
        View::Text(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let word = |letter: char| letter.is_ascii_alphanumeric() || "/_.,()-+ ".contains(letter);
    let is_keyword =
        matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "null");
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(word)
        && !text.ends_with(' ')
        && !is_keyword
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::view::view;

    #[test]
    fn yaml_is_laid_out_as_podman_does() {
        let value = view!({
            "a": { "list": ["x", "y"], "maps": [view!({ "k": 1, "l": 2 })], "none": [], "empty": {} },
            "b": "plain text", "c": "true", "d": "a: b", "e": null, "f": "1.5", "g": "",
        });
        let mut text = String::new();
        yaml(&value, 0, &mut text);
        let expected = "a:\n  empty: {}\n  list:\n  - x\n  - y\n  maps:\n  - k: 1\n    l: 2\n  none: []\n\
                        b: plain text\nc: \"true\"\nd: \"a: b\"\ne: null\nf: \"1.5\"\ng: \"\"\n";
        assert_eq!(text, expected);
    }
}
