"""Lists of client addresses that a setting allows. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

#: Every address.
ANY = "any"
#: This machine, and the ranges that are not routed on the internet.
PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Which clients are allowed.

    Attributes:
        written: addresses and networks, separated by commas; ``any`` and ``private`` may be among them.
    """

    written: str

    def __post_init__(self) -> None:
        for part in self._parts:
            if part not in {ANY, PRIVATE}:
                ip_network(part)

    @property
    def _parts(self) -> list[str]:
        return [part.strip() for part in self.written.split(",")]

    def allow(self, client: str | None) -> bool:
        """Say whether a client may pass.

        Args:
            client: its address; None for one that came through a Unix socket, and so from this machine.
        """
        if client is None:
            return ANY in self._parts or PRIVATE in self._parts
        try:
            address = _plain(client)
        except ValueError:
            return ANY in self._parts
        return any(_is_in(address, part) for part in self._parts)


def check_addresses(written: str) -> None:
    """Check a setting.

    Raises:
        ValueError: it is no such list; says what is allowed.
    """
    try:
        Addresses(written)
    except ValueError:
        raise ValueError("must be addresses or networks, separated by commas, or any, or private") from None


def _plain(client: str) -> IPv4Address | IPv6Address:
    address = ip_address(client.partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_in(address: IPv4Address | IPv6Address, part: str) -> bool:
    if part in {ANY, PRIVATE}:
        return part == ANY or address.is_private
    return address in ip_network(part)
