"""Addresses, phone numbers, URLs, browsers, files, versions and colours."""

import ipaddress
import re
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed

from ffgen.rng import U64
from ffgen.sample import resolve
from ffgen.sample.web import COLOR_NAMES, browsers
from ffgen.spec.model import Field
from ffgen.spec.types import Problem
from ffgen.spec.types.text import Ipv4, Phone

FAMILY = ["ipv4", "ipv6", "mac", "phone", "url", "user_agent", "file_name", "version", "color"]
CASES: list[Any] = [
    *FAMILY,
    {"name": "ipv4", "network": "private"},
    {"name": "ipv4", "network": "10.1.0.0/16"},
    {"name": "ipv6", "network": "2001:db8:0:0::/64"},
    {"name": "ipv6", "network": "fd00::/112"},
    {"name": "mac", "prefix": "02:42:aC", "separator": "-"},
    {"name": "phone", "prefix": "+4930", "digits": 5},
    {"name": "url", "hosts": ["shop.example.com"]},
    {"name": "file_name", "extensions": ["tar.gz", "pdf"]},
    {"name": "version", "prefix": "v", "major": 0},
    {"name": "color", "form": "name"},
]


def everything(generator: Any) -> pl.Series:
    sampler = bound(generator=generator)
    room = sampler.room()
    assert room is not None
    return pl.Series(sampler.at(np.arange(room, dtype=np.uint64)))


@pytest.mark.parametrize("generator", CASES, ids=str)
def test_every_value_fits_its_field(generator: Any) -> None:
    prefixed = isinstance(generator, dict) and generator["name"] == "phone"
    for column in (drawn(2000, generator=generator), keyed(100, generator=generator)):
        kind = bound(generator=generator).kind
        assert kind.settle(column.to_list())[1] == 0
        assert list(kind.refuse(column.to_list(), making=not prefixed)) == []


