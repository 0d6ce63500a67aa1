//! What processes say, and what is said to them: between their streams, the log, and those who are attached.

use super::{MAIN, Monitor, Process, clients, stdio};
use crate::container::control::Reply;
use crate::container::events::{Event, Happening};
use crate::container::log::Stream;
use crate::sys::memory;
use crate::sys::process;
use std::time::Instant;

impl Monitor {
    /// What a process has said goes into the log and to everyone who is attached.
    pub(super) fn carry_output(&mut self, key: u32, stream: Stream) {
        self.carry_chunk(key, stream);
    }

    /// False when there is nothing now.
    fn carry_chunk(&mut self, key: u32, stream: Stream) -> bool {
        let Some(process) = self.processes.iter_mut().find(|process| process.key == key) else { return false };
        // From the heap, of which only what is filled is ever touched.
        let mut space = Vec::with_capacity(stdio::CHUNK);
        process.streams.read(stream, &mut space);
        if space.is_empty() {
            return false;
        }
        for client in self.clients.iter_mut().filter(|client| client.attached_to() == Some(key)) {
            client.give(stream, &space);
        }
        self.hear_check(key, &space);
        true
    }

    pub(super) fn read_client_input(&mut self, key: u32) {
        let Some(client) = self.clients.iter_mut().find(|client| client.key == key) else { return };
        let Some(process_key) = client.attached_to() else { return };
        let Some(process) = self.processes.iter_mut().find(|process| process.key == process_key) else { return };
        match client.read_input(process.streams.is_terminal()) {
            clients::Input::Bytes(bytes) => process.streams.write(&bytes),
            clients::Input::End => process.streams.close_input(),
            clients::Input::Detach(bytes) => {
                process.streams.write(&bytes);
                clients::answer(&client.socket, &Reply::Detached);
                client.leave();
            }
        }
    }

    /// Lets go of exec'd processes that have ended and said all they had to say.
    pub(super) fn finish_processes(&mut self) {
        let over = |process: &Process| {
            let drained =
                !process.streams.is_open() || process.drain_until.is_some_and(|until| Instant::now() >= until);
            process.key != MAIN && process.exit.is_some() && drained
        };
        let ended: Vec<(u32, i32)> = self
            .processes
            .iter()
            .filter(|process| over(process))
            .map(|process| (process.key, process.exit.map_or(1, process::Exit::code)))
            .collect();
        for (key, code) in ended {
            // What it has left in its pipes is taken without waiting for more.
            for stream in [Stream::Stdout, Stream::Stderr] {
                let mut rounds = stdio::DRAIN_ROUNDS_MAX;
                while rounds > 0 && self.carry_chunk(key, stream) {
                    rounds -= 1;
                }
            }
            for client in self.clients.iter_mut().filter(|client| client.waits_for(key)) {
                client.end(code);
            }
            self.finish_check(Some(key), code);
            let session = self.process(key).and_then(|process| process.session.take());
            self.processes.retain(|process| process.key != key);
            if let Some(session) = session {
                let event = Event::of(&self.config, Happening::ExecDied);
                self.journal.tell(&[event.with_exit_code(code).with_exec(&session)]);
            }
            memory::give_back();
        }
    }

    /// Tells those who have read all that there was how it ended, and lets go of those who have left.
    pub(super) fn finish_clients(&mut self) {
        for client in &mut self.clients {
            client.finish();
        }
        self.clients.retain(|client| !client.is_gone());
    }
}
