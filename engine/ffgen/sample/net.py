"""What is seen on networks and disks: addresses, phone numbers, URLs, browsers, files, versions and colours."""

import ipaddress
import math
import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, ClassVar, Literal

import numpy as np
import polars as pl
from msgspec import Meta, field
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, mix
from ffgen.sample.base import MOST_ROOM, Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.digits import Numbered, Worded, blank, hex_words, put, put_decimal, put_hex, split
from ffgen.sample.strings import from_matrix
from ffgen.sample.web import ADJECTIVES, COLOR_NAMES, EXTENSIONS, HOSTS, NOUNS, SECTIONS, browsers
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.text import HOST

V4 = ipaddress.IPv4Network
DOCUMENTATION = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
NOT_PUBLIC = frozenset({10, 100, 127, 169, 172, 192, 198})
"""First bytes with private or special ranges among them."""
PUBLIC = tuple(first for first in range(1, 200) if first not in NOT_PUBLIC)


class Ipv4(Numbered):
    """IPv4 addresses. Unless said otherwise they look public, each byte from 0 to 199; some may be somebody's.

    - `network`: a network such as 10.0.0.0/8, or `documentation` (addresses that nobody has), `private` or `public`;
      public
    """

    gives: ClassVar[str] = "ipv4"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: client_ip, type: ipv4, generator: {name: ipv4, network: documentation}}
