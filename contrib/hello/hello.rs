//! hello: the program in the image that every coracle carries. It looks at its container from inside and says
//! what it found.
//!
//! It stands alone: no standard library and no libc, because a static one is not everywhere; only `core`, and the
//! system calls of `kernel.rs`. Every probe is free of effects: a call that would change something is made in a
//! child, or with an argument that fails right after the permission check.

#![no_std]
#![no_main]
// Else the loop in our memcpy would be compiled to a call of memcpy.
#![no_builtins]

use core::ffi::CStr;
use core::fmt::{self, Write};
use kernel::*;

mod kernel;

/// The most that is read of any file; what lies beyond is not counted.
const FILE_BYTES_MAX: usize = 32 << 10;
/// The most lines of an id map that are shown; the kernel allows 340.
const MAP_LINES_MAX: usize = 4;
/// The page is folded here.
const WIDTH: usize = 80;
/// Where the second column starts.
const INDENT: usize = 18;

/// capabilities(7), in the order of their numbers.
const CAPABILITIES: &str = "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap \
    linux_immutable net_bind_service net_broadcast net_admin \
    net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct \
    sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control \
    setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore";

const NAMESPACES: [(&str, &CStr); 8] = [
    ("user", c"/proc/self/ns/user"),
    ("mnt", c"/proc/self/ns/mnt"),
    ("pid", c"/proc/self/ns/pid"),
    ("net", c"/proc/self/ns/net"),
    ("ipc", c"/proc/self/ns/ipc"),
    ("uts", c"/proc/self/ns/uts"),
    ("cgroup", c"/proc/self/ns/cgroup"),
    ("time", c"/proc/self/ns/time"),
];

/// What came of an attempt.
enum Verdict {
    Refused(Errno),
    Killed(usize),
    /// Something else is mounted over it.
    Masked,
    Empty,
    /// The filter lets it through, but there is nothing here to do it to.
    Moot(&'static str),
    Allowed,
}

/// A system call that a container should not get, and the errors that mean it would have got it.
struct Call {
    label: &'static str,
    number: usize,
    arguments: [usize; 5],
    passed: Option<i32>,
}

/// Everything that is printed, so that it leaves in one write.
struct Page {
    bytes: [u8; 8 << 10],
    length: usize,
}

/// Bytes from outside: whatever is not plain ASCII is shown as `?`.
struct Plain<'a>(&'a [u8]);

extern "C" fn main() -> ! {
    let mut page = Page { bytes: [0; 8 << 10], length: 0 };
    // A page never refuses what is written to it.
    let _ = tell(&mut page);
    page.flush();
    exit(0)
}

fn tell(page: &mut Page) -> fmt::Result {
    page.write_str("Hello from coracle!\n\n")?;
    page.write_str("This program is part of the engine's binary; nothing was downloaded to run it.\n")?;
    page.write_str("It has looked around from inside its container, and this is what it found.\n\n")?;
    let mut bytes = [0; FILE_BYTES_MAX];
    let status = read(c"/proc/self/status", &mut bytes).unwrap_or(b"");
    who(page, status)?;
    may(page, status)?;
    namespaces(page)?;
    walls(page)?;
    sees(page)?;
    page.write_str("\nTry next\n")?;
    page.write_str("  coracle run --rm --read-only --cap-drop all hello   the same with less\n")?;
    page.write_str("  coracle unshare cat /proc/self/uid_map              the ids behind these\n")?;
    page.write_str("  coracle run --rm -it docker.io/library/alpine       a shell to look around\n")
}

fn who(page: &mut Page, status: &[u8]) -> fmt::Result {
    page.write_str("Who I am, and who that is outside: in the engine's namespace\n")?;
    let (uid, gid) = (field(status, "Uid:"), field(status, "Gid:"));
    write!(page, "  {:<16}uid {}, gid {}", "user", Plain(word(uid, 0)), Plain(word(gid, 0)))?;
    let groups = field(status, "Groups:");
    match words(groups).next() {
        None => page.write_str(", no other groups\n")?,
        Some(_) => writeln!(page, ", groups {}", Plain(groups))?,
    }
    map(page, "uids", c"/proc/self/uid_map")?;
    map(page, "gids", c"/proc/self/gid_map")
}

