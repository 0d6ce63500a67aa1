//! Work that is divided among the processors.

/// Gives each processor a share of the items, in their order, and returns what was made of each share. Shares are not
/// smaller than `share_min`, since a thread costs about as much as a few items.
pub fn divided<T: Sync, R: Send>(items: &[T], share_min: usize, work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut shares = items.chunks(items.len().div_ceil(processors).max(share_min).max(1));
    let first = shares.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = shares.map(|share| scope.spawn(move || work(share))).collect();
        let first = work(first);
        // The program ends where it panics, so there is nothing to be told of a thread that did.
        let others =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(first).chain(others).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_items_are_in_some_share_in_their_order() {
        for (count, share_min) in [(0, 1), (1, 0), (7, 3), (1000, 64), (1000, 5000)] {
            let items: Vec<usize> = (0..count).collect();
            let shares = divided(&items, share_min, <[usize]>::to_vec);
            assert!(shares.iter().rev().skip(1).all(|share| share.len() >= share_min));
            assert_eq!(shares.concat(), items);
        }
    }
}