"""
    network: str = "public"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        named = {"documentation": DOCUMENTATION, "private": PRIVATE, "public": ()}
        networks = [_network(each) for each in named.get(self.network, (self.network,))]
        ends = np.cumsum([network.num_addresses for network in networks])
        self._ends = ends.astype(np.uint64)
        starts = [int(network.network_address) for network in networks]
        self._shifts = np.asarray(
            [start - end + n.num_addresses for start, end, n in zip(starts, ends, networks, strict=True)]
        )

    def room(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else len(PUBLIC) * 200**3

    def at(self, index: U64) -> Column:
        if len(self._ends):
            network = np.searchsorted(self._ends, index, side="right")
            address = (index.view(np.int64) + self._shifts.take(network)).astype(np.uint32)
        else:
            first, *others = split(index, (len(PUBLIC), 200, 200, 200))
            address = np.asarray(PUBLIC, np.uint32).take(first)
            for part in others:
                address = address << np.uint32(8) | part
        return _halves(".").gather(address >> np.uint32(16)) + _halves("").gather(address & np.uint32(0xFFFF))


def _network(text: str) -> V4:
    try:
        return V4(text)
    except ValueError:
        hint = "Write it like 10.0.0.0/8, the bits behind the network's at 0, or say documentation, private or public."
        raise Problem("generator.network", f"`{text[:40]}` is not a network.", hint) from None


@cache
def _halves(behind: str) -> pl.Series:
    """Two bytes of an address for each 16-bit number."""
    numbers = pl.Series(np.arange(256)).cast(pl.String)
    both = np.arange(1 << 16)
    return numbers.gather(both >> 8) + "." + numbers.gather(both & 255) + behind


class Ipv6(Numbered):
    """IPv6 addresses in their canonical form (RFC 5952), none of whose drawn parts is 0. From the network that is
    kept for documentation, unless said otherwise.

    - `network`: a network whose length is a multiple of 16, up to /112; 2001:db8::/32
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: server_ip, type: string, unique: true, generator: {name: ipv6, network: "fd00:1:2::/48"}}
"""
    network: str = "2001:db8::/32"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        hint = "Write it like 2001:db8::/32, the bits behind the network's at 0."
        try:
            network = ipaddress.IPv6Network(self.network)
        except ValueError:
            what = f"`{self.network[:60]}` is not a network."
            raise Problem("generator.network", what, hint) from None
        self._parts, rest = divmod(128 - network.prefixlen, 16)
        if rest or not 1 <= self._parts <= 7:
            what = f"a length of {network.prefixlen} is not a multiple of 16 from 16 to 112."
            raise Problem("generator.network", what, hint)
        # Every drawn part stands as ffff, so that what is shortened to :: is shortened for good.
        whole = ipaddress.IPv6Address(int(network.network_address) | (1 << 16 * self._parts) - 1)
        self._prefix = whole.compressed[: -5 * self._parts]

    def room(self) -> int:
        return int(min(65535**self._parts, MOST_ROOM))

    def at(self, index: U64) -> Column:
        beyond = max(self._parts - 4, 0)
        hashed = split(mix(index, 6), (1, *(65535,) * beyond))[1:]
        parts = [*hashed, *split(index, (65535,) * min(self._parts, 4))]
        first, *others = (_group().gather(part) for part in parts)
        return pl.select(pl.concat_str([pl.lit(self._prefix), first, *others])).to_series() if len(first) else first


@cache
def _group() -> pl.Series:
    """The text of a colon and one 16-bit part, from 1 on, without leading zeros."""
    digits = from_matrix(hex_words()[1:].view(np.uint8).reshape(-1, 4))
    return ":" + digits.str.strip_chars_start("0")


class Mac(Numbered):
    """MAC addresses that are marked as given out locally, so that no device on the market has one.

    - `prefix`: the first one to five bytes, such as `02:42`
    - `separator`: what stands between the bytes, `:` or `-`; `:`
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: mac, type: string, length: 17, unique: true, generator: mac}
"""
    prefix: Annotated[str, Meta(pattern="^([0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){0,4})?$")] = ""
    separator: Literal[":", "-"] = ":"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._given = bytes.fromhex(self.prefix.replace(":", ""))

    def room(self) -> int:
        return 1 << (8 * (6 - len(self._given)) if self._given else 46)

    def at(self, index: U64) -> Column:
        given = len(self._given)
        address = index | np.uint64(int.from_bytes(self._given.ljust(6, b"\0"), "big"))
        if not given:
            address = (index >> np.uint64(40) << np.uint64(42)) | index & np.uint64((1 << 40) - 1) | np.uint64(2 << 40)
        matrix = blank(len(index), self.separator.join(["00"] * 6).encode())
        words = hex_words().view(np.uint16)[1::2][:256]
        for byte in range(6):
            codes = address >> np.uint64(8 * (5 - byte)) & np.uint64(255)
            put(matrix, 3 * byte, np.ascontiguousarray(words).take(codes.astype(np.intp)))
        return from_matrix(matrix)


class Phone(Numbered):
    """Phone numbers in E.164. Unless said otherwise they are +1 NXX 555 01XX, which North America keeps for fiction:
    there are 80,000 of them, which is all that a unique field can have.

    - `prefix`: the first digits, + included, such as +4930: then the numbers may be somebody's
    - `digits`: how many digits are drawn behind the prefix; as many as make eleven in all
    """

    gives: ClassVar[str] = "phone"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: phone, type: phone, generator: {name: phone, prefix: "+4930", digits: 7}}
"""
    prefix: Annotated[str, Meta(pattern=r"^(\+[1-9][0-9]{0,13})?$")] = ""
    digits: Annotated[int, Meta(ge=1, le=14)] | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if not self.prefix and self.digits is not None:
            raise Problem("generator.digits", "`digits` needs a `prefix`.", "Give the first digits, e.g. +4930.")
        self._free = max(12 - len(self.prefix), 1) if self.digits is None else self.digits
        if self.prefix and not 7 <= len(self.prefix) - 1 + self._free <= 15:
            what = f"{self.prefix} and {self._free} digits are not a number of 7 to 15 digits."
            raise Problem("generator.digits", what, "Draw more or fewer.")

    def room(self) -> int:
        return int(10**self._free) if self.prefix else 80_000

    def at(self, index: U64) -> Column:
        if self.prefix:
            before, free, number = self.prefix.encode(), self._free, index
        else:
            area = index // np.uint64(100)
            before, free = b"+1", 10
            number = (area + np.uint64(200)) * np.uint64(10**7) + np.uint64(5550100) + (index - area * np.uint64(100))
        matrix = blank(len(index), before + b"0" * free)
        put_decimal(matrix, len(before), free, number)
        return from_matrix(matrix)


class Url(Worded):
    """Web addresses with words in their path, at hosts that are reserved for examples unless said otherwise.

    - `hosts`: the hosts, such as `[shop.example.com]`; variants of example.com, .org and .net. Others may exist

    In a unique field, a number is added to the path once all words are used.
    """

    gives: ClassVar[str] = "url"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: page, type: url, generator: {name: url, hosts: [shop.example.com, www.example.com]}}
