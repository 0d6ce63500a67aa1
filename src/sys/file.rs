//! sync_file_range(2): writing that begins before it is waited for.

use std::os::fd::{AsFd, AsRawFd};

/// Asks the kernel to begin to write a part of a file to disk, and waits for nothing: a later fdatasync(2) has less to do.
/// A file system that cannot is no error.
pub fn begin_writing(file: impl AsFd, offset: u64, length: u64) {
    let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else { return };
    // SAFETY: it takes numbers alone, and the descriptor is open as long as it is borrowed.
    unsafe {
        libc::sync_file_range(file.as_fd().as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE);
    }
}
