"""Which IP addresses a webhook may be sent to: those of the public Internet, and no others.

A client chooses where we connect to, so everything that only we can reach is out of bounds: our own machine, the
networks around it, the metadata services of clouds, and every address that stands for one of these in another notation
(IPv4 inside IPv6). Sources: IANA's special-purpose address registries for IPv4 (RFC 6890) and IPv6; RFC 4291, 6052
(NAT64), 3056 (6to4), 4380 (Teredo). Own tables and not `ipaddress.is_global`, whose meaning moved between releases of
Python.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_BLOCKED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host on this network; 0.0.0.0 reaches the machine itself
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by carriers (CGNAT); Alibaba's metadata service
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's host, metadata among what it serves: a public address by its number alone
            "169.254.0.0/16",  # link-local; metadata and credentials in AWS, Google Cloud, Azure
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata service
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, limited broadcast
        ),
    )
)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA gives out. Outside of it: ::, ::1, IPv4-mapped and -compatible, NAT64, unique local, link-local."""

_BLOCKED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo (an IPv4 address inside), ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public Internet, reachable by everybody or by nobody."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _BLOCKED_V4)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _BLOCKED_V6)
