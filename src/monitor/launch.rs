//! From a description to a running container: the monitor's half of the story of `run`.
//!
//! `lock alive → overlay → spec → runtime → network → exec`. Whatever fails is undone by the guards on the way.

use super::files;
use super::namespaces::{self, Joined};
use super::network::connect;
use super::restart::Restarting;
use super::sources::Sources;
use super::stdio::Streams;
use super::{Instance, Limits, MAIN, Monitor, Process};
use crate::container::config::{Config, Id, LogDriver, Namespace, Notify, Source, Userns};
use crate::container::control::{self, Attach, Hello, MESSAGE_BYTES_MAX, Request};
use crate::container::events::Journal;
use crate::container::log::Log;
use crate::container::remove;
use crate::container::root;
use crate::container::secrets;
use crate::container::spec::{self, Surroundings};
use crate::container::state::{self, Container, Paths, State, Status};
use crate::container::stop;
use crate::container::user;
use crate::engine::{self, Engine};
use crate::error::{self, Kind};
use crate::fs::{self, Durability, Root};
use crate::network::{Guest, Leased, Network};
use crate::rootless::map;
use crate::runtime::cgroup::{self, Delegated};
use crate::runtime::identity::Identity;
use crate::runtime::{self, Bundle, Starting, Stdio, hooks};
use crate::sys::namespace::{self as nsfs, Namespaces};
use crate::sys::terminal::Size;
use crate::sys::{process, signal, socket};
use anyhow::{Context, Result};
use oci_spec::runtime::{ContainerState, LinuxResources, Spec};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a command that works with the files of a container at rest may keep it from starting.
const FILES_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts the container and gives its monitor, ready to serve.
pub fn launch(engine: Engine, id: &Id, socket: &OwnedFd) -> Result<Monitor> {
    let FirstWord { mut attach, delegated, mut fds } = first_word(socket)?;
    let (config, alive) = claim(&engine, id)?;
    let paths = Paths::of(&engine, id);
    let preserved = attach.take_preserved(&mut fds)?;
    let passed = take_passed(&config, &mut attach, &mut fds);
    // Only who holds the lock may clear up, and holds it until that is done: this is dropped before it.
    let unstarted = Unstarted { engine: &engine, config: &config, kept: false };
    if let Some(state) = fs::read_json(&paths.state())? {
        stop::end_lost(&state)?;
    }
    let run_dir = make_run_dir(&engine, id)?;
    let listener = socket::listen_in(fs::open_dir(&run_dir)?.as_fd(), CONTROL, 128)?;
    let cgroup = if delegated { Some(divide_cgroup()?) } else { None };
    let ground = Ground {
        engine: &engine,
        config: &config,
        paths: &paths,
        run_dir: &run_dir,
        cgroup: cgroup.as_ref(),
        passed: &passed,
        preserved: &preserved,
    };
    let Begun { instance, mut main, state } = ground.begin(attach.size, 0)?;
    main.streams.first_client = Some((attach, fds));
    unstarted.keep();
    Ok(Monitor {
        journal: Journal::new(&engine),
        engine,
        config,
        paths,
        run_dir,
        alive: Some(alive),
        listener,
        signals: signal::to_descriptor(&[nix::sys::signal::Signal::SIGTERM])?,
        instance: Some(instance),
        cgroup,
        processes: vec![main],
        clients: Vec::new(),
        next_key: MAIN,
        state,
        kill_at: None,
        was_stopped: false,
        restarting: Restarting::default(),
        passed,
        expires_at: None,
        checker: None,
        paused: None,
    })
}

/// The name of the socket in a container's runtime directory.
const CONTROL: &str = "ctl";

/// The streams that are the container's own; nobody is attached to them then.
fn take_passed(config: &Config, attach: &mut Attach, fds: &mut Vec<OwnedFd>) -> Vec<OwnedFd> {
    match config.logging.driver {
        LogDriver::Passthrough | LogDriver::PassthroughTty => {
            (attach.stdin, attach.stdout, attach.stderr) = (false, false, false);
            std::mem::take(fds)
        }
        LogDriver::K8sFile | LogDriver::JsonFile | LogDriver::Journald | LogDriver::None => Vec::new(),
    }
}

/// What every run of a container starts from, the first and those after it.
pub struct Ground<'a> {
    pub engine: &'a Engine,
    pub config: &'a Config,
    pub paths: &'a Paths,
    pub run_dir: &'a Path,
    pub cgroup: Option<&'a Limits>,
    /// The caller's streams, where the container has them for its own.
    pub passed: &'a [OwnedFd],
    /// Descriptors of the caller's for the container's process. Those are of its first run alone: kept here, they would
    /// look open to the caller after the process has closed them.
    pub preserved: &'a [(i32, OwnedFd)],
}

