"""`unique: {near: ...}` in whole runs: asked, drawn and as frames; what can't be is said before anything is made."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests import standin

import ffgen
from ffgen.admit.near import NearSet
from ffgen.errors import ShortfallError, UsageError

NATO = "alpha|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliett|kilo|lima|mike|november|oscar|papa"
PATTERN = f"^({NATO}) came by the old harbor road at dusk, on day [0-9]{{3}}$"
"""Texts with the same first word are twins, whatever the day; all others are not."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with standin.start(slots=4, latency=0.001) as server:
        yield server.url


def spec_of(count: int, url: str = "", **text: Any) -> dict[str, Any]:
    fields = [
        {"name": "id", "type": "uuid", "unique": True},
        {"name": "text", "type": "string", "pattern": PATTERN, "unique": {"near": 0.85}} | text,
    ]
    spec: dict[str, Any] = {"dataset": {"name": "sightings", "count": count, "fields": fields}}
    if url:
        spec["model"] = {"endpoint": url, "name": "standin:latest", "concurrency": 4, "batch_size": 8}
    return spec


def texts_of(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def firsts(texts: list[str]) -> set[str]:
    return {text.split()[0] for text in texts}


def test_asked_rows_have_no_near_twins_whatever_the_workers(url: str, tmp_path: Path) -> None:
    for workers in (0, 2):
        spec = spec_of(12, url)
        report = ffgen.run(spec, tmp_path / f"{workers}.jsonl", workers=workers, cache_dir=tmp_path / f"c{workers}")
        assert report.records == 12 and report.duplicates > 0
    texts = texts_of(tmp_path / "0.jsonl")
    assert len(firsts(texts)) == 12 and NearSet(0.85).judge(texts).all()
    assert (tmp_path / "0.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    frames = pl.concat(list(ffgen.run(spec_of(12, url), cache_dir=tmp_path / "c0")))
    assert frames["text"].to_list() == texts


def test_drawn_rows_are_drawn_again_until_none_is_a_twin(tmp_path: Path) -> None:
    for workers in (0, 2):
        report = ffgen.run(spec_of(12), tmp_path / f"{workers}.jsonl", workers=workers)
        assert report.records == 12 and report.duplicates > 0
    texts = texts_of(tmp_path / "0.jsonl")
    assert len(firsts(texts)) == 12
    assert (tmp_path / "0.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    assert pl.concat(list(ffgen.run(spec_of(12))))["text"].to_list() == texts
    assert "texts alike by 0.85 or more are refused" in ffgen.describe(ffgen.plan(spec_of(12))).uniqueness


def test_several_shards_are_judged_in_order(tmp_path: Path) -> None:
    """More rows than a shard has, drawn by two workers; memory as asked for."""
    words: dict[str, Any] = {
        "generator": {"name": "template", "text": "{a} {b} {c} {d} {e}", "slots": dict.fromkeys("abcde", WORDS)}
    }
    spec = spec_of(66_000, pattern=None, unique={"near": 0.95}, **words)
    made = []
    for workers in (0, 2):
        path = tmp_path / f"{workers}.jsonl"
        report = ffgen.run(spec, path, workers=workers, dedup_memory="256MiB")
        made.append(path.read_bytes())
    assert made[0] == made[1] and report.duplicates > 0
    assert NearSet(0.95, 256 << 20).judge(texts_of(tmp_path / "0.jsonl")).all()


WORDS = [
    first + second for first in ("am", "bri", "co", "du", "el", "fla", "gro", "hi") for second in ("ver", "nt", "sk")
]


def test_more_than_there_are_is_refused_with_its_name(url: str, tmp_path: Path) -> None:
    with pytest.raises(ShortfallError, match="after 100 draws .*text"):
        ffgen.run(spec_of(17), tmp_path / "x.jsonl")
    with pytest.raises(ShortfallError):
        ffgen.run(spec_of(17, url), tmp_path / "x.jsonl", cache_dir=tmp_path)
    assert not (tmp_path / "x.jsonl").exists()


def test_validate_tells_near_twins_from_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    rest = "came by the old harbor road at dusk, on day"
    texts = [f"alpha {rest} 001", f"bravo {rest} 002", f"ALPHA {rest} 001", f"bravo {rest} 003", f"bravo {rest} 002"]
    ids = [f"00000000-0000-4000-8000-00000000000{i}" for i in range(5)]
    lines = [json.dumps({"id": each, "text": text}) for each, text in zip(ids, texts, strict=True)]
    path.write_text("\n".join(lines))
    found = ffgen.validate(spec_of(5, pattern=None), path)
    problems = [(fault.field, fault.reason, fault.count, fault.first) for fault in found.problems]
    assert problems == [("text", "near twin", 2, 3), ("", "duplicate", 1, 5)] and found.duplicates == 3


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"type": "integer", "pattern": None}, "unique", "near twins are told among texts"),
        ({"unique": {"near": 0.1}}, "unique.near", "share next to nothing"),
        ({"unique": {"near": 1.5}}, "unique.near", "1"),
        ({"pattern": None, "generator": "ulid"}, "unique", "follows from the row number"),
        ({"pattern": None, "values": ["a", "b"]}, "unique", "2 distinct values"),
    ],
)
def test_what_can_not_be_near_unique_is_found(changes: dict[str, Any], path: str, said: str) -> None:
    findings = ffgen.check(spec_of(12, **changes))
    assert any(finding.path.endswith(path) and said in finding.what for finding in findings), findings


def test_what_can_not_be_remembered_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1,000,000 texts of `text` are too many") as caught:
        ffgen.run(spec_of(1_000_000, "http://127.0.0.1:9", pattern=None), tmp_path / "x.jsonl", cache_dir=tmp_path)
    assert "--dedup-memory" in caught.value.hint and not any(tmp_path.glob("*.jsonl"))
    with pytest.raises(UsageError, match="too many"):
        next(iter(ffgen.run(spec_of(300_000, pattern=None, generator="words"))))
    slots = {"text": " ".join(f"{{{each}}}" for each in "abcdefghijkl"), "slots": dict.fromkeys("abcdefghijkl", WORDS)}
    long = spec_of(2_000, pattern=None, type="text", generator={"name": "template"} | slots)
    with pytest.raises(ShortfallError, match="near twins of `text` are found"):
        ffgen.run(long, tmp_path / "x.jsonl", dedup_memory="1MiB")
