//! Which parameters of the kernel a container may set: those of namespaces that are its own, one line each.

use crate::container::config::{Config, Namespace as Owner};
use crate::error::Kind;
use crate::network::Network;
use anyhow::Result;

/// The longest value; `net.ipv4.tcp_*` are far below.
const VALUE_BYTES_MAX: usize = 1024;

/// The parameters of the IPC namespace that have no prefix of their own: ipc_namespaces(7).
const IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shm_rmid_forced",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
];

/// Whose parameter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Namespace {
    Network,
    Ipc,
}

/// `NAME=VALUE`, checked to be one parameter of a namespace and one value.
pub fn parse(text: &str) -> Result<(String, String)> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Kind::BadInput.error(format!("kernel parameter {text:?} is not NAME=VALUE")))?;
    namespace(key)?;
    if value.is_empty() || value.len() > VALUE_BYTES_MAX || value.contains(char::is_control) {
        return Err(Kind::BadInput.error(format!("kernel parameter {key}: {value:?} is not one line")));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Refuses a parameter whose namespace the container shares with the host.
pub fn check(key: &str, config: &Config) -> Result<()> {
    let shared = match namespace(key)? {
        Namespace::Network => {
            let is_shared = config.network == Network::Host || config.users.network != Owner::Own;
            is_shared.then_some("this --network")
        }
        Namespace::Ipc => (config.users.ipc != Owner::Own).then_some("this --ipc"),
    };
    match shared {
        Some(flag) => Err(Kind::Denied
            .error(format!("kernel parameter {key} would be set for others, whose it is too with {flag}"))),
        None => Ok(()),
    }
}

fn namespace(key: &str) -> Result<Namespace> {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let is_name = key.len() <= 255 && key.split('.').all(plain);
    let found = match key {
        _ if !is_name => None,
        _ if key.starts_with("net.") => Some(Namespace::Network),
        _ if IPC.contains(&key) || key.starts_with("fs.mqueue.") => Some(Namespace::Ipc),
        _ => None,
    };
    found.ok_or_else(|| {
        let message = format!("kernel parameter {key:?} is not one that a container has of its own");
        Kind::Denied.hinted(message, "only net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm* are")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_parameter_of_a_namespace_is_taken() {
        assert_eq!(parse("net.ipv4.ip_forward=1").unwrap(), ("net.ipv4.ip_forward".into(), "1".into()));
        assert_eq!(parse("kernel.sem=250 32000 32 128").unwrap().1, "250 32000 32 128");
        for bad in [
            "",
            "=",
            "net.ipv4.ip_forward",
            "net.ipv4.ip_forward=",
            "kernel.core_pattern=|/x",
            "kernel.hostname=x",
            "kernel.domainname=x",
            "net.ipv4.ip_forward=1\nkernel.core_pattern=|/x",
            "net.ipv4.ip_forward=1+kernel.x=2\u{0}",
            "net/ipv4/ip_forward=1",
            "net..ipv4=1",
            "net.../../kernel/core_pattern=1",
            "net.ipv4.ip_forward+kernel.core_pattern=1",
            "kernel.shm_rmid_forced+kernel.core_pattern=|/x",
            "vm.overcommit_memory=1",
            "NET.ipv4.ip_forward=1",
            " net.x=1",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
