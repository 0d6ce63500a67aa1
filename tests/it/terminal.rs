//! `-t`: a real terminal on both sides, with the test as the user who types.

use crate::support::fake_registry::FakeRegistry;
use crate::support::{Sandbox, is_alive, until};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::sync::{Arc, Mutex};

nix::ioctl_write_ptr_bad!(set_size, nix::libc::TIOCSWINSZ, Winsize);
nix::ioctl_none_bad!(take_terminal, nix::libc::TIOCSCTTY);

const SIZE: Winsize = Winsize { ws_row: 33, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0 };

/// A command at a terminal of its own, and all that has been shown on it.
pub struct Terminal {
    child: Child,
    keyboard: std::fs::File,
    /// Kept open, so that the terminal outlives the command and its modes can be looked at.
    line: OwnedFd,
    screen: Arc<Mutex<String>>,
    modes_before: Termios,
}

impl Terminal {
    pub fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let OpenptyResult { master, slave } = openpty(Some(&SIZE), None).expect("openpty");
        let modes_before = tcgetattr(&slave).expect("tcgetattr");
        let clone = || slave.try_clone().expect("duplicate the terminal");
        let mut command = sandbox.command(arguments);
        command.stdin(clone()).stdout(clone()).stderr(clone()).env("TERM", "dumb");
        // SAFETY: setsid and ioctl are async-signal-safe and touch no memory; descriptor 0 is the terminal by then.
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                take_terminal(0)?;
                Ok(())
            })
        };
        let child = command.spawn().expect("start at a terminal");
        let mut display = std::fs::File::from(master.try_clone().expect("duplicate"));
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The read fails when the last holder of the other end has closed it.
            while let Ok(length) = display.read(&mut bytes) {
                shown.lock().expect("no panics here").push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        Self { child, keyboard: master.into(), line: slave, screen, modes_before }
    }

    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("type");
    }

    pub fn shown(&self) -> String {
        self.screen.lock().expect("no panics here").clone()
    }

    pub fn sees(&self, text: &str) {
        let started = std::time::Instant::now();
        until(&format!("{text:?} on the screen"), || {
            let shown = self.shown();
            assert!(started.elapsed().as_secs() < 30, "no {text:?} on the screen: {shown:?}");
            shown.contains(text)
        });
    }

    fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ..SIZE };
        // SAFETY: the descriptor is a terminal and the size a valid `winsize`. The kernel sends SIGWINCH by itself.
        unsafe { set_size(self.keyboard.as_raw_fd(), &raw const size) }.expect("TIOCSWINSZ");
    }

    /// Waits for the command's end: its exit code. The terminal's modes must be what they were.
    pub fn ends(&mut self) -> i32 {
        until("the command has ended", || self.child.try_wait().expect("wait").is_some());
        assert_eq!(self.modes(), self.modes_before, "the terminal is as it was");
        self.child.wait().expect("wait").code().unwrap_or(-1)
    }

    fn modes(&self) -> Termios {
        tcgetattr(self.line.as_fd()).expect("tcgetattr")
    }

    pub fn is_raw(&self) -> bool {
        !self.modes().local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already, if all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with_busybox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox
}

const RUN: [&str; 5] = ["run", "-it", "--network", "none", "busybox"];

#[test]
fn a_shell_has_a_terminal_that_echoes_and_its_exit_code_comes_back() {
    let sandbox = with_busybox();
    let mut terminal = Terminal::start(&sandbox, &[&RUN[..], &["sh"]].concat());
    terminal.sees("# ");
    assert!(terminal.is_raw());
    terminal.types("tty; stty size; echo $TERM; id -u > /dev/tty\r");
    terminal.sees("tty; stty size; echo $TERM");
    terminal.sees("/dev/pts/0\r\n33 101\r\nxterm\r\n0\r\n");
    terminal.resize(50, 120);
    terminal.types("until [ \"$(stty size)\" = '50 120' ]; do sleep 0.05; done; echo re''sized\r");
    terminal.sees("resized\r\n");
    terminal.types("echo to stderr >&2; ls -l /dev/console /proc/self/fd/0; exit 7\r");
    terminal.sees("to stderr\r\n");
    assert_eq!(terminal.ends(), 7);
    assert!(!terminal.shown().contains("can't access tty"), "{}", terminal.shown());
}

