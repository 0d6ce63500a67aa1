//! The flags that say where a container's output goes.

use super::super::units::parse_bytes;
use crate::container::config::{Config, LogDriver, Logging};
use crate::error::Kind;
use crate::settings::Containers;
use anyhow::{Context, Result};

#[derive(clap::Args, Clone, Debug)]
pub struct LogFlags {
    /// Keep the output as k8s-file (the default), json-file, journald, none, passthrough, passthrough-tty
    #[arg(long, value_name = "DRIVER")]
    log_driver: Option<String>,
    /// Set an option of the log: max-size, max-file, path, tag, label, compress
    #[arg(long, value_name = "NAME=VALUE")]
    log_opt: Vec<String>,
}

/// The smallest file that is worth a rotation.
const SIZE_BYTES_MIN: u64 = 4 << 10;

/// More files than this are no bound.
const FILES_MAX: u32 = 100;

impl LogFlags {
    pub fn fill(&mut self, containers: &Containers) {
        if self.log_driver.is_none() {
            self.log_driver.clone_from(&containers.log_driver);
        }
        let size =
            containers.log_size_max.filter(|bytes| *bytes != 0).map(|bytes| format!("max-size={}", bytes.max(-1)));
        let tag = containers.log_tag.as_ref().filter(|tag| !tag.is_empty()).map(|tag| format!("tag={tag}"));
        // The last of an option counts.
        self.log_opt.splice(0..0, size.into_iter().chain(tag));
    }

    pub fn apply(&self, config: &mut Config) -> Result<()> {
        let mut logging = Logging::default();
        match self.log_driver.as_deref() {
            None | Some("") => {}
            Some(name) => {
                let driver = LogDriver::parse(name).ok_or_else(|| {
                    let names = LogDriver::ALL.map(LogDriver::name).join(", ");
                    Kind::BadInput.hinted(format!("there is no log driver {name:?}"), format!("use one of {names}"))
                })?;
                logging.driver = driver;
            }
        }
        for option in &self.log_opt {
            apply_option(&mut logging, option, config)?;
        }
        let is_passed = matches!(logging.driver, LogDriver::Passthrough | LogDriver::PassthroughTty);
        if is_passed && config.process.terminal {
            return Err(Kind::BadInput
                .error(format!("--tty and the log driver {} exclude each other", logging.driver.name())));
        }
        if logging.path.is_some() && !matches!(logging.driver, LogDriver::K8sFile | LogDriver::JsonFile) {
            return Err(Kind::BadInput
                .error(format!("the log driver {} writes no file: path has no meaning", logging.driver.name())));
        }
        config.logging = logging;
        Ok(())
    }
}

fn apply_option(logging: &mut Logging, option: &str, config: &Config) -> Result<()> {
    let (name, value) = option
        .split_once('=')
        .ok_or_else(|| Kind::BadInput.error(format!("log option {option:?} is not NAME=VALUE")))?;
    let bad = |what: &str| Kind::BadInput.error(format!("log option {option:?}: {what}"));
    match name {
        "max-size" | "size" => {
            let bytes = match value {
                "-1" => u64::MAX,
                value => parse_bytes(value).with_context(|| format!("log option {option:?}"))?,
            };
            if bytes < SIZE_BYTES_MIN {
                return Err(bad("a file of less than 4k is rotated all the time"));
            }
            logging.size_bytes_max = Some(bytes);
        }
        "max-file" => {
            let count = value.parse::<u32>().ok().filter(|count| (1..=FILES_MAX).contains(count));
            logging.files_max = Some(count.ok_or_else(|| bad("not a number from 1 to 100"))?);
        }
        "path" => {
            let path = std::path::absolute(value).map_err(|_| bad("no file is named"))?;
            if path.file_name().is_none() || value.ends_with('/') {
                return Err(bad("no file is named"));
            }
            logging.path = Some(path);
        }
        "compress" => {
            logging.compress = match value {
                "true" => true,
                "false" => false,
                _ => return Err(bad("neither true nor false")),
            };
        }
        "tag" => logging.tag = Some(value.to_owned()),
        "label" => logging.labels.push(value.to_owned()),
        // docker's: the container's own labels of these names.
        "labels" => {
            let named = value.split(',').filter_map(|name| Some((name, config.labels.get(name)?)));
            logging.labels.extend(named.map(|(name, value)| format!("{name}={value}")));
        }
        _ => {
            return Err(Kind::BadInput.hinted(
                format!("there is no log option {name:?}"),
                "use max-size, max-file, path, tag, label or compress",
            ));
        }
    }
    Ok(())
}
