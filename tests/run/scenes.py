"""Small runs of every kind, for tests that make each of them fail wherever it can: what they make, and what must be so
after a failure, and after the same command has run again."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.run.cut import PATCH, files, leftovers
from tests.run.nursery import Nursery, Outcome

EAGER: dict[str, Any] = {**PATCH, "ffgen.plan.tables.SHARD_ROWS": 32, "ffgen.admit.exact._LEAST_SLOTS": 16}
"""Shards of 32 rows, a checkpoint whenever none is under way, and a gate that needs the disk for 13 keys."""
OLD = b"what was here before\n"


def long(*values: Any) -> Any:
    """A case that is run behind `make soak` only."""
    return pytest.param(*values, marks=pytest.mark.soak)


def asked(url: str) -> dict[str, Any]:
    """Whole records by a model, many of them twice."""
    fields = [
        {"name": "name", "type": "string", "length": [3, 40]},
        {"name": "age", "type": "integer", "range": [18, 90]},
    ]
    model = {"endpoint": url, "batch_size": 8, "concurrency": 2, "retries": 9}
    return {"model": model, "dataset": {"name": "people", "count": 40, "fields": fields}}


def drawn(url: str) -> dict[str, Any]:
    """Three tables: one that the gate keeps apart, one whose columns are looked up, one under another."""
    customers = [
        {"name": "id", "type": "uuid", "unique": False},
        {"name": "city", "values": ["Lyon", "Porto"]},
        {"name": "number", "type": "integer", "range": [1, 90]},
    ]
    products = [
        {"name": "code", "type": "string", "pattern": "[A-Z]{3}[0-9]{2}"},
        {"name": "name", "generator": "words"},
    ]
    orders = [
        {"name": "id", "type": "uuid", "unique": True},
        {"name": "city", "ref": {"to": "customers.city", "mean": 2}},
        {"name": "code", "ref": {"to": "products.code", "skew": 0.8}},
        {"name": "note", "type": "string", "generator": "words", "nullable": 0.3},
    ]
    tables = [
        {"name": "products", "count": 40, "require": "code > 'B'", "unique_by": ["code"], "fields": products},
        {"name": "customers", "count": 80, "unique_by": ["city", "number"], "fields": customers},
        {"name": "orders", "fields": orders, "imperfections": {"typos": {"note": 0.3}}},
    ]
    return {"seed": 5, "tables": tables}


def hybrid(url: str) -> dict[str, Any]:
    """Rows drawn, a text of each asked for, another one from a pool."""
    fields = [
        {"name": "id", "type": "uuid", "unique": True},
        {"name": "kind", "values": ["bike", "helmet"]},
        {"name": "price", "type": "number", "range": [1, 999], "decimals": 2},
        {"name": "review", "type": "text", "length": [5, 200]},
        {"name": "answer", "type": "text", "source": "pool", "pool": {"size": 12}},
    ]
    model = {"endpoint": url, "batch_size": 8, "concurrency": 2, "retries": 9}
    return {"model": model, "dataset": {"name": "reviews", "mode": "hybrid", "count": 70, "fields": fields}}


KINDS: dict[str, tuple[Callable[[str], dict[str, Any]], str, dict[str, Any]]] = {
    "asked": (asked, "out.jsonl.gz", {"dedup_memory": 1}),
    "parts": (asked, "out/", {"format": "parquet"}),
    "drawn": (drawn, "out/", {"labels": "labels.jsonl", "dedup_memory": 1}),
    "hybrid": (hybrid, "out.parquet", {}),
}
"""A spec, where its records go, and what else is said."""
STANDIN = {"slots": 8, "duplicates": 0.2, "mention": True, "drop": 0.1}
"""What the stand-in server does to them, the same each time."""


def kept_elsewhere() -> set[str]:
    """What is no note of the ledger where ffgen keeps things: chats, crash files, what other tests left."""
    state = Path(os.environ["FFGEN_STATE_DIR"])
    return {str(path) for path in state.rglob("*") if path.is_file() and path.suffix != ".json"}


@dataclass
class Stage:
    """A folder in which a run of one kind is played, again and again."""

    kind: str
    folder: Path
    url: str
    nursery: Nursery
    calm: dict[str, bytes] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=lambda: kept_elsewhere())

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def to(self) -> str:
        return KINDS[self.kind][1]

    def play(self, points: str = "", **options: Any) -> Outcome:
        """One run."""
        make, to, said = KINDS[self.kind]
        named = {name: str(self.folder / value) if name == "labels" else value for name, value in said.items()}
        told: dict[str, Any] = {
            "workers": 0,
            "patch": EAGER,
            "cache_dir": str(self.cache),
            **named,
            **options,
        }
        path = f"{self.folder}/{to}"
        return self.nursery.run(make(self.url), path, points, **told)

    def clear(self) -> None:
        """Nothing is there but an old file, where there can be one."""
        assert leftovers(self.folder) == []
        for name in files(self.folder):
            (self.folder / name).unlink()
        for path in self.cache.glob("*"):
            path.unlink()
        there = "out/part-00001.parquet" if self.kind == "parts" else "" if self.kind == "drawn" else self.to
        if there:
            (self.folder / there).write_bytes(OLD)

    def rehearse(self) -> "Stage":
        """Plays it undisturbed, and remembers what came of it."""
        if self.kind == "drawn":
            (self.folder / "out").mkdir(exist_ok=True)
        done = self.play()
        assert done.code == 0, done
        self.calm = files(self.folder)
        assert self.calm and leftovers(self.folder) == []
        self.clear()
        return self

    def untouched(self) -> bool:
        """Whether no file is half there: each is old, or finished."""
        now = files(self.folder)
        return all(content == OLD or content == self.calm.get(name) for name, content in now.items())

    def recovers(self, **options: Any) -> Outcome:
        """The same command, undisturbed, ends with the same bytes and leaves nothing else."""
        done = self.play(**options)
        assert done.code == 0, done
        found = files(self.folder)
        assert sorted(found) == sorted(self.calm), "a file too many, or too few"
        assert found == self.calm
        assert leftovers(self.folder) == []
        self.holds()
        return done

    def holds(self) -> None:
        """No temporary file is left where ffgen keeps things, and the replies are sound."""
        assert kept_elsewhere() <= self.elsewhere
        for path in self.cache.glob("*.sqlite3"):
            with sqlite3.connect(path) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            db.close()


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]
