"""Does a schema that nobody tuned for cost what its fields cost?

Five schemas are drawn by a seed from the table of samplers, each a handful of the examples that samplers carry in
their manual page; the sixth is the reference of `bench.draw` with every field renamed, in another order and with a
field more. What a field costs by itself is told by a table of a sequence and that field (an example that needs other
fields comes with them), less a table of the sequence alone. A schema may cost 1.3 times the sum of its fields.

CPU time of inline runs that write JSON Lines to nowhere, in one process with one polars thread, as the slope between
one shard and five, the least of three turns.
"""

import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

import ffgen
from bench import rounds, whole
from bench.compare import Figure
from bench.draw import SPEC
from ffgen.posix import keep_memory
from ffgen.sample import SAMPLERS, resolve

SEED = 3
SCHEMAS, EXAMPLES = 5, 8
SHARD = 1 << 16
SIZES = (SHARD, 5 * SHARD)
TURNS = 3
LIMIT = 1.3
KEY: dict[str, Any] = {"name": "row_number", "type": "integer", "unique": True, "generator": "sequence"}

Fields = list[dict[str, Any]]


def measure(folder: Path, quick: bool) -> list[Figure]:
    """A ratio a schema; about a minute."""
    schemas = {f"drawn{i}": groups for i, groups in enumerate(drawn(SEED, 2 if quick else SCHEMAS))}
    schemas["reference"] = disguised(yaml.safe_load(SPEC.read_text())["dataset"]["fields"], SEED)
    parts = [KEY_ALONE, *{text(group): group for groups in schemas.values() for group in groups}.values()]
    wholes = [joined(groups) for groups in schemas.values()]
    costs = cost([*map(with_key, parts), *map(with_key, wholes)], folder, 1 if quick else TURNS)
    base, *alone = costs[: len(parts)]
    own = {text(group): spent - base for group, spent in zip(parts[1:], alone, strict=True)}
    return [
        figure(name, spent, base, {group[-1]["name"]: own[text(group)] for group in schemas[name]})
        for name, spent in zip(schemas, costs[len(parts) :], strict=True)
    ]


KEY_ALONE: Fields = []


def figure(name: str, spent: float, base: float, own: Mapping[str, float]) -> Figure:
    """A schema's cost over the sum of what its fields cost, in seconds a row."""
    total = base + sum(own.values())
    dearest = max(own, key=lambda field: own[field])
    note = f"{spent * 1e9:,.0f} ns a row, its {len(own)} parts {total * 1e9:,.0f} ({dearest} {own[dearest] * 1e9:,.0f})"
    return Figure(name=f"schemas.{name}", value=spent / total, better="lower", limit=LIMIT, note=note)


def drawn(seed: int, count: int) -> list[list[Fields]]:
    """Schemas as groups of fields, an example each. One whose names are taken, or that needs another table, is passed
    over, and so is one with which the whole would not be a good spec."""
    chance = random.Random(seed)
    schemas = []
    for _ in range(count):
        groups: list[Fields] = []
        for name in chance.sample(sorted(SAMPLERS), len(SAMPLERS)):
            group = example(name)
            if len(groups) < EXAMPLES and fits(groups, group):
                groups.append(group)
        schemas.append(groups)
    return schemas


def example(sampler: str) -> Fields:
    """The fields of a sampler's example."""
    fields: Fields = yaml.safe_load(resolve(sampler).example) or []
    return fields


def fits(groups: Sequence[Fields], group: Fields) -> bool:
    """Whether a group can join others: by itself it makes a good table, and with them, too."""
    taken = {field["name"] for known in groups for field in known}
    if not group or taken & {field["name"] for field in group}:
        return False
    return is_good(with_key(group)) and is_good(with_key(joined([*groups, group])))


def disguised(fields: Fields, seed: int) -> list[Fields]:
    """Fields, each a group: renamed, in another order, and one more. References between them are not followed."""
    added = {"name": "z_score", "type": "number", "range": [0, 100], "decimals": 1}
    others = [field | {"name": f"c{number}_{field['name'][::-1]}"} for number, field in enumerate(fields)] + [added]
    random.Random(seed).shuffle(others)
    return [[field] for field in others]


def joined(groups: Sequence[Fields]) -> Fields:
    """All fields of some groups."""
    return [field for group in groups for field in group]


def with_key(fields: Fields) -> dict[str, Any]:
    """A spec of these fields whose rows a sequence tells apart."""
    return {"dataset": {"name": "made", "count": SIZES[1], "fields": [KEY, *fields]}}


def is_good(spec: dict[str, Any]) -> bool:
    """Whether a spec has no error."""
    return not any(finding.severity == "error" for finding in ffgen.check(spec))


def text(fields: Fields) -> bytes:
    """The same bytes for the same fields."""
    return msgspec.json.encode(fields)


def cost(specs: Sequence[dict[str, Any]], folder: Path, turns: int) -> list[float]:
    """Seconds of CPU a row of each spec, measured in a process of their own."""
    given, found = folder / "specs.json", folder / "costs.json"
    given.write_bytes(msgspec.json.encode(specs))
    line = [sys.executable, "-m", "bench.schemas", str(given), str(found), str(turns)]
    whole.spend(line, str(folder), POLARS_MAX_THREADS="1")
    return msgspec.json.decode(found.read_bytes(), type=list[float])


def main(given: str, found: str, turns: str) -> None:
    """The child's part of `cost`. Keeps memory and has one polars thread, as a worker of a run does."""
    keep_memory()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    specs = msgspec.json.decode(Path(given).read_bytes(), type=list[dict[str, Any]])
    least = [[float("inf")] * len(SIZES) for _ in specs]
    for _ in range(int(turns)):
        for times, spec in zip(least, specs, strict=True):
            for i, rows in enumerate(SIZES):
                times[i] = min(times[i], timed(spec, rows))
    slopes = [(large - small) / (SIZES[1] - SIZES[0]) for small, large in least]
    Path(found).write_bytes(msgspec.json.encode(slopes))


def timed(spec: dict[str, Any], rows: int) -> float:
    """Seconds of CPU of one inline run."""
    began = time.process_time()
    ffgen.run(spec, "-", assign={"dataset.count": rows}, format="jsonl", workers=0)
    return time.process_time() - began


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1].endswith(".json"):
        main(*sys.argv[1:])
    else:
        sys.exit(rounds.main({"schemas": measure}, about=__doc__))