/// A run that has begun.
pub struct Begun {
    pub instance: Instance,
    pub main: Process,
    pub state: State,
}

impl Ground<'_> {
    /// From the description to a running process, with a root, namespaces and a network that are new.
    pub fn begin(&self, size: Option<Size>, restarts: u32) -> Result<Begun> {
        let Ground { engine, config, paths, run_dir, cgroup, passed: _, preserved } = *self;
        if config.users.pid != Namespace::Own {
            process::adopt_orphans()?;
        }
        if config.mount_defaults.root_overlay {
            // As with any overlay over a directory of the host, what an earlier run wrote is gone.
            let own = fs::open_dir(&paths.dir)?;
            ["upper", "work"].iter().try_for_each(|name| fs::remove_tree(own.as_fd(), name))?;
        }
        let root = root::mount(engine, config)?;
        let in_root = Root::new(root.try_clone().context("duplicate root")?);
        let (uid_map, gid_map) = namespaces::maps(engine, config)?;
        let joined = Joined::open(engine, config)?;
        let root_owner = (map::to_outside(&uid_map, 0), map::to_outside(&gid_map, 0));
        if let Source::Image(_) = config.source {
            user::add_accounts(&in_root, &config.users.accounts)?;
        }
        let leased = lease(engine, config)?;
        let links = leased.as_ref().map(|leased| leased.links().to_vec()).unwrap_or_default();
        let mut files = files::write(run_dir, config, &links, engine.rootless, root_owner, &in_root)?;
        let notify = notify_socket(config);
        files.extend(notify.clone().map(|socket| (socket, NOTIFY_SOCKET.to_owned())));
        let around = Surroundings {
            engine,
            root: &in_root,
            uid_map: &uid_map,
            gid_map: &gid_map,
            joined: joined.paths.clone(),
            shared_memory: joined.shared_memory.as_ref().map(nsfs::path),
            files,
            has_pids_cgroup: has_pids_controller(cgroup)?,
        };
        let mut spec = spec::container(config, &around)?;
        if notify.is_some() {
            add_variable(&mut spec, format!("NOTIFY_SOCKET={NOTIFY_SOCKET}"));
        }
        limit(spec.linux().as_ref().and_then(|linux| linux.resources().as_ref()), cgroup)?;
        let oom_kills = cgroup.map_or(0, |cgroup| cgroup.container.oom_kills().unwrap_or(0));
        write_bundle(&spec, run_dir)?;
        // Hooks read the bundle; what they need not know comes after it.
        spec::add_secrets(&mut spec, secrets::environment(engine, config)?);
        let mut prepared = Sources { engine, config, spec: &spec, root: &in_root, run_dir }.prepare()?;
        prepared.extend(joined.shared_memory.map(|memory| (spec::SHARED_MEMORY.into(), memory)));
        let (mut streams, stdio) = open_streams(self, size)?;
        let stage = run_dir.join("root");
        fs::create_dir(&stage)?;
        let may_set_groups = runtime::may_set_groups()? && !config.users.keep_groups;
        let user = spec.process().as_ref().context("the spec has a process")?.user();
        let bundle = Bundle {
            spec: &spec,
            identity: Identity { id: config.id.as_str(), bundle: run_dir, annotations: &config.annotations },
            root: root.as_fd(),
            stage: &stage,
            prepared: &prepared,
            stdio,
            preserved,
            owner: around.outside(user),
            cgroup: cgroup.map(|cgroup| cgroup.container.as_fd()),
            may_set_groups,
            with_init: config.init,
        };
        let mut starting = runtime::create(bundle).map_err(|error| explain_join(config, error))?;
        let connecting = connect(engine, config, &starting, run_dir, leased)?;
        if let Some(master) = starting.ready()? {
            streams.set_master(master, config.process.interactive)?;
        }
        let network = connecting.map(|connecting| connecting.finish(engine)).transpose()?;
        let state = State { links, ..describe(engine, &starting, restarts)? };
        write_pid_files(config, state.pid)?;
        let (child, entrance) = starting.finish()?;
        if let Some(hooks) = spec.hooks().as_ref().and_then(|hooks| hooks.poststart().as_ref()) {
            let identity = Identity { id: config.id.as_str(), bundle: run_dir, annotations: &config.annotations };
            if let Err(error) = hooks::run(hooks, identity, ContainerState::Running, child.pid) {
                // It may have ended by itself; either way it is reaped.
                let _ = signal::send(child.pidfd.as_fd(), libc::SIGKILL);
                let _ = process::wait(child.pidfd.as_fd());
                return Err(error);
            }
        }
        let durability = if config.auto_remove { Durability::Cached } else { Durability::Synced };
        state::write(paths, &state, durability)?;
        let entrance = entrance.context("a new container has an entrance")?;
        let instance = Instance { root, entrance, uid_map, gid_map, may_set_groups, network, oom_kills };
        let main = Process { key: MAIN, child, streams, exit: None, drain_until: None, session: None };
        Ok(Begun { instance, main, state })
    }

    /// Takes away what a run has left in the runtime directory; the socket stays.
    pub fn clear(&self) -> Result<()> {
        let dir = fs::open_dir(self.run_dir)?;
        for name in fs::list(self.run_dir)?.iter().filter(|name| *name != CONTROL) {
            fs::remove_tree(dir.as_fd(), name)?;
        }
        Ok(())
    }
}

