//! `top`: the processes of a container, read from the host's /proc. Nothing of the container is executed or believed.

use super::table::Table;
use super::{Context, Verb, listing};
use crate::container::control::{Connection, Request};
use crate::container::processes::{self, Stat, StatusLines};
use crate::container::state::{self, Container};
use crate::container::user;
use crate::error::Kind;
use crate::fs::{self, Root};
use crate::runtime::capabilities::Set;
use anyhow::Result;
use std::collections::HashMap;
use std::path::Path;

/// Show the processes of a container
#[derive(clap::Args)]
pub struct Top {
    /// The one that was made last
    #[arg(short, long)]
    latest: bool,
    /// The container, and what to show of its processes: words such as pid user args, or format codes such as %p
    #[arg(
        value_name = "CONTAINER [COLUMN]",
        required_unless_present = "latest",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<String>,
}

/// A column: podman's word, its AIX code, and its heading.
struct Column {
    name: &'static str,
    code: &'static str,
    heading: &'static str,
    text: fn(&View<'_>) -> String,
}

macro_rules! column {
    ($name:literal, $code:literal, $heading:literal, $text:expr) => {
        Column { name: $name, code: $code, heading: $heading, text: $text }
    };
}

const COLUMNS: &[Column] = &[
    column!("args", "%a", "COMMAND", |view| view.arguments()),
    column!("capamb", "", "AMBIENT CAPS", |view| capabilities(view.status.get("CapAmb"))),
    column!("capbnd", "", "BOUNDING CAPS", |view| capabilities(view.status.get("CapBnd"))),
    column!("capeff", "", "EFFECTIVE CAPS", |view| capabilities(view.status.get("CapEff"))),
    column!("capinh", "", "INHERITED CAPS", |view| capabilities(view.status.get("CapInh"))),
    column!("capprm", "", "PERMITTED CAPS", |view| capabilities(view.status.get("CapPrm"))),
    column!("comm", "%c", "COMMAND", |view| view.stat.name.clone()),
    column!("etime", "%t", "ELAPSED", |view| duration(view.elapsed_ticks() * 1000 / view.around.ticks)),
    column!("group", "%G", "GROUP", |view| view.group("Gid", 1)),
    column!("groups", "", "GROUPS", |view| view.groups(true)),
    column!("hgroup", "", "HGROUP", |view| host_group(view.id("Gid", 1))),
    column!("hgroups", "", "HGROUPS", |view| view.groups(false)),
    column!("hpid", "", "HPID", |view| view.stat.pid.to_string()),
    column!("huid", "", "HUID", |view| view.id("Uid", 1).to_string()),
    column!("huser", "", "HUSER", |view| host_user(view.id("Uid", 1))),
    column!("label", "", "LABEL", |_| "?".to_owned()),
    column!("nice", "%n", "NI", |view| view.stat.nice.to_string()),
    column!("pcpu", "%C", "%CPU", |view| {
        let used = (view.stat.user_ticks + view.stat.system_ticks) as f64;
        format!("{:.3}", used * 100.0 / (view.elapsed_ticks().max(1) as f64))
    }),
    column!("pgid", "%r", "PGID", |view| view.around.inside(view.stat.group)),
    column!("pid", "%p", "PID", |view| view.inner_pid()),
    column!("ppid", "%P", "PPID", |view| view.around.inside(view.stat.parent)),
    column!("rgroup", "%g", "RGROUP", |view| view.group("Gid", 0)),
    column!("rss", "", "RSS", |view| (view.stat.resident_pages * view.around.page_bytes / 1024).to_string()),
    column!("ruser", "%u", "RUSER", |view| view.user("Uid", 0)),
    column!("seccomp", "", "SECCOMP", |view| seccomp(view.status.get("Seccomp"))),
    column!("state", "", "STATE", |view| view.stat.state.to_string()),
    column!("stime", "", "STIME", |view| view.start_time()),
    column!("time", "%x", "TIME", |view| {
        duration((view.stat.user_ticks + view.stat.system_ticks) * 1000 / view.around.ticks)
    }),
    column!("tty", "%y", "TTY", |view| terminal(view.stat.terminal)),
    column!("uid", "", "UID", |view| view.around.uid(view.id("Uid", 1))),
    column!("user", "%U", "USER", |view| view.user("Uid", 1)),
    column!("vsz", "%z", "VSZ", |view| (view.stat.virtual_bytes / 1024).to_string()),
];

const DEFAULT: [&str; 8] = ["user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args"];

impl Verb for Top {
    fn run(self, context: &Context) -> Result<u8> {
        let mut words = self.words.into_iter();
        let container = if self.latest {
            let newest = state::list(&context.engine)?.into_iter().next();
            newest.ok_or_else(|| Kind::NotFound.error("there are no containers"))?
        } else {
            state::find(&context.engine, &words.next().unwrap_or_default())?
        };
        let columns = parse(&words.collect::<Vec<_>>())?;
        let Some(state) = container.state.as_ref().filter(|_| container.status.is_alive()) else {
            return Err(Kind::InUse.error(format!("container {} is not running", container.config.name)));
        };
        let stats = processes::of(state.monitor_pid, state.pid)?;
        let around = Around::of(&container, &stats, state.pid);
        let mut table = Table::new();
        table.row(columns.iter().map(|column| column.heading));
        for stat in &stats {
            let Some(status) = processes::status(stat.pid) else { continue };
            let view = View { stat, status, around: &around };
            table.row(columns.iter().map(|column| (column.text)(&view)));
        }
        listing::put(&table.to_string());
        Ok(0)
    }
}

fn parse(words: &[String]) -> Result<Vec<&'static Column>> {
    // ps(1) itself would be the container's own program.
    let mut wanted: Vec<&str> = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-eo" | "-o" => wanted.extend(words.next().unwrap_or_default().split(',')),
            "aux" | "-aux" | "-ef" | "-e" | "-f" => wanted.extend(DEFAULT),
            option if option.starts_with('-') => {
                let message = format!("option {option} of ps is not supported: nothing is run in the container");
                return Err(Kind::BadInput.hinted(message, "name columns, as in: top CONTAINER pid user args"));
            }
            names => wanted.extend(names.split(',')),
        }
    }
    if wanted.is_empty() {
        wanted.extend(DEFAULT);
    }
    let column = |name: &str| {
        let word = match name {
            "cmd" | "command" => "args",
            "tname" | "tt" => "tty",
            "ni" => "nice",
            other => other,
        };
        let found =
            COLUMNS.iter().find(|column| column.name == word || (!column.code.is_empty() && column.code == name));
        found.ok_or_else(|| {
            let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
            Kind::BadInput.error(format!("there is no column {name:?}: the columns are {}", names.join(" ")))
        })
    };
    wanted.into_iter().filter(|name| !name.is_empty()).map(column).collect()
}

