//! The process that unpacks: forked before any outside byte is read, it has the user's ids and no network.
//!
//! The engine's process fetches and verifies blobs and writes them down one pipe per layer; this one inflates, hashes
//! the plain bytes, makes the files, and answers once per layer. A layer counts only if its writer said that the blob
//! was complete and good: when a writer goes away, or the whole engine is killed, the pipes end without that word, and
//! the child removes what it has staged and ends. It is not killed or interrupted with its parent, since it would leave its
//! staging.

mod confine;

use super::{Compression, Unpacked};
use crate::engine::Engine;
use crate::error::{Kind, Wire};
use crate::fs::staging;
use crate::store::digest::Digest;
use crate::store::unpack::Ids;
use crate::sys::process::{self, Child, Cloned};
use crate::sys::{signal, socket};
use anyhow::{Context, Result, anyhow, bail};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How many layers are unpacked at once. Further ones wait, their pipes full.
const LAYERS_AT_ONCE: usize = 6;

/// The most that a pipe holds without privilege: pipe(7), `pipe-max-size`.
const PIPE_BYTES: i32 = 1 << 20;

const REQUEST_BYTES_MAX: usize = 4 << 10;
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The longest wait for the child's start, which runs newuidmap.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest wait for the rest of one layer, of which the pipe holds at most 1 MiB, and perhaps its way to the disk.
const FINISH_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How long whoever wanted the layers has the disk for themselves, before it is given the layers: a second is enough to make
/// the first container of them.
const FIRST_USE: Duration = Duration::from_secs(1);

/// How long the child may clean up when nobody wants its layers any more.
const CLEAN_TIMEOUT: Duration = Duration::from_secs(60);

/// What the child waits for before it does anything: an image that is here already needs nobody's ids.
const START: &[u8] = b"start";

/// What the writer of a layer says when the blob was complete and its digest right.
const COMPLETE: &[u8] = b"complete";

/// What the child is to do. With it come the descriptors: the pipe with the blob, if there is one to unpack, and the
/// socket for the answer.
#[derive(Serialize, Deserialize)]
enum Request {
    Unpack { diff_id: Digest, compression: Compression },
    Remove { diff_id: Digest },
}

type Answer = std::result::Result<(), Wire>;

/// The unpacking process, as its parent sees it. Several threads may use it.
pub struct Unpacker {
    /// None only while it is dropped.
    control: Option<OwnedFd>,
    child: Option<Child>,
    /// The child's first answer: whether it could start.
    started: OnceLock<Answer>,
}

impl Unpacker {
    /// Forks the process; this one must be single-threaded. `enter` runs in the child when the first layer comes and puts
    /// it into the user namespace; its error, if any, comes from the first [`Unpacker::layer`].
    pub fn start(engine: &Engine, enter: impl FnOnce() -> Result<()>) -> Result<Self> {
        let (control, theirs) = socket::pair()?;
        match process::fork().context("fork the unpacker")? {
            Cloned::Parent(child) => {
                socket::set_receive_timeout(&control, Some(START_TIMEOUT))?;
                Ok(Self { control: Some(control), child: Some(child), started: OnceLock::new() })
            }
            Cloned::Child => {
                drop(control);
                if !is_wanted(theirs.as_fd()) {
                    process::exit_now(0);
                }
                let answer = become_unpacker(engine, enter, theirs.as_fd());
                let (ids, answer) = match answer {
                    Ok(ids) => (Some(ids), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                if let (Ok(()), Some(ids)) = (tell(theirs.as_fd(), &answer), ids) {
                    let unsettled = serve(engine, ids, &theirs);
                    drop(theirs);
                    settle_apart(engine, &unsettled);
                }
                process::exit_now(0)
            }
        }
    }

    /// Begins a layer: the blob is to be written to the result, compressed as it is.
    pub fn layer(&self, diff_id: &Digest, compression: Compression) -> Result<Sink> {
        self.check_start()?;
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC).context("pipe")?;
        // A smaller pipe is only slower; the user may have used up what pipe(7) allows.
        let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
        let (reply, theirs) = socket::pair()?;
        socket::set_receive_timeout(&reply, Some(FINISH_TIMEOUT))?;
        let request = Request::Unpack { diff_id: *diff_id, compression };
        self.ask(&request, &[reader.as_fd(), theirs.as_fd()])?;
        Ok(Sink { diff_id: *diff_id, pipe: Some(File::from(writer)), reply, answer: None })
    }

    /// Removes layers that nothing needs; those that are not there are no error.
    pub fn remove(&self, diff_ids: &[Digest]) -> Result<()> {
        self.check_start()?;
        for diff_id in diff_ids {
            let (reply, theirs) = socket::pair()?;
            socket::set_receive_timeout(&reply, Some(FINISH_TIMEOUT))?;
            self.ask(&Request::Remove { diff_id: *diff_id }, &[theirs.as_fd()])?;
            drop(theirs);
            hear(reply.as_fd())?.map_err(anyhow::Error::from)?;
        }
        Ok(())
    }

    fn ask(&self, request: &Request, descriptors: &[BorrowedFd<'_>]) -> Result<()> {
        let sent = socket::send(self.control(), &serde_json::to_vec(request)?, descriptors);
        sent.context("the unpacker died").map(drop)
    }

    fn check_start(&self) -> Result<()> {
        let started = self.started.get_or_init(|| self.hear_start()).clone();
        started.map_err(|wire| anyhow!(wire).context("start the unpacker"))
    }

    fn control(&self) -> BorrowedFd<'_> {
        self.control.as_ref().expect("the control socket is open until drop").as_fd()
    }

    fn hear_start(&self) -> Answer {
        let started = socket::send(self.control(), START, &[]).context("the unpacker died");
        started.and_then(|()| hear(self.control())).unwrap_or_else(|error| Err(Wire::from(&error)))
    }
}

impl Drop for Unpacker {
    /// Ends the process, which first cleans up, and reaps it.
    fn drop(&mut self) {
        drop(self.control.take());
        let Some(child) = &self.child else { return };
        let timeout = PollTimeout::try_from(CLEAN_TIMEOUT).unwrap_or(PollTimeout::MAX);
        let _ = poll(&mut [PollFd::new(child.pidfd.as_fd(), PollFlags::POLLIN)], timeout);
        let _ = process::try_wait(child.pidfd.as_fd());
    }
}

/// Where the blob of one layer is written to. Dropped without [`Sink::finish`], the layer is abandoned.
pub struct Sink {
    diff_id: Digest,
    /// None after the end of the blob.
    pipe: Option<File>,
    reply: OwnedFd,
    answer: Option<Answer>,
}

impl Sink {
    /// Says that the blob is complete and good, and waits until the layer is visible.
    ///
    /// After a failed write it tells the cause, with its kind and its hint.
    pub fn finish(mut self) -> Result<()> {
        if self.answer.is_none() {
            drop(self.pipe.take());
            // The child may have answered already, with an error; that is then what there is to hear.
            let _ = socket::send(self.reply.as_fd(), COMPLETE, &[]);
        }
        let diff_id = self.diff_id;
        self.answer().clone().map_err(|wire| anyhow::Error::from(wire).context(format!("unpack layer {diff_id}")))
    }

