//! `contrib/compatibility.md`: each verb and option of podman 5.8 and docker 28, and what it comes to here.
//!
//! `compatibility/podman.txt` and `docker.txt` hold what those have, by tiers (M must, S should, R rare): a line
//! `= TIER VERB`, with ` : AREA` where another area of the work has it, and lines `- TIER OPTIONS` for its options; the
//! lines above the first verb are the options before it. `missing.txt` names what of tier M is still to come.

use crate::support::{Sandbox, source};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

const REMEDY: &str = "run CORACLE_WRITE=1 cargo nextest run compatibility";

const INTRODUCTION: &str = "# What of podman and docker works

Made by `tests/it/compatibility.rs` from the commands as they are; to make it anew, CORACLE_WRITE=1 cargo nextest run compatibility.
M is what users must have, S what they should, R what is rare. A command that is not here yet has its options left out.
An option that works takes all values that the manuals name, but for these: `--publish` and `--expose` take ports of tcp
and udp; those of sctp are not forwarded.
";

/// A verb of podman or docker.
struct Verb<'a> {
    tier: &'a str,
    name: &'a str,
    /// The area of the work that it belongs to, if that is another one.
    area: Option<&'a str>,
    options: Vec<(&'a str, Vec<&'a str>)>,
}

/// What an option comes to.
enum State {
    Works,
    Differs(String),
    Missing,
}

fn verbs(list: &str) -> Vec<Verb<'_>> {
    let mut verbs = vec![Verb { tier: "M", name: "", area: None, options: Vec::new() }];
    for line in list.lines() {
        let (mark, rest) = line.split_once(' ').expect("a mark and a tier");
        let (tier, rest) = rest.split_once(' ').expect("a tier and a name");
        match mark {
            "=" => {
                let (name, area) = rest.split_once(" : ").map_or((rest, None), |(name, area)| (name, Some(area)));
                verbs.push(Verb { tier, name, area, options: Vec::new() });
            }
            _ => verbs.last_mut().expect("there is a first").options.push((tier, rest.split(' ').collect())),
        }
    }
    verbs
}

/// Ours: `{ "container ls": { "--all": { "hidden": false, "help": "…" } } }`.
fn ours() -> Value {
    let text = Sandbox::new().ok(&["internal", "options"]);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn state(option: Option<&Value>) -> State {
    let Some(option) = option else { return State::Missing };
    let help = option["help"].as_str().unwrap_or_default();
    match help.split([' ', ':']).next() {
        Some("Not") => State::Missing,
        Some("Accepted" | "Ignored" | "Refused") => State::Differs(help.to_owned()),
        _ => State::Works,
    }
}

/// The table, and what of tier M is missing in it.
fn table(engine: &str, list: &str, ours: &Value) -> (String, BTreeSet<String>) {
    let mut text =
        format!("\n## {engine}\n\n| command | tier | works | differs | not yet |\n|---|---|---|---|---|\n");
    let mut missing = BTreeSet::new();
    for verb in verbs(list) {
        let name = if verb.name.is_empty() { "(before the command)" } else { verb.name };
        let Some(options) = ours.get(verb.name) else {
            let area = verb.area.map(|area| format!(" ({area})")).unwrap_or_default();
            writeln!(text, "| {name} | {} | | | the command{area} |", verb.tier).expect("write to a string");
            if verb.tier == "M" && verb.area.is_none() {
                missing.insert(format!("{engine} {name}"));
            }
            continue;
        };
        if verb.options.is_empty() {
            writeln!(text, "| {name} | {} | the command | | |", verb.tier).expect("write to a string");
        }
        for (tier, names) in &verb.options {
            let mut cells = [Vec::new(), Vec::new(), Vec::new()];
            for option in names {
                match state(options.get(*option)) {
                    State::Works => cells[0].push(format!("`{option}`")),
                    State::Differs(how) => cells[1].push(format!("`{option}`: {how}")),
                    State::Missing => {
                        cells[2].push(format!("`{option}`"));
                        if *tier == "M" && verb.area.is_none() {
                            missing.insert(format!("{engine} {name} {option}"));
                        }
                    }
                }
            }
            let [works, differs, later] = [cells[0].join(" "), cells[1].join("; "), cells[2].join(" ")];
            writeln!(text, "| {name} | {tier} | {works} | {} | {later} |", differs.replace('|', "\\|"))
                .expect("write to a string");
        }
    }
    (text, missing)
}

fn made() -> (String, BTreeSet<String>) {
    let ours = ours();
    let (podman, mut missing) = table("podman", include_str!("compatibility/podman.txt"), &ours);
    let (docker, more) = table("docker", include_str!("compatibility/docker.txt"), &ours);
    missing.extend(more);
    (format!("{INTRODUCTION}{podman}{docker}"), missing)
}

#[test]
fn compatibility_table_is_of_these_commands() {
    let file = source().join("contrib/compatibility.md");
    let (made, _) = made();
    if std::env::var_os("CORACLE_WRITE").is_some() {
        std::fs::write(&file, &made).expect("write the table");
    }
    let kept = std::fs::read_to_string(&file).expect("read the table");
    assert!(kept == made, "contrib/compatibility.md is stale; {REMEDY}");
}

#[test]
fn compatibility_misses_nothing_of_tier_m_but_what_is_listed() {
    let known: BTreeSet<String> = include_str!("compatibility/missing.txt").lines().map(str::to_owned).collect();
    let (_, missing) = made();
    let new: Vec<&String> = missing.difference(&known).collect();
    assert!(new.is_empty(), "of tier M these are missing and not in missing.txt: {new:#?}");
    let done: Vec<&String> = known.difference(&missing).collect();
    assert!(done.is_empty(), "these are there and still in missing.txt: {done:#?}");
}
