//! The journal of systemd, by its native protocol, with podman's field names.

use super::{Stream, lines, tag};
use crate::container::config::Config;
use crate::error::Kind;
use crate::sys::socket;
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

/// Where the journal listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// How long a journal that is busy holds the container up, for each line; then the line is dropped.
const PATIENCE: Duration = Duration::from_millis(100);

pub struct Journal {
    socket: UnixDatagram,
    /// The fields of every line.
    fields: Vec<u8>,
}

impl Journal {
    pub fn connect(path: &Path, config: &Config) -> Result<Self> {
        let socket = UnixDatagram::unbound().context("socket")?;
        socket.connect(path).map_err(|error| {
            let message = format!("log to the journal: connect to {}: {error}", path.display());
            Kind::NotFound.hinted(message, "choose another --log-driver, such as k8s-file")
        })?;
        socket.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
        Ok(Self { socket, fields: fields(config) })
    }

    pub fn write(&self, stream: Stream, bytes: &[u8]) -> Result<()> {
        for (text, is_complete) in lines(bytes) {
            let mut message = Vec::with_capacity(text.len() + self.fields.len() + 64);
            field(&mut message, "MESSAGE", text);
            field(&mut message, "PRIORITY", if stream == Stream::Stdout { b"6" } else { b"3" });
            if !is_complete {
                field(&mut message, "CONTAINER_PARTIAL_MESSAGE", b"true");
            }
            message.extend_from_slice(&self.fields);
            self.send(&message)?;
        }
        Ok(())
    }

    fn send(&self, message: &[u8]) -> Result<()> {
        for _ in 0..2 {
            match self.socket.send(message) {
                Ok(_) => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => return self.send_large(message),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    let mut polled = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
                    poll(&mut polled, PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::ZERO))
                        .context("poll")?;
                }
                Err(error) => return Err(error).context("send to the journal"),
            }
        }
        Err(Kind::Engine.error("the journal does not keep up"))
    }

    /// What is too long for a message goes in a file without a name, sealed: the journal takes no other.
    fn send_large(&self, message: &[u8]) -> Result<()> {
        use nix::fcntl::{FcntlArg, SealFlag, fcntl};
        use nix::sys::memfd::{MFdFlags, memfd_create};
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let mut file = std::fs::File::from(memfd_create(c"journal", flags).context("memfd_create")?);
        file.write_all(message)?;
        let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).context("seal the message")?;
        let file = OwnedFd::from(file);
        socket::send(self.socket.as_fd(), &[], &[file.as_fd()]).context("send to the journal")
    }
}

fn fields(config: &Config) -> Vec<u8> {
    let mut fields = Vec::new();
    let name = config.name.as_str();
    field(&mut fields, "CONTAINER_NAME", name.as_bytes());
    field(&mut fields, "CONTAINER_ID", config.id.short().as_bytes());
    field(&mut fields, "CONTAINER_ID_FULL", config.id.as_str().as_bytes());
    let tag = tag(config);
    if let Some(tag) = &tag {
        field(&mut fields, "CONTAINER_TAG", tag.as_bytes());
    }
    field(&mut fields, "SYSLOG_IDENTIFIER", tag.as_deref().unwrap_or(name).as_bytes());
    for label in &config.logging.labels {
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        if is_field_name(key) {
            field(&mut fields, key, value.as_bytes());
        }
    }
    fields
}

/// What the journal takes from others: capital letters, digits and underscores, not beginning with one.
fn is_field_name(key: &str) -> bool {
    key.len() <= 64
        && key.starts_with(|first: char| first.is_ascii_uppercase())
        && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `NAME=value`, or with the value's length where it has more than one line.
fn field(message: &mut Vec<u8>, name: &str, value: &[u8]) {
    message.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        message.push(b'\n');
        message.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        message.push(b'=');
    }
    message.extend_from_slice(value);
    message.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::config::{Id, Logging, Source};
    use crate::store::tests::Scratch;

    #[test]
    fn lines_reach_the_journal_under_podmans_names_however_long() {
        let scratch = Scratch::new();
        crate::fs::create_dir_all(&scratch.engine.run).unwrap();
        let path = scratch.engine.run.join("journal");
        let server = UnixDatagram::bind(&path).unwrap();
        let id = Id::new_random().unwrap();
        let name = crate::container::config::Name::parse("web").unwrap();
        let mut config = Config::blank(id.clone(), name, Source::Directory("/".into()));
        let labels = vec!["TEAM=a\nb".to_owned(), "_UID=0".to_owned()];
        config.logging = Logging { tag: Some("{{.Name}}-x".into()), labels, ..Logging::default() };
        let journal = Journal::connect(&path, &config).unwrap();
        journal.write(Stream::Stderr, b"one\ntwo").unwrap();
        let mut buffer = [0; 4096];
        let mut next = || {
            let length = server.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let one = next();
        for part in [
            "MESSAGE=one\n",
            "PRIORITY=3\n",
            "CONTAINER_NAME=web\n",
            &format!("CONTAINER_ID_FULL={id}\n"),
            "CONTAINER_TAG=web-x\n",
            "SYSLOG_IDENTIFIER=web-x\n",
            "TEAM\n\u{3}\0\0\0\0\0\0\0a\nb\n",
        ] {
            assert!(one.contains(part), "{part:?} in {one:?}");
        }
        assert!(!one.contains("_UID") && !one.contains("PARTIAL"), "{one:?}");
        assert!(next().contains("CONTAINER_PARTIAL_MESSAGE=true\n"));
        journal.write(Stream::Stdout, &vec![b'x'; 4 << 20]).unwrap();
        let (bytes, files) = crate::sys::socket::receive(server.as_fd(), 4096)
            .map_or((Vec::new(), Vec::new()), Option::unwrap_or_default);
        assert!(bytes.is_empty());
        drop(files);
        assert!(Journal::connect(&scratch.engine.run.join("nosuch"), &config).is_err());
    }
}
