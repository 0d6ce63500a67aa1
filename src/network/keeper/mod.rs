//! The keeper: one small single-threaded process per user, which is there while a container on a bridge lives. It has the
//! namespace of the bridges, their firewall, their name server and their uplink.
//!
//! It knows what the monitors tell it, and reads no file of the store's. If it is killed, the namespace lives on in the
//! monitors, which start another one: see [`client`].

pub mod client;
mod confine;
mod egress;
mod place;
pub mod protocol;
mod resolver;
mod ruling;

use crate::error::{Kind, Wire};
use crate::network::nftables::Firewall;
use crate::network::{connections, pasta};
use crate::sys::namespace;
use crate::sys::{network, process, socket};
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use protocol::{Answer, Link, MESSAGE_BYTES_MAX, Place, Request};
use resolver::Resolver;
use ruling::Ruling;
use std::collections::HashSet;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The first argument by which `main` knows that this process is to be the keeper.
pub const NAME: &str = "coracle-keeper";

/// How long it stays when nobody needs it any more: who runs one container after another finds it still there.
const LINGER: Duration = Duration::from_secs(3);

/// How long it waits before it tries again to get an uplink.
const UPLINK_PAUSE: Duration = Duration::from_secs(5);

/// The most containers on bridges.
const CLIENTS_MAX: usize = 4096;

/// How many are let in before those that are here are heard.
const ACCEPTS: usize = 64;

/// How many addresses are remembered to have been given to containers. Beyond that, any may have been.
const GIVEN_MAX: usize = 65_536;

/// The life of a keeper: `coracle-keeper DIRECTORY LISTENER READY [NAMESPACE]`.
pub fn main(arguments: &[String]) -> ! {
    std::process::exit(i32::from(begin(arguments).is_err()))
}

fn begin(arguments: &[String]) -> Result<()> {
    let [directory, listener, ready, rest @ ..] = arguments else {
        return Err(Kind::BadInput.error(format!("{NAME} is started by coracle alone")));
    };
    let inherited = |number: &String| process::inherited(number.parse().ok()?);
    let listener = inherited(listener).context("the socket is inherited")?;
    let ready = inherited(ready).context("the pipe is inherited")?;
    process::set_dumpable(false)?;
    // A descriptor for each container, for each client that asks for names by TCP, and for each question that is open.
    process::raise_descriptor_limit()?;
    let keeper = Keeper::new(directory.into(), listener, rest.first().and_then(inherited));
    let answer = keeper.as_ref().map(|_| ()).map_err(Wire::from);
    // Who started it may have been killed; it is there for others then.
    let _ = std::io::Write::write_all(&mut std::fs::File::from(ready), &serde_json::to_vec(&answer)?);
    keeper?.serve()
}

struct Keeper {
    /// A directory of its own for what pasta has to be told by name.
    directory: PathBuf,
    listener: OwnedFd,
    namespace: OwnedFd,
    firewall: Firewall,
    uplink: Uplink,
    resolver: Resolver,
    clients: Vec<Client>,
    /// The networks that are there now.
    places: Vec<Place>,
    /// The addresses that containers have been given here.
    given: HashSet<IpAddr>,
    idle_since: Instant,
    /// Others may have been in the namespace before, and left something.
    is_successor: bool,
    is_confined: bool,
}

/// What connects the namespace to the host's network.
enum Uplink {
    /// The namespace is the host's own.
    Host,
    Starting(Box<pasta::Starting>),
    Up(pasta::Connected),
    /// Why there is none, and when it was tried last.
    None(String, Instant),
}

/// A monitor, and the container that it has connected.
struct Client {
    socket: OwnedFd,
    container: Option<(String, Vec<Link>)>,
    ruling: Option<Ruling>,
    is_gone: bool,
}

