//! What hello needs of the kernel and of the compiler: system calls, the entry point, and the functions of a libc
//! that compiled code calls by name.

use core::arch::{asm, global_asm};
use core::ffi::CStr;
use core::fmt;

/// How much of a directory is listed by one call.
const ENTRIES_BYTES: usize = 8 << 10;

pub const O_RDONLY: usize = 0;
pub const O_WRONLY: usize = 1;
#[cfg(target_arch = "x86_64")]
pub const O_DIRECTORY: usize = 0o200_000;
#[cfg(target_arch = "aarch64")]
pub const O_DIRECTORY: usize = 0o40_000;
pub const O_CLOEXEC: usize = 0o2_000_000;
pub const AT_FDCWD: usize = (-100_isize).cast_unsigned();
pub const SIGCHLD: usize = 17;
/// The errors that the page tells apart.
pub const ENOENT: i32 = 2;
pub const EBADF: i32 = 9;
pub const EFAULT: i32 = 14;
pub const EINVAL: i32 = 22;
pub const ENOTTY: i32 = 25;

/// Why the kernel said no.
#[derive(Clone, Copy, PartialEq)]
pub struct Errno(pub i32);

impl Errno {
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "EPERM",
            ENOENT => "ENOENT",
            5 => "EIO",
            EBADF => "EBADF",
            11 => "EAGAIN",
            13 => "EACCES",
            EFAULT => "EFAULT",
            20 => "ENOTDIR",
            EINVAL => "EINVAL",
            ENOTTY => "ENOTTY",
            28 => "ENOSPC",
            30 => "EROFS",
            38 => "ENOSYS",
            93 => "EPROTONOSUPPORT",
            94 => "ESOCKTNOSUPPORT",
            97 => "EAFNOSUPPORT",
            _ => "another error",
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "another error" => write!(out, "errno {}", self.0),
            name => out.write_str(name),
        }
    }
}

fn answer(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| Errno(-result as i32))
}

pub fn open(path: &CStr, flags: usize) -> Result<usize, Errno> {
    let arguments = [AT_FDCWD, path.as_ptr() as usize, flags | O_CLOEXEC, 0, 0];
    // SAFETY: the path is a C string that outlives the call.
    answer(unsafe { system_call(number::OPENAT, arguments) })
}

pub fn close(file: usize) {
    // SAFETY: no memory is passed; the caller made the descriptor and does not use it again.
    unsafe { system_call(number::CLOSE, [file, 0, 0, 0, 0]) };
}

pub fn process_id() -> usize {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { system_call(number::GETPID, [0; 5]) }.cast_unsigned()
}

pub fn exit(code: usize) -> ! {
    loop {
        // SAFETY: no memory is passed, and nothing of this process is needed any more.
        unsafe { system_call(number::EXIT_GROUP, [code, 0, 0, 0, 0]) };
    }
}

/// Reads until the end or until the buffer is full.
pub fn fill(file: usize, bytes: &mut [u8]) -> Result<usize, Errno> {
    let mut length = 0;
    while length < bytes.len() {
        let rest = &mut bytes[length..];
        // SAFETY: pointer and length are those of one live slice that nobody else holds.
        match answer(unsafe { system_call(number::READ, [file, rest.as_mut_ptr() as usize, rest.len(), 0, 0]) })? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

pub fn read<'a>(path: &CStr, bytes: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let file = open(path, O_RDONLY)?;
    let length = fill(file, bytes);
    close(file);
    Ok(&bytes[..length?])
}

pub fn read_link<'a>(path: &CStr, bytes: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let arguments = [AT_FDCWD, path.as_ptr() as usize, bytes.as_mut_ptr() as usize, bytes.len(), 0];
    // SAFETY: the path is a C string, and pointer and length are those of one live slice.
    let length = answer(unsafe { system_call(number::READLINKAT, arguments) })?;
    Ok(&bytes[..length])
}

/// Whether something is mounted exactly there (STATX_ATTR_MOUNT_ROOT, Linux 5.8).
pub fn is_mount(path: &CStr) -> bool {
    let mut status = [0_u64; 32];
    let arguments = [AT_FDCWD, path.as_ptr() as usize, 0, 0, status.as_mut_ptr() as usize];
    // SAFETY: struct statx has 256 bytes and the alignment of u64, as `status`; the path is a C string.
    answer(unsafe { system_call(number::STATX, arguments) }).is_ok() && status[1] & 0x2000 != 0
}