#[test]
fn keys_are_signals_and_jobs_are_controlled() {
    let sandbox = with_busybox();
    for options in [&[][..], &["--init"]] {
        let arguments = [&["run", "-it", "--rm", "--network", "none"], options, &["busybox", "sh"]].concat();
        let mut terminal = Terminal::start(&sandbox, &arguments);
        terminal.sees("# ");
        terminal.types("sleep 1000\r");
        until("sleep is in the foreground", || {
            let id = &sandbox.containers()[0];
            sandbox.coracle(&["exec", id, "pidof", "sleep"]).code == 0
        });
        terminal.types("\x03");
        terminal.types("echo inter''rupted=$?\r");
        terminal.sees("interrupted=130\r\n");
        terminal.types("sleep 1000\r");
        until("sleep is in the foreground", || {
            let id = &sandbox.containers()[0];
            sandbox.coracle(&["exec", id, "pidof", "sleep"]).code == 0
        });
        terminal.types("\x1a");
        terminal.sees("Stopped");
        terminal.types("jobs; kill %1; fg; echo en''ded\r");
        // The prompt is there once the shell reads each key itself: an end of file from before would be lost.
        terminal.sees("ended\r\n/ # ");
        terminal.types("\x04");
        terminal.ends();
        assert!(!terminal.shown().contains("can't access tty"), "{}", terminal.shown());
    }
    sandbox.assert_no_leaks();
}

#[test]
fn the_detach_keys_leave_it_running_and_attach_comes_back() {
    let sandbox = with_busybox();
    let mut terminal = Terminal::start(&sandbox, &[&["run", "-it", "--name", "d"], &RUN[2..], &["sh"]].concat());
    terminal.sees("# ");
    terminal.types("HERE=still\r\x10\x11");
    assert_eq!(terminal.ends(), 0);
    let mut again = Terminal::start(&sandbox, &["attach", "d"]);
    until("it is attached", || again.is_raw());
    // A size of the new terminal, and the same shell.
    again.types("echo $HERE; stty size\r");
    again.sees("still\r\n33 101\r\n");
    again.types("\x10\x11");
    assert_eq!(again.ends(), 0);
    let mut third = Terminal::start(&sandbox, &["attach", "--detach-keys", "a,b", "d"]);
    until("it is attached", || third.is_raw());
    third.types("echo \x10\x11 ac;\r");
    third.sees("ac");
    third.types("ab");
    assert_eq!(third.ends(), 0);
    sandbox.ok(&["rm", "-f", "-t", "0", "d"]);
    sandbox.assert_no_leaks();
}

#[test]
fn exec_has_a_terminal_of_its_own() {
    let sandbox = with_busybox();
    sandbox.detached(&["--name", "e", "busybox", "sleep", "1000"]);
    let mut terminal = Terminal::start(&sandbox, &["exec", "-it", "e", "sh"]);
    terminal.sees("# ");
    terminal.types("tty; stty size\r");
    terminal.sees("/dev/pts/0\r\n33 101\r\n");
    terminal.resize(40, 90);
    terminal.types("until [ \"$(stty size)\" = '40 90' ]; do sleep 0.05; done; echo re''sized\r");
    terminal.sees("resized\r\n");
    terminal.types("sleep 1000\r");
    until("sleep is in the foreground", || {
        sandbox.coracle(&["exec", "e", "sh", "-c", "[ $(pidof sleep | wc -w) = 2 ]"]).code == 0
    });
    terminal.types("\x03");
    terminal.types("exit 9\r");
    assert_eq!(terminal.ends(), 9);
    assert!(!terminal.shown().contains("can't access tty"), "{}", terminal.shown());
    assert_eq!(sandbox.ok(&["exec", "e", "echo", "alive"]), "alive\n");
}

#[test]
fn a_terminal_that_nobody_shows_still_works() {
    let sandbox = with_busybox();
    let id = sandbox.detached(&["-t", "busybox", "sh", "-c", "tty; sleep 1000"]);
    until("it has spoken", || sandbox.ok(&["logs", &id]) == "/dev/pts/0\r\n");
    // Not at a terminal: the container's lines still end as a terminal ends them.
    assert_eq!(sandbox.ok(&["run", "-t", "--rm", "--network", "none", "busybox", "echo", "x"]), "x\r\n");
}

