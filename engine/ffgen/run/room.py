"""Whether what a run must remember can fit, before anything is asked or drawn."""

import math

from ffgen.admit.gate import NEAR_SHARE, near_memory
from ffgen.errors import UsageError
from ffgen.plan.compile import Plan
from ffgen.plan.pools import pools_of
from ffgen.shingles import room_of
from ffgen.spec.model import Field
from ffgen.spec.types import build_type

_MIB = 1 << 20
_LEAST = 0.8
"""Of what is reckoned, for texts that repeat themselves have fewer shingles than characters."""


def check_room(plan: Plan, memory: int) -> None:
    """UsageError where the near-unique texts of a table can't all be remembered in a gate's memory, not even if every
    one is as short as it may be. What passes may still turn out too long: then the gate says so."""
    tables = [(table, table.count) for table in plan.spec.datasets]
    tables += [(pool.spec.datasets[0], pool.spec.datasets[0].count) for pool in pools_of(plan.spec)]
    for dataset, count in tables:
        fields = [field for field in dataset.fields if field.near is not None and is_of_table(field)]
        for field in fields:
            if _LEAST * least_room(field, count) > near_memory(memory, len(fields)):
                raise _too_many(field, count, memory, len(fields))


def is_of_table(field: Field) -> bool:
    """Whether every row of the table has a text of its own in this field: not one of a pool, which is checked by
    itself, nor one that the model is asked for in some rows only."""
    return field.source in (None, "draw") or (field.source == "ask" and not field.may_be_null)


def least_room(field: Field, count: int) -> int:
    """Bytes that the shortest texts of a near-unique field take."""
    kind = build_type(field)
    return room_of(count, getattr(kind, "low", None) or 1, field.near or 1.0)


def _too_many(field: Field, count: int, memory: int, fields: int) -> UsageError:
    share = near_memory(memory, fields)
    threshold = field.near or 1.0
    usual = build_type(field).widths()[0] - 2
    fit = int(count * share / room_of(count, usual, threshold))
    what = f"{count:,} texts of `{field.name}` are too many to find near twins in: {fit:,} or so fit into "
    what += f"{share / _MIB:.1f} MiB."
    need = math.ceil(room_of(count, usual, threshold) * fields / NEAR_SHARE / _MIB)
    hint = f"Give them more (--dedup-memory {need}MiB), lower count, or say `unique: true`."
    return UsageError(what, hint=hint)
