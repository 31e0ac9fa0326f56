//! Where datagrams go: a connected UDP socket, many per call where the system can.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::SendError;

/// What takes datagrams.
pub trait Wire {
    /// Sends the first of these datagrams; returns how many went.
    fn send(&mut self, datagrams: &[&[u8]]) -> io::Result<usize>;

    /// Bytes of IP and UDP headers around each.
    fn header_len(&self) -> usize;
}

/// How far records may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Not beyond this machine. Private networks are other machines too: the collector of a company's network
    /// would take made records for real ones.
    #[default]
    Loopback,
    /// To any address. For a person to say, never a default.
    Anywhere,
}

/// A UDP socket to one collector.
#[derive(Debug)]
pub struct UdpWire {
    socket: UdpSocket,
    target: SocketAddr,
}

impl UdpWire {
    /// A socket to `target`, from any free port.
    pub fn connect(target: SocketAddr, reach: Reach) -> Result<Self, SendError> {
        if reach == Reach::Loopback && !target.ip().to_canonical().is_loopback() {
            return Err(SendError::Remote { target });
        }
        let any: IpAddr = match target {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))
            .and_then(|socket| socket.connect(target).map(|()| socket))
            .map_err(|source| SendError::Socket { target, source })?;
        Ok(Self { socket, target })
    }

    /// Where it sends to.
    pub const fn target(&self) -> SocketAddr {
        self.target
    }
}

impl Wire for UdpWire {
    #[cfg(target_os = "linux")]
    fn send(&mut self, datagrams: &[&[u8]]) -> io::Result<usize> {
        linux::send(&self.socket, datagrams)
    }

    #[cfg(not(target_os = "linux"))]
    fn send(&mut self, datagrams: &[&[u8]]) -> io::Result<usize> {
        let Some(first) = datagrams.first() else { return Ok(0) };
        self.socket.send(first).map(|_| 1)
    }

    fn header_len(&self) -> usize {
        if self.target.is_ipv4() { 28 } else { 48 }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, IoSlice};
    use std::net::UdpSocket;

    use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};

    /// Messages per system call.
    const MESSAGES: usize = super::super::BATCH;

    pub(super) fn send(socket: &UdpSocket, datagrams: &[&[u8]]) -> io::Result<usize> {
        let count = datagrams.len().min(MESSAGES);
        let slices: [[IoSlice<'_>; 1]; MESSAGES] =
            std::array::from_fn(|i| [IoSlice::new(datagrams.get(i).copied().unwrap_or_default())]);
        let mut controls: [SendAncillaryBuffer<'_, '_, '_>; MESSAGES] =
            std::array::from_fn(|_| SendAncillaryBuffer::default());
        let mut parts = slices.iter().zip(&mut controls);
        let mut messages: [MMsgHdr<'_>; MESSAGES] = std::array::from_fn(|_| {
            let (slice, control) = parts.next().expect("as many parts as messages");
            MMsgHdr::new(slice, control)
        });
        Ok(sendmmsg(socket, &mut messages[..count], SendFlags::empty())?)
    }
}