"""
    hosts: Annotated[list[str], Meta(min_length=1, max_length=10_000)] = field(default_factory=lambda: list(HOSTS))

    def pools(self) -> Sequence[pl.Series]:
        for host in self.hosts:
            if not re.fullmatch(HOST, host):
                raise Problem("generator.hosts", f"`{host[:60]}` is not a host.", "E.g. shop.example.com.")
        hosts = dict.fromkeys(self.hosts)
        starts = [f"https://{host}/{section}/" for host in hosts for section in SECTIONS]
        return pl.Series(starts), pl.Series([f"{word}-" for word in ADJECTIVES]), pl.Series(NOUNS), pl.Series([""])


class FileName(Worded):
    """File names: one or two words, often a year or a version, and an ending.

    - `extensions`: the endings, such as `[pdf, docx]`; twenty of the usual ones

    In a unique field, a number is added to the name once all words are used.
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: attachment, type: string, generator: {name: file_name, extensions: [pdf, docx, xlsx]}}
"""
    extensions: Annotated[
        list[Annotated[str, Meta(pattern="^[A-Za-z0-9]+(\\.[A-Za-z0-9]+)*$")]], Meta(min_length=1)
    ] = field(default_factory=lambda: list(EXTENSIONS))

    def pools(self) -> Sequence[pl.Series]:
        ends = [f".{extension}" for extension in dict.fromkeys(self.extensions)]
        tails = ["", "_final", "_draft", "_v2", "_v3", "_old", *(f"_{year}" for year in range(2015, 2026))]
        starts = [f"{word}_" for word in ADJECTIVES]
        return pl.Series(starts), pl.Series(NOUNS), pl.Series(tails), pl.Series(ends)


class UserAgent(Sampler):
    """What browsers call themselves: some 5,000 texts of browser, system and version, common ones more often."""

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: user_agent, type: string, generator: user_agent}
"""

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._pool, self._shares = _agents()

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self._pool.gather(choose(rng, n, self._shares))

    def room(self) -> int:
        return len(self._pool)

    def at(self, index: U64) -> Column:
        return self._pool.gather(index)


@cache
def _agents() -> tuple[pl.Series, NDArray[np.float64]]:
    texts, weights = zip(*browsers(), strict=True)
    return pl.Series(texts), cumulated(weights)


class Version(Numbered):
    """Version numbers of three parts (semver.org), low numbers more often than high ones; in a unique field, all
    alike.

    - `major`, `minor`, `patch`: the highest number of each part; 9, 29 and 49
    - `prefix`: text before it, such as `v`
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: app_version, type: string, generator: {name: version, major: 4, prefix: v}}
"""
    major: Annotated[int, Meta(ge=0, le=999)] = 9
    minor: Annotated[int, Meta(ge=0, le=999)] = 29
    patch: Annotated[int, Meta(ge=0, le=999)] = 49
    prefix: Annotated[str, Meta(pattern="^[A-Za-z0-9._-]*$", max_length=20)] = ""

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._sizes = [self.major + 1, self.minor + 1, self.patch + 1]
        before, between = (self.prefix, "", ""), (".", ".", "")
        numbers = (pl.Series(np.arange(size)).cast(pl.String) for size in self._sizes)
        parts = zip(before, numbers, between, strict=True)
        self._pools = [first + number + last if first or last else number for first, number, last in parts]
        self._low = [cumulated([math.exp(-4 * number / size) for number in range(size)]) for size in self._sizes]

    def room(self) -> int:
        return int(np.prod(self._sizes))

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self._made([choose(rng, n, low) for low in self._low])

    def at(self, index: U64) -> Column:
        return self._made(split(index, self._sizes))

    def _made(self, codes: Sequence[NDArray[np.integer]]) -> pl.Series:
        first, second, third = (pool.gather(code) for pool, code in zip(self._pools, codes, strict=True))
        return pl.select(pl.concat_str(first, second, third)).to_series()


class Color(Numbered):
    """Colours as on the web: #1e90ff, or the names of CSS.

    - `form`: hex or name; hex
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: color, type: string, generator: {name: color, form: name}}
"""
    form: Literal["hex", "name"] = "hex"

    def room(self) -> int:
        return 1 << 24 if self.form == "hex" else len(COLOR_NAMES)

    def at(self, index: U64) -> Column:
        if self.form == "name":
            return pl.Series(COLOR_NAMES).gather(index)
        matrix = np.empty((len(index), 7), np.uint8)
        parts = (index >> np.uint64(12)) << np.uint64(48) | (index & np.uint64(0xFFFF)) << np.uint64(32)
        put_hex(matrix, (0, 3), parts)
        matrix[:, 0] = ord("#")
        return from_matrix(matrix)
