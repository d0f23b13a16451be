"""What a plan will cost, told before anything runs."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct, structs

from ffgen.ask.prompt import Prompts
from ffgen.errors import Finding
from ffgen.plan.apart import twin_words
from ffgen.plan.capacity import capacity_of
from ffgen.plan.compile import Plan, compile_plan
from ffgen.plan.hybrid import asked_tables, expected_rows, paired_spec
from ffgen.plan.pools import fields_of_pools, pools_of, with_placeholders
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.plan.tables import Layout
from ffgen.plan.ways import TOKENS_PER_SECOND, Cost, Way, reckon_rows
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import ValueType, build_type, build_types
from ffgen.spec.types.nested import describe
from ffgen.spec.types.text import Text

CELLS_PER_SECOND = 6e6
"""Values that one core draws and encodes in a second, about."""


class FieldView(Struct, frozen=True, kw_only=True):
    """One field in the plan's words."""

    name: str
    type: str
    made_by: str
    constraints: str


class TableView(Struct, frozen=True, kw_only=True):
    """One table of a drawn plan. `unique` says, for each key, what makes it unique; `laid_out` whose rows its own
    stand under."""

    name: str
    count: int
    shards: int
    laid_out: str
    fields: list[FieldView]
    unique: dict[str, str]
    capacity: int | None
    capacity_note: str
    bytes: int


class PlanView(Struct, frozen=True, kw_only=True):
    """A plan as people and programs read it. Tokens and seconds are estimates for a model that errs never."""

    schema_version: int = 1
    dataset: str
    count: int
    seed: int
    spec_hash: str
    fields: list[FieldView]
    unique_by: list[str]
    uniqueness: str
    capacity: int | None
    capacity_note: str
    model: str
    endpoints: list[str]
    batch_size: int
    concurrency: int | str
    shards: int
    requests: int
    max_asks: int
    tokens_in: int
    tokens_out: int
    money: float | None
    seconds: float | None
    bytes: int
    findings: list[Finding]
    mode: str = "records"
    tables: list[TableView] = []
    ways: list[Way] = []
    """The three ways in which a model could write this spec's language, where it has any."""


def view_plan(plan: Plan, findings: list[Finding]) -> PlanView:
    """The plan in numbers and words."""
    if plan.is_drawn:
        return view_drawn(plan, findings)
    dataset, model = plan.dataset, plan.model
    types = build_types(dataset.fields)
    prompts = Prompts(dataset, types, model.reply, model.max_tokens)
    capacity = capacity_of(dataset, types)
    requests = plan.shards.base
    tokens_in = requests * prompts.tokens_of_prompt()
    tokens_out = int(dataset.count * prompts.tokens_per_row())
    slots = (2 if model.concurrency == "auto" else model.concurrency) * len(plan.endpoints)
    return PlanView(
        dataset=dataset.name,
        count=dataset.count,
        seed=plan.spec.seed,
        spec_hash=plan.spec_hash,
        fields=[view_field(kind) for kind in types],
        unique_by=dataset.unique_by or [field.name for field in dataset.fields],
        uniqueness=uniqueness(plan),
        capacity=capacity.allowed,
        capacity_note=capacity.note,
        model=model.name or "the one that the server has",
        endpoints=plan.endpoints,
        batch_size=plan.shards.batch_size,
        concurrency=model.concurrency,
        shards=plan.shards.base,
        requests=requests,
        max_asks=plan.max_asks,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        money=money(model.price, tokens_in, tokens_out),
        seconds=tokens_out / TOKENS_PER_SECOND / slots,
        bytes=int(dataset.count * prompts.bytes_per_row()),
        findings=findings,
    )


def view_drawn(plan: Plan, findings: list[Finding]) -> PlanView:
    """A plan in which nobody is asked."""
    recipes = Recipes(with_placeholders(plan.spec), plan.layouts)
    pools = [view_plan(compile_plan(pool.spec, plan.asks), []) for pool in pools_of(plan.spec)]
    pools += [view_rows(plan, table) for table in asked_tables(plan.spec)]
    pooled = {table.name: {field.name: field for field in fields_of_pools(table)} for table in plan.spec.datasets}
    tables = [view_table(recipes.recipes[layout.table], layout, pooled[layout.table]) for layout in plan.layouts]
    first = next(table for table in tables if table.name == plan.dataset.name)
    return PlanView(
        dataset=first.name,
        count=sum(table.count for table in tables),
        seed=plan.spec.seed,
        spec_hash=plan.spec_hash,
        fields=first.fields,
        unique_by=plan.dataset.unique_by or [],
        uniqueness="; ".join(f"{key}: {how}" for key, how in first.unique.items()),
        capacity=first.capacity,
        capacity_note=first.capacity_note,
        model=pools[0].model if pools else "",
        endpoints=pools[0].endpoints if pools else [],
        batch_size=pools[0].batch_size if pools else 0,
        concurrency=pools[0].concurrency if pools else 0,
        shards=sum(table.shards for table in tables),
        requests=sum(pool.requests for pool in pools),
        max_asks=sum(pool.max_asks for pool in pools),
        tokens_in=sum(pool.tokens_in for pool in pools),
        tokens_out=sum(pool.tokens_out for pool in pools),
        money=sum(pool.money for pool in pools if pool.money is not None) if any(p.money for p in pools) else None,
        seconds=sum(pool.seconds or 0.0 for pool in pools)
        + sum(table.count * len(table.fields) for table in tables) / CELLS_PER_SECOND,
        bytes=sum(table.bytes for table in tables),
        findings=findings,
        mode="hybrid" if pools else "local",
        tables=tables,
    )


