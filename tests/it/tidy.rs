//! What holds the source together: no import points up, and only `sys/` is unsafe.

use crate::support::source;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms of the source, lowest last. A room that is not here has no place yet.
const RANKS: &[(u32, &[&str])] = &[
    (7, &["main", "cli", "api", "cri"]),
    (6, &["kube", "compose", "quadlet"]),
    (5, &["pod", "build", "inspect"]),
    (4, &["monitor"]),
    (3, &["container"]),
    (2, &["image", "store", "runtime", "network", "volume", "secret"]),
    (1, &["engine", "settings", "rootless", "systemd"]),
    (0, &["fs", "error", "sys"]),
];

/// Imports between rooms of one rank, and why each has to be.
const SIDEWAYS: &[(&str, &str)] = &[
    // Images are what the store is for; neither knows the other's callers.
    ("image", "store"),
    // The manager's socket lies where the engine's directories are.
    ("systemd", "engine"),
    // Files and system calls fail, and say so by the one error type.
    ("fs", "error"),
    ("sys", "error"),
];

/// What stands before modules that are not in the engine.
const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(any(test, fuzzing))]"];

fn rank(room: &str) -> Option<u32> {
    RANKS.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(rank, _)| *rank)
}

#[test]
fn every_room_has_a_rank_and_imports_point_down() {
    let mut complaints = BTreeSet::new();
    for file in files() {
        let room = room(&file);
        let Some(from) = rank(&room) else {
            complaints.insert(format!("{room} has no rank: give it one here and in the design"));
            continue;
        };
        for target in imports(&code(&file)) {
            // What is named in `crate::` and is no room is a macro or a re-export of main's, of which there are none.
            let Some(to) = rank(&target) else {
                complaints.insert(format!("{} names crate::{target}, which is no room", shown(&file)));
                continue;
            };
            let is_down = to < from || target == room || SIDEWAYS.contains(&(&room, &target));
            if !is_down {
                complaints.insert(format!("{} (rank {from}) imports {target} (rank {to})", shown(&file)));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn only_sys_is_unsafe() {
    for file in files().into_iter().filter(|file| room(file) != "sys") {
        let text = code(&file);
        let words = text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        assert_eq!(words.filter(|word| *word == "unsafe").count(), 0, "{}", shown(&file));
    }
}

/// All source files but those of tests.
fn files() -> Vec<PathBuf> {
    let (mut files, mut dirs) = (Vec::new(), vec![source().join("src")]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).expect("list the source") {
            let path = entry.expect("list the source").path();
            match path.is_dir() {
                true => dirs.push(path),
                false => files.push(path),
            }
        }
    }
    let tests: BTreeSet<PathBuf> = files.iter().flat_map(|file| test_files(file)).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "rs") && !tests.contains(file));
    assert!(files.len() > 50, "the source is not where it should be");
    files
}

/// The files of `#[cfg(test)] mod NAME;` and the like in a file.
fn test_files(file: &Path) -> Vec<PathBuf> {
    let Ok(text) = std::fs::read_to_string(file) else { return Vec::new() };
    let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a source file has a name");
    let dir = match stem {
        "mod" | "main" => file.with_file_name(""),
        stem => file.with_file_name(stem),
    };
    let mut files = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= MARKS.contains(&line);
            continue;
        }
        if let Some((_, name)) = line.strip_suffix(';').and_then(|line| line.split_once("mod ")).filter(|_| is_test) {
            files.extend([dir.join(name).with_extension("rs"), dir.join(name).join("mod.rs")]);
        }
        is_test = false;
    }
    files
}

/// `cli` of `src/cli/ps.rs`, `fs` of `src/fs.rs`.
fn room(file: &Path) -> String {
    let below = file.strip_prefix(source().join("src")).expect("a source file lies in src");
    let first = below.components().next().expect("a file has a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn shown(file: &Path) -> String {
    file.strip_prefix(source()).unwrap_or(file).display().to_string()
}

/// A file without comments, strings, and what is only compiled for tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("read the source");
    let mut code = String::new();
    let (mut in_test, mut was_marked) = (false, false);
    for line in text.lines() {
        // rustfmt puts the end of a module where its beginning is: at the margin.
        if in_test {
            in_test = line != "}";
            continue;
        }
        let is_mark = MARKS.contains(&line);
        in_test = was_marked && line.ends_with('{');
        if !in_test {
            code.push_str(line);
            code.push('\n');
        }
        was_marked = is_mark || (was_marked && line.starts_with("#["));
    }
    without_text(&code)
}

/// Rust without its comments and the insides of its strings.
fn without_text(code: &str) -> String {
    let (mut kept, mut rest) = (String::new(), code);
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = 2 + hashes;
            rest[inside..].find(&end).map_or(rest.len(), |at| inside + at + end.len())
        } else if first == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else {
            kept.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    kept
}

/// The number of hashes of the raw string that a text begins with.
fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The rooms in `crate::room` and `crate::{room, room::Thing}`.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let mut rooms = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            rooms.insert(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut at_start = true;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && at_start && (letter.is_alphabetic() || letter == '_') {
                rooms.insert(word(&group[at..]));
                at_start = false;
            }
            at_start |= depth == 1 && letter == ',';
        }
    }
    rooms
}

#[test]
fn the_fuzzer_has_the_engines_dependencies_and_their_builds() {
    let manifest = |path: &str| -> toml::Table {
        let text = std::fs::read_to_string(source().join(path)).expect("read a manifest");
        text.parse().expect("a manifest is TOML")
    };
    let (engine, mut fuzzer) = (manifest("Cargo.toml"), manifest("fuzz/Cargo.toml"));
    let dependencies = fuzzer["dependencies"].as_table_mut().expect("dependencies are a table");
    dependencies.remove("libfuzzer-sys").expect("the fuzzer has its own");
    assert_eq!(fuzzer["dependencies"], engine["dependencies"]);
    // Those that the tests have built will do for it.
    let build = |manifest: &toml::Table, package: &str| {
        let mut build = manifest["profile"]["dev"].as_table().expect("a profile is a table").clone();
        let own = build["package"].as_table_mut().expect("packages are a table").remove(package);
        (build, own.expect("a package has a profile of its own"))
    };
    assert_eq!(build(&fuzzer, "coracle-fuzz"), build(&engine, "coracle"));
}

#[test]
fn imports_are_read_as_rust_means_them() {
    let rooms = |code| imports(code).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(rooms("use crate::fs::{self, Lock};\nlet x = crate::error::line(y);"), "error fs");
    assert_eq!(rooms("use crate::{image, store::{blobs, tags}, sys};"), "image store sys");
    let text = "a // crate::x\nlet b = \"http://c\\\"crate::d\"; e('\"', r#\"\"unsafe\"#, crate::f)";
    assert_eq!(without_text(text), "a \nlet b = ; e(, , crate::f)");
    assert!(imports(&code(&source().join("src/cli/run.rs"))).contains("container"));
}