/// Names every entry of an open directory but `.` and `..`.
pub fn entries(directory: usize, mut each: impl FnMut(&[u8])) -> Result<(), Errno> {
    let mut bytes = [0; ENTRIES_BYTES];
    loop {
        let arguments = [directory, bytes.as_mut_ptr() as usize, bytes.len(), 0, 0];
        // SAFETY: pointer and length are those of one live array.
        let length = answer(unsafe { system_call(number::GETDENTS64, arguments) })?;
        let mut rest = &bytes[..length];
        if rest.is_empty() {
            return Ok(());
        }
        // A record is: inode 8, offset 8, its length 2, type 1, the name to its NUL. getdents64(2)
        while let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, low, high, _, name @ ..] = rest {
            let name = name.split(|byte| *byte == 0).next().unwrap_or(b"");
            if name != b"." && name != b".." {
                each(name);
            }
            rest = rest.get(usize::from(u16::from_le_bytes([*low, *high])).max(1)..).unwrap_or(b"");
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const IOCTL: usize = 16;
    pub const GETPID: usize = 39;
    pub const SOCKET: usize = 41;
    pub const CLONE: usize = 56;
    pub const WAIT4: usize = 61;
    pub const MOUNT: usize = 165;
    pub const GETDENTS64: usize = 217;
    pub const EXIT_GROUP: usize = 231;
    pub const KEYCTL: usize = 250;
    pub const OPENAT: usize = 257;
    pub const READLINKAT: usize = 267;
    pub const UNSHARE: usize = 272;
    pub const STATX: usize = 332;
}

#[cfg(target_arch = "aarch64")]
pub mod number {
    pub const IOCTL: usize = 29;
    pub const MOUNT: usize = 40;
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const GETDENTS64: usize = 61;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const READLINKAT: usize = 78;
    pub const EXIT_GROUP: usize = 94;
    pub const UNSHARE: usize = 97;
    pub const GETPID: usize = 172;
    pub const SOCKET: usize = 198;
    pub const KEYCTL: usize = 219;
    pub const CLONE: usize = 220;
    pub const WAIT4: usize = 260;
    pub const STATX: usize = 291;
}

/// Asks the kernel.
///
/// # Safety
/// The arguments must be what this call of syscalls(2) expects; its memory must be live and not borrowed elsewhere.
#[cfg(target_arch = "x86_64")]
pub unsafe fn system_call(number: usize, [one, two, three, four, five]: [usize; 5]) -> isize {
    let result: isize;
    // SAFETY: the registers are those of syscall(2) for x86-64; the kernel overwrites rcx and r11 besides rax.
    unsafe {
        asm!("syscall", inlateout("rax") number.cast_signed() => result, in("rdi") one, in("rsi") two,
            in("rdx") three, in("r10") four, in("r8") five, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// Asks the kernel.
///
/// # Safety
/// The arguments must be what this call of syscalls(2) expects; its memory must be live and not borrowed elsewhere.
#[cfg(target_arch = "aarch64")]
pub unsafe fn system_call(number: usize, [one, two, three, four, five]: [usize; 5]) -> isize {
    let result: isize;
    // SAFETY: the registers are those of syscall(2) for arm64; the kernel overwrites only x0.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") one.cast_signed() => result, in("x1") two, in("x2") three,
            in("x3") four, in("x4") five, options(nostack));
    }
    result
}

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call {main}", main = sym crate::main);
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, xzr", "mov x30, xzr", "bl {main}", main = sym crate::main);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("hello knows the system calls of x86-64 and arm64 only");

#[panic_handler]
pub fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(70)
}

// The compiler calls these by name; a libc would bring them.

/// # Safety
/// As memcpy(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    for index in 0..length {
        // SAFETY: both areas have `length` bytes, as the caller promises.
        unsafe { to.add(index).write(from.add(index).read()) };
    }
    to
}

/// # Safety
/// As memmove(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    for step in 0..length {
        // Backwards where the areas may overlap behind the start of the source.
        let index = if to.cast_const() > from { length - 1 - step } else { step };
        // SAFETY: both areas have `length` bytes, as the caller promises.
        unsafe { to.add(index).write(from.add(index).read()) };
    }
    to
}

/// # Safety
/// As memset(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8 {
    for index in 0..length {
        // SAFETY: the area has `length` bytes, as the caller promises.
        unsafe { to.add(index).write(value as u8) };
    }
    to
}

/// # Safety
/// As memcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, two: *const u8, length: usize) -> i32 {
    for index in 0..length {
        // SAFETY: both areas have `length` bytes, as the caller promises.
        let (one, two) = unsafe { (one.add(index).read(), two.add(index).read()) };
        if one != two {
            return i32::from(one) - i32::from(two);
        }
    }
    0
}

/// # Safety
/// As bcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, two: *const u8, length: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(one, two, length) }
}