/// The container's description and the lock that says that it lives, of which this process is now the holder.
fn claim(engine: &Engine, id: &Id) -> Result<(Config, OwnedFd)> {
    let paths = Paths::of(engine, id);
    let alive = paths.hold_ended()?;
    if let Some(alive) = &alive {
        fs::Lock::share(alive, FILES_TIMEOUT).context("wait for a command that works with the container's files")?;
    }
    // Read with the lock held: who removes a container holds it too.
    let Container { config, status, .. } = state::read(engine, id)?;
    let name = &config.name;
    match alive {
        Some(_) if status == Status::Elsewhere => {
            Err(Kind::InUse.error(format!("container {name} belongs to another machine")))
        }
        Some(alive) => Ok((*config, alive)),
        None => Err(Kind::InUse.error(format!("container {name} runs already"))),
    }
}

/// A container that this monitor holds and has not started yet. Dropped, it takes back what the start has left; one that
/// is to be removed after its run goes with it.
struct Unstarted<'a> {
    engine: &'a Engine,
    config: &'a Config,
    kept: bool,
}

impl Unstarted<'_> {
    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Unstarted<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // Nothing here may hide the error that brought us here.
        if let Ok(dir) = fs::open_dir(&self.engine.run.join("containers")) {
            let _ = fs::remove_tree(dir.as_fd(), self.config.id.as_str());
        }
        if self.config.auto_remove
            && let Ok(hidden) = remove::hide(self.engine, self.config)
        {
            let _ = hidden.finish();
            let _ = remove::anonymous_volumes(self.engine, self.config);
        }
    }
}

/// The CLI's first message: the streams that the container starts with, and whether there is a cgroup for it.
struct FirstWord {
    attach: Attach,
    delegated: bool,
    fds: Vec<OwnedFd>,
}

fn first_word(socket: &OwnedFd) -> Result<FirstWord> {
    let (bytes, fds) = socket::receive(socket.as_fd(), MESSAGE_BYTES_MAX)
        .context("hear from the CLI")?
        .ok_or_else(|| Kind::Engine.error("the CLI has gone away"))?;
    let hello: Hello = serde_json::from_slice(&bytes).context("parse the CLI's request")?;
    match hello.request {
        Request::Start { attach, delegated } => Ok(FirstWord { attach, delegated, fds }),
        other => Err(Kind::BadInput.error(format!("a new monitor was asked for {other:?}"))),
    }
}

/// Where a container finds systemd's socket, if it is to say itself when it is ready.
const NOTIFY_SOCKET: &str = "/run/notify/notify.sock";

/// The socket on which systemd listens for this service. One without a path cannot be mounted.
fn notify_socket(config: &Config) -> Option<PathBuf> {
    let path = std::env::var_os("NOTIFY_SOCKET").filter(|_| config.notify == Notify::Container)?;
    Some(PathBuf::from(path)).filter(|path| path.is_absolute())
}

fn add_variable(spec: &mut Spec, variable: String) {
    if let Some(process) = spec.process_mut() {
        process.env_mut().get_or_insert_default().push(variable);
    }
}

fn divide_cgroup() -> Result<Limits> {
    let delegated = Delegated::find()?;
    let container = delegated.split()?.container;
    Ok(Limits { delegated, container })
}

/// Only what belongs to the engine's own user namespace, as its containers' does, can be joined: setns(2).
fn explain_join(config: &Config, failed: anyhow::Error) -> anyhow::Error {
    match &config.users.userns {
        Userns::Path(_) if failed.is::<runtime::Joining>() => error::with_hint(
            failed,
            "name a running container's user namespace, or the container: --userns container:NAME",
        ),
        _ => failed,
    }
}

/// A file is always whole, and of the run that goes on now.
fn write_pid_files(config: &Config, pid: i32) -> Result<()> {
    for (file, pid) in [(&config.pid_files.container, pid), (&config.pid_files.monitor, process::own_pid())] {
        if let Some(file) = file {
            fs::write_atomic(file, pid.to_string().as_bytes(), Durability::Cached)?;
        }
    }
    Ok(())
}

