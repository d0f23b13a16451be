"""Spec to plan, and every finding about the spec on the way."""

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
import polars as pl
import xxhash
from msgspec import Struct, structs, to_builtins

from ffgen.ask.address import base_url
from ffgen.ask.ollama import Ollama
from ffgen.ask.openai import OpenAI
from ffgen.ask.prompt import Prompts
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.expr import ExpressionError, check_types, parse
from ffgen.plan.capacity import capacity_of, shortfall
from ffgen.plan.recipe import Recipes
from ffgen.plan.settle import settle
from ffgen.plan.shards import BATCH_SIZE, Shards
from ffgen.plan.tables import SHARD_ROWS, Layout, layouts
from ffgen.sample.plugins import digest
from ffgen.sink import format_of
from ffgen.spec.duration import seconds
from ffgen.spec.load import Document
from ffgen.spec.model import Dataset, Field, Model, Output, Spec
from ffgen.spec.record import requirements
from ffgen.spec.types import TYPES, Problem, ValueType, build_type, build_types
from ffgen.spec.types.base import Unfit
from ffgen.spec.types.nested import coerce_cell

EMBEDDED = "embedded"
ASKS_FACTOR = 5.0
"""Asks that a run may take, as a multiple of what a perfect model would need, unless the user says."""

MOST_ASKS = 1_000_000
TABLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")

Path = tuple[str | int, ...]


class Plan(Struct, frozen=True):
    """What will be done. A value: the same spec and settings give the same plan in every process.

    `max_asks` bounds replies of the whole run, kept ones included; `context` is the model's context per request
    in tokens, one number for the whole run. A drawn plan has `layouts` instead, in the order in which tables are
    made; its `spec` has every count written out.
    """

    spec: Spec
    shards: Shards
    max_asks: int
    context: int
    spec_hash: str
    layouts: list[Layout] = []

    @property
    def is_drawn(self) -> bool:
        """Whether everything is drawn here and no model is asked."""
        return bool(self.layouts)

    @property
    def dataset(self) -> Dataset:
        """The dataset wanted; the first, where there are several tables."""
        return self.spec.datasets[0]

    @property
    def model(self) -> Model:
        """The model that is asked."""
        assert self.spec.model is not None
        return self.spec.model

    @property
    def endpoints(self) -> list[str]:
        """The endpoints named, in order, each once: its `concurrency` is what it gets in all."""
        return list(dict.fromkeys(endpoints_of(self.model)))


def compile_plan(spec: Spec, max_asks: float = ASKS_FACTOR) -> Plan:
    """The plan for a spec without errors (see `inspect`)."""
    spec = settle(spec)
    if is_drawn(spec):
        spec, laid = lay_out(spec)
        dataset = spec.datasets[0]
        shards = Shards(dataset.count, SHARD_ROWS, spec.seed, dataset.name)
        return Plan(spec, shards, max_asks=0, context=0, spec_hash=hash_of(spec), layouts=laid)
    model = spec.model
    if model is None or not endpoints_of(model):
        raise SpecError([Finding("model", *NO_MODEL)])
    if not 1 <= max_asks <= MOST_ASKS:
        what = f"--max-asks must be from 1 to {MOST_ASKS:,}, got {max_asks:g}."
        raise UsageError(what, hint="It is a multiple of the ideal number of requests.")
    dataset = spec.datasets[0]
    batch_size = model.batch_size or BATCH_SIZE
    shards = Shards(dataset.count, batch_size, spec.seed, dataset.name)
    prompts = Prompts(dataset, build_types(dataset.fields), model.reply, model.max_tokens)
    largest = prompts.room(min(batch_size, dataset.count)) + prompts.tokens_of_prompt()
    return Plan(
        spec=spec,
        shards=shards,
        max_asks=budget(shards, max_asks),
        context=-(-max(largest, 2048) // 1024) * 1024,
        spec_hash=hash_of(spec),
    )


def budget(shards: Shards, factor: float) -> int:
    """Asks that a run may take: `factor` times the ideal, in requests or in rows, whichever allows more.

    The make-up shards of a small table are smaller than a batch: in requests alone, a preview would give up too soon.
    """
    in_rows = shards.base + round((factor - 1) * shards.count / shards.makeup_size)
    return max(round(shards.base * factor), in_rows)


def endpoints_of(model: Model) -> list[str]:
    """The endpoints as the spec writes them."""
    return [model.endpoint] if isinstance(model.endpoint, str) else list(model.endpoint or [])


def hash_of(spec: Spec) -> str:
    """A name for what a spec asks for: 16 hex digits over dataset, seed and what of the model shapes replies."""
    plain = to_builtins(spec)
    for key in ("endpoint", "concurrency", "timeout", "patience", "price", "key"):
        (plain.get("model") or {}).pop(key, None)
    plain.pop("output")
    plain["plugins"] = digest(spec.plugins)
    return xxhash.xxh3_64_hexdigest(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS))


