"""Running numbers, UUIDs, ULIDs and hashes."""

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed, series

from ffgen.rng import U64
from ffgen.sample import resolve
from ffgen.sample.digits import mixed
from ffgen.spec.model import Field
from ffgen.spec.types import Problem

RANDOM: list[dict[str, Any]] = [
    {"generator": "uuid4"},
    {"generator": "uuid7"},
    {"generator": "ulid"},
    {"generator": "hash"},
    {"generator": {"name": "hash", "bits": 32}},
    {"generator": {"name": "hash", "bits": 80}},
]
FIRST = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def numbers(n: int) -> U64:
    return np.arange(n, dtype=np.uint64)


def at(index: U64, **field: Any) -> pl.Series:
    sampler = bound(**field)
    return series(sampler, sampler.at(index))


@pytest.mark.parametrize("field", RANDOM, ids=str)
def test_chance_comes_from_the_seed_alone(field: dict[str, Any]) -> None:
    assert drawn(100, seed=3, **field).equals(drawn(100, seed=3, **field))
    assert not set(drawn(100, seed=3, **field)) & set(drawn(100, seed=4, **field))
    assert keyed(100, seed=3, **field).equals(keyed(100, seed=3, **field))
    assert not set(keyed(100, seed=3, **field)) & set(keyed(100, seed=4, **field))
    assert drawn(0, **field).to_list() == keyed(0, **field).to_list() == []


@pytest.mark.parametrize("field", RANDOM, ids=str)
def test_keyed_values_are_distinct_and_depend_on_the_row_alone(field: dict[str, Any]) -> None:
    sampler = bound(**field)
    index = numbers(200_000)
    whole = pl.Series(sampler.keyed(index, 9))
    assert whole.n_unique() == len(whole)
    assert pl.Series(sampler.keyed(index[5_000:5_010], 9)).equals(whole[5_000:5_010])
    far = np.asarray([0, 1, 2**31, 2**32 - 1], np.uint64)
    assert pl.Series(sampler.at(far)).n_unique() == len(far)


@pytest.mark.parametrize("field", [{"generator": "sequence"}, *RANDOM], ids=str)
def test_every_value_fits_its_field(field: dict[str, Any]) -> None:
    for column in (drawn(500, **field), keyed(500, **field)):
        assert list(bound(**field).kind.refuse(column.to_list(), making=True)) == []


@pytest.mark.parametrize("name", ["sequence", "uuid4", "uuid7", "ulid", "hash"])
def test_the_example_draws(name: str) -> None:
    fields = msgspec.convert(yaml.safe_load(resolve(name).example), list[Field])
    table = drawn_table(50, fields)
    assert table[fields[-1].name].null_count() == 0
    assert table[fields[-1].name].n_unique() == 50


@pytest.mark.parametrize("bits", [4, 5, 8, 13, 16])
def test_mixing_is_a_bijection_of_few_bits(bits: int) -> None:
    whole = numbers(1 << bits)
    for key in (0, 1, 2**63 + 12345):
        assert np.array_equal(np.sort(mixed(whole, key, bits)), whole)


def test_mixing_is_a_bijection_of_62_bits() -> None:
    def unmixed(number: int, key: int) -> int:
        def unshifted(value: int) -> int:
            return value ^ value >> 31

        for factor in (0x94D049BB133111EB, 0xBF58476D1CE4E5B9):
            number = unshifted(number) * pow(factor, -1, 2**62) % 2**62
        return (unshifted(number) - key) % 2**62

    some = np.random.Generator(np.random.SFC64(1)).integers(0, 2**62, 500, dtype=np.uint64)
    for key in (0, 987654321987654321):
        assert [unmixed(int(number), key) for number in mixed(some, key)] == some.tolist()


def test_uuid4_has_its_version_and_variant_and_122_even_bits() -> None:
    for column in (drawn(20_000, generator="uuid4"), keyed(20_000, generator="uuid4")):
        found = [uuid.UUID(value) for value in column]
        assert [str(each) for each in found] == column.to_list()
        assert {(each.version, each.variant) for each in found} == {(4, uuid.RFC_4122)}
        digits = np.frombuffer(b"".join(each.bytes for each in found), np.uint8).reshape(-1, 16)
        shares = np.unpackbits(digits, axis=1).mean(axis=0)
        fixed = [48, 49, 50, 51, 64, 65]
        assert shares[fixed].tolist() == [0, 1, 0, 0, 1, 0]
        assert np.abs(np.delete(shares, fixed) - 0.5).max() < 0.02


@pytest.mark.parametrize(("every", "rows"), [(1, [0, 1, 2]), (250, [0, 250, 500]), (0.5, [0, 0, 1]), (-3, [0, -3, -6])])
def test_uuid7_and_ulid_tell_the_time_of_their_row(every: float, rows: list[int]) -> None:
    for shown in (drawn, keyed):
        found = [uuid.UUID(value) for value in shown(3, generator={"name": "uuid7", "every": every})]
        assert [each.int >> 80 for each in found] == [FIRST + row for row in rows]
        assert {(each.version, each.variant) for each in found} == {(7, uuid.RFC_4122)}
        texts = shown(3, generator={"name": "ulid", "every": every}).to_list()
        values = [sum(CROCKFORD.index(char) << 5 * place for place, char in enumerate(text[::-1])) for text in texts]
        assert [value >> 80 for value in values] == [FIRST + row for row in rows]