fn map(page: &mut Page, label: &str, path: &CStr) -> fmt::Result {
    let mut bytes = [0; FILE_BYTES_MAX];
    let map = match read(path, &mut bytes) {
        Ok(map) => map,
        Err(errno) => return writeln!(page, "  {label:<16}not shown: {errno}"),
    };
    if lines(map).next().is_none() {
        return writeln!(page, "  {label:<16}none is mapped");
    }
    for (index, line) in lines(map).enumerate() {
        if index == MAP_LINES_MAX {
            return writeln!(page, "  {:<16}and {} ranges more", "", lines(map).count() - index);
        }
        let numbers = [decimal(word(line, 0)), decimal(word(line, 1)), decimal(word(line, 2))];
        let label = if index == 0 { label } else { "" };
        write!(page, "  {label:<16}")?;
        match numbers {
            [0, 0, 0xffff_ffff] => page.write_str("the same as outside: there is no user namespace around me\n")?,
            [inside, outside, 1] => writeln!(page, "{inside} is {outside} outside")?,
            [inside, outside, count] => {
                let last = count.saturating_sub(1);
                let (inside_last, outside_last) = (inside.saturating_add(last), outside.saturating_add(last));
                writeln!(page, "{inside}-{inside_last} are {outside}-{outside_last} outside")?;
            }
        }
    }
    Ok(())
}

fn may(page: &mut Page, status: &[u8]) -> fmt::Result {
    page.write_str("\nWhat I may do\n")?;
    let effective = hexadecimal(field(status, "CapEff:"));
    let bounding = hexadecimal(field(status, "CapBnd:"));
    capabilities(page, "capabilities", effective)?;
    if bounding == effective {
        writeln!(page, "  {:<16}no more than these", "could regain")?;
    } else {
        capabilities(page, "could regain", bounding & !effective)?;
    }
    let sealed = word(field(status, "NoNewPrivs:"), 0) == b"1";
    writeln!(page, "  {:<16}{}", "no_new_privs", if sealed { "set: no setuid program helps me" } else { "not set" })?;
    let filters = decimal(word(field(status, "Seccomp_filters:"), 0));
    let plural = if filters == 1 { "" } else { "s" };
    match word(field(status, "Seccomp:"), 0) {
        b"0" => writeln!(page, "  {:<16}off: every system call reaches the kernel", "seccomp"),
        b"1" => writeln!(page, "  {:<16}strict", "seccomp"),
        b"2" => writeln!(page, "  {:<16}on: {filters} filter{plural}", "seccomp"),
        _ => writeln!(page, "  {:<16}not shown by this kernel", "seccomp"),
    }
}

fn capabilities(page: &mut Page, label: &str, set: u64) -> fmt::Result {
    write!(page, "  {label:<16}")?;
    if set == 0 {
        return page.write_str("none\n");
    }
    let missing = !set & ((1 << CAPABILITIES.split(' ').count()) - 1);
    if missing == 0 {
        return page.write_str("all there are\n");
    }
    let mostly = missing.count_ones() < set.count_ones();
    let (shown, start) = if mostly { (missing, "all but") } else { (set, "") };
    page.write_str(start)?;
    let mut column = INDENT + start.len();
    for (_, name) in CAPABILITIES.split(' ').enumerate().filter(|(bit, _)| shown >> bit & 1 == 1) {
        if column + 1 + name.len() > WIDTH {
            write!(page, "\n{:INDENT$}", "")?;
            column = INDENT;
        }
        let space = if column > INDENT { " " } else { "" };
        write!(page, "{space}{name}")?;
        column += space.len() + name.len();
    }
    page.write_str("\n")
}

fn namespaces(page: &mut Page) -> fmt::Result {
    page.write_str("\nThe namespaces I am in\n")?;
    for (index, (name, path)) in NAMESPACES.iter().enumerate() {
        let mut target = [0; 64];
        write!(page, "  {name:<7}")?;
        // The target is `user:[4026531837]`.
        match read_link(path, &mut target).map(|link| link.split(|byte| *byte == b'[').nth(1)) {
            Ok(inode) => write!(page, "{:<10}", decimal(inode.unwrap_or(b"")))?,
            Err(errno) => write!(page, "{:<10}", errno.name())?,
        }
        page.write_str(if index % 4 == 3 { "\n" } else { "" })?;
    }
    Ok(())
}