NO_MODEL = (
    "no model is named.",
    "Give `model: {endpoint: ..., name: ...}`, or --endpoint and --model, or FFGEN_LLM_BASE_URL; `embedded` "
    "runs a small model here. To draw every field without a model: --local, or `dataset.mode: local`.",
)


def inspect(spec: Spec, document: Document) -> list[Finding]:
    """Every error and warning that the plan has about a spec, positioned in its document."""
    return [document.finding(path, what, hint, severity) for path, what, hint, severity in observe(spec)]


def inspect_rest(spec: Spec, document: Document, wrong: Sequence[Path]) -> list[Finding]:
    """The same for what is left of a spec without its `wrong` parts, save what may only follow from those."""
    amid_fields = any("fields" in path for path in wrong)

    def follows(found: Path) -> bool:
        by_name = found[:2] in (("dataset", "require"), ("dataset", "unique_by"))
        return (by_name and amid_fields) or any(is_near(found, path) for path in wrong)

    rest = [observation for observation in observe(spec) if not follows(observation[0])]
    # Counting needs every constraint.
    counted = ("dataset", "count")
    return [document.finding(path, what, hint, how) for path, what, hint, how in rest if path != counted]


def is_near(found: Path, wrong: Path) -> bool:
    """Whether a finding is about the mapping in which another one is."""
    around = wrong[:-1]
    return found[: len(around)] == around and len(found) <= len(around) + (2 if around else 1)


Observation = tuple[Path, str, str, Any]


def observe(spec: Spec) -> Iterator[Observation]:
    """Errors and warnings as (path, what, hint, severity)."""
    if (spec.dataset is None) == (not spec.tables):
        what = "needs a `dataset`, or `tables`." if spec.dataset is None else "has both `dataset` and `tables`."
        yield (), f"the spec {what}", "One table stands under `dataset:`, several under `tables:`.", "error"
        return
    spec = settle(spec)
    if is_drawn(spec):
        yield from observe_drawn(spec)
        return
    if spec.model is None or not endpoints_of(spec.model):
        yield ("model",), *NO_MODEL, "error"
    else:
        yield from observe_model(spec.model)
    dataset = spec.datasets[0]
    field_errors = observe_fields(dataset, ("dataset",))
    yield from field_errors
    yield from observe_references(dataset)
    if dataset.imperfections is not None:
        what = "imperfections are put into drawn records, and these are asked for."
        yield ("dataset", "imperfections"), what, "Say `mode: local`, or --local; or leave it out.", "error"
    if spec.output is not None:
        yield from observe_output(spec.output)
    types = None if has_errors(field_errors) else build_types(dataset.fields)
    yield from observe_requirements(dataset, types)
    if types is not None:
        yield from observe_room(dataset, types)


def observe_fields(dataset: Dataset, path: Path) -> list[Observation]:
    """Findings of the fields of one table, whoever makes them."""
    path = (*path, "fields")
    found = [*observe_names(dataset.fields, path)]
    for i, field in enumerate(dataset.fields):
        found += observe_field(field, (*path, i), top=True)
    return found


def observe_drawn(spec: Spec) -> Iterator[Observation]:
    """What is wrong with tables that are drawn."""
    paths: list[Path] = [("tables", i) for i in range(len(spec.tables))] or [("dataset",)]
    found: list[Observation] = []
    for dataset, path in zip(spec.datasets, paths, strict=True):
        found += observe_fields(dataset, path)
        found += observe_references(dataset, path)
    found += observe_links(spec)
    yield from found
    if spec.output is not None:
        yield from observe_output(spec.output, many=len(spec.datasets) > 1)
    if not has_errors(found):
        yield from observe_recipes(spec, paths)


