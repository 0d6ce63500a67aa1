//! Who holds a port of the host: proc_net(5), proc_pid_fd(5).

use super::{Port, Protocol};
use crate::error::Kind;
use crate::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// The most that is read of the kernel's list of sockets: some 25,000.
const LIST_BYTES_MAX: usize = 4 << 20;

/// `TCP_LISTEN` and, for a UDP socket that is not connected, `TCP_CLOSE` of net/tcp_states.h.
const LISTENING: &str = "0A";
const UNCONNECTED: &str = "07";

/// The most that is read of a command line.
const COMMAND_BYTES_MAX: usize = 64 << 10;

/// The length of a container's id.
const ID_LENGTH: usize = 64;

/// Tells of a container's id what it is called, if there is one.
pub type NameOf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The error for a port that cannot be had, with who has it.
pub fn in_use(port: &Port, name_of: NameOf<'_>) -> anyhow::Error {
    let holder = find(port).map(|pid| format!(" by {}", shown(&pid, name_of))).unwrap_or_default();
    Kind::InUse.hinted(format!("publish port {port} of the host: in use{holder}"), "choose another port")
}

/// The pid of who holds a port. None if it is another user's, who may look.
pub fn find(port: &Port) -> Option<String> {
    let (lists, state) = match port.protocol {
        Protocol::Tcp => (["/proc/net/tcp", "/proc/net/tcp6"], LISTENING),
        Protocol::Udp => (["/proc/net/udp", "/proc/net/udp6"], UNCONNECTED),
    };
    let lists = lists.map(|list| fs::read(Path::new(list), LIST_BYTES_MAX).unwrap_or_default());
    let lists = lists.map(|list| String::from_utf8_lossy(&list).into_owned());
    let inode = lists.iter().flat_map(|list| list.lines()).find_map(|line| inode(line, port, state))?;
    owner(inode)
}

/// The inode of the socket of one line, if it stands in this port's way.
fn inode<'a>(line: &'a str, port: &Port, state: &str) -> Option<&'a str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (address, number) = words.get(1)?.split_once(':')?;
    let holds = u16::from_str_radix(number, 16).ok()? == port.host_port && words.get(3) == Some(&state);
    let overlaps = match (port.host_address, self::address(address)?) {
        (None, _) => true,
        (Some(wanted), held) => wanted == held || wanted.is_unspecified() || held.is_unspecified(),
    };
    if holds && overlaps { words.get(9).copied() } else { None }
}

/// An address as the kernel writes it: 32 bits at a time, each in the machine's own order.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    if text.len() == 8 {
        return word(0).map(|octets| Ipv4Addr::from(octets).into());
    }
    let octets = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
    let octets: [u8; 16] = octets.try_into().ok()?;
    Some(IpAddr::from(Ipv6Addr::from(octets)).to_canonical())
}

/// The process that has a socket of this inode.
fn owner(inode: &str) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    let pids = fs::list(Path::new("/proc")).ok()?;
    pids.into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).find(|pid| {
        let dir = format!("/proc/{pid}/fd");
        // Another user's cannot be looked into.
        let fds = fs::list(Path::new(&dir)).unwrap_or_default();
        let is_it = |fd: &String| {
            let link = rustix::fs::readlink(format!("{dir}/{fd}"), Vec::new());
            link.is_ok_and(|link| link.to_bytes() == wanted.as_bytes())
        };
        fds.iter().any(is_it)
    })
}

/// A container whose ports a process leads in, or else the process.
fn shown(pid: &str, name_of: NameOf<'_>) -> String {
    let read = |file: &str, most| fs::read(Path::new(&format!("/proc/{pid}/{file}")), most).unwrap_or_default();
    // A forwarder has the command line of its monitor, and pasta is told of the container's directory.
    let command = String::from_utf8_lossy(&read("cmdline", COMMAND_BYTES_MAX)).into_owned();
    let words = command.split(['\0', '/']);
    let is_id = |word: &&str| word.len() == ID_LENGTH && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(name) = words.filter(is_id).find_map(name_of) {
        return format!("container {name}");
    }
    let name = String::from_utf8_lossy(&read("comm", 64)).into_owned();
    let name: String = name.trim().chars().filter(|letter| !letter.is_control()).collect();
    format!("{name} (pid {pid})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_of_one_port_and_address() {
        let port = |address: &str, host_port| Port {
            host_address: (!address.is_empty()).then(|| address.parse().unwrap()),
            host_port,
            container_port: 1,
            protocol: Protocol::Tcp,
            proxy: None,
        };
        let v4 = "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4242 1 0 100";
        assert_eq!(inode(v4, &port("127.0.0.1", 8080), LISTENING), Some("4242"));
        assert_eq!(inode(v4, &port("", 8080), LISTENING), Some("4242"));
        assert_eq!(inode(v4, &port("127.0.0.2", 8080), LISTENING), None);
        assert_eq!(inode(v4, &port("127.0.0.1", 8081), LISTENING), None);
        assert_eq!(inode(v4, &port("127.0.0.1", 8080), UNCONNECTED), None);
        let v6 = "  0: 00000000000000000000000001000000:1F90 0:0 0A 0:0 0:0 0 1000 0 77 1 0 100";
        assert_eq!(inode(v6, &port("::1", 8080), LISTENING), Some("77"));
        for junk in ["", "a b", "0: 1:2 3", "0: 0100007F: 0:0 0A", "sl local_address rem_address st"] {
            assert_eq!(inode(junk, &port("", 8080), LISTENING), None, "{junk:?}");
        }
    }
}
