"""Pools: fields whose values a model writes once, as small tables of their own, before rows are drawn from them.

The run fills the pools, puts their values into the spec as if the user had listed them, and draws as ever. So a
million records with written language cost as many requests as the pools take, and all that holds for drawn tables
holds here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from ffgen.plan.settle import fallen_back
from ffgen.shingles import room_of
from ffgen.spec.model import Dataset, Field, Near, Pool, Spec
from ffgen.spec.types import build_type

NEAR = 0.85
"""Texts of a pool that are as alike as that are twins, unless the spec says."""
NEAR_ROOM = 12 << 20
"""Bytes that a pool's values may be reckoned to take for near twins to be refused unasked: a quarter of what there is,
for texts may be longer than usual. 13,000 texts of 160 characters."""
SHOWN = 1000
"""Values that stand for a pool while nothing has been asked, or as many as the table has rows."""

Written = Mapping[tuple[str, str, str], Sequence[str]]
"""Values by table, field and group."""


class PoolOf(Struct, frozen=True):
    """One pool to fill: the spec of its small table. `group` is a value of the `by` field, or empty."""

    table: str
    field: str
    group: str
    spec: Spec

    @property
    def key(self) -> tuple[str, str, str]:
        """What its values are found by."""
        return self.table, self.field, self.group


def pools_of(spec: Spec) -> list[PoolOf]:
    """The pools of a settled spec, one a field and group, in order."""
    found = []
    for table in spec.datasets:
        for field in fields_of_pools(table):
            pool = field.pool or Pool()
            for group in groups_of(table, pool):
                found.append(PoolOf(table.name, field.name, group, small_spec(spec, table, field, pool, group)))
    return found


def fields_of_pools(table: Dataset) -> Iterator[Field]:
    """The fields of a table that draw from pools."""
    yield from (field for field in table.fields if field.source == "pool")


def groups_of(table: Dataset, pool: Pool) -> list[str]:
    """The groups of a pool: the values of its `by` field, or one without a name."""
    if pool.by is None:
        return [""]
    by = next((field for field in table.fields if field.name == pool.by), None)
    return [str(value) for value in (by.values or [] if by is not None else [])]


def small_spec(spec: Spec, table: Dataset, field: Field, pool: Pool, group: str) -> Spec:
    """The spec by which the model writes one pool: a table of that one field, all of its values different. That the
    field keeps its `pool` is how the plan tells such a table (see `plan.tail`)."""
    threshold = twins_of(field, pool)
    asked = structs.replace(
        field,
        source=None,
        pool=pool,
        unique=True if threshold is None else Near(near=threshold),
        nullable=False,
        when=None,
        hidden=False,
        fallback=[],
    )
    domain = table.domain or table.name
    dataset = Dataset(
        name=".".join(part for part in (table.name, field.name, group) if part),
        count=pool.size,
        domain=f"{domain}, where {pool.by} is {group}" if group else domain,
        fields=[asked],
        mode="records",
    )
    return Spec(model=spec.model, dataset=dataset, seed=spec.seed)


def twins_of(field: Field, pool: Pool) -> float | None:
    """From which similarity on a pool's values are twins, of which the second is refused; None where only equal ones
    are. As the pool or the field says; else 0.85 for open text, as long as they fit into memory with certainty."""
    if pool.near is not None:
        return pool.near or None
    if field.unique or field.pattern is not None or field.type not in ("string", "text"):
        return field.near
    usual = build_type(field).widths()[0] - 2
    return NEAR if room_of(pool.size, usual, NEAR) <= NEAR_ROOM else None


def with_values(spec: Spec, written: Written) -> Spec:
    """The spec as if the user had listed the values of its pools."""
    tables = [_listed(table, written) for table in spec.datasets]
    return structs.replace(spec, tables=tables) if spec.tables else structs.replace(spec, dataset=tables[0])


def without_pools(spec: Spec, fallen: Collection[tuple[str, str]]) -> Spec:
    """The spec with some pools, by table and field, given up: the field's first fallback makes its values."""
    if not fallen:
        return spec
    tables = [
        structs.replace(table, fields=[_without(table, field, fallen) for field in table.fields])
        for table in spec.datasets
    ]
    return structs.replace(spec, tables=tables) if spec.tables else structs.replace(spec, dataset=tables[0])


def _without(table: Dataset, field: Field, fallen: Collection[tuple[str, str]]) -> Field:
    if (table.name, field.name) not in fallen:
        return field
    return structs.replace(fallen_back(field, 0), source="draw", pool=None, fallback=[])


def with_placeholders(spec: Spec) -> Spec:
    """The spec with something in each pool, to plan with."""
    shown: dict[tuple[str, str, str], list[str]] = {}
    tables = []
    for table in spec.datasets:
        plain = []
        for field in table.fields:
            if field.source == "pool":
                pool = field.pool or Pool()
                values = [f"{field.name} {number}" for number in range(min(pool.size, max(SHOWN, table.count)))]
                shown |= {(table.name, field.name, group): values for group in groups_of(table, pool)}
                field = structs.replace(field, type="string", pattern=None, length=None)
            plain.append(field)
        tables.append(structs.replace(table, fields=plain))
    held = structs.replace(spec, tables=tables) if spec.tables else structs.replace(spec, dataset=tables[0])
    return with_values(held, shown)


def _listed(table: Dataset, written: Written) -> Dataset:
    fields = []
    for field in table.fields:
        if field.source == "pool":
            pool = field.pool or Pool()
            # The pool has no near twins where there may be none; rows that take each value once have none either.
            field = structs.replace(field, source=None, pool=None, unique=bool(field.unique))
            if pool.by is None:
                field = structs.replace(field, values=list(written[table.name, field.name, ""]))
            else:
                groups = {group: list(written[table.name, field.name, group]) for group in groups_of(table, pool)}
                field = structs.replace(field, generator={"name": "given", "of": pool.by, "table": groups})
        fields.append(field)
    return structs.replace(table, fields=fields)