/// What is the same for all processes of the container.
struct Around {
    /// Host pids and the innermost pids of the container's processes.
    pids: HashMap<i32, String>,
    maps: [Vec<[u32; 3]>; 2],
    names: [HashMap<u32, String>; 2],
    ticks: u64,
    page_bytes: u64,
    now_ticks: u64,
}

impl Around {
    fn of(container: &Container, stats: &[Stat], first: i32) -> Self {
        let inner = |stat: &Stat| {
            let status = processes::status(stat.pid)?;
            Some((stat.pid, status.get("NSpid").split_whitespace().last()?.to_owned()))
        };
        let root = Connection::open(container).and_then(|connection| connection.ask(Request::Root, &[]));
        let root = root.ok().and_then(|(_, fds)| fds.into_iter().next()).map(Root::new);
        // Without names there are still the numbers.
        let names = root.and_then(|root| user::names(&root).ok()).unwrap_or_default();
        let ticks = positive(nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK), 100);
        Self {
            pids: stats.iter().filter_map(inner).collect(),
            maps: ["uid_map", "gid_map"].map(|name| read_map(first, name)),
            names,
            ticks,
            page_bytes: positive(nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE), 4096),
            now_ticks: (uptime_secs() * ticks as f64) as u64,
        }
    }

    /// A pid as the container knows it; 0 for one outside, as its kernel says.
    fn inside(&self, pid: i32) -> String {
        self.pids.get(&pid).cloned().unwrap_or_else(|| "0".to_owned())
    }

    fn map(map: &[[u32; 3]], id: u32) -> Option<u32> {
        map.iter().find_map(|[inside, outside, count]| {
            let offset = id.checked_sub(*outside).filter(|offset| offset < count)?;
            inside.checked_add(offset)
        })
    }

    fn uid(&self, id: u32) -> String {
        Self::map(&self.maps[0], id).map_or_else(|| "?".to_owned(), |id| id.to_string())
    }

    fn name(&self, kind: usize, id: u32) -> String {
        match Self::map(&self.maps[kind], id) {
            Some(id) => self.names[kind].get(&id).cloned().unwrap_or_else(|| id.to_string()),
            None => "?".to_owned(),
        }
    }
}

fn positive(value: nix::Result<Option<i64>>, otherwise: u64) -> u64 {
    value.ok().flatten().and_then(|value| u64::try_from(value).ok()).filter(|value| *value > 0).unwrap_or(otherwise)
}

fn uptime_secs() -> f64 {
    let text = fs::read(Path::new("/proc/uptime"), 128).unwrap_or_default();
    String::from_utf8_lossy(&text).split(' ').next().and_then(|secs| secs.parse().ok()).unwrap_or(0.0)
}

/// user_namespaces(7): the second column is in the reader's own namespace.
fn read_map(pid: i32, name: &str) -> Vec<[u32; 3]> {
    let text = fs::read(Path::new(&format!("/proc/{pid}/{name}")), 64 << 10).unwrap_or_default();
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
    };
    String::from_utf8_lossy(&text).lines().filter_map(line).collect()
}

/// One process.
struct View<'a> {
    stat: &'a Stat,
    status: StatusLines,
    around: &'a Around,
}

