"""An address in an argument: where does it lead? Judged by its letters alone; no name is looked up.

A name can resolve to a private address, and can do so only the second time: whoever fetches checks the
address that it connects to as well.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote, urlsplit

from aiorch.safety.detection import Finding
from aiorch.safety.unescaping import readings

SCHEMES = frozenset({"http", "https"})
METADATA = frozenset(
    {
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192", "168.63.129.16",
        "fd00:ec2::254", "metadata.google.internal", "metadata", "instance-data", "metadata.azure.internal",
    }
)  # fmt: skip
"""Where machines in a cloud get their keys: Amazon, Google, Azure, Alibaba, Oracle, as their documentation
says."""
LOCAL = ("localhost", "localhost.localdomain", "ip6-localhost", "kubernetes.default.svc")
LOCAL_ENDS = (
    ".localhost",
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".home.arpa",
    ".corp",
    ".svc.cluster.local",
)
PRIVATE_DNS = re.compile(
    r"(?:^|[.-])(?:127|10|192[.-]168|169[.-]254|172[.-](?:1[6-9]|2\d|3[01]))(?:[.-]\d{1,3}){1,3}(?=[.-])"
)
"""Names of services that answer with the address that is in the name, as 127.0.0.1.nip.io."""


class UnsafeUrl:
    """Looks at a text that is an address.

    :param schemes: which ones may be used.
    :param hosts: the only hosts that may be named, with those below them; ``None`` allows any public one.

    >>> UnsafeUrl().scan("https://example.org/a?b=1")
    []
    >>> [f.rule for f in UnsafeUrl().scan("http://2130706433/")]
    ['url.odd_address', 'url.private']
    """

    name = "url"

    def __init__(self, schemes: Iterable[str] = SCHEMES, hosts: Iterable[str] | None = None) -> None:
        self.schemes = frozenset(s.lower() for s in schemes)
        self.hosts = None if hosts is None else tuple(h.lower().strip(".") for h in hosts)

    def scan(self, text: str) -> list[Finding]:
        """What is wrong with it; the span is the whole text."""
        found: dict[str, tuple[float, str]] = {}
        for rule, sure, what in self._wrong(text):
            found.setdefault(rule, (sure, what))
        return [Finding(f"url.{rule}", (0, len(text)), sure, what) for rule, (sure, what) in found.items()]

    def _wrong(self, text: str) -> list[tuple[str, float, str]]:
        wrong: list[tuple[str, float, str]] = []
        if any(ord(c) < 32 or c in " \x7f" for c in text.strip()) or text != text.strip():
            wrong.append(("control", 0.9, "white space or a control character in an address"))
        if "\\" in text:
            wrong.append(("backslash", 0.9, "a backslash, which programs read in different ways"))
        try:
            parts = urlsplit(text.strip().replace("\\", "/"))
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            return [*wrong, ("malformed", 0.9, "no address that can be read")]
        if not parts.scheme:
            kind = "an address without a scheme" if parts.netloc else "no complete address"
            wrong.append(("scheme", 0.8, kind))
        elif parts.scheme.lower() not in self.schemes:
            wrong.append(("scheme", 0.97, f"the scheme {parts.scheme.lower()[:20]!r}, which is not allowed"))
            return wrong
        if "@" in parts.netloc:
            wrong.append(
                ("userinfo", 0.9, "a name or password in front of the host, which may pass for the host")
            )
        if not host:
            return [*wrong, ("malformed", 0.8, "an address without a host")]
        return [*wrong, *self._host(parts, host)]

    def _host(self, parts: SplitResult, written: str) -> list[tuple[str, float, str]]:
        wrong: list[tuple[str, float, str]] = []
        host = readings(unquote(written))[-1].lower().replace("\u3002", ".").rstrip(".")
        address = address_of(host)
        if host != written.rstrip(".") or "%" in written:
            wrong.append(("encoded_host", 0.9, "a host in letters that stand for others"))
        if address is not None:
            plain = str(address) == host.partition("%")[0] or _same(host, address)
            if not plain:
                wrong.append(("odd_address", 0.95, "an address of the network in an unusual notation"))
            where = mapped(address)
            if str(where) in METADATA:
                wrong.append(("metadata", 0.99, "the address where machines in a cloud get their keys"))
            elif not where.is_global or where.is_multicast:
                wrong.append(("private", 0.97, "an address that is not in the public network"))
        elif host in METADATA:
            wrong.append(("metadata", 0.99, "the address where machines in a cloud get their keys"))
        elif host in LOCAL or host.endswith(LOCAL_ENDS):
            wrong.append(("private", 0.95, "a name that is not in the public network"))
        elif PRIVATE_DNS.search(host):
            wrong.append(("private", 0.85, "a name made from a private address"))
        elif "." not in host:
            wrong.append(("private", 0.7, "a name without a domain, which only a private network knows"))
        if self.hosts is not None and not any(host == h or host.endswith(f".{h}") for h in self.hosts):
            wrong.append(("host", 0.97, "a host that is not among the allowed ones"))
        return wrong


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(host: str) -> Address | None:
    """The network address that a host is, also in the notations that resolvers take: one number, octal,
    hexadecimal, and fewer than four parts. ``None`` for a name.

    >>> address_of("0x7f.1")
    IPv4Address('127.0.0.1')
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    pieces = host.split(".")
    if not 1 <= len(pieces) <= 4 or not all(
        re.fullmatch(r"0[xX][0-9a-fA-F]{0,16}|\d{1,20}", p) for p in pieces
    ):
        return None
    numbers: list[int] = []
    for piece in pieces:
        try:
            numbers.append(
                int(
                    piece or "0",
                    16
                    if piece[:2] in ("0x", "0X") and len(piece) > 2
                    else 8
                    if piece[:1] == "0" and piece.isdecimal() and len(piece) > 1
                    else 10,
                )
            )
        except ValueError:
            return None
    *first, last = numbers
    value = last
    for n, number in enumerate(first):
        value += number << (24 - 8 * n)
    return ipaddress.IPv4Address(value & 0xFFFFFFFF)


def mapped(address: Address) -> Address:
    """The old address inside a new one, where there is one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and (int(address) >> 32 in (0, 0x64_FF9B << 64)) and int(address) > 1:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def _same(host: str, address: Address) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]) == address
    except ValueError:
        return False