def observe_links(spec: Spec) -> Iterator[Observation]:
    """What is wrong with the names of tables and with foreign keys."""
    tables = {table.name: table for table in spec.datasets}
    for i, table in enumerate(spec.tables):
        if tables[table.name] is not table:
            yield ("tables", i, "name"), f"two tables are named `{table.name}`.", "Names are unique.", "error"
        elif not TABLE_NAME.fullmatch(table.name):
            what = f"`{table.name}` can't be part of a file's name."
            yield ("tables", i, "name"), what, "Use letters, digits, - and _.", "error"
    for t, table in enumerate(spec.datasets):
        top: Path = ("tables", t) if spec.tables else ("dataset",)
        for i, field in enumerate(table.fields):
            ref = field.reference
            if ref is None:
                continue
            path: Path = (*top, "fields", i, "ref")
            parent = tables.get(ref.table)
            if parent is None:
                near = difflib.get_close_matches(ref.table, tables, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Tables are {', '.join(tables)}."
                yield path, f"there is no table `{ref.table}`.", hint, "error"
            elif ref.column not in [each.name for each in parent.fields]:
                names = [each.name for each in parent.fields]
                near = difflib.get_close_matches(ref.column, names, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Its fields are {', '.join(names)}."
                yield path, f"`{ref.table}` has no field `{ref.column}`.", hint, "error"
            elif parent is table and (ref.counts_children or not field.may_be_null):
                what = "a table that refers to itself has a first row without a parent."
                yield path, what, "Say `nullable: true`, and no children per parent.", "error"


def observe_recipes(spec: Spec, paths: list[Path]) -> Iterator[Observation]:
    """What the samplers say, and whether there is room for so many rows."""
    try:
        spec, laid = lay_out(spec)
    except ValueError as error:
        yield ("tables",), f"{error}.", "Change `count`, or the children per parent.", "error"
        return
    recipes = Recipes(spec, laid)
    wrong = False
    for dataset, top in zip(spec.datasets, paths, strict=True):
        for path, problem in recipes.recipes[dataset.name].problems:
            wrong = True
            keys = [int(key) if key.isdigit() else key for key in problem.key.split(".") if key]
            yield (*top, *path, *keys), problem.what, problem.hint, "error"
    if wrong:
        return
    for dataset, top in zip(spec.datasets, paths, strict=True):
        if dataset.rows is None:
            yield from observe_room(dataset, build_types(dataset.fields), top)


def lay_out(spec: Spec) -> tuple[Spec, list[Layout]]:
    """A settled spec with the counts of all tables, and their layouts in the order of making."""
    laid = layouts(spec.datasets, spec.seed)
    counted = [structs.replace(table, count=laid[table.name].count) for table in spec.datasets]
    changes: dict[str, Any] = {"tables": counted} if spec.tables else {"dataset": counted[0]}
    return structs.replace(spec, **changes), list(laid.values())


def is_drawn(spec: Spec) -> bool:
    """Whether a settled spec asks no model."""
    return bool(spec.tables) or spec.datasets[0].mode == "local"


def observe_model(model: Model) -> Iterator[Observation]:
    for key in ("timeout", "patience"):
        try:
            seconds(getattr(model, key))
        except UsageError as error:
            yield ("model", key), error.what, error.hint, "error"
    if model.key is not None and (model.key.env is None) == (model.key.file is None):
        yield ("model", "key"), "needs exactly one of `env` and `file`.", "E.g. key: {env: MY_KEY}.", "error"
    yield from observe_endpoints(model)
    yield from observe_options(model)


def observe_endpoints(model: Model) -> Iterator[Observation]:
    path: Path = ("model", "endpoint")
    endpoints = endpoints_of(model)
    if EMBEDDED in endpoints and len(endpoints) > 1:
        yield path, "`embedded` stands alone.", "Name servers, or `embedded`.", "error"
    for i, endpoint in enumerate(endpoints):
        place = path if isinstance(model.endpoint, str) else (*path, i)
        try:
            if not endpoint.strip():
                yield place, "is empty.", "E.g. http://localhost:11434, or `embedded`.", "error"
            elif endpoint != EMBEDDED:
                base_url(endpoint)
        except UsageError as error:
            yield place, error.what, error.hint, "error"


def observe_options(model: Model) -> Iterator[Observation]:
    """Options that unmake what ffgen promises, by the rules of the API, or of either one where it is not said."""
    dialects = [kind for kind in (OpenAI, Ollama) if model.api in ("auto", kind.api)]
    refusals = []
    for kind in dialects:
        try:
            kind(model="", options=model.options)
        except UsageError as error:
            refusals.append(error)
    if refusals and len(refusals) == len(dialects):
        yield ("model", "options"), refusals[0].what, refusals[0].hint, "error"


def observe_output(output: Output, many: bool = False) -> Iterator[Observation]:
    if output.path is not None and not many:
        try:
            format_of(output.path, output.format, output.compression)
        except UsageError as error:
            yield ("output", "path"), error.what, error.hint, "error"


def observe_names(fields: Sequence[Field], path: Path) -> Iterator[Observation]:
    seen: dict[str, int] = {}
    for i, field in enumerate(fields):
        if not field.name:
            yield (*path, i), "a field needs a `name`.", "E.g. name: city.", "error"
        elif any(char in '."\\' or not char.isprintable() for char in field.name):
            what = "a name can't hold a dot, a double quote, a backslash or control characters."
            yield (*path, i, "name"), what, "Use `_`.", "error"
        elif field.name in seen:
            what = f"`{field.name}` is already the name of field {seen[field.name]}."
            yield (*path, i, "name"), what, "Names are unique.", "error"
        seen.setdefault(field.name, i)


def observe_field(field: Field, path: Path, top: bool) -> list[Observation]:
    """Findings of one field; an object's or array's inner fields first, so that each is found where it stands."""
    if field.type not in TYPES:
        near = difflib.get_close_matches(field.type, TYPES, 1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Types are {', '.join(TYPES)}."
        return [((*path, "type"), f"unknown type `{field.type}`.", hint, "error")]
    found = [*observe_inner(field, path)]
    if field.unique and not top:
        found.append(((*path, "unique"), "only top-level fields can be unique.", "Use `unique_by`.", "error"))
    return found if has_errors(found) else [*found, *observe_type(field, path)]


def observe_type(field: Field, path: Path) -> Iterator[Observation]:
    """What is wrong with the constraints. One that can't be is left out, to see whether the others can."""
    left_out: set[str] = set()
    while True:
        try:
            kind = build_type(field)
            break
        except Problem as problem:
            yield (*path, problem.key), problem.what, problem.hint, "error"
            if problem.key in left_out | {"fields", "items"}:
                return
            left_out |= {problem.key, "weights"} if problem.key == "values" else {problem.key}
            field = structs.replace(field, **dict.fromkeys(left_out))
            if field.type == "enum" and field.values is None:
                return
    yield from observe_values(field, kind, path)
    if not left_out:
        yield from (((*path, key), what, hint, severity) for key, what, hint, severity in kind.doubts())


def has_errors(observations: Sequence[Observation]) -> bool:
    """Whether any is more than a warning."""
    return any(severity == "error" for *_, severity in observations)


def observe_inner(field: Field, path: Path) -> Iterator[Observation]:
    if field.type == "object" and field.fields:
        yield from observe_names(field.fields, (*path, "fields"))
        for i, inner in enumerate(field.fields):
            yield from observe_field(inner, (*path, "fields", i), top=False)
    if field.type == "array" and field.items is not None:
        yield from observe_field(field.items, (*path, "items"), top=False)


def observe_values(field: Field, kind: ValueType, path: Path) -> Iterator[Observation]:
    """Values must fit their own type; examples should."""
    listed: list[tuple[str, list[Any], str]] = [("values", field.values or [], "error")]
    listed.append(("examples", field.examples, "warning"))
    for key, values, severity in listed:
        for i, value in enumerate(values):
            try:
                coerce_cell(kind, value, making=key == "examples")
            except Unfit as unfit:
                what = f"`{str(value)[:60]}` is not a valid {field.type} here ({unfit.reason})."
                yield (*path, key, i), what, "Correct it or take it out.", severity


def observe_references(dataset: Dataset, top: Path = ("dataset",)) -> Iterator[Observation]:
    names = [field.name for field in dataset.fields]
    keys = dataset.unique_by or []
    for i, name in enumerate(keys):
        if name in keys[:i]:
            yield (*top, "unique_by", i), f"`{name}` is listed twice.", "Take one out.", "error"
        elif name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Fields are {', '.join(names)}."
            yield (*top, "unique_by", i), f"no field is named `{name}`.", hint, "error"
    try:
        datetime.fromisoformat(dataset.as_of)
    except ValueError:
        yield (*top, "as_of"), f"`{dataset.as_of}` is not a date.", "E.g. 2025-01-01T00:00:00Z.", "error"


def observe_requirements(dataset: Dataset, types: list[ValueType] | None) -> Iterator[Observation]:
    """What is wrong with each `require`; without types, its grammar and names only."""
    names = [field.name for field in dataset.fields]
    schema: dict[str, pl.DataType] = {}
    if types is not None:
        schema = {name: kind.value_dtype() for name, kind in zip(names, types, strict=True)}
    for i, text in enumerate(requirements(dataset)):
        path: Path = ("dataset", "require") if isinstance(dataset.require, str) else ("dataset", "require", i)
        try:
            expression = parse(text, names)
            error = None if types is None else check_types(expression, schema)
        except ExpressionError as refused:
            error = refused
        if error is not None:
            yield path, f"column {error.column} of the expression: {error.what}", error.hint, "error"


def observe_room(dataset: Dataset, types: list[ValueType], top: Path = ("dataset",)) -> Iterator[Observation]:
    capacity = capacity_of(dataset, types)
    if wrong := shortfall(capacity, dataset.count):
        yield (*top, "count"), *wrong, "error"
