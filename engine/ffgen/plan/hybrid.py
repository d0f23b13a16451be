"""Hybrid tables: rows that are drawn, of which a model writes some fields, given the others of the same row.

The model is asked before the rows are drawn: the drawn part of every row is fixed, so it can be drawn to ask with and
drawn again to write, and what the model wrote stands in for a sampler (`sample.kept`). So all that holds for drawn
tables holds here. A request shows the drawn values of some rows, numbered; each row that comes back says its number
and echoes a mark made of those values, and is used only where both agree.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import polars as pl
from msgspec import structs

from ffgen.ask.paired import Known
from ffgen.ask.prompt import CHARS_PER_TOKEN
from ffgen.plan.compile import Plan, budget, compile_plan
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.plan.settle import fallen_back
from ffgen.plan.shards import Shards
from ffgen.sample.base import Sampler, Scope
from ffgen.sample.build import build_sampler
from ffgen.sample.cases import bind_field
from ffgen.spec.model import Dataset, Field, Model, Spec
from ffgen.spec.types import Problem
from ffgen.spec.types.nested import one_line

BATCH_ROWS = 16
"""Rows a request of a hybrid table asks for, unless the spec says: the drawn values cost tokens, too."""
WIDEST = 200
"""Characters of a mark."""
LONGEST_PART = 40
LONGEST = 400
"""Characters of a drawn text that a model is shown."""
MUTE = frozenset({"uuid", "ipv4"})
"""Types whose values tell a model nothing."""
MUTE_GENERATORS = frozenset(
    {"uuid4", "uuid7", "ulid", "sequence", "hash", "mac", "ipv4", "ipv6", "card", "iban", "imei", "user_agent"}
)


def asked_fields(table: Dataset) -> list[Field]:
    """The fields of a settled table that a model writes for each row."""
    return [field for field in table.fields if field.source == "ask"]


def asked_tables(spec: Spec) -> list[Dataset]:
    """The tables of a settled spec that have such fields."""
    return [table for table in spec.datasets if asked_fields(table)]


def tables_read(tables: Iterable[Dataset], names: Iterable[str]) -> list[str]:
    """These tables and all that their rows read, be it by way of others: what they refer to, what they total."""
    found, by_name = list(names), {table.name: table for table in tables}
    for name in found:
        read = {other for field in by_name[name].fields for other in read_by(field)}
        found += sorted((read & by_name.keys()) - set(found))
    return found


def read_by(field: Field) -> Iterator[str]:
    """The tables that a field names, be it in a case or inside an object."""
    if field.reference is not None:
        yield field.reference.table
    for generator in (field.generator, *(case.generator for case in field.cases or [])):
        if isinstance(generator, dict):
            yield str(generator.get("of", "")).partition(".")[0]
    for inner in [*(field.fields or []), *([field.items] if field.items is not None else [])]:
        yield from read_by(inner)


def paired_names(table: Dataset) -> tuple[str, str]:
    """What the row's number and its mark are called in a reply: not as any field."""
    taken = {field.name for field in table.fields}
    free = [next(name for name in (base, base + "_", base + "__") if name not in taken) for base in ("row", "echo")]
    return free[0], free[1]


def paired_spec(spec: Spec, table: Dataset, count: int) -> Spec:
    """The spec of the small asked table: the row's number, its mark, and what the model writes."""
    number, mark = paired_names(table)
    keys = [
        Field(name=number, type="integer", range=[1, rows_of(spec.model)], description="the number of the given row"),
        Field(name=mark, type="string", length=[1, WIDEST], description="copied from the given row"),
    ]
    dataset = Dataset(
        name=table.name,
        count=max(count, 1),
        domain=table.domain or table.name,
        fields=[*keys, *(bare(field) for field in asked_fields(table))],
        unique_by=[number],
        mode="records",
    )
    model = None if spec.model is None else structs.replace(spec.model, batch_size=rows_of(spec.model))
    return Spec(model=model, dataset=dataset, seed=spec.seed)


def rows_of(model: Model | None) -> int:
    """Rows of one request."""
    return BATCH_ROWS if model is None or model.batch_size is None else model.batch_size


def bare(field: Field) -> Field:
    """An asked field as the model is told of it: whether a row has the value at all is drawn."""
    return structs.replace(
        field, source=None, unique=False, nullable=False, when=None, hidden=False, fallback=[], format=None
    )


def expected_rows(table: Dataset, count: int) -> int:
    """About how many of so many rows a model is asked for: those in which any asked value is there. What a `when`
    leaves out isn't known before rows are drawn."""
    return max(1, round(count * (1 - math.prod(field.null_share for field in asked_fields(table)))))


def shards_of(spec: Spec, table: str, rows: int) -> Shards:
    """How the rows of a table are cut into requests."""
    return Shards(rows, rows_of(spec.model), spec.seed, f"{table}/asked")


