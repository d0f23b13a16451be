"""Drawn runs that are cut short: what they make, and how to have them commit after every shard."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from tests.run.drive import Site
from tests.run.test_bytes import MEASURES, SHOP

PATCH: dict[str, Any] = {
    "ffgen.plan.tables.SHARD_ROWS": 1024,
    "ffgen.run.saving.FIRST_SECONDS": 0.0,
    "ffgen.run.saving.SECONDS_APART": 0.0,
    "ffgen.run.saving.EVERY_SECONDS": 0.0,
}
"""Small shards, and a checkpoint whenever none is under way."""

SPOILS = {"products": {"typos": {"name": 0.3}}, "orders": {"nulls": {"total": 0.1}}, "lines": {"nulls": {"price": 0.1}}}
SPOILED: dict[str, Any] = {
    **SHOP,
    "tables": [{**table, "imperfections": SPOILS.get(table["name"])} for table in SHOP["tables"]],
}
"""Several tables under each other, with labels: everything that a journal can hold."""
KINDS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "jsonl": (MEASURES, "out.jsonl", {}),
    "csv": (MEASURES, "out.csv", {}),
    "gz": (MEASURES, "out.csv.gz", {}),
    "zst": (MEASURES, "out.jsonl.zst", {}),
    "parquet": (MEASURES, "out.parquet", {}),
    "tables": (SHOP, "out/", {}),
    "labels": (SPOILED, "out/{table}.parquet", {"labels": "labels.jsonl.gz"}),
}


def options_of(site: Site, kind: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """A spec, where it goes, and what else is said."""
    source, to, options = KINDS[kind]
    if "/" in to:
        site.path("out").mkdir(exist_ok=True)
    return source, to, {name: str(site.path(value)) for name, value in options.items()}


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder that a user sees, but caches and the manifest, which has times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "cache", "state")) for part in parts):
            found["/".join(parts)] = path.read_bytes()
    return found


def leftovers(folder: Path) -> list[str]:
    """Work folders that are still there, wherever."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*.ffgen"))


def put(monkeypatch: pytest.MonkeyPatch, dotted: str, value: Any) -> None:
    """A module's name stands for something else: pytest would look for it in the function `ffgen.plan`."""
    module, _, name = dotted.rpartition(".")
    monkeypatch.setattr(importlib.import_module(module), name, value)


def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `PATCH` says, in this process."""
    for name, value in PATCH.items():
        put(monkeypatch, name, value)
