//! The PROXY protocol, by which a container learns who its client is: proxy-protocol.txt of haproxy.

use super::ProxyHeader;
use rustix::io::Errno;
use rustix::net::getsockname;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

/// What a connection begins with that `client` has opened, whose socket on the host is this.
pub fn header(version: ProxyHeader, client: SocketAddr, socket: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let host = SocketAddr::try_from(getsockname(socket)?)?;
    let (client, host) = (plain(client), plain(host));
    Ok(match version {
        ProxyHeader::V1 => text(client, host),
        ProxyHeader::V2 => binary(client, host),
    })
}

/// An address without the mapping of a socket for both families.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Section 2.1.
fn text(client: SocketAddr, host: SocketAddr) -> Vec<u8> {
    let family = if client.is_ipv4() { 4 } else { 6 };
    let line = format!("PROXY TCP{family} {} {} {} {}\r\n", client.ip(), host.ip(), client.port(), host.port());
    line.into_bytes()
}

/// Section 2.2.
fn binary(client: SocketAddr, host: SocketAddr) -> Vec<u8> {
    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    const VERSION_2_PROXY: u8 = 0x21;
    let mut addresses = Vec::with_capacity(36);
    let family = match (client.ip(), host.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            addresses.extend([from.octets(), to.octets()].concat());
            0x11
        }
        (from, to) => {
            let octets = |address: IpAddr| match address {
                IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                IpAddr::V6(address) => address.octets(),
            };
            addresses.extend([octets(from), octets(to)].concat());
            0x21
        }
    };
    addresses.extend([client.port().to_be_bytes(), host.port().to_be_bytes()].concat());
    let length = addresses.len() as u16;
    [SIGNATURE, &[VERSION_2_PROXY, family], &length.to_be_bytes(), &addresses].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(client: &str, host: &str) -> (SocketAddr, SocketAddr) {
        (plain(client.parse().unwrap()), plain(host.parse().unwrap()))
    }

    /// The bytes of the document, put together by hand.
    #[test]
    fn a_header_names_both_ends() {
        let (client, host) = ends("[::ffff:1.2.3.4]:258", "[::ffff:5.6.7.8]:80");
        let v4 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x00\x50";
        assert_eq!(binary(client, host), v4);
        assert_eq!(text(client, host), b"PROXY TCP4 1.2.3.4 5.6.7.8 258 80\r\n");
        let (client, host) = ends("[fd00::1]:1", "[fd00::2]:2");
        let header = binary(client, host);
        assert_eq!(header.len(), 52);
        assert_eq!(&header[12..16], b"\x21\x21\x00\x24");
        assert_eq!(header[48..], [0, 1, 0, 2]);
        assert_eq!(text(client, host), b"PROXY TCP6 fd00::1 fd00::2 1 2\r\n");
    }
}