fn walls(page: &mut Page) -> fmt::Result {
    page.write_str("\nWhat I tried, and what came of it\n")?;
    let root = c"/".as_ptr() as usize;
    let session = (-3_isize).cast_unsigned();
    let calls = [
        Call::new("make a user namespace", number::UNSHARE, [0x1000_0000, 0, 0, 0, 0]),
        // Without a type, mount(2) answers EINVAL to those who may and EPERM to the others.
        Call { passed: Some(EINVAL), ..Call::new("mount a file system", number::MOUNT, [0, root, 0, 0, 0]) },
        Call::new("socket of AF_ALG", number::SOCKET, [38, 5, 0, 0, 0]),
        Call::new("socket of AF_VSOCK", number::SOCKET, [40, 1, 0, 0, 0]),
        // The byte to push is read from address 0, which is the last thing that can go wrong.
        Call { passed: Some(EFAULT), ..Call::new("type into the terminal", number::IOCTL, [0, 0x5412, 0, 0, 0]) },
        Call::new("reach the keyring", number::KEYCTL, [0, session, 0, 0, 0]),
    ];
    for call in &calls {
        writeln!(page, "  {:<40}{}", call.label, attempt(call))?;
    }
    for (path, flags) in [
        (c"/proc/kcore", O_RDONLY),
        (c"/proc/keys", O_RDONLY),
        (c"/sys/firmware", O_RDONLY | O_DIRECTORY),
        (c"/proc/sys/kernel/core_pattern", O_WRONLY),
        (c"/proc/1/mem", O_WRONLY),
    ] {
        if path == c"/proc/1/mem" && process_id() == 1 {
            continue;
        }
        let verb = if flags & O_WRONLY == 0 { "read" } else { "write" };
        writeln!(page, "  {verb:<6}{:<34}{}", path.to_str().unwrap_or("?"), reach(path, flags))?;
    }
    Ok(())
}

/// Makes a call in a child, so that what it changes ends with the child and a filter that kills does not kill us.
fn attempt(call: &Call) -> Verdict {
    // SAFETY: a fork without shared memory: the child goes on with a copy of this stack, and no other thread exists.
    let child = unsafe { system_call(number::CLONE, [SIGCHLD, 0, 0, 0, 0]) };
    if child == 0 {
        // SAFETY: the arguments are numbers, null, or the address of a static string; null is allowed or gets EFAULT.
        let result = unsafe { system_call(call.number, call.arguments) };
        exit(if result < 0 { -result } else { 0 }.cast_unsigned());
    }
    if child < 0 {
        return Verdict::Moot("not tried, for want of a process");
    }
    let mut status = 0_u32;
    // SAFETY: `status` lives here and has the size of an int; the usage pointer is null.
    let waited = unsafe { system_call(number::WAIT4, [child.cast_unsigned(), &raw mut status as usize, 0, 0, 0]) };
    if waited < 0 {
        return Verdict::Moot("tried, but the answer got lost");
    }
    match (status & 0x7f, (status >> 8 & 0xff) as i32) {
        (0, 0) => Verdict::Allowed,
        (0, errno) if Some(errno) == call.passed => Verdict::Allowed,
        (0, ENOTTY | EBADF) => Verdict::Moot("not filtered, but there is no terminal here"),
        (0, errno) => Verdict::Refused(Errno(errno)),
        (signal, _) => Verdict::Killed(signal as usize),
    }
}

/// Opens a file and, where that is for reading, reads a little; nothing is written.
fn reach(path: &CStr, flags: usize) -> Verdict {
    if is_mount(path) {
        return Verdict::Masked;
    }
    let file = match open(path, flags) {
        Ok(file) => file,
        Err(errno) => return Verdict::Refused(errno),
    };
    let mut bytes = [0; 1024];
    let mut found = false;
    let result = if flags & O_WRONLY != 0 {
        found = true;
        Ok(())
    } else if flags & O_DIRECTORY != 0 {
        entries(file, |_| found = true)
    } else {
        fill(file, &mut bytes).map(|count| found = count > 0)
    };
    close(file);
    match result {
        Err(errno) => Verdict::Refused(errno),
        Ok(()) if found => Verdict::Allowed,
        Ok(()) => Verdict::Empty,
    }
}