impl Keeper {
    fn new(directory: PathBuf, listener: OwnedFd, namespace: Option<OwnedFd>) -> Result<Self> {
        let is_successor = namespace.is_some();
        let namespace = match namespace {
            Some(namespace) => namespace,
            None => namespace::make_network(network::loopback_up)?.0,
        };
        let is_hosts =
            namespace::inode(namespace.as_fd())? == namespace::inode(namespace::open("self", "net")?.as_fd())?;
        let firewall = namespace::within(namespace.as_fd(), || {
            place::prepare(is_hosts)?;
            let mut firewall = Firewall::open()?;
            if is_successor {
                egress::sweep(&mut firewall, &[])?;
            }
            place::deliver_answers()?;
            Ok(firewall)
        })
        .context("prepare the namespace of the bridges")?;
        let mut keeper = Self {
            directory,
            listener,
            namespace,
            firewall,
            uplink: Uplink::Host,
            resolver: Resolver::new()?,
            clients: Vec::new(),
            places: Vec::new(),
            given: HashSet::new(),
            idle_since: Instant::now(),
            is_successor,
            is_confined: false,
        };
        if !is_hosts {
            keeper.start_uplink();
        }
        Ok(keeper)
    }

    fn start_uplink(&mut self) {
        self.uplink = match self.pasta() {
            Ok(starting) => Uplink::Starting(Box::new(starting)),
            Err(error) => Uplink::None(crate::error::line(&error), Instant::now()),
        };
    }

    fn pasta(&self) -> Result<pasta::Starting> {
        let wishes = pasta::Wishes { ports: &[], options: &[], leads_to_host: pasta::leads_to_host() };
        pasta::start(&self.directory, None, &self.namespace, wishes)
    }

    /// The loop, until nobody has needed it for a while.
    fn serve(mut self) -> Result<()> {
        while !self.clients.is_empty() || self.idle_since.elapsed() < LINGER {
            let (ready, is_knocked_at) = self.wait()?;
            for at in ready {
                self.hear(at)?;
            }
            self.forget_the_gone();
            if is_knocked_at {
                self.accept();
            }
            self.tend_uplink();
            if self.is_over()? {
                break;
            }
            for finding in self.resolver.turn()? {
                self.heed(finding);
            }
        }
        if matches!(self.uplink, Uplink::Host) && self.clients.is_empty() {
            // The host's namespace lives on.
            let take_back = || place::take_back(&mut self.firewall);
            namespace::within(self.namespace.as_fd(), take_back)?;
        }
        Ok(())
    }

