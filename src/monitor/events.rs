//! What the monitor tells of its container: when it starts, when somebody joins it, and how it ends.

use super::{MAIN, Monitor};
use crate::container::events::{Event, Happening};
use crate::error;
use crate::network::Refused;

impl Monitor {
    pub(super) fn tell(&mut self, happenings: &[Happening]) {
        let events: Vec<Event> = happenings.iter().map(|happening| Event::of(&self.config, *happening)).collect();
        self.journal.tell(&events);
    }

    /// The container runs, perhaps with somebody at its streams.
    pub(super) fn tell_of_start(&mut self) {
        let is_attended =
            self.clients.iter().any(|client| client.attached_to() == Some(MAIN) && client.has_streams());
        let all = [Happening::Init, Happening::Start, Happening::Attach];
        self.tell(if is_attended { &all } else { &all[..2] });
    }

    /// A run has ended, and another will follow.
    pub(super) fn tell_of_run(&mut self, code: i32) {
        self.tell_with_code(&[Happening::Died, Happening::Cleanup], code);
    }

    /// The container has ended; one that goes with its run is gone.
    pub(super) fn tell_of_end(&mut self, code: i32) {
        let mut happenings = vec![Happening::Died];
        if self.was_stopped {
            happenings.push(Happening::Stop);
        }
        happenings.push(Happening::Cleanup);
        if self.config.auto_remove {
            happenings.push(Happening::Remove);
        }
        self.tell_with_code(&happenings, code);
    }

    /// The container's rules have kept something from leaving it.
    pub(super) fn tell_of_refused(&mut self, refused: &[Refused]) {
        let event = |refused: &Refused| Event::of(&self.config, Happening::EgressRefused).with(refused.facts());
        let events: Vec<Event> = refused.iter().map(event).collect();
        if !events.is_empty() {
            self.journal.tell(&events);
        }
    }

    /// A pasta that has died has a successor, or why there is none yet.
    pub(super) fn tell_of_network(&mut self, error: Option<&anyhow::Error>) {
        let error = error.map(|error| ("error", error::line(error)));
        self.journal.tell(&[Event::of(&self.config, Happening::NetworkRestart).with(error)]);
    }

    fn tell_with_code(&mut self, happenings: &[Happening], code: i32) {
        let with_code = |happening: &Happening| {
            let event = Event::of(&self.config, *happening);
            match happening {
                Happening::Died | Happening::Remove => event.with_exit_code(code),
                _ => event,
            }
        };
        let events: Vec<Event> = happenings.iter().map(with_code).collect();
        self.journal.tell(&events);
    }
}