/// Hooks look for what they are about in the bundle's `config.json`; without any, nobody does.
fn write_bundle(spec: &Spec, run_dir: &Path) -> Result<()> {
    if spec.hooks().is_none() {
        return Ok(());
    }
    let mut spec = spec.clone();
    if let Some(root) = spec.root_mut() {
        root.set_path(run_dir.join("root"));
    }
    fs::write_json(&run_dir.join("config.json"), &spec, Durability::Cached)
}

pub fn has_pids_controller(cgroup: Option<&Limits>) -> Result<bool> {
    cgroup.map_or(Ok(false), |cgroup| cgroup.container.has("pids"))
}

/// Sets the container's limits; asking for limits where there is no cgroup is an error.
pub fn limit(resources: Option<&LinuxResources>, cgroup: Option<&Limits>) -> Result<()> {
    let Some(resources) = resources else { return Ok(()) };
    if let Some(cgroup) = cgroup {
        return cgroup.container.apply(resources);
    }
    let reason = Delegated::find().err().unwrap_or_else(|| {
        Kind::Engine
            .hinted("no systemd has given this container a cgroup of its own", "log in with a systemd user session")
    });
    cgroup::refuse_limits(resources, reason)
}

/// A fresh runtime directory; what an earlier monitor left there went with that monitor's lock.
fn make_run_dir(engine: &Engine, id: &Id) -> Result<PathBuf> {
    let containers = engine.run.join("containers");
    let dir = containers.join(id.as_str());
    if !fs::create_dir(&dir)? {
        fs::remove_tree(fs::open_dir(&containers)?.as_fd(), id.as_str())?;
        fs::create_dir(&dir)?;
    }
    Ok(dir)
}

fn open_streams(ground: &Ground<'_>, size: Option<Size>) -> Result<(Streams, Stdio)> {
    let config = ground.config;
    if matches!(config.logging.driver, LogDriver::Passthrough | LogDriver::PassthroughTty) {
        let [stdin, stdout, stderr] = ground.passed else {
            return Err(Kind::BadInput.error("the streams that are to be passed through are missing"));
        };
        let clone = |fd: &OwnedFd| fd.try_clone().context("duplicate a stream");
        let stdio = Stdio::Passed { stdin: clone(stdin)?, stdout: clone(stdout)?, stderr: clone(stderr)? };
        return Ok((Streams::none(), stdio));
    }
    let log = Log::open(config, ground.paths)?;
    if config.process.terminal {
        return Ok((Streams::terminal(log), Stdio::Terminal { size }));
    }
    let (streams, theirs) = Streams::pipes(config.process.interactive, log)?;
    Ok((streams, Stdio::Pipes { stdin: theirs.stdin, stdout: theirs.stdout, stderr: theirs.stderr }))
}

/// The addresses of a container that is on bridges.
fn lease(engine: &Engine, config: &Config) -> Result<Option<Leased>> {
    if config.network != Network::Bridge || config.users.network != Namespace::Own {
        return Ok(None);
    }
    let lives = lives(engine);
    let servers = config.names.server_addresses();
    let guest = Guest {
        id: config.id.as_str(),
        name: config.name.as_str(),
        servers: &servers,
        egress: config.egress.as_ref(),
        lives: &lives,
    };
    crate::network::lease(engine, &guest, &config.memberships).map(Some)
}

/// Tells of a container's id whether it runs.
pub fn lives(engine: &Engine) -> impl Fn(&str) -> bool {
    move |id| {
        let paths = Id::parse(id).map(|id| Paths::of(engine, &id));
        // What cannot be asked about keeps its address.
        paths.is_some_and(|paths| !matches!(fs::held(&paths.alive()), Ok(None)))
    }
}

/// Tells of a container's id what it is called.
pub fn name_of(engine: &Engine) -> impl Fn(&str) -> Option<String> {
    move |id| Some(state::read(engine, &Id::parse(id)?).ok()?.config.name.to_string())
}

fn describe(engine: &Engine, starting: &Starting, restarts: u32) -> Result<State> {
    let entrance = starting.entrance.as_ref().context("a new container has an entrance")?;
    let pid_namespace = match entrance.get(Namespaces::CLONE_NEWPID) {
        Some(namespace) => nsfs::inode(namespace.as_fd())?,
        None => 0,
    };
    let pid = starting.pid();
    Ok(State {
        format: crate::container::config::FORMAT,
        boot_id: engine::boot_id().to_owned(),
        machine_id: state::machine_id().to_owned(),
        run: engine.run.clone(),
        monitor_pid: process::own_pid(),
        pid,
        pid_start_ticks: state::start_ticks(pid).context("read the start time of the container's pid 1")?,
        pid_namespace,
        started: state::now(),
        exit: None,
        control: control::VERSION,
        restarts,
        restarting: false,
        stopped_by_user: false,
        error: String::new(),
        links: Vec::new(),
    })
}