@pytest.mark.parametrize("generator", CASES, ids=str)
def test_distinct_numbers_give_distinct_values(generator: Any) -> None:
    sampler = bound(generator=generator)
    room = sampler.room()
    assert room is not None
    first = np.arange(min(room, 50_000), dtype=np.uint64)
    index: U64 = np.unique(np.concatenate([first, room - 1 - first, first * np.uint64(room // len(first))]))
    assert pl.Series(sampler.at(index)).n_unique() == len(index)
    assert keyed(len(first), generator=generator).n_unique() == len(first)


@pytest.mark.parametrize("generator", CASES, ids=str)
def test_chance_comes_from_the_seed_alone(generator: Any) -> None:
    assert drawn(200, seed=1, generator=generator).equals(drawn(200, seed=1, generator=generator))
    assert not drawn(200, seed=1, generator=generator).equals(drawn(200, seed=2, generator=generator))
    assert not keyed(100, seed=1, generator=generator).equals(keyed(100, seed=2, generator=generator))
    assert drawn(0, generator=generator).to_list() == keyed(0, generator=generator).to_list() == []


@pytest.mark.parametrize("name", FAMILY)
def test_the_example_draws(name: str) -> None:
    fields = msgspec.convert(yaml.safe_load(resolve(name).example), list[Field])
    column = drawn_table(50, fields)[fields[-1].name].to_list()
    kind = bound(**msgspec.structs.asdict(fields[-1])).kind
    assert list(kind.refuse(column, making=name != "phone")) == []


def test_an_ipv4_address_looks_public_or_is_of_its_network() -> None:
    for text in drawn(3000, generator="ipv4"):
        assert ipaddress.IPv4Address(text).is_global
        assert re.match(Ipv4.asked, text)
    network = ipaddress.IPv4Network("192.168.4.0/22")
    assert set(everything({"name": "ipv4", "network": str(network)})) == {str(each) for each in network}
    given = set(everything({"name": "ipv4", "network": "documentation"}))
    assert given == {f"{net}.{host}" for net in ("192.0.2", "198.51.100", "203.0.113") for host in range(256)}
    assert all(
        ipaddress.IPv4Address(text).is_private for text in drawn(500, generator={"name": "ipv4", "network": "private"})
    )
    assert bound(generator={"name": "ipv4", "network": "0.0.0.0/0"}).room() == 2**32


@pytest.mark.parametrize("network", ["2001:db8::/32", "fd00:1:2::/48", "2001:db8:0:0::/64", "fd00::/112", "2a00::/16"])
def test_an_ipv6_address_is_canonical_and_of_its_network(network: str) -> None:
    texts = drawn(1000, generator={"name": "ipv6", "network": network})
    texts = pl.concat([texts, keyed(1000, generator={"name": "ipv6", "network": network})])
    addresses = [ipaddress.IPv6Address(text) for text in texts]
    assert [address.compressed for address in addresses] == texts.to_list()
    assert all(address in ipaddress.IPv6Network(network) for address in addresses)


def test_a_mac_address_is_local_and_of_one_device() -> None:
    first = {int(text[:2], 16) for text in drawn(3000, generator="mac")}
    assert first == {byte for byte in range(256) if byte & 3 == 2}
    assert all(re.fullmatch("02-42(-[0-9a-f]{2}){4}", text) for text in drawn(50, generator={
        "name": "mac", "prefix": "02:42", "separator": "-"
    }))  # fmt: skip


def test_phones_use_up_the_range_kept_for_fiction() -> None:
    column = everything("phone")
    assert len(column) == column.n_unique() == 80_000
    assert column.str.contains(Phone.reserved).all()
    assert set(drawn(100, generator={"name": "phone", "prefix": "+4930"}).str.head(5)) == {"+4930"}
    assert set(drawn(100, generator={"name": "phone", "prefix": "+4930"}).str.len_chars()) == {12}
    assert bound(generator={"name": "phone", "prefix": "+4930", "digits": 4}).room() == 10_000


def test_words_come_before_numbers() -> None:
    sampler = bound(generator={"name": "url", "hosts": ["example.com"]})
    room = sampler.room()
    assert room is not None
    plain = room // 1000
    around = pl.Series(sampler.at(np.arange(plain - 300, plain + 300, dtype=np.uint64)))
    assert around.n_unique() == 600
    assert around.str.contains(r"-\d+$").to_list() == [False] * 300 + [True] * 300
    assert around[300] == pl.Series(sampler.at(np.zeros(1, np.uint64)))[0] + "-2"
    assert not drawn(1000, sampler=sampler).str.contains(r"\d$").any()
    assert not keyed(1000, sampler=sampler).str.contains(r"\d$").any()


def test_the_hosts_and_endings_asked_for() -> None:
    column = drawn(2000, generator={"name": "url", "hosts": ["a.example", "b.example"]})
    assert set(column.str.extract("https://([^/]+)/")) == {"a.example", "b.example"}
    column = drawn(2000, generator={"name": "file_name", "extensions": ["tar.gz", "pdf"]})
    assert set(column.str.extract(r"^[a-z]+_[a-z]+(?:_[a-z0-9]+)?\.(.+)$")) == {"tar.gz", "pdf"}


def test_browsers_are_many_and_common_ones_common() -> None:
    texts, weights = zip(*browsers(), strict=True)
    assert len(set(texts)) == len(texts) >= 5000
    assert min(weights) > 0
    column = drawn(50_000, generator="user_agent")
    wanted = sum(weight for text, weight in browsers() if "Windows" in text) / sum(weights)
    assert column.str.contains("Windows").mean() == pytest.approx(wanted, abs=0.01)
    assert column.str.starts_with("Mozilla/5.0 (").all()


def test_versions_have_three_parts_and_low_ones_are_common() -> None:
    generator = {"name": "version", "major": 2, "minor": 3, "patch": 4, "prefix": "v"}
    whole = {f"v{major}.{minor}.{patch}" for major in range(3) for minor in range(4) for patch in range(5)}
    assert set(everything(generator)) == whole
    column = drawn(5000, generator=generator)
    assert set(column) <= whole
    assert column.str.starts_with("v0").sum() > 2 * column.str.starts_with("v1").sum() > 0


def test_colours() -> None:
    assert everything({"name": "color", "form": "name"}).to_list() == COLOR_NAMES
    sampler = bound(generator="color")
    numbers = np.asarray([0, 1, 0x123456, 0xFFFFFF], np.uint64)
    assert pl.Series(sampler.at(numbers)).to_list() == ["#000000", "#000001", "#123456", "#ffffff"]


@pytest.mark.parametrize(
    ("key", "generator"),
    [
        ("generator.network", {"name": "ipv4", "network": "10.0.0.1/8"}),
        ("generator.network", {"name": "ipv4", "network": "local"}),
        ("generator.network", {"name": "ipv6", "network": "10.0.0.0/8"}),
        ("generator.network", {"name": "ipv6", "network": "2001:db8::/33"}),
        ("generator.network", {"name": "ipv6", "network": "::/0"}),
        ("generator.prefix", {"name": "mac", "prefix": "02:4"}),
        ("generator.prefix", {"name": "phone", "prefix": "0049"}),
        ("generator.digits", {"name": "phone", "digits": 4}),
        ("generator.digits", {"name": "phone", "prefix": "+4930", "digits": 12}),
        ("generator.hosts", {"name": "url", "hosts": ["no host"]}),
        ("generator.extensions", {"name": "file_name", "extensions": ["/etc"]}),
        ("generator.major", {"name": "version", "major": -1}),
        ("generator.form", {"name": "color", "form": "rgb"}),
    ],
)
def test_what_cannot_be_is_refused(key: str, generator: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        bound(generator=generator)
    assert refused.value.key == key
    assert refused.value.hint
