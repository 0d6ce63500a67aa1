//! Several threads at the pieces of one stream.

use anyhow::{Context, Result, anyhow};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, Scope};

/// Threads that make something of pieces. Dropped, they end.
pub struct Workers<T> {
    jobs: SyncSender<Job<T>>,
    /// Buffers of pieces that are done with, to be filled again.
    empty: (Sender<Vec<u8>>, Receiver<Vec<u8>>),
    threads: usize,
}

struct Job<T> {
    piece: Vec<u8>,
    done: Sender<Result<T>>,
    empty: Sender<Vec<u8>>,
}

/// What will have been made of a piece.
pub struct Made<T>(Receiver<Result<T>>);

impl<T> Made<T> {
    pub fn wait(self) -> Result<T> {
        self.0.recv().map_err(|_| anyhow!("compress: thread died"))?
    }
}

impl<T: Send> Workers<T> {
    /// `start` gives each thread what it works with.
    pub fn start<'scope, 'env, Work>(
        scope: &'scope Scope<'scope, 'env>,
        threads: usize,
        start: impl Fn() -> Result<Work>,
    ) -> Result<Self>
    where
        Work: FnMut(&[u8]) -> Result<T> + Send + 'scope,
        T: 'scope,
    {
        let (jobs, queue) = sync_channel::<Job<T>>(1);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let (queue, mut work) = (Arc::clone(&queue), start()?);
            let run = move || {
                let next = || queue.lock().expect("no holder of the lock panics").recv();
                while let Ok(Job { piece, done, empty }) = next() {
                    // Who waited for either may have failed meanwhile.
                    let _ = done.send(work(&piece));
                    let _ = empty.send(piece);
                }
            };
            Builder::new().spawn_scoped(scope, run).context("start a thread")?;
        }
        Ok(Self { jobs, empty: channel(), threads })
    }

    /// A buffer for the next piece, empty.
    pub fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.empty.1.try_recv().unwrap_or_default();
        buffer.clear();
        buffer
    }

    pub fn give(&self, piece: Vec<u8>) -> Result<Made<T>> {
        let (done, made) = channel();
        let job = Job { piece, done, empty: self.empty.0.clone() };
        self.jobs.send(job).map_err(|_| anyhow!("compress: thread died"))?;
        Ok(Made(made))
    }

    /// Whether the oldest of these is to be waited for before another piece is given: the threads have enough to do, and
    /// what is made takes memory.
    pub fn are_enough<Item>(&self, waiting: &VecDeque<Item>) -> bool {
        waiting.len() > self.threads + 1
    }
}
