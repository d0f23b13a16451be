"""`python -m tests.sample.golden --write`: the bytes of every sampler, so that a change of them is a decision.

tests/golden/samplers.json has, for each sampler, the xxh3 of the values of its own example's last field in two
shards of 1000 rows; `unique` are those of the same field as a unique one, which takes another way.
"""

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import xxhash
import yaml
from msgspec import structs

import ffgen
from ffgen.batch import json_texts
from ffgen.errors import SpecError
from ffgen.plan.settle import layout_of
from ffgen.plan.tables import Layout, under
from ffgen.run.hand import frames_of
from ffgen.sample import SAMPLERS, resolve

PATH = Path(__file__).parents[1] / "golden" / "samplers.json"
ROWS = 1000
SHARDS = 2
SEED = 20250101
TABLE = "records"

TABLES = {
    "listed": """
- name: records
  rows: [{code: EUR, places: 2}, {code: JPY, places: 0}, {code: TND, places: 3}]
  fields: [{name: places, type: integer}, {name: code}]
""",
    "ref": """
- name: parents
  count: 600
  fields: [{name: id, type: uuid, unique: true}]
- name: records
  count: 2000
  fields: [{name: row, generator: sequence}, {name: parent_id, ref: {to: parents.id, skew: 0.8}}]
""",
    "ref, laid out": """
- name: parents
  count: 600
  fields: [{name: id, type: uuid, unique: true}]
- name: records
  fields: [{name: row, generator: sequence}, {name: parent_id, ref: {to: parents.id, min: 1, mean: 3, skew: 0.5}}]
""",
    "ref, to itself": """
- name: records
  count: 2000
  fields: [{name: id, generator: sequence, unique: true}, {name: manager_id, nullable: true, ref: records.id}]
""",
    "row_count": """
- name: parents
  count: 600
  fields: [{name: id, type: uuid, unique: true}]
- name: records
  count: 2000
  fields: [{name: row, generator: sequence}, {name: parents, generator: {name: row_count, of: parents}}]
""",
    "running_total": """
- name: records
  count: 2000
  fields:
    - name: bookings
      type: array
      items:
        type: object
        fields:
          - {name: amount, type: number, range: [-50, 100], decimals: 2}
          - {name: balance, type: number, decimals: 2, generator: {name: running_total, of: amount, start: 500}}
""",
    "total": """
- name: lines
  fields:
    - {name: order_id, ref: {to: records.id, min: 0, mean: 3}}
    - {name: price, type: number, range: [1, 99], decimals: 2}
- name: records
  count: 2000
  fields:
    - {name: id, generator: sequence, unique: true}
    - {name: total, type: number, decimals: 2, generator: {name: total, of: lines.price}}
""",
}
"""Samplers that need other tables; a comma tells a second way of one from the first."""


def spec_of(name: str) -> dict[str, Any]:
    """The spec whose table `records` has, last, a field that the sampler draws. A number tells its rows apart."""
    if name in TABLES:
        return {"tables": yaml.safe_load(TABLES[name]), "seed": SEED}
    fields = [{"name": "row", "generator": "sequence"}, *yaml.safe_load(resolve(name).example)]
    fields[-1] = {**fields[-1], "unique": False}
    return {"dataset": {"name": TABLE, "count": ROWS * SHARDS, "fields": fields}, "seed": SEED}


def with_unique(spec: dict[str, Any]) -> dict[str, Any] | None:
    """The spec with its last field unique, where that is by construction."""
    if "tables" in spec:
        return None
    *others, last = spec["dataset"]["fields"]
    made = {**spec, "dataset": {**spec["dataset"], "fields": [*others, {**last, "unique": True}]}}
    try:
        view = ffgen.describe(ffgen.plan(made))
    except SpecError:
        return None
    return made if view.tables[0].unique.get(last["name"], "").startswith("by construction") else None


def shards(spec: dict[str, Any]) -> list[pl.Series]:
    """The last field of `records`, a shard each."""
    plan = ffgen.plan(spec)
    laid: dict[str, Layout] = {}
    for layout in plan.layouts:
        table = next(table for table in plan.spec.datasets if table.name == layout.table)
        field = layout_of(table)
        ref = field.reference if field is not None else None
        own = Layout(table.name, layout.count, ROWS) if ref is None else under(table, ref, laid[ref.table], SEED)
        laid[table.name] = own
    frames = frames_of(structs.replace(plan, layouts=list(laid.values())), TABLE, 1 << 20)
    return [frame[frame.columns[-1]] for frame in frames]


def digest(column: pl.Series) -> str:
    """The xxh3 of a column's values, and its type."""
    lines = json_texts(column).fill_null("null")
    return str(xxhash.xxh3_64_hexdigest("\n".join([str(column.dtype), *lines]).encode()))


def entry(name: str) -> dict[str, Any]:
    """What stands in the file for one sampler."""
    spec = spec_of(name)
    columns = shards(spec)
    found: dict[str, Any] = {"drawn": [digest(column) for column in columns], "first": first(columns[0])}
    unique = with_unique(spec)
    return found if unique is None else found | {"unique": [digest(column) for column in shards(unique)]}


def first(column: pl.Series) -> str:
    """The first value, for who looks at a change."""
    text = json_texts(column).fill_null("null")[0]
    return str(text) if len(text) <= 60 else text[:57] + "..."


def names() -> list[str]:
    """Every entry: the samplers of the table, and second ways of some."""
    return sorted(SAMPLERS.keys() | TABLES.keys())


def main() -> int:
    """Writes the file anew."""
    if sys.argv[1:] != ["--write"]:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    found = {name: entry(name) for name in names()}
    PATH.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