#[test]
fn a_killed_caller_leaves_the_container_running_and_the_terminal_alone() {
    let sandbox = with_busybox();
    let mut terminal = Terminal::start(&sandbox, &[&["run", "-it", "--name", "k"], &RUN[2..], &["sh"]].concat());
    terminal.sees("# ");
    let id = sandbox.containers().remove(0);
    let monitor = sandbox.state(&id)["monitor_pid"].as_i64().expect("a pid");
    kill(Pid::from_raw(terminal.child.id().cast_signed()), Signal::SIGKILL).expect("kill the caller");
    until("the caller has ended", || terminal.child.try_wait().expect("wait").is_some());
    assert!(is_alive(monitor));
    assert_eq!(sandbox.ok(&["exec", "k", "echo", "alive"]), "alive\n");
    // What is typed now is for whoever reads the terminal next, and nobody else takes it.
    let mut line = std::fs::File::from(terminal.line.try_clone().expect("duplicate"));
    nix::sys::termios::tcsetattr(&terminal.line, nix::sys::termios::SetArg::TCSANOW, &terminal.modes_before)
        .expect("tcsetattr");
    for _ in 0..5 {
        terminal.types("mine\r");
        let mut typed = [0; 16];
        let length = line.read(&mut typed).expect("read the terminal");
        assert_eq!(&typed[..length], b"mine\n");
    }
    assert!(!sandbox.ok(&["logs", "k"]).contains("mine"));
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    fake.put("/v2/", "application/json", b"{}");
    fake.require("Basic bWU6aHVudGVyMg==", "Basic realm=\"x\"");
    let host = fake.host();
    let mut terminal = Terminal::start(&sandbox, &["login", "--tls-verify=false", &host]);
    terminal.sees("Username: ");
    terminal.types("me\n");
    terminal.sees("Password: ");
    until("the terminal shows no keys", || terminal.is_raw());
    terminal.types("hunter3\u{7f}2\r");
    terminal.sees("Login Succeeded!\r\n");
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.shown().contains("hunter"), "{}", terminal.shown());
    // An interrupt leaves the terminal as it was, too.
    let mut terminal = Terminal::start(&sandbox, &["login", "--tls-verify=false", "-u", "other", &host]);
    terminal.sees("Password: ");
    until("the terminal shows no keys", || terminal.is_raw());
    terminal.types("hunter\u{3}");
    terminal.sees("interrupted");
    assert_eq!(terminal.ends(), 125);
}

#[test]
fn a_short_name_with_several_meanings_is_asked_about_once() {
    let (sandbox, fakes) = (Sandbox::new(), [FakeRegistry::start(), FakeRegistry::start()]);
    let hosts = fakes.each_ref().map(FakeRegistry::host);
    let image = crate::support::artifact::Artifact::saying("chosen");
    crate::pull::serve(&fakes[1], "app", "latest", &image);
    let dir = sandbox.home.join(".config/containers");
    std::fs::create_dir_all(&dir).expect("make the directory");
    let tables = hosts.each_ref().map(|host| format!("[[registry]]\nlocation=\"{host}\"\ninsecure=true\n")).concat();
    let text = format!("short-name-mode=\"enforcing\"\nunqualified-search-registries={hosts:?}\n{tables}");
    std::fs::write(dir.join("registries.conf"), text).expect("write the file");
    let mut terminal = Terminal::start(&sandbox, &["pull", "app"]);
    terminal.sees(&format!("2) {}/app:latest\r\nNumber: ", hosts[1]));
    terminal.types("2\n");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert!(fakes[0].requests().is_empty(), "only the chosen one is asked");
    let aliases = std::fs::read_to_string(sandbox.home.join(".cache/containers/short-name-aliases.conf"));
    assert_eq!(aliases.expect("it is kept"), format!("[aliases]\n\"app\" = \"{}/app\"\n", hosts[1]));
    sandbox.ok(&["pull", "-q", "app:latest"]);
    let mut terminal = Terminal::start(&sandbox, &["pull", "other"]);
    terminal.sees("Number: ");
    terminal.types("3\n");
    assert_eq!(terminal.ends(), 125);
}