fn sees(page: &mut Page) -> fmt::Result {
    page.write_str("\nWhat I see\n")?;
    let mut bytes = [0; FILE_BYTES_MAX];
    let name = read(c"/proc/sys/kernel/hostname", &mut bytes).unwrap_or(b"?").trim_ascii();
    writeln!(page, "  {:<16}{}", "host name", Plain(name))?;
    let mut processes = 0;
    if let Ok(directory) = open(c"/proc", O_RDONLY | O_DIRECTORY) {
        // What was counted before an error is still what I see.
        let _ = entries(directory, |name| processes += usize::from(name.iter().all(u8::is_ascii_digit)));
        close(directory);
    }
    let alone = if processes == 1 { ", and that is me" } else { "" };
    writeln!(page, "  {:<16}{processes}{alone}", "processes")?;
    write!(page, "  {:<15}", "interfaces")?;
    for line in lines(read(c"/proc/self/net/dev", &mut bytes).unwrap_or(b"")).skip(2) {
        write!(page, " {}", Plain(line.split(|byte| *byte == b':').next().unwrap_or(b"").trim_ascii()))?;
    }
    page.write_str("\n")?;
    let mounts = read(c"/proc/self/mountinfo", &mut bytes).unwrap_or(b"");
    let root = lines(mounts).filter(|line| word(line, 4) == b"/").last().unwrap_or(b"");
    // The type follows the dash behind a varying number of optional fields: proc_pid_mountinfo(5).
    let kind = words(root).skip_while(|word| word != b"-").nth(1).unwrap_or(b"unknown");
    let writable = if word(root, 5).starts_with(b"ro") { "read-only" } else { "writable" };
    writeln!(page, "  {:<16}{}, {writable}, {} mounts in all", "root", Plain(kind), lines(mounts).count())?;
    limit(page, "memory limit", c"/sys/fs/cgroup/memory.max", 20, " MiB")?;
    limit(page, "process limit", c"/sys/fs/cgroup/pids.max", 0, "")
}

fn limit(page: &mut Page, label: &str, path: &CStr, shift: u32, unit: &str) -> fmt::Result {
    let mut bytes = [0; 64];
    match read(path, &mut bytes).map(<[u8]>::trim_ascii) {
        Ok(b"max") => writeln!(page, "  {label:<16}none"),
        Ok(value) => writeln!(page, "  {label:<16}{}{unit}", decimal(value) >> shift),
        Err(_) => writeln!(page, "  {label:<16}not shown: no cgroup of my own here"),
    }
}

impl Call {
    fn new(label: &'static str, number: usize, arguments: [usize; 5]) -> Self {
        Self { label, number, arguments, passed: None }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(errno) if *errno == Errno(ENOENT) => write!(out, "absent: {errno}"),
            Self::Refused(errno) => write!(out, "refused: {errno}"),
            Self::Killed(signal) => write!(out, "refused: killed by signal {signal}"),
            Self::Masked => out.write_str("masked"),
            Self::Empty => out.write_str("empty"),
            Self::Moot(why) => out.write_str(why),
            Self::Allowed => out.write_str("ALLOWED"),
        }
    }
}

impl fmt::Display for Plain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| out.write_char(if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' }))
    }
}

impl Page {
    fn flush(&mut self) {
        let mut rest = &self.bytes[..self.length];
        while !rest.is_empty() {
            // SAFETY: pointer and length are those of one live slice.
            let count = unsafe { system_call(number::WRITE, [1, rest.as_ptr() as usize, rest.len(), 0, 0]) };
            match usize::try_from(count) {
                Ok(count) if count > 0 => rest = rest.get(count..).unwrap_or(&[]),
                _ => exit(1),
            }
        }
        self.length = 0;
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.length == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.length] = byte;
            self.length += 1;
        }
        Ok(())
    }
}

/// The value of one line of `/proc/self/status`.
fn field<'a>(status: &'a [u8], name: &str) -> &'a [u8] {
    lines(status).find_map(|line| line.strip_prefix(name.as_bytes())).unwrap_or(b"").trim_ascii()
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

fn word(line: &[u8], index: usize) -> &[u8] {
    words(line).nth(index).unwrap_or(b"")
}

/// The decimal number at the front.
fn decimal(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum: u64, byte| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
}

fn hexadecimal(text: &[u8]) -> u64 {
    let digits = text.iter().map_while(|byte| char::from(*byte).to_digit(16));
    digits.fold(0, |sum: u64, digit| sum << 4 | u64::from(digit))
}
