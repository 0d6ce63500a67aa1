//! What the keeper gives up when its networks lead outside: whoever finds a fault in it has the networks, and nothing else of
//! the user's.
//!
//! Its fences would be pasta's too, so it starts none behind them: see [`super::Keeper::is_over`].

use super::resolver::RESOLV_CONF;
use crate::fs;
use crate::sys::{landlock, process, seccomp};
use anyhow::Result;
use caps::Capability;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// To set up networks, to enter those of containers, and to be a name server.
const CAPABILITIES: &[Capability] =
    &[Capability::CAP_NET_ADMIN, Capability::CAP_SYS_ADMIN, Capability::CAP_NET_BIND_SERVICE];

/// Its sockets: for names, and to the kernel. To the user's programs it has none.
const FAMILIES: &[i32] = &[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// To enter a namespace is not among these: those of containers are.
const REFUSED: &[i64] = &[libc::SYS_socketpair];

/// Puts up the fences, for this thread and those that it starts.
pub fn confine() -> Result<()> {
    process::keep_capabilities(CAPABILITIES)?;
    process::set_no_new_privileges()?;
    let kernel = fs::open_dir(Path::new("/proc"))?;
    let settings = fs::open_dir(Path::new("/proc/sys/net"))?;
    // A host may have no such file.
    let names = fs::open_for_reading(Path::new(RESOLV_CONF)).ok();
    let readable: Vec<BorrowedFd<'_>> = [kernel.as_fd()].into_iter().chain(names.as_ref().map(AsFd::as_fd)).collect();
    // A kernel without it has the other fences.
    landlock::restrict_files_to(&readable, &[settings.as_fd()])?;
    seccomp::install(&seccomp::refusing_but_sockets(&[REFUSED, seccomp::OTHERS].concat(), FAMILIES), 0).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketType, socket};
    use std::fs::File;
    use std::process::{Command, Stdio};

    type Attack = (&'static str, fn() -> bool);

    /// The program of the test, which is the user's to read.
    fn own_file() -> std::io::Result<File> {
        File::open(std::env::current_exe()?)
    }

    #[test]
    fn whoever_takes_it_over_gets_nothing_of_the_users() {
        let attacks: [Attack; 8] = [
            ("read a file", || own_file().is_ok()),
            ("make a file", || {
                let path = std::env::temp_dir().join(format!("coracle-keeper-{}", std::process::id()));
                File::create(&path).and_then(|_| std::fs::remove_file(&path)).is_ok()
            }),
            ("list a directory", || std::fs::read_dir("/").is_ok_and(|mut entries| entries.next().is_some())),
            ("execute", || Command::new("/bin/true").stdout(Stdio::null()).status().is_ok()),
            ("speak to the user's programs", || socket(AddressFamily::UNIX, SocketType::STREAM, None).is_ok()),
            ("or by a pair", || std::os::unix::net::UnixDatagram::pair().is_ok()),
            ("signal", || nix::sys::signal::kill(nix::unistd::getppid(), None).is_ok()),
            ("look into processes", || File::open(format!("/proc/{}/environ", nix::unistd::getppid())).is_ok()),
        ];
        let try_all = move || attacks.map(|(name, attack)| (name, attack()));
        let made = std::thread::spawn(try_all).join().unwrap();
        assert_eq!(made, attacks.map(|(name, _)| (name, true)), "the control");
        let confined = move || {
            confine().unwrap();
            let has = [
                socket(AddressFamily::INET, SocketType::DGRAM, None).is_ok(),
                socket(AddressFamily::NETLINK, SocketType::RAW, None).is_ok(),
                File::open(RESOLV_CONF).is_ok() || !Path::new(RESOLV_CONF).exists(),
                File::open("/proc/sys/net/ipv4/ip_forward").is_ok(),
            ];
            (try_all(), has)
        };
        let (got, has) = std::thread::spawn(confined).join().unwrap();
        assert_eq!(has, [true; 4], "what it needs");
        assert_eq!(got, attacks.map(|(name, _)| (name, false)));
    }
}
