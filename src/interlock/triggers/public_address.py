"""Which addresses a request of a user's config may reach: public ones, and what the installation allows by name.

Both lists are written out, because what `ipaddress` calls global differs between Python versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

# https://www.iana.org/assignments/iana-ipv4-special-registry
_NOT_PUBLIC_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        # Azure's platform answers here, to its own machines alone.
        # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
        "168.63.129.16/32",
        "169.254.0.0/16",  # link-local; instance and container metadata answer here
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# IANA gives out unicast addresses from this block alone: loopback, unique local (where the IPv6 metadata address
# fd00:ec2::254 is), link-local, site-local, multicast, v4-compatible ones and the local NAT64 prefix all lie outside.
# https://www.iana.org/assignments/ipv6-address-space
_UNICAST_V6 = IPv6Network("2000::/3")
# https://www.iana.org/assignments/iana-ipv6-special-registry
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, Teredo among them: a tunnel to any IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: a tunnel to the IPv4 address inside
        "3fff::/20",  # documentation
    )
)
# An IPv6-only subnet reaches the IPv4 internet through this prefix; the last 32 bits are the IPv4 address.
# https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html
_NAT64 = IPv6Network("64:ff9b::/96")


# The middle of an address that a host sends through IPv4 to its last 32 bits.
# https://www.rfc-editor.org/rfc/rfc5214#section-6.1
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
_MAPPED = IPv6Network("::ffff:0:0/96")
_V4_BITS = 0xFFFFFFFF


class AddressRules:
    """Allowed are public addresses and those in `allowed_private_cidrs`, nothing else.

    What cannot be read there opens nothing, and is told to whoever is refused: the other jobs are not to suffer from it.
    """

    def __init__(self, allowed_private_cidrs: Iterable[str] = ()) -> None:
        texts = [text.strip() for text in allowed_private_cidrs if text.strip()]
        self._allowed, self._unreadable = _networks(texts)

    def allow(self, address: str) -> bool:
        """Whether a connection to this address, as `getaddrinfo` gave it, may be opened."""
        meant = _meant(ip_address(address))
        return any(meant in block for block in self._allowed) or is_public(meant)

    def refusal(self, host: str, address: str) -> str:
        """Why a connection may not be opened, and what to do about it."""
        said = f"{host} is not a public address ({address}); to allow it, add its network to allowedPrivateCidrs of the"
        unreadable = "; ".join(self._unreadable)
        return f"{said} installation" + (
            f", of which this cannot be read: {unreadable}" if unreadable else ""
        )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address belongs to the internet at large."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _NOT_PUBLIC_V4)
    inside = IPv4Address(int(address) & _V4_BITS)
    if address in _NAT64:
        return is_public(inside)
    if int(address) >> 32 & _V4_BITS in _ISATAP and not is_public(inside):
        return False
    return address in _UNICAST_V6 and not any(address in block for block in _NOT_PUBLIC_V6)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    # The operating system opens an IPv4 connection for ::ffff:a.b.c.d.
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _networks(texts: list[str]) -> tuple[list[IPv4Network | IPv6Network], list[str]]:
    """The networks, and what is wrong with each text that is none."""
    networks, mistakes = [], []
    for text in texts:
        try:
            networks.append(_meant_network(ip_network(text)))
        except ValueError as error:
            mistakes.append(str(error))
    return networks, mistakes


def _meant_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & _V4_BITS, network.prefixlen - 96))
    return network
