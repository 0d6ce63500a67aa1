//! mallopt(3), malloc_trim(3), madvise(2): taking memory at once, and giving it back.

/// How much of the stack below the caller is given back; the deepest that setting up a container has been seen to go is
/// a quarter of it. The main stack has at least 128 MiB of room below it in which nothing else is ever placed.
const STACK_BYTES: usize = 512 << 10;

/// What stays below the caller's frame: room for this function and the call it makes.
const STACK_SPARED_BYTES: usize = 8 << 10;

/// The most that is taken in advance.
const ADVANCE_BYTES_MAX: usize = 48 << 20;

/// Has this thread's heap grow at once for about so many bytes of small things: glibc lets the heap of a thread beside the
/// main one grow by single pages, with a system call for each. For a program that soon ends, since such a heap is not
/// given back.
pub fn take_in_advance(bytes: usize) {
    // SAFETY: both only set numbers of the allocator's. Other C libraries have no such parameters.
    #[cfg(target_env = "gnu")]
    unsafe {
        // A block of this size comes out of the heap, which keeps it when it is freed.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 2 * ADVANCE_BYTES_MAX as libc::c_int);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * ADVANCE_BYTES_MAX as libc::c_int);
    }
    drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes.min(ADVANCE_BYTES_MAX))));
}

/// A block of this size has pages of its own where [`give_large_back`] was called.
const LARGE_BYTES: usize = 256 << 10;

/// Has large blocks go back to the kernel when they are freed. Else glibc, once it has seen one freed, takes the next of
/// that size from a thread's heap, and each thread's heap holds what it has had at the worst.
pub fn give_large_back() {
    // SAFETY: it only sets a number of the allocator's. Other C libraries have no such parameter.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES as libc::c_int);
    }
}

/// Gives back to the kernel what the heap holds free, and the stack that was used and is not any more. For a process
/// that has done its work and now waits for long. The caller must be on the main thread.
pub fn give_back() {
    debug_assert_eq!(rustix::thread::gettid(), rustix::process::getpid(), "only the main stack has room below it");
    // SAFETY: it takes a number and moves no allocation. Other C libraries give memory back by themselves.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
    let Ok(Some(page)) = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE) else { return };
    let frame = 0_u8;
    let top = (std::ptr::from_ref(&frame) as usize - STACK_SPARED_BYTES) & !(page as usize - 1);
    // SAFETY: below the stack pointer lies nothing but the frames of calls that this one makes, and those have more than
    // a page to themselves above `top`. Stacks grow down on every Linux port that Rust has; the range is the main
    // thread's own or not mapped, which is an error without effect. What is read there later is zero, as on a new stack.
    unsafe {
        libc::madvise((top - STACK_BYTES) as *mut libc::c_void, STACK_BYTES, libc::MADV_DONTNEED);
    }
}