impl View<'_> {
    fn inner_pid(&self) -> String {
        self.around.inside(self.stat.pid)
    }

    /// An id of the host: real, effective, saved, file system, in this order.
    fn id(&self, key: &str, index: usize) -> u32 {
        self.status.get(key).split_whitespace().nth(index).and_then(|id| id.parse().ok()).unwrap_or(u32::MAX)
    }

    fn user(&self, key: &str, index: usize) -> String {
        self.around.name(0, self.id(key, index))
    }

    fn group(&self, key: &str, index: usize) -> String {
        self.around.name(1, self.id(key, index))
    }

    fn groups(&self, inside: bool) -> String {
        let ids = self.status.get("Groups").split_whitespace().filter_map(|id| id.parse().ok());
        let names: Vec<String> =
            ids.map(|id| if inside { self.around.name(1, id) } else { host_group(id) }).collect();
        names.join(",")
    }

    fn elapsed_ticks(&self) -> u64 {
        self.around.now_ticks.saturating_sub(self.stat.start_ticks)
    }

    fn arguments(&self) -> String {
        let line =
            fs::read(Path::new(&format!("/proc/{}/cmdline", self.stat.pid)), LINE_BYTES_MAX).unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let text = words.join(" ").trim_end().replace('\n', " ");
        // A process without arguments (a zombie) is known by its name alone.
        if text.is_empty() { format!("[{}]", self.stat.name) } else { text }
    }

    fn start_time(&self) -> String {
        let ago = std::time::Duration::from_millis(self.elapsed_ticks() * 1000 / self.around.ticks);
        let time: chrono::DateTime<chrono::Local> = (std::time::SystemTime::now() - ago).into();
        time.format("%a %b %e %H:%M:%S %Y").to_string()
    }
}

/// The longest command line that is shown whole.
const LINE_BYTES_MAX: usize = 2 << 20;

fn capabilities(hex: &str) -> String {
    let Ok(bits) = u64::from_str_radix(hex, 16) else { return "?".to_owned() };
    let last = fs::read(Path::new("/proc/sys/kernel/cap_last_cap"), 16).unwrap_or_default();
    let last: u32 = String::from_utf8_lossy(&last).trim().parse().unwrap_or(40);
    let full = u64::MAX >> (63 - last.min(63));
    if bits == 0 {
        return "none".to_owned();
    }
    if bits & full == full {
        return "full".to_owned();
    }
    let names: Vec<String> =
        Set::from_bits(bits).names().map(|name| name.trim_start_matches("CAP_").to_owned()).collect();
    names.join(",")
}

fn seccomp(mode: &str) -> String {
    match mode {
        "0" => "disabled",
        "1" => "strict",
        "2" => "filter",
        _ => "?",
    }
    .to_owned()
}

fn host_user(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(uid.into()).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name)
}

fn host_group(gid: u32) -> String {
    let group = nix::unistd::Group::from_gid(gid.into()).ok().flatten();
    group.map_or_else(|| gid.to_string(), |group| group.name)
}

/// The name of a terminal by its device number: pts are 136 and up, consoles 4.
fn terminal(device: i32) -> String {
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
    match major {
        0 => "?".to_owned(),
        4 => format!("tty{minor}"),
        136..=143 => format!("pts/{}", minor + (major - 136) * 256),
        _ => format!("{major}:{minor}"),
    }
}

/// As Go writes a duration, to the millisecond: `1h2m3.5s`.
pub(super) fn duration(millis: u64) -> String {
    let (secs, rest) = (millis / 1000, millis % 1000);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}").trim_end_matches('0').to_owned() };
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs}{fraction}s"),
        (0, minutes, secs) => format!("{minutes}m{secs}{fraction}s"),
        (hours, minutes, secs) => format!("{hours}h{minutes}m{secs}{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_by_word_and_by_code() {
        let headings = |words: &[&str]| -> Vec<&str> {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            parse(&words).unwrap().iter().map(|column| column.heading).collect()
        };
        assert_eq!(headings(&[]).len(), 8);
        assert_eq!(headings(&["pid", "%C", "args"]), ["PID", "%CPU", "COMMAND"]);
        assert_eq!(headings(&["-eo", "user,pid,comm"]), ["USER", "PID", "COMMAND"]);
        for bad in ["nope", "-L"] {
            assert!(parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_become_words() {
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(3_723_500), "1h2m3.5s");
        assert_eq!((terminal(0), terminal(34816), terminal(1025)), ("?".into(), "pts/0".into(), "tty1".into()));
        assert_eq!((capabilities("0"), capabilities("ffffffffffffffff")), ("none".into(), "full".into()));
        assert_eq!(capabilities("1"), "CHOWN");
        let map = [[0, 1000, 1], [1, 100_000, 65536]];
        assert_eq!(
            (Around::map(&map, 1000), Around::map(&map, 100_004), Around::map(&map, 7)),
            (Some(0), Some(5), None)
        );
    }
}