    fn answer(&mut self) -> &Answer {
        let reply = self.reply.as_fd();
        self.answer.get_or_insert_with(|| hear(reply).unwrap_or_else(|error| Err(Wire::from(&error))))
    }

    /// What a write error is really about: the child closed the pipe because of what it answers.
    fn cause(&mut self, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::BrokenPipe {
            return error;
        }
        self.pipe = None;
        let diff_id = self.diff_id;
        match self.answer() {
            Err(wire) => io::Error::other(format!("unpack layer {diff_id}: {}", wire.message)),
            Ok(()) => error,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(pipe) = &mut self.pipe else { return Err(self.cause(io::ErrorKind::BrokenPipe.into())) };
        pipe.write(bytes).map_err(|error| self.cause(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Receives an answer. A socket that ends instead means that the process died.
fn hear(socket: BorrowedFd<'_>) -> Result<Answer> {
    let mut received = socket::receive(socket, ANSWER_BYTES_MAX);
    if received.as_ref().is_err_and(|errno| *errno == Errno::CONNRESET) {
        // It answered without having read our word, which the kernel tells first; the answer comes after: unix(7).
        received = socket::receive(socket, ANSWER_BYTES_MAX);
    }
    match received.context("hear the unpacker")? {
        Some((bytes, _)) => serde_json::from_slice(&bytes).context("parse the unpacker's answer"),
        None => Err(Kind::Engine.error("the unpacker died")),
    }
}

fn tell(socket: BorrowedFd<'_>, result: &Result<()>) -> Result<()> {
    let answer: Answer = result.as_ref().copied().map_err(|error| {
        let mut wire = Wire::from(error);
        // Causes quote names of the archive, which are bounded; this bounds whatever else a cause may quote.
        wire.message = wire.message.chars().take(ANSWER_BYTES_MAX / 16).collect();
        wire
    });
    socket::send(socket, &serde_json::to_vec(&answer)?, &[]).context("answer")
}

/// Waits for the word to start. False if the parent goes away without it.
fn is_wanted(control: BorrowedFd<'_>) -> bool {
    matches!(socket::receive(control, REQUEST_BYTES_MAX), Ok(Some(_)))
}

/// Leaves all that the parent had open but stderr and the socket, and all that it need not have. Gives the ids that it has.
fn become_unpacker(engine: &Engine, enter: impl FnOnce() -> Result<()>, control: BorrowedFd<'_>) -> Result<Ids> {
    enter()?;
    // A terminal interrupts parent and child alike. This one ends with its parent, when it has removed what it began.
    for ignored in [Signal::SIGPIPE, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
        signal::ignore(ignored)?;
    }
    let null = crate::fs::open_null()?;
    let stderr = io::stderr();
    process::set_stdio(null.as_fd(), null.as_fd(), stderr.as_fd())?;
    let (stdin, stdout) = (io::stdin(), io::stdout());
    process::close_all_but(&[stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), control])?;
    // `null` is closed by now, and must not be closed again when its number means something else.
    std::mem::forget(null);
    let ids = Ids::of_this_process()?;
    // It is asked of /proc, which is out of sight then.
    crate::engine::boot_id();
    confine::confine(engine).context("confine the unpacker")?;
    Ok(ids)
}

/// Takes requests until the parent goes away, then waits for the threads, which see their pipes end. Gives the layers that
/// may not be on the disk.
fn serve(engine: &Engine, ids: Ids, control: &OwnedFd) -> Vec<Digest> {
    let slots = Arc::new(Slots::default());
    let unsettled = Arc::new(Mutex::new(Vec::new()));
    let mut threads = Vec::new();
    slots.take();
    let (staging, slot) = (engine.staging(), Slot(Arc::clone(&slots)));
    // What others were unpacking when they were killed may be much. What cannot be removed is for the next.
    threads.extend(std::thread::Builder::new().spawn(move || {
        let _slot = slot;
        let _ = staging::sweep(&staging);
    }));
    loop {
        slots.take();
        // Nothing but a request comes here, and an answer goes to its own socket: any fault here is the parent's end.
        let Ok(Some((request, mut descriptors))) = socket::receive(control.as_fd(), REQUEST_BYTES_MAX) else { break };
        let Some(reply) = descriptors.pop() else { break };
        let Ok(request) = serde_json::from_slice::<Request>(&request) else { break };
        let (engine, unsettled, slot) = (engine.clone(), Arc::clone(&unsettled), Slot(Arc::clone(&slots)));
        let work = move || {
            let _slot = slot;
            let result = answer(&engine, ids, &request, descriptors.pop(), &reply, &unsettled);
            // Whoever abandoned the layer does not listen.
            let _ = tell(reply.as_fd(), &result);
        };
        // Without a thread, `reply` is dropped unanswered, which the parent hears as an end.
        threads.extend(std::thread::Builder::new().spawn(work));
        for finished in threads.extract_if(.., |thread| thread.is_finished()) {
            let _ = finished.join();
        }
    }
    slots.give_back();
    // While one still works nothing can be forked; the layers are unpacked again after the next boot.
    if !slots.wait_for_all(CLEAN_TIMEOUT) || threads.into_iter().any(|thread| thread.join().is_err()) {
        return Vec::new();
    }
    std::mem::take(&mut *unsettled.lock().unwrap_or_else(PoisonError::into_inner))
}

fn answer(
    engine: &Engine,
    ids: Ids,
    request: &Request,
    pipe: Option<OwnedFd>,
    reply: &OwnedFd,
    unsettled: &Mutex<Vec<Digest>>,
) -> Result<()> {
    let (diff_id, compression) = match request {
        Request::Unpack { diff_id, compression } => (*diff_id, *compression),
        Request::Remove { diff_id } => return super::remove(engine, std::slice::from_ref(diff_id)),
    };
    let pipe = File::from(pipe.context("the blob comes through a pipe")?);
    let layer = Unpacked::from(engine, pipe, diff_id, compression, ids)?;
    // The blob has ended, so the word is there or is about to be.
    socket::set_receive_timeout(reply, Some(START_TIMEOUT))?;
    match socket::receive(reply.as_fd(), COMPLETE.len())? {
        Some((word, _)) if word == COMPLETE => {}
        _ => bail!("the layer was abandoned"),
    }
    match layer.mark_unsettled()? {
        true => unsettled.lock().unwrap_or_else(PoisonError::into_inner).push(diff_id),
        false => super::sync_file_system(engine)?,
    }
    layer.publish(engine)
}

/// Has a process of its own put layers on the disk, while whoever wanted them goes on: 500 MB take a second. This one has
/// no threads any more. If the other is killed, the layers are unpacked again after the next boot.
fn settle_apart(engine: &Engine, unsettled: &[Digest]) {
    if unsettled.is_empty() || !matches!(process::fork(), Ok(Cloned::Child)) {
        return;
    }
    let _ = process::go_apart(io::stdin().as_fd());
    std::thread::sleep(FIRST_USE);
    let _ = super::settle(engine, unsettled);
}

/// How many layers are being unpacked.
#[derive(Default)]
struct Slots {
    taken: Mutex<usize>,
    given_back: Condvar,
}

/// A slot that is given back when its thread ends.
struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl Slots {
    fn take(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all_taken = |taken: &mut usize| *taken >= LAYERS_AT_ONCE;
        *self.given_back.wait_while(taken, all_taken).unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn give_back(&self) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.given_back.notify_all();
    }

    /// Whether all have been given back in time.
    fn wait_for_all(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken > 0 {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            taken = self.given_back.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests;