def shown_fields(recipe: Recipe) -> list[str]:
    """The drawn fields that a model is given: what is known before it answers and means something to it."""
    return [
        each.name
        for each in recipe.dataset.fields
        if each.name not in recipe.written_on
        and each.name not in recipe.afterwards
        and each.type not in MUTE
        and recipe.generators[each.name] not in MUTE_GENERATORS
    ]


def known_of(recipe: Recipe) -> Known:
    """What a model is told of a table's rows once: the drawn fields that it is given, and what its texts must obey."""
    about = {each.name: one_line(each.description or "") for each in recipe.dataset.fields}
    fields = [f"{name} ({about[name]})" if about[name] else name for name in shown_fields(recipe)]
    told = {*shown_fields(recipe), *recipe.asked}
    return Known(fields, [each.text for each in recipe.held_back.requires if each.columns <= told])


def paired_plan(plan: Plan, recipe: Recipe, count: int, first: pl.DataFrame) -> Plan:
    """The plan by which a model is asked for its part of `count` rows of a table. The context has room for what it is
    given, by the widest row of the `first` shard: a spec tells little of how long drawn texts are."""
    table = recipe.dataset
    small = compile_plan(paired_spec(plan.spec, table, count))
    shards = shards_of(plan.spec, table.name, count)
    given = width_of(first, recipe)
    context = small.context + int(shards.batch_size * (given + min(given, WIDEST)) / CHARS_PER_TOKEN)
    return structs.replace(
        small,
        shards=shards,
        spec_hash=plan.spec_hash,
        max_asks=budget(shards, plan.asks),
        context=-(-context // 1024) * 1024,
    )


def width_of(rows: pl.DataFrame, recipe: Recipe) -> int:
    """Bytes of the widest of some rows, as a model is shown them."""
    widths = []
    for name in shown_fields(recipe):
        if rows.schema[name] == pl.String:
            widths.append(pl.col(name).str.slice(0, LONGEST).str.len_bytes().cast(pl.Int64).fill_null(4) + 3)
        else:
            widths.append(pl.lit(recipe.kinds[name].widths()[1] + 1, dtype=pl.Int64))
    return int(rows.select(pl.sum_horizontal(widths).max()).item() or 0) if widths else 0


def fallbacks(recipes: Recipes, table: str) -> dict[str, list[Sampler]]:
    """For each asked field, the samplers that make its value where the model can't, in order."""
    recipe = recipes.recipes[table]
    return {
        field.name: [bound_fallback(recipes, recipe, field, k) for k in range(len(field.fallback))]
        for field in asked_fields(recipe.dataset)
    }


def bound_fallback(recipes: Recipes, recipe: Recipe, field: Field, k: int) -> Sampler:
    """One fallback of a field; raises `Problem`."""
    names = [each.name for each in recipe.dataset.fields]
    scope = Scope(
        recipe.dataset,
        recipe.seed,
        build_sampler,
        path=f"{field.name}/fallback/{k}",
        names=names,
        count=recipe.count,
        lookup=recipes,
    )
    made = structs.replace(bare(fallen_back(field, k)), cases=None)
    sampler = bind_field(made, scope)
    for name in sampler.reads:
        if name not in recipe.samplers or name in recipe.written_on:
            raise Problem("generator", f"reads `{name}`, which is no drawn field.", "Read drawn fields of the row.")
    return sampler


def fallback_problems(recipes: Recipes, table: str) -> Iterator[tuple[tuple[str | int, ...], Problem]]:
    """What is wrong with the fallbacks of a table, by path in it."""
    recipe = recipes.recipes[table]
    for i, field in enumerate(recipe.dataset.fields):
        for k in range(len(field.fallback) if field.source in ("ask", "pool") else 0):
            try:
                bound_fallback(recipes, recipe, field, k)
            except Problem as problem:
                yield ("fields", i, "fallback", k), problem


def mark_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """A mark for each row of a request: the values that tell these rows apart in the fewest characters.

    `rows` are the shown values as text. One field where one will do, else several, joined, as far as 200 characters
    go; rows that are alike in all of them have the same mark, and may be exchanged without harm.

    >>> mark_of([["bike", "red"], ["car", "red"]])
    ['bike', 'car']
    >>> mark_of([["bike", "red"], ["bike", "blue"], ["car", "red"]])
    ['red / bike', 'blue / bike', 'red / car']
    """
    said = [(max(map(len, column)) > LONGEST_PART, [*map(shortened, column)]) for column in zip(*rows, strict=True)]
    said.sort(key=lambda each: (each[0], -len(set(each[1])), sum(map(len, each[1]))))
    columns = [column for _, column in said]
    chosen = columns[:1]
    marks = chosen[0] if chosen else ["-"] * len(rows)
    kinds = len(set(marks))
    for column in columns[1:]:
        longer = [" / ".join(parts) for parts in zip(marks, column, strict=True)]
        if kinds < len(set(longer)) and max(map(len, longer)) <= WIDEST:
            marks, kinds = longer, len(set(longer))
    return marks


def shortened(text: str) -> str:
    """A value as a part of a mark: not all of a long one, and a dash for none."""
    return text[:LONGEST_PART].rstrip() or "-"
