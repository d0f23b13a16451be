"""What one spec would take in each of the three ways in which a model can write its language: side by side."""

from collections.abc import Callable

from msgspec import Struct, structs

from ffgen.ask.paired import Known, PairedPrompts
from ffgen.ask.prompt import Prompts
from ffgen.errors import FfgenError
from ffgen.plan.compile import Plan, compile_plan, endpoints_of
from ffgen.plan.hybrid import MUTE, asked_fields, expected_rows, paired_spec
from ffgen.plan.pools import pools_of
from ffgen.plan.settle import needs_language, settle
from ffgen.spec.model import Dataset, Field, Pool, Spec
from ffgen.spec.types import build_types

TOKENS_PER_SECOND = 50.0
"""Output of one slot of a local 8B model on a small GPU."""
POOL = 5000
"""Values of a pool where the spec names no size."""


class Way(Struct, frozen=True, kw_only=True):
    """One way, and what it takes of a model that errs never. `fields` are what the model writes; `chosen`: it is the
    spec's own."""

    mode: str
    chosen: bool
    fields: list[str]
    requests: int
    tokens_in: int
    tokens_out: int
    seconds: float


def ways_of(spec: Spec) -> list[Way]:
    """The ways of a spec that names a model: whole records, rows, pools. Those that can't be are left out; none where
    nothing in it needs language."""
    spec = settle(spec)
    if spec.model is None or not endpoints_of(spec.model) or not any(map(language_of, spec.datasets)):
        return []
    found: list[Way] = []
    for mode, reckon in (("records", records), ("hybrid", rows), ("pool", pools)):
        way = tried(reckon, spec, mode)
        if way is not None:
            found.append(way)
    return found


def tried(reckon: Callable[[Spec], "Cost | None"], spec: Spec, mode: str) -> Way | None:
    """One way, None where the spec can't go it."""
    try:
        cost = reckon(spec)
    except (FfgenError, ValueError):
        return None
    if cost is None:
        return None
    assert spec.model is not None
    slots = (2 if spec.model.concurrency == "auto" else spec.model.concurrency) * len(endpoints_of(spec.model))
    return Way(
        mode=mode,
        chosen=mode == way_of(spec),
        fields=cost.fields,
        requests=cost.requests,
        tokens_in=cost.tokens_in,
        tokens_out=cost.tokens_out,
        seconds=cost.tokens_out / TOKENS_PER_SECOND / slots,
    )


class Cost(Struct):
    """Added up over tables."""

    fields: list[str]
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


def way_of(spec: Spec) -> str:
    """The way that a settled spec goes."""
    sources = {field.source for table in spec.datasets for field in table.fields}
    return "hybrid" if "ask" in sources else "pool" if "pool" in sources else "records"


def language_of(table: Dataset) -> list[Field]:
    """The fields whose values a model is to write."""
    written = [field for field in table.fields if field.source in ("ask", "pool")]
    return written or [field for field in table.fields if needs_language(field, table)]


def records(spec: Spec) -> Cost | None:
    """Whole records: one table, every field of which a model can be told."""
    if spec.tables or spec.dataset is None:
        return None
    keep = ("name", "type", "description", "range", "values", "pattern", "length", "format", "decimals", "nullable")
    fields = [
        Field(**{key: getattr(field, key) for key in keep}, fields=field.fields, items=field.items)
        for field in spec.dataset.fields
        if not field.hidden
    ]
    dataset = Dataset(name=spec.dataset.name, count=spec.dataset.count, domain=spec.dataset.domain, fields=fields)
    plan = compile_plan(Spec(model=spec.model, dataset=structs.replace(dataset, mode="records"), seed=spec.seed))
    return add(Cost([field.name for field in fields]), plan)


def add(cost: Cost, plan: Plan) -> Cost:
    """Adds what an asked plan takes."""
    model = plan.model
    prompts = Prompts(plan.dataset, build_types(plan.dataset.fields), model.reply, model.max_tokens)
    cost.requests += plan.shards.base
    cost.tokens_in += plan.shards.base * prompts.tokens_of_prompt()
    cost.tokens_out += int(plan.dataset.count * prompts.tokens_per_row())
    return cost


def rows(spec: Spec) -> Cost:
    """The fields that need language, for each row."""
    cost = Cost([])
    for table, count in counted(spec):
        written = [field.name for field in language_of(table)]
        if not written:
            continue
        fields = [
            structs.replace(field, source="ask", pool=None) if field.name in written else field
            for field in table.fields
        ]
        reckon_rows(cost, spec, structs.replace(table, fields=fields), count)
        cost.fields += written
    return cost


def reckon_rows(cost: Cost, spec: Spec, table: Dataset, count: int) -> None:
    """Adds what the asked fields of a table take."""
    count = expected_rows(table, count)
    plan = compile_plan(paired_spec(spec, table, count))
    types = build_types(plan.dataset.fields)
    asked = {field.name for field in asked_fields(table)}
    shown = [field for field in table.fields if field.name not in asked and field.type not in MUTE]
    known = Known([field.name for field in shown])
    prompts = PairedPrompts(plan.dataset, types, plan.model.reply, plan.model.max_tokens, known)
    width = sum(kind.widths()[0] + 1 for kind in build_types(shown))
    cost.requests += plan.shards.base
    cost.tokens_in += plan.shards.base * prompts.tokens_of_prompt() + int(count * prompts.tokens_given(width))
    cost.tokens_out += int(count * prompts.tokens_per_row())


def pools(spec: Spec) -> Cost:
    """The fields that need language, once for all rows."""
    cost = Cost([])
    tables = []
    for table, count in counted(spec):
        written = {field.name for field in language_of(table) if field.type in ("string", "text")}
        fields = [pooled(field, count) if field.name in written else field for field in table.fields]
        tables.append(structs.replace(table, fields=fields))
        cost.fields += [field.name for field in fields if field.name in written]
    for pool in pools_of(structs.replace(spec, dataset=None, tables=tables)):
        add(cost, compile_plan(pool.spec))
    return cost


def pooled(field: Field, count: int) -> Field:
    """The field as one that draws from a pool."""
    pool = field.pool or Pool(size=max(1, min(count, POOL)))
    return structs.replace(field, source="pool", pool=pool, min_score=0.0, fallback=[])


def counted(spec: Spec) -> list[tuple[Dataset, int]]:
    """The tables, with how many rows each has: a table under another as many as the plan counts."""
    if all(table.count for table in spec.datasets):
        return [(table, table.count) for table in spec.datasets]
    drawn = structs.replace(spec, tables=[structs.replace(t, mode="hybrid") for t in spec.datasets], dataset=None)
    counts = {layout.table: layout.count for layout in compile_plan(drawn).layouts}
    return [(table, counts[table.name]) for table in spec.datasets]
