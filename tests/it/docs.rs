//! The man pages and completions that are kept in the source are those of the commands as they are.

use crate::support::{Sandbox, source};
use std::collections::BTreeMap;
use std::path::Path;

const REMEDY: &str = "run contrib/docs";

#[test]
fn the_man_pages_are_of_these_commands() {
    let sandbox = Sandbox::new();
    let made = sandbox.home.join("man");
    std::fs::create_dir(&made).expect("make a directory");
    sandbox.ok(&["internal", "man", made.to_str().expect("a UTF-8 path")]);
    let (made, kept) = (texts(&made), texts(&source().join("man")));
    assert!(made.contains_key("coracle.1") && made.contains_key("coracle-container-ls.1"));
    for name in made.keys().chain(kept.keys()) {
        assert!(made.get(name) == kept.get(name), "man/{name} is stale; {REMEDY}");
    }
}

#[test]
fn the_completions_are_of_these_commands() {
    let sandbox = Sandbox::new();
    for (shell, file) in [("bash", "coracle.bash"), ("zsh", "_coracle"), ("fish", "coracle.fish")] {
        let kept = std::fs::read_to_string(source().join("completions").join(file)).expect("read the completions");
        assert!(sandbox.ok(&["completion", shell]) == kept, "completions/{file} is stale; {REMEDY}");
    }
    let run = sandbox.coracle(&["completion", "powershell"]);
    assert_eq!(run.code, 125, "{run}");
}

#[test]
fn they_do_not_depend_on_the_terminal() {
    let sandbox = Sandbox::new();
    let narrow = |columns: &str| {
        let mut command = sandbox.command(&["completion", "zsh"]);
        command.env("COLUMNS", columns).env("TERM", "dumb").env("LANG", "de_DE.UTF-8");
        crate::support::Running::start(command).finish().stdout
    };
    assert!(narrow("20") == narrow("300"));
}

fn texts(dir: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|error| panic!("list {}: {error}", dir.display()));
    let text = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("list a directory").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("read a page"))
    };
    entries.map(text).collect()
}