def view_rows(plan: Plan, table: Dataset) -> PlanView:
    """What asking for the rows of a hybrid table takes."""
    count = next(layout.count for layout in plan.layouts if layout.table == table.name)
    small = compile_plan(paired_spec(plan.spec, table, expected_rows(table, count)), plan.asks)
    cost = Cost([])
    reckon_rows(cost, plan.spec, table, count)
    price = money(small.model.price, cost.tokens_in, cost.tokens_out)
    return structs.replace(view_plan(small, []), tokens_in=cost.tokens_in, tokens_out=cost.tokens_out, money=price)


def view_table(recipe: Recipe, layout: Layout, pooled: Mapping[str, Field]) -> TableView:
    """One drawn table in words."""
    kinds = recipe.kinds
    width = sum(len(name) + 4 + _width(kinds[name]) for name in recipe.written) + 2
    fields = []
    for name, kind in kinds.items():
        view = view_drawn_field(recipe, name, pooled)
        hidden = ", not written" * kind.field.hidden
        fields.append(structs.replace(view, constraints=view.constraints + hidden))
    return TableView(
        name=layout.table,
        count=layout.count,
        shards=layout.shards,
        laid_out=layout.parent,
        fields=fields,
        unique=recipe.how,
        capacity=recipe.capacity.allowed,
        capacity_note=recipe.capacity.note,
        bytes=layout.count * width,
    )


def _width(kind: ValueType) -> int:
    """Bytes that a value usually takes, by its pattern where it has one."""
    usual = kind.widths()[0]
    if not isinstance(kind, Text) or kind.field.values or not kind.field.pattern:
        return usual
    language = kind.language()
    lengths = language.lengths(kind.low or 0, kind.high) if language else {}
    return round(sum(one * weight for one, weight in lengths.items()) / sum(lengths.values())) + 2 if lengths else usual


def maker_of(recipe: Recipe, name: str, pooled: Collection[str]) -> str:
    """Who makes a field of a drawn table, in a word: the model row by row, it once for a pool, or a generator."""
    if name in pooled:
        return "pool"
    return "model" if recipe.samplers[name].field.source == "ask" else recipe.generators[name]


def view_drawn_field(recipe: Recipe, name: str, pooled: Mapping[str, Field]) -> FieldView:
    """One field of a drawn table in words. `pooled` has the fields that draw from pools, as the spec has them."""
    kind = recipe.samplers[name].kind
    constraints = describe(build_type(pooled[name]) if name in pooled else kind)
    return FieldView(name=name, type=kind.field.type, made_by=maker_of(recipe, name, pooled), constraints=constraints)


def view_field(kind: ValueType) -> FieldView:
    """One field in words, made by the model."""
    constraints = describe(kind)
    return FieldView(name=kind.field.name, type=kind.field.type, made_by="model", constraints=constraints)


def uniqueness(plan: Plan) -> str:
    """How it is made sure that no two records are alike."""
    dataset = plan.dataset
    unique = [field.name for field in dataset.fields if field.unique]
    ids = [field.name for field in dataset.fields if field.type == "uuid" or field.unique]
    words = "the gate compares xxh3-64 hashes of " + (
        f"the fields {', '.join(dataset.unique_by)}" if dataset.unique_by else "whole records"
    )
    if unique:
        words += f", and of each value of {', '.join(unique)}"
    for kind in build_types(dataset.fields):
        if kind.field.near is not None:
            words += f"; of {kind.field.name}, {twin_words(kind.field.near, dataset.count, kind)}"
    if ids and not dataset.unique_by and len(ids) < len(dataset.fields):
        apart = f"{ids[0]} keeps" if len(ids) == 1 else f"{' and '.join(ids)} keep"
        words += f"; only {apart} records apart, the other fields may repeat together"
    return words


def money(price: Any, tokens_in: int, tokens_out: int) -> float | None:
    """What so many tokens cost at `model.price`, per million; None when no price is set."""
    if price is None:
        return None
    return float(tokens_in * price.input + tokens_out * price.output) / 1e6