    /// Waits for anything, and gives the numbers of the clients that have something to say, and whether there are new ones.
    fn wait(&mut self) -> Result<(Vec<usize>, bool)> {
        let sockets = self.clients.iter().map(|client| client.socket.as_fd());
        let mut polled: Vec<PollFd<'_>> =
            [self.listener.as_fd()].into_iter().chain(sockets).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        polled.push(PollFd::new(self.resolver.fd(), PollFlags::POLLIN));
        if let Uplink::Up(connected) = &self.uplink {
            polled.push(PollFd::new(connected.pidfd(), PollFlags::POLLIN));
        }
        let linger = self.clients.is_empty().then_some(LINGER);
        let uplink = matches!(self.uplink, Uplink::None(..)).then_some(UPLINK_PAUSE);
        let late = |at: Instant| at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let timeout = [linger, uplink, self.resolver.deadline().map(late)].into_iter().flatten().min();
        let timeout =
            timeout.map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
        match poll(&mut polled, timeout) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => return Ok((Vec::new(), false)),
            Err(errno) => return Err(errno).context("poll"),
        }
        let speaks = |polled: &PollFd<'_>| polled.revents().is_some_and(|events| !events.is_empty());
        let clients = polled[1..=self.clients.len()].iter().enumerate();
        let ready = clients.filter(|(_, polled)| speaks(polled)).map(|(at, _)| at).collect();
        Ok((ready, speaks(&polled[0])))
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS {
            match socket::accept(self.listener.as_fd()) {
                Ok(Some(socket)) => self.welcome(socket),
                Ok(None) => return,
                // There is no descriptor for another.
                Err(_) => return self.make_room(),
            }
        }
    }

    fn welcome(&mut self, socket: OwnedFd) {
        let is_owner = socket::peer_uid(socket.as_fd()).is_ok_and(|uid| uid == rustix::process::geteuid().as_raw());
        if self.clients.len() >= CLIENTS_MAX {
            self.make_room();
        }
        if is_owner && self.clients.len() < CLIENTS_MAX {
            self.clients.push(Client { socket, container: None, ruling: None, is_gone: false });
        }
    }

    /// Ends the connection that is there for longest and has connected no container.
    fn make_room(&mut self) {
        if let Some(at) = self.clients.iter().position(|client| client.container.is_none()) {
            self.clients.remove(at);
        }
    }

    fn hear(&mut self, at: usize) -> Result<()> {
        let received = socket::receive(self.clients[at].socket.as_fd(), MESSAGE_BYTES_MAX);
        let (bytes, descriptors) = match received {
            Ok(Some(message)) => message,
            Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Ok(None) | Err(_) => {
                self.clients[at].is_gone = true;
                return Ok(());
            }
        };
        let (answer, handed_over) = serde_json::from_slice(&bytes)
            .context("parse the monitor's request")
            .and_then(|request| self.answer(at, request, descriptors))
            .unwrap_or_else(|error| (Answer::Failed(Wire::from(&error)), None));
        let descriptors: Vec<BorrowedFd<'_>> = handed_over.iter().map(AsFd::as_fd).collect();
        if socket::send(self.clients[at].socket.as_fd(), &serde_json::to_vec(&answer)?, &descriptors).is_err() {
            self.clients[at].is_gone = true;
        }
        Ok(())
    }

    fn answer(&mut self, at: usize, request: Request, sent: Vec<OwnedFd>) -> Result<(Answer, Option<OwnedFd>)> {
        match request {
            Request::Hello => {
                let namespace = self.namespace.try_clone().context("duplicate a namespace")?;
                return Ok((Answer::Welcome, Some(namespace)));
            }
            Request::Userns => return Ok((Answer::Welcome, Some(namespace::open("self", "user")?))),
            Request::Attach { container, links } => {
                let namespace = sent.first().context("the container's namespace comes along")?;
                let attached = self.attach(at, &container, namespace.as_fd(), &links);
                attached.inspect_err(|_| self.forget_rules(at, &container, &links))?;
                self.clients[at].add(container, links);
                self.name()?;
            }
            Request::Resume { container, links } => {
                self.raise(&links)?;
                self.clients[at].add(container, links);
                self.rule(at, None)?;
                self.name()?;
            }
            Request::Rule { egress, group } => self.clients[at].ruling = Some(Ruling::new(egress, group, sent)?),
            Request::RuleAnew { egress, group } => {
                self.rule_anew(at, Ruling::new(egress, group, sent)?)?;
                self.name()?;
            }
            Request::Servers { network, servers } => {
                let links = self.clients.iter_mut().filter_map(|client| client.container.as_mut());
                let places = links.flat_map(|(_, links)| links.iter_mut().map(|link| &mut link.place));
                for place in places.chain(&mut self.places).filter(|place| place.network == network) {
                    place.servers.clone_from(&servers);
                }
                self.name()?;
            }
            Request::Reload => {
                self.set_rules()?;
                (0..self.clients.len()).try_for_each(|client| self.rule(client, None))?;
            }
            Request::Detach { network } => {
                let links = self.clients[at].container.as_mut().map(|(container, links)| {
                    let gone: Vec<Link> = links.extract_if(.., |link| link.place.network == network).collect();
                    (container.clone(), gone)
                });
                if let Some((container, gone)) = links {
                    self.unplug(&container, &gone)?;
                    if self.clients[at].ruling.is_some() {
                        gone.iter().try_for_each(|link| egress::unguard(&mut self.firewall, &container, link))?;
                        self.rule(at, None)?;
                    }
                    if let Some(namespace) = sent.first() {
                        namespace::within(namespace.as_fd(), || gone.iter().try_for_each(place::take_down))?;
                    }
                    self.lower()?;
                    self.name()?;
                }
            }
        }
        let warnings = self.uplink_warning().into_iter().chain(self.resolver.take_warning()).collect();
        Ok((Answer::Attached { warnings }, None))
    }

    fn attach(&mut self, at: usize, container: &str, namespace: BorrowedFd<'_>, links: &[Link]) -> Result<()> {
        self.raise(links)?;
        let in_use = self.clients.iter().filter_map(|client| client.container.as_ref());
        let first = in_use.filter(|(other, _)| other == container).map(|(_, links)| links.len()).sum::<usize>();
        let given_before = self.give(links);
        let client = &self.clients[at];
        let all: Vec<Link> = client.links().iter().chain(links).cloned().collect();
        let known: Vec<&str> = self.clients.iter().filter_map(Client::id).collect();
        let gateways = namespace::within(self.namespace.as_fd(), || {
            if self.is_successor {
                // What was left of another's is not to rule who has its address now.
                egress::sweep(&mut self.firewall, &known)?;
            }
            let plugged = links.iter().map(|link| {
                let guard = client.ruling.as_ref().map(|_| &mut self.firewall);
                place::plug(container, namespace, link, guard)
            });
            let gateways = plugged.collect::<Result<Vec<_>>>()?;
            if let Some(ruling) = &client.ruling {
                egress::rule(&mut self.firewall, container, &ruling.egress, None, ruling.group, &all)?;
                let mut given_before = given_before.iter();
                given_before.try_for_each(|address| connections::forget(self.firewall.socket(), *address))?;
                links.iter().try_for_each(|link| place::set_up(container, link))?;
            }
            Ok(gateways)
        })?;
        namespace::within(namespace, || {
            let mut numbered = (first as u32..).zip(links.iter().zip(gateways));
            numbered.try_for_each(|(number, (link, gateway))| place::configure(link, number, gateway))
        })
    }

    /// The addresses of links that others may have had, as these have them from now on.
    fn give(&mut self, links: &[Link]) -> Vec<IpAddr> {
        if self.given.len() >= GIVEN_MAX {
            self.given.clear();
            self.is_successor = true;
        }
        let addresses = links.iter().flat_map(|link| link.addresses.iter().copied());
        let (given, is_successor) = (&mut self.given, self.is_successor);
        addresses.filter(|address| !given.insert(*address) || is_successor).collect()
    }

    /// Sees to it that the networks of these links are there.
    fn raise(&mut self, links: &[Link]) -> Result<()> {
        let new: Vec<Place> =
            links.iter().map(|link| &link.place).filter(|place| !self.places.contains(place)).cloned().collect();
        let resolver = &mut self.resolver;
        let is_hosts = matches!(self.uplink, Uplink::Host);
        namespace::within(self.namespace.as_fd(), || {
            new.iter().try_for_each(|place| place::raise(place, is_hosts))?;
            new.iter().for_each(|place| resolver.listen(place));
            links.iter().for_each(|link| resolver.listen_to(link));
            Ok(())
        })?;
        if new.is_empty() {
            return Ok(());
        }
        // One that was changed since has the same name.
        self.places.retain(|place| new.iter().all(|new| new.network != place.network));
        self.places.extend(new);
        self.set_rules()
    }

    fn set_rules(&mut self) -> Result<()> {
        self.firewall.set(place::firewall(&self.places.iter().collect::<Vec<_>>()))
    }

    fn unplug(&self, container: &str, links: &[Link]) -> Result<()> {
        namespace::within(self.namespace.as_fd(), || links.iter().try_for_each(|link| place::unplug(container, link)))
    }

    /// Takes away the networks that no container is in any more.
    fn lower(&mut self) -> Result<()> {
        let links = self.clients.iter().filter_map(|client| client.container.as_ref()).flat_map(|(_, links)| links);
        let used: Vec<&str> = links.map(|link| link.place.network.as_str()).collect();
        let unused = |place: &mut Place| !used.contains(&place.network.as_str());
        let gone: Vec<Place> = self.places.extract_if(.., unused).collect();
        if gone.is_empty() {
            return Ok(());
        }
        gone.iter().for_each(|place| self.resolver.forget(&place.network));
        namespace::within(self.namespace.as_fd(), || gone.iter().try_for_each(place::remove))?;
        self.set_rules()
    }

    /// Says who is called what now.
    fn name(&mut self) -> Result<()> {
        let hosts = match self.uplink {
            Uplink::Host => None,
            _ => Some(pasta::HOST_ADDRESS.into()),
        };
        let containers = self.clients.iter().filter_map(|client| client.container.as_ref());
        let links = containers.flat_map(|(id, links)| links.iter().map(move |link| (id.as_str(), link)));
        let rules = self.clients.iter().filter_map(|client| Some((client.id()?, &client.ruling.as_ref()?.egress)));
        self.resolver.name(&self.places, &links.collect::<Vec<_>>(), &rules.collect(), hosts)
    }

    fn forget_the_gone(&mut self) {
        let gone: Vec<Client> = self.clients.extract_if(.., |client| client.is_gone).collect();
        let any_gone = !gone.is_empty();
        for Client { container, ruling, .. } in gone {
            let Some((container, links)) = container else { continue };
            // What cannot be taken away now goes with the namespace.
            let _ = self.unplug(&container, &links);
            if ruling.is_some() {
                let _ = egress::forget(&mut self.firewall, &container, &links);
            }
            let _ = self.lower();
            let _ = self.name();
        }
        if any_gone && self.is_successor {
            let is_hosts = matches!(self.uplink, Uplink::Host);
            let known: Vec<&str> = self.clients.iter().filter_map(Client::id).collect();
            let _ = namespace::within(self.namespace.as_fd(), || {
                // In the host's own namespace there are other people's bridges.
                if !is_hosts {
                    place::sweep(&self.places)?;
                }
                egress::sweep(&mut self.firewall, &known)
            });
        }
        if !self.clients.is_empty() {
            self.idle_since = Instant::now();
        }
    }

    fn uplink_warning(&mut self) -> Option<String> {
        if matches!(self.uplink, Uplink::Starting(_)) {
            self.finish_uplink();
        }
        match &self.uplink {
            Uplink::None(why, _) => Some(format!("the networks lead nowhere outside: {why}")),
            Uplink::Host | Uplink::Up(_) | Uplink::Starting(_) => None,
        }
    }

    fn finish_uplink(&mut self) {
        let nothing = Uplink::None(String::new(), Instant::now());
        if let Uplink::Starting(starting) = std::mem::replace(&mut self.uplink, nothing) {
            self.uplink = match starting.finish(&|_| None) {
                Ok(connected) => Uplink::Up(connected),
                Err(error) => Uplink::None(crate::error::line(&error), Instant::now()),
            };
        }
    }

    /// An uplink that was not to be had is tried for again.
    fn tend_uplink(&mut self) {
        if let Uplink::None(_, at) = &self.uplink
            && at.elapsed() >= UPLINK_PAUSE
            && !self.clients.is_empty()
        {
            self.start_uplink();
            self.finish_uplink();
        }
    }

    /// Puts up the fences when there is an uplink, and tells whether there is something that cannot be had behind them:
    /// another uplink, or the host's name servers. The monitors start a successor, which has it.
    fn is_over(&mut self) -> Result<bool> {
        let is_connected = match &self.uplink {
            Uplink::Host => true,
            Uplink::Up(connected) if process::try_wait(connected.pidfd())?.is_some() => return Ok(true),
            Uplink::Up(_) => true,
            Uplink::None(..) | Uplink::Starting(_) => false,
        };
        if is_connected && !self.is_confined {
            confine::confine().context("confine the keeper")?;
            self.is_confined = true;
        }
        Ok(self.resolver.is_blind())
    }
}

impl Client {
    fn id(&self) -> Option<&str> {
        self.container.as_ref().map(|(id, _)| id.as_str())
    }

    fn links(&self) -> &[Link] {
        self.container.as_ref().map_or(&[], |(_, links)| links)
    }

    fn add(&mut self, container: String, links: Vec<Link>) {
        match &mut self.container {
            Some((_, known)) => known.extend(links),
            None => self.container = Some((container, links)),
        }
    }
}