def test_later_rows_sort_behind() -> None:
    for name in ("uuid7", "ulid"):
        column = drawn(1000, shard=4, generator=name)
        assert column.is_sorted()
        assert column[0] > drawn(1000, shard=3, generator=name)[-1]


def test_ulid_bits_are_even() -> None:
    for column in (drawn(20_000, generator="ulid"), keyed(20_000, generator="ulid")):
        codes = np.asarray([[CROCKFORD.index(char) for char in text[10:]] for text in column[:4000]])
        assert np.abs((codes[:, :, None] >> np.arange(5) & 1).mean(axis=0) - 0.5).max() < 0.05


def test_hash_has_the_bits_asked_for() -> None:
    for bits in (32, 48, 64, 80, 160, 256):
        assert drawn(5, generator={"name": "hash", "bits": bits}).str.len_chars().to_list() == [bits // 4] * 5
    shares = pl.Series(list("".join(drawn(2000, generator="hash")))).value_counts(normalize=True)
    assert shares.height == 16
    assert shares["proportion"].min() == pytest.approx(1 / 16, abs=0.004)


def test_hash_of_fields_is_sha256_of_their_text() -> None:
    fields = [
        Field(name="a", type="integer", generator="sequence"),
        Field(name="b", type="string", generator="color"),
        Field(name="h", type="string", generator={"name": "hash", "of": ["b", "a"], "bits": 64}),
    ]
    table = drawn_table(50, fields)
    texts = [json.dumps({"b": b, "a": a}, separators=(",", ":")) for a, b in zip(table["a"], table["b"], strict=True)]
    assert table["h"].to_list() == [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]


def test_a_sequence_is_in_order_and_without_gaps() -> None:
    assert drawn(4, generator="sequence").to_list() == [1, 2, 3, 4]
    assert drawn(4, shard=2, generator={"name": "sequence", "start": -5, "step": 3}).to_list() == [19, 22, 25, 28]
    assert keyed(3, generator={"name": "sequence", "step": -1}).to_list() == [1, 0, -1]


@pytest.mark.parametrize(
    ("generator", "texts"),
    [
        ({"prefix": "INV-", "width": 6, "start": 99}, ["INV-000099", "INV-000100"]),
        ({"start": 9}, ["9", "10"]),
        ({"prefix": "é", "width": 2, "start": 99}, ["é99", "é100"]),
        ({"width": 3, "start": -1}, ["-01", "000"]),
        ({"prefix": "N", "start": 10**18}, [f"N{10**18}", f"N{10**18 + 1}"]),
    ],
)
def test_a_sequence_as_text(generator: dict[str, Any], texts: list[str]) -> None:
    assert drawn(2, type="string", generator={"name": "sequence", **generator}).to_list() == texts


def test_a_sequence_keeps_to_the_range() -> None:
    field: dict[str, Any] = {"type": "integer", "range": [1, 9], "generator": {"name": "sequence", "step": 4}}
    assert bound(count=3, **field).room() == 3
    with pytest.raises(Problem) as refused:
        bound(count=4, **field)
    assert refused.value.key == "range"
    below: dict[str, Any] = {"type": "integer", "range": [-7, 1], "generator": {"name": "sequence", "step": -4}}
    assert keyed(3, **below).to_list() == [1, -3, -7]
    with pytest.raises(Problem):
        bound(count=1, type="integer", range=[5, 9], generator="sequence")


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("generator.step", {"generator": {"name": "sequence", "step": 0}}),
        ("generator.prefix", {"type": "integer", "generator": {"name": "sequence", "prefix": "A"}}),
        ("generator.width", {"generator": {"name": "sequence", "width": 3}}),
        ("generator.prefix", {"type": "string", "generator": {"name": "sequence", "prefix": " A"}}),
        ("generator.prefix", {"type": "string", "generator": {"name": "sequence", "prefix": "e\u0301"}}),
        ("generator.start", {"generator": {"name": "sequence", "start": 2**63}}),
        ("generator.every", {"generator": {"name": "uuid7", "every": -1e12}}),
        ("generator.every", {"generator": {"name": "ulid", "every": 1e12}}),
        ("generator.bits", {"generator": {"name": "hash", "bits": 40}}),
        ("generator.of", {"generator": {"name": "hash", "of": ["other"]}}),
        ("generator.of", {"generator": {"name": "hash", "of": ["f"]}}),
        ("generator", {"type": "number", "generator": "uuid4"}),
    ],
)
def test_what_cannot_be_is_refused(key: str, field: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        bound(**field)
    assert refused.value.key == key
    assert refused.value.hint
