//! What clients ask on `ctl`, and what they are answered.

use super::clients::{self, Place, Role};
use super::{MAIN, Monitor};
use crate::container::control::{Attach, Hello, MESSAGE_BYTES_MAX, Reply, Request};
use crate::container::events::Happening;
use crate::container::rename;
use crate::error::{Kind, Wire};
use crate::sys::socket;
use anyhow::{Context, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

impl Monitor {
    /// A word from a client, or its end.
    pub(super) fn hear(&mut self, key: u32) {
        let Some(client) = self.client(key) else { return };
        let received = match socket::receive(client.socket.as_fd(), MESSAGE_BYTES_MAX) {
            Ok(Some(received)) => received,
            Err(rustix::io::Errno::AGAIN) => return,
            Ok(None) | Err(_) => return client.leave(),
        };
        let hello: Result<Hello, _> = serde_json::from_slice(&received.0);
        let result = match hello {
            Ok(hello) => {
                client.version = hello.version;
                self.answer(key, hello.request, received.1)
            }
            Err(error) => Err(Kind::BadInput.error(format!("the monitor does not understand the request: {error}"))),
        };
        if let Err(error) = result
            && let Some(client) = self.client(key)
        {
            clients::answer(&client.socket, &Reply::Failed(Wire::from(&error)));
        }
    }

    fn answer(&mut self, key: u32, request: Request, fds: Vec<OwnedFd>) -> Result<()> {
        let target = self.client(key).and_then(|client| client.attached_to()).unwrap_or(MAIN);
        let reply = match request {
            Request::Userns => {
                let userns = crate::sys::namespace::open("self", "user")?;
                return self.answer_with(key, &Reply::Done, &[userns]);
            }
            Request::Root => {
                let root = self.instance()?.root.try_clone().context("duplicate root")?;
                return self.answer_with(key, &Reply::Done, &[root]);
            }
            Request::Namespaces => {
                let (names, fds): (Vec<_>, Vec<_>) = self.instance()?.entrance.all().unzip();
                let names = names.into_iter().map(str::to_owned).collect();
                let fds = fds.into_iter().map(OwnedFd::try_clone).collect::<std::io::Result<Vec<_>>>()?;
                return self.answer_with(key, &Reply::Namespaces(names), &fds);
            }
            Request::Start { .. } => return Err(Kind::InUse.error("the container runs already")),
            Request::Attach(attach) => {
                self.instance()?;
                let pid = self.state.pid;
                self.attach(key, MAIN, attach, fds, Place::Guest)?;
                self.tell(&[Happening::Attach]);
                Reply::Started { pid, warnings: Vec::new() }
            }
            Request::Exec { process, privileged, attach, session } => {
                self.refuse_paused()?;
                let pid = self.exec(key, &process, privileged, (attach, fds), session)?;
                Reply::Started { pid, warnings: Vec::new() }
            }
            Request::Signal(signal) => {
                self.signal(target, signal)?;
                if self.client(key).is_some_and(|client| client.attached_to().is_none()) {
                    self.tell(&[Happening::Kill]);
                }
                Reply::Done
            }
            Request::Resize(size) => {
                let process = self.process(target).context("the process has ended")?;
                return process.streams.resize(size);
            }
            Request::Stop { signal, timeout_secs } => {
                self.restarting.forbid();
                self.stop(signal, timeout_secs)?;
                self.wait_for(key, MAIN);
                Reply::Done
            }
            Request::Restart { signal, timeout_secs } => {
                self.restarting.ask(key);
                self.stop(signal, timeout_secs)?;
                Reply::Done
            }
            Request::CheckHealth => return self.check_health_for(key),
            Request::Pause => {
                self.freeze()?;
                self.tell(&[Happening::Pause]);
                Reply::Done
            }
            Request::Unpause => {
                self.thaw()?;
                self.tell(&[Happening::Unpause]);
                Reply::Done
            }
            Request::Rename(name) => {
                rename::change(&self.engine, &mut self.config, &name)?;
                Reply::Done
            }
            Request::Update(change) => {
                self.update(&change)?;
                Reply::Done
            }
            Request::Wait => {
                // One that waits to be started again has ended.
                match self.main_process() {
                    Some(_) => self.wait_for(key, MAIN),
                    None => self.reply(key, &Reply::Exited { code: self.code() }),
                }
                return Ok(());
            }
        };
        self.reply(key, &reply);
        Ok(())
    }

    pub(super) fn reply(&mut self, key: u32, reply: &Reply) {
        if let Some(client) = self.client(key) {
            clients::answer(&client.socket, reply);
        }
    }

    fn answer_with(&mut self, key: u32, reply: &Reply, fds: &[OwnedFd]) -> Result<()> {
        let Some(client) = self.client(key) else { return Ok(()) };
        let bytes = serde_json::to_vec(reply).context("serialise answer")?;
        let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        socket::send(client.socket.as_fd(), &bytes, &fds).context("answer")
    }

    fn wait_for(&mut self, key: u32, process: u32) {
        if let Some(client) = self.client(key) {
            client.role = Role::Waiting(process);
        }
    }

    /// A signal that ends the container for sure, or that it was given to end by, is the user's wish to see it ended.
    fn signal(&mut self, target: u32, signal: i32) -> Result<()> {
        let process = self.process(target).ok_or_else(|| Kind::InUse.error("the process has ended"))?;
        crate::sys::signal::send(process.child.pidfd.as_fd(), signal)
            .with_context(|| format!("send signal {signal}"))?;
        if target == MAIN && (signal == libc::SIGKILL || Some(signal) == self.config.stop.signal) {
            self.restarting.forbid();
        }
        Ok(())
    }

    /// Asks the container to end. One that waits to be started again has nothing to be asked.
    pub(super) fn stop(&mut self, signal: i32, timeout_secs: u64) -> Result<()> {
        let Some(main) = self.main_process() else { return Ok(()) };
        let is_kill = timeout_secs == 0;
        let sent = crate::sys::signal::send(main.child.pidfd.as_fd(), if is_kill { libc::SIGKILL } else { signal });
        match sent {
            // It has just ended by itself.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            sent => sent.with_context(|| format!("send signal {signal}"))?,
        }
        let at = Instant::now() + Duration::from_secs(timeout_secs.min(u64::from(u32::MAX)));
        self.kill_at = (!is_kill).then(|| self.kill_at.map_or(at, |earlier| earlier.min(at)));
        self.was_stopped = true;
        // Held still, it could not obey.
        if self.paused.is_some() { self.thaw() } else { Ok(()) }
    }

    pub(super) fn attach(
        &mut self,
        key: u32,
        process: u32,
        attach: Attach,
        fds: Vec<OwnedFd>,
        place: Place,
    ) -> Result<()> {
        if let Some(size) = attach.size
            && let Some(process) = self.process(process)
        {
            process.streams.resize(size)?;
        }
        if let Some(client) = self.client(key) {
            client.attach(process, attach, fds, place);
        }
        Ok(())
    }
}
