//! pty(7), termios(3), ioctl_tty(2).

use anyhow::{Context, Result};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, Termios, Winsize};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// The two ends of a pseudo-terminal.
pub struct Pty {
    pub master: OwnedFd,
    pub slave: OwnedFd,
}

/// `TIOCGPTPEER`, Linux 4.13: `_IO('T', 0x41)`.
const TIOCGPTPEER: libc::c_ulong = 0x5441;

/// A new pseudo-terminal of the devpts instance mounted at `pts`.
///
/// The slave is had from the master (TIOCGPTPEER), never by its path, which a container may have replaced.
pub fn open_pty(pts: BorrowedFd<'_>) -> Result<Pty> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = rustix::fs::openat(pts, c"ptmx", flags, Mode::empty()).context("open ptmx")?;
    rustix::pty::unlockpt(&master).context("unlockpt")?;
    // SAFETY: TIOCGPTPEER takes open(2) flags by value and returns a new descriptor or -1.
    let slave = unsafe { libc::ioctl(master.as_raw_fd(), TIOCGPTPEER as _, flags.bits()) };
    if slave < 0 {
        return Err(std::io::Error::last_os_error()).context("ioctl TIOCGPTPEER");
    }
    // SAFETY: the kernel has just made this descriptor for us, and nothing else owns it.
    let slave = unsafe { OwnedFd::from_raw_fd(slave) };
    Ok(Pty { master, slave })
}

/// Makes a terminal the controlling one of this session, of which this process must be the leader.
pub fn set_controlling(terminal: BorrowedFd<'_>) -> Result<()> {
    rustix::process::ioctl_tiocsctty(terminal).context("ioctl TIOCSCTTY")
}

/// Rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Size {
    pub rows: u16,
    pub columns: u16,
}

pub fn size(terminal: BorrowedFd<'_>) -> Result<Size> {
    let size = rustix::termios::tcgetwinsize(terminal).context("ioctl TIOCGWINSZ")?;
    Ok(Size { rows: size.ws_row, columns: size.ws_col })
}

pub fn set_size(terminal: BorrowedFd<'_>, size: Size) -> Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(terminal, size).context("ioctl TIOCSWINSZ")
}

/// A terminal in raw mode, put back as it was on drop.
pub struct Raw {
    terminal: OwnedFd,
    before: Termios,
}

impl Raw {
    pub fn enter(terminal: OwnedFd) -> Result<Self> {
        let before = rustix::termios::tcgetattr(&terminal).context("tcgetattr")?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(&terminal, OptionalActions::Drain, &raw).context("tcsetattr")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        let _ = rustix::termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
