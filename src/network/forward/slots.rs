//! Things by number, for the kernel to name them in its events.

/// Things that have numbers. A number that has become free is not given again until [`Slots::settle`]: until then the
/// kernel may have named it.
pub struct Slots<T> {
    things: Vec<Option<T>>,
    free: Vec<usize>,
    leaving: Vec<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { things: Vec::new(), free: Vec::new(), leaving: Vec::new() }
    }
}

impl<T> Slots<T> {
    pub fn insert(&mut self, thing: T) -> usize {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.things.push(None);
            self.things.len() - 1
        });
        self.things[slot] = Some(thing);
        slot
    }

    pub fn get(&self, slot: usize) -> Option<&T> {
        self.things.get(slot)?.as_ref()
    }

    pub fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.things.get_mut(slot)?.as_mut()
    }

    pub fn remove(&mut self, slot: usize) -> Option<T> {
        let thing = self.things.get_mut(slot)?.take()?;
        self.leaving.push(slot);
        Some(thing)
    }

    pub fn len(&self) -> usize {
        self.things.len() - self.free.len() - self.leaving.len()
    }

    /// All events that the kernel has named are dealt with.
    pub fn settle(&mut self) {
        self.free.append(&mut self.leaving);
    }
}
