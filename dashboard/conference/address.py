"""Where phones reach the vote: the address of this machine that leads out of it, or the one that the settings name."""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass

from dashboard.i18n import later
from models.errors import NoVote

FIRST_PORT, PORTS = 8650, 20
ALL = "0.0.0.0"
NAMED = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(?P<port>\d{1,5}))?")
"""An address or a name, with a port if wished; longer ones are no names (RFC 1123)."""
MOST_PORT = 65_535


@dataclass(frozen=True)
class Place:
    """A place in a network.

    Attributes
    ----------
    name
        What a phone opens, without the port.
    host
        Interface to listen on.
    ports
        Tried in their order.
    """

    name: str
    host: str = ALL
    ports: range = range(FIRST_PORT, FIRST_PORT + PORTS)

    def listen(self) -> socket.socket:
        """Return a socket on the first port that is free."""
        for port in self.ports:
            opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                opened.bind((self.host, port))
                opened.listen(256)
            except OSError as problem:
                opened.close()
                if problem.errno == errno.EADDRNOTAVAIL:
                    fix = later("Name one of its own in ORTHOLENS_VOTE_ADDRESS, or none.")
                    raise NoVote(later("{name} is no address of this machine", name=self.name), fix=fix) from problem
            else:
                return opened
        fix = later("Close what uses them, or go on without a vote.")
        first, last = self.ports[0], self.ports[-1]
        raise NoVote(later("no port from {first} to {last} is free", first=first, last=last), fix=fix)


def parse_address(named: str) -> Place:
    """Return the place of an address of this machine, which is then the only one that answers, or of a name of it.

    Parameters
    ----------
    named
        As in the settings: "192.168.4.1", "hall.local:8700"; empty is the machine's own address.

    Raises
    ------
    NoVote
        Where it is neither.
    """
    if not named:
        return Place(find_own_address())
    parts = NAMED.fullmatch(named)
    port = int(parts["port"] or FIRST_PORT) if parts else 0
    if parts is None or not 0 < port <= MOST_PORT:
        fix = later("Write ORTHOLENS_VOTE_ADDRESS as 192.168.4.1 or hall.local:8700.")
        raise NoVote(later("{named} is no address of a vote", named=named[:80]), fix=fix)
    ports = range(port, port + (1 if parts["port"] else PORTS))
    return Place(parts["name"], parts["name"] if _is_address(parts["name"]) else ALL, ports)


def _is_address(name: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, name)
    except OSError:
        return False
    return True


def find_own_address() -> str:
    """Return this machine's address on the local network: that of the interface which leads out of it.

    Connecting a datagram socket sends nothing; it only asks the routing table (man 7 ip).
    """
    for elsewhere in ("192.0.2.1", "10.255.255.255", "192.168.255.255", "224.0.0.1"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((elsewhere, 9))
                own: str = probe.getsockname()[0]
            except OSError:
                continue
        if not own.startswith(("127.", "0.")):
            return own
    return "127.0.0.1"
