//! Which of the operator's hooks a container gets: oci-hooks(5), the JSON form 1.0.0.
//!
//! They come from directories of the machine's operator. What an image says decides nothing but, where a hook asks for
//! it, by the path of its command.

use super::config::{Config, Hook, MountKind, Stage};
use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use regex_lite::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where hooks lie unless the settings say otherwise. A file in the later one hides one of the same name.
pub const DIRECTORIES: [&str; 2] = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"];

/// The largest hook file that is read, and the most of them.
const FILE_BYTES_MAX: usize = 1 << 20;
const FILES_MAX: usize = 1024;

#[derive(Clone, Debug, Deserialize)]
struct Document {
    version: String,
    hook: Program,
    when: When,
    stages: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Program {
    path: PathBuf,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    timeout: Option<u64>,
}

/// All that is given must hold, and something must.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct When {
    always: Option<bool>,
    /// Patterns of keys and of their values.
    annotations: BTreeMap<String, String>,
    commands: Vec<String>,
    has_bind_mounts: Option<bool>,
}

/// Adds the hooks of these directories that are meant for this container.
pub fn settle(config: &mut Config, directories: &[PathBuf]) -> Result<()> {
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for directory in directories {
        // One failed look-up for a machine without hooks.
        if let Ok(names) = fs::list(directory) {
            let names = names.into_iter().filter(|name| name.ends_with(".json")).take(FILES_MAX);
            files.extend(names.map(|name| (name.clone(), directory.join(name))));
        }
    }
    for file in files.values() {
        let read = || {
            let document = Document::parse(&fs::read(file, FILE_BYTES_MAX)?)?;
            Ok::<_, anyhow::Error>(if document.when.holds(config)? { document.hooks()? } else { Vec::new() })
        };
        let hooks = read().with_context(|| format!("read hook {}", file.display()))?;
        config.extras.hooks.extend(hooks);
    }
    Ok(())
}

impl Document {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let document: Self =
            serde_json::from_slice(bytes).map_err(|error| Kind::BadInput.error(error.to_string()))?;
        let bad = |reason: String| Err(Kind::BadInput.error(reason));
        if document.version != "1.0.0" {
            return bad(format!("version {:?} is not 1.0.0", document.version));
        }
        if !document.hook.path.is_absolute() {
            return bad(format!("{} is not an absolute path", document.hook.path.display()));
        }
        if document.stages.is_empty() {
            return bad("it has no stages".to_owned());
        }
        if let Some(stage) = document.stages.iter().find(|stage| Stage::parse(stage).is_none()) {
            return bad(format!("stage {stage:?} is not one of the OCI spec"));
        }
        let patterns = document.when.annotations.iter().flat_map(|(key, value)| [key, value]);
        for pattern in patterns.chain(&document.when.commands) {
            compile(pattern)?;
        }
        Ok(document)
    }

    fn hooks(&self) -> Result<Vec<Hook>> {
        is_executable(&self.hook.path)?;
        let hook = |stage: Stage| Hook {
            stage,
            path: self.hook.path.clone(),
            arguments: self.hook.args.clone(),
            environment: self.hook.env.clone(),
            timeout_secs: self.hook.timeout,
        };
        Ok(self.stages.iter().filter_map(|name| Stage::parse(name)).map(hook).collect())
    }
}

fn is_executable(path: &Path) -> Result<()> {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).with_context(|| format!("execute {}", path.display()))
}

fn compile(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|_| Kind::BadInput.error(format!("{pattern:?} is not a regular expression")))
}

impl When {
    fn holds(&self, config: &Config) -> Result<bool> {
        let mut conditions: Vec<bool> = self.always.into_iter().collect();
        if let Some(wanted) = self.has_bind_mounts {
            let has = config.mounts.iter().any(|mount| matches!(mount.kind, MountKind::Bind { .. }));
            conditions.push(wanted && has);
        }
        for (key, value) in &self.annotations {
            let (key, value) = (compile(key)?, compile(value)?);
            conditions.push(config.annotations.iter().any(|(name, text)| key.is_match(name) && value.is_match(text)));
        }
        if !self.commands.is_empty() {
            let command = config.process.arguments().into_iter().next().unwrap_or_default();
            let patterns = self.commands.iter().map(|pattern| compile(pattern)).collect::<Result<Vec<_>>>()?;
            conditions.push(patterns.iter().any(|pattern| pattern.is_match(&command)));
        }
        Ok(!conditions.is_empty() && conditions.into_iter().all(|holds| holds))
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{Id, Name, Source};
    use super::*;
    use proptest::prelude::*;

    fn config() -> Config {
        let id = Id::parse(&"a".repeat(64)).unwrap();
        let mut config = Config::blank(id, Name::parse("a").unwrap(), Source::Directory("/x".into()));
        config.annotations.insert("com.example.gpu".to_owned(), "yes".to_owned());
        config.process.command = vec!["/usr/bin/program".to_owned()];
        config
    }

    #[test]
    fn all_conditions_that_are_given_must_hold() {
        for (when, holds) in [
            (r#"{}"#, false),
            (r#"{"always": true}"#, true),
            (r#"{"always": false}"#, false),
            (r#"{"always": true, "hasBindMounts": true}"#, false),
            (r#"{"annotations": {"^com\\.example\\..*$": "^y"}}"#, true),
            (r#"{"annotations": {"^com\\.example\\..*$": "^n"}}"#, false),
            (r#"{"annotations": {"gpu": "yes", "other": "."}}"#, false),
            (r#"{"commands": ["^/bin/x$", "program$"]}"#, true),
            (r#"{"commands": ["^program$"], "annotations": {"gpu": "yes"}}"#, false),
        ] {
            let when: When = serde_json::from_str(when).unwrap();
            assert_eq!(when.holds(&config()).unwrap(), holds, "{when:?}");
        }
    }

    #[test]
    fn a_hook_that_is_not_one_is_an_error() {
        let good = r#"{"version": "1.0.0", "hook": {"path": "/bin/true"}, "when": {"always": true}, "stages": ["prestart"]}"#;
        assert!(Document::parse(good.as_bytes()).is_ok());
        for (from, to) in [
            ("1.0.0", "0.1.0"),
            ("/bin/true", "bin/true"),
            ("prestart", "sometime"),
            (r#"["prestart"]"#, "[]"),
            (r#""always": true"#, r#""commands": ["("]"#),
            (r#""hook""#, r#""hooks""#),
        ] {
            assert!(Document::parse(good.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }

    proptest! {
        /// A20: a hook file is read or refused.
        #[test]
        fn no_hook_file_makes_the_reader_panic(text in r#"\{("version": ?"1.0.0",?)?("hook": ?\{"path": ?"/[a-z]{0,9}"\},?)?[\[\]\{\}":,a-z0-9.*+?()\\ ]{0,120}\}?"#) {
            if let Ok(document) = Document::parse(text.as_bytes()) {
                let _ = document.when.holds(&config());
            }
        }
    }
}
