//! udp(7) at a socket that may be bound to all addresses: an answer must come from the one that was asked.

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
};
use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

/// An address of this host's to which a datagram came. A mapped one is IPv4 at a socket for both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Local {
    pub address: IpAddr,
    /// The interface, where the address means nothing without it; else 0.
    pub interface: u32,
}

/// Has the kernel say where datagrams came to.
pub fn tell_local(socket: &impl AsFd, is_ipv6: bool) -> Result<(), Errno> {
    if is_ipv6 { setsockopt(socket, Ipv6RecvPacketInfo, &true) } else { setsockopt(socket, Ipv4PacketInfo, &true) }
}

/// The next datagram: its length, who sent it, and where to. None if it came from nowhere, which no datagram does.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr, Local)>, Errno> {
    let mut space = cmsg_space!(libc::in_pktinfo, libc::in6_pktinfo);
    let mut parts = [IoSliceMut::new(buffer)];
    let fd = socket.as_fd().as_raw_fd();
    let message = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut space), MsgFlags::MSG_DONTWAIT)?;
    let mut local = None;
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let address = Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr));
                local = Some(Local { address: address.into(), interface: 0 });
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                let interface = if address.is_unicast_link_local() { info.ipi6_ifindex } else { 0 };
                local = Some(Local { address: address.into(), interface });
            }
            _ => {}
        }
    }
    let client = message.address.as_ref().and_then(socket_address);
    Ok(client.zip(local).map(|(client, local)| (message.bytes, client, local)))
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddrV4::new(v4.ip(), v4.port()).into());
    }
    let v6 = address.as_sockaddr_in6()?;
    Some(SocketAddrV6::new(v6.ip(), v6.port(), 0, v6.scope_id()).into())
}

/// Sends a datagram from the address that was asked.
pub fn send(socket: impl AsFd, datagram: &[u8], local: Local, client: SocketAddr) -> Result<(), Errno> {
    let to = SockaddrStorage::from(client);
    let parts = [IoSlice::new(datagram)];
    let (fd, flags) = (socket.as_fd().as_raw_fd(), MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
    let unspecified = libc::in_addr { s_addr: 0 };
    let (v4, v6);
    let control = match local.address {
        IpAddr::V4(address) => {
            let source = libc::in_addr { s_addr: address.to_bits().to_be() };
            v4 = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: unspecified };
            ControlMessage::Ipv4PacketInfo(&v4)
        }
        IpAddr::V6(address) => {
            let source = libc::in6_addr { s6_addr: address.octets() };
            v6 = libc::in6_pktinfo { ipi6_addr: source, ipi6_ifindex: local.interface };
            ControlMessage::Ipv6PacketInfo(&v6)
        }
    };
    sendmsg(fd, &parts, &[control], flags, Some(&to)).map(drop)
}
