"""Every finding about a spec, before anything is made of it."""

import difflib
import os
import re
from collections.abc import Iterator, Sequence

from msgspec import structs

from ffgen.ask.address import base_url
from ffgen.ask.ollama import Ollama
from ffgen.ask.openai import OpenAI
from ffgen.errors import Finding, UsageError
from ffgen.plan.compile import EMBEDDED, NO_MODEL, endpoints_of, is_drawn, lay_out
from ffgen.plan.fields import (
    Observation,
    Path,
    has_errors,
    observe_fields,
    observe_generators,
    observe_references,
    observe_requirements,
    observe_room,
)
from ffgen.plan.hybrid import asked_fields, fallback_problems
from ffgen.plan.pools import with_placeholders
from ffgen.plan.recipes import Recipes
from ffgen.plan.settle import layout_of, settle
from ffgen.plan.written import observe_asked, observe_keys
from ffgen.sink import format_of
from ffgen.spec.duration import seconds
from ffgen.spec.load import Document
from ffgen.spec.model import Dataset, Model, Output, Spec
from ffgen.spec.types import build_types

FOLLOWING = {"require", "unique_by", "correlations", "imperfections"}
"""Keys of a table whose findings may only follow from what is wrong with its fields."""
TABLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def inspect(spec: Spec, document: Document, making: bool = True) -> list[Finding]:
    """Every error and warning that the plan has about a spec, positioned in its document. Without `making`, records
    are only looked at: whether they could be drawn is no matter."""
    return [positioned(document, found) for found in observe(spec, making)]


def inspect_rest(spec: Spec, document: Document, wrong: Sequence[Path]) -> list[Finding]:
    """The same for what is left of a spec without its `wrong` parts, save what may only follow from those."""
    amid_fields = any("fields" in path for path in wrong)

    def follows(found: Path) -> bool:
        by_name = any(step in FOLLOWING for step in found[:3])
        return (by_name and amid_fields) or any(is_near(found, path) for path in wrong)

    rest = [found for found in observe(spec) if not follows(found.path)]
    # Counting needs every constraint.
    return [positioned(document, found) for found in rest if found.path[-1:] != ("count",)]


def positioned(document: Document, found: Observation) -> Finding:
    """An observation where it stands in the file."""
    return document.finding(found.path, found.what, found.hint, found.severity, key=found.at_key)


def is_near(found: Path, wrong: Path) -> bool:
    """Whether a finding is about the mapping in which another one is."""
    around = wrong[:-1]
    return found[: len(around)] == around and len(found) <= len(around) + (2 if around else 1)


def observe(spec: Spec, making: bool = True) -> Iterator[Observation]:
    """Errors and warnings."""
    if (spec.dataset is None) == (not spec.tables):
        what = "needs a `dataset`, or `tables`." if spec.dataset is None else "has both `dataset` and `tables`."
        yield Observation(
            ("dataset",), f"the spec {what}", "One table stands under `dataset:`, several under `tables:`."
        )
        return
    spec = settle(spec)
    if is_drawn(spec):
        yield from observe_drawn(spec, making)
        return
    if spec.model is None or not endpoints_of(spec.model):
        yield Observation(("model",), *NO_MODEL)
    else:
        yield from observe_model(spec.model)
    dataset = spec.datasets[0]
    field_errors = observe_fields(dataset, ("dataset",))
    yield from field_errors
    yield from observe_references(dataset)
    yield from observe_drawing_keys(dataset)
    if spec.output is not None:
        yield from observe_output(spec.output)
    types = None if has_errors(field_errors) else build_types(dataset.fields)
    yield from observe_requirements(dataset, types)
    if types is not None:
        yield from observe_room(dataset, types)


def observe_drawing_keys(dataset: Dataset) -> Iterator[Observation]:
    """Keys that mean something for drawn records only, in a spec whose records a model makes."""
    hint = "Say `mode: local`, or --local; or leave it out."
    for key in ("imperfections", "correlations", "rows"):
        if getattr(dataset, key):
            what = f"`{key}` is for drawn records, and these are asked for."
            yield Observation(("dataset", key), what, hint, at_key=True)
    for i, field in enumerate(dataset.fields):
        yield from observe_keys(field, ("dataset", "fields", i), drawn=False)
        for key in ("when", "derive", "cases", "ref", "hidden"):
            if getattr(field, key):
                what = f"`{key}` is for drawn records, and these are asked for."
                yield Observation(("dataset", "fields", i, key), what, hint, at_key=True)
        if field.generator is not None:
            what = "a model makes this field: its generator is not used."
            yield Observation(("dataset", "fields", i, "generator"), what, hint, "warning", at_key=True)


def observe_drawn(spec: Spec, making: bool) -> Iterator[Observation]:
    """What is wrong with tables that are drawn."""
    paths: list[Path] = [("tables", i) for i in range(len(spec.tables))] or [("dataset",)]
    found: list[Observation] = []
    for dataset, path in zip(spec.datasets, paths, strict=True):
        found += observe_fields(dataset, path)
        found += observe_references(dataset, path)
    found += observe_modes(spec)
    found += observe_links(spec)
    found += observe_layouts(spec, paths)
    found += observe_pools(spec, paths)
    found += observe_asked(spec, paths)
    yield from found
    if spec.output is not None:
        yield from observe_outputs(spec.output, many=len(spec.datasets) > 1)
    if has_errors(found):
        for dataset, path in zip(spec.datasets, paths, strict=True):
            yield from observe_generators(dataset.fields, (*path, "fields"))
        return
    if making:
        yield from observe_recipes(spec, paths)
        return
    for dataset, path in zip(spec.datasets, paths, strict=True):
        yield from observe_requirements(dataset, build_types(dataset.fields), path)


def observe_modes(spec: Spec) -> Iterator[Observation]:
    """Several tables are drawn, with pools or without."""
    for i, table in enumerate(spec.tables):
        if table.mode == "records":
            what = "a model makes the records of one `dataset`; several tables are drawn."
            yield Observation(("tables", i, "mode"), what, "Say `source: pool` for fields that a model is to write.")
    if spec.tables and spec.model is not None and all(table.mode == "local" for table in spec.tables):
        what = "no field of these tables asks the model."
        yield Observation(("model",), what, "Say `source: pool` for fields that it is to write.", "warning", True)


def observe_links(spec: Spec) -> Iterator[Observation]:
    """What is wrong with the names of tables and with foreign keys."""
    tables = {table.name: table for table in spec.datasets}
    for i, table in enumerate(spec.tables):
        if tables[table.name] is not table:
            yield Observation(("tables", i, "name"), f"two tables are named `{table.name}`.", "Names are unique.")
        elif not TABLE_NAME.fullmatch(table.name):
            what = f"`{table.name}` can't be part of a file's name."
            yield Observation(("tables", i, "name"), what, "Use letters, digits, - and _.")
    for t, table in enumerate(spec.datasets):
        top: Path = ("tables", t) if spec.tables else ("dataset",)
        for i, field in enumerate(table.fields):
            ref = field.reference
            if ref is None:
                continue
            path: Path = (*top, "fields", i, "ref", *(() if isinstance(field.ref, str) else ("to",)))
            parent = tables.get(ref.table)
            if parent is None:
                near = difflib.get_close_matches(ref.table, tables, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Tables are {', '.join(tables)}."
                yield Observation(path, f"there is no table `{ref.table}`.", hint)
            elif ref.column not in [each.name for each in parent.fields]:
                names = [each.name for each in parent.fields]
                near = difflib.get_close_matches(ref.column, names, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Its fields are {', '.join(names)}."
                yield Observation(path, f"`{ref.table}` has no field `{ref.column}`.", hint)
            elif parent is table and (ref.counts_children or not field.may_be_null):
                what = "a table that refers to itself has a first row without a parent."
                yield Observation(path, what, "Say `nullable: true`, and no children per parent.")


def observe_layouts(spec: Spec, paths: list[Path]) -> Iterator[Observation]:
    """Children per parent that can't be held beside those of another key."""
    for table, path in zip(spec.datasets, paths, strict=True):
        first = layout_of(table)
        for i, field in enumerate(table.fields):
            ref, other = field.reference, first.reference if first is not None else None
            if ref is None or other is None or not ref.counts_children:
                continue
            if (ref.table, ref.role) != (other.table, other.role):
                what = f"rows are laid out under `{other.table}` already, which says how many there are."
                hint = "Take `min`, `max` and `mean` away; `skew` makes some parents come up more often."
                yield Observation((*path, "fields", i, "ref"), what, hint)


def observe_pools(spec: Spec, paths: list[Path]) -> Iterator[Observation]:
    """What is wrong with values that a model writes before rows are drawn."""
    pooled = [(top, table, i, field) for top, table in zip(paths, spec.datasets, strict=True)
              for i, field in enumerate(table.fields) if field.source == "pool"]  # fmt: skip
    writes = bool(pooled) or any(asked_fields(table) for table in spec.datasets if table.mode != "local")
    if writes and (spec.model is None or not endpoints_of(spec.model)):
        yield Observation(("model",), *NO_MODEL)
    elif writes and spec.model is not None:
        yield from observe_model(spec.model)
    for top, table, i, field in pooled:
        path: Path = (*top, "fields", i)
        by = field.pool.by if field.pool is not None else None
        grouped = next((each for each in table.fields if each.name == by), None)
        if table.mode == "local":
            what = f"a model writes the values of `{field.name}`, and in local mode none is asked."
            yield Observation((*path, "source"), what, "Take `source` away, or the mode (--local).")
        elif field.type not in ("string", "text") or field.values or field.generator or field.derive or field.ref:
            what = "a pool is for text that a model writes, without values, generator, formula or reference."
            yield Observation((*path, "source"), what, "Take the other away, or make it type: text.")
        elif by is not None and (grouped is None or not grouped.values or grouped.type not in ("enum", "string")):
            names = [each.name for each in table.fields if each.values]
            hint = f"Fields with values are {', '.join(names)}." if names else "Give that field `values`."
            yield Observation((*path, "pool", "by"), f"`{by}` is no field with a list of text values.", hint)


def observe_recipes(spec: Spec, paths: list[Path]) -> Iterator[Observation]:
    """What the samplers say, and whether there is room for so many rows."""
    try:
        spec, laid = lay_out(spec)
    except ValueError as error:
        yield Observation(("tables",), f"{error}.", "Change `count`, or the children per parent.")
        return
    recipes = Recipes(with_placeholders(spec), laid)
    wrong = False
    for dataset, top in zip(spec.datasets, paths, strict=True):
        recipe = recipes.recipes[dataset.name]
        faults = [*recipe.problems]
        if not faults:
            faults += fallback_problems(recipes, dataset.name)
        for path, problem in faults:
            wrong = True
            yield Observation((*top, *path, *problem.path), problem.what, problem.hint, at_key=problem.at_key)
    if wrong:
        return
    for dataset, top in zip(spec.datasets, paths, strict=True):
        if dataset.rows is None:
            yield from observe_room(dataset, build_types(dataset.fields), top)


def observe_model(model: Model) -> Iterator[Observation]:
    for key in ("timeout", "patience"):
        try:
            seconds(getattr(model, key))
        except UsageError as error:
            yield Observation(("model", key), error.what, error.hint)
    if model.key is not None and (model.key.env is None) == (model.key.file is None):
        yield Observation(("model", "key"), "needs exactly one of `env` and `file`.", "E.g. key: {env: MY_KEY}.")
    yield from observe_endpoints(model)
    yield from observe_options(model)


def observe_endpoints(model: Model) -> Iterator[Observation]:
    path: Path = ("model", "endpoint")
    endpoints = endpoints_of(model)
    if EMBEDDED in endpoints and len(endpoints) > 1:
        yield Observation(path, "`embedded` stands alone.", "Name servers, or `embedded`.")
    for i, endpoint in enumerate(endpoints):
        place = path if isinstance(model.endpoint, str) else (*path, i)
        try:
            if not endpoint.strip():
                yield Observation(place, "is empty.", "E.g. http://localhost:11434, or `embedded`.")
            elif endpoint != EMBEDDED:
                base_url(endpoint)
        except UsageError as error:
            yield Observation(place, error.what, error.hint)


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
        yield Observation(("model", "options"), refusals[0].what, refusals[0].hint)


def observe_outputs(output: Output, many: bool) -> Iterator[Observation]:
    """The files of drawn tables: in a folder, each by its table's name, or by one name for all."""
    if output.path is None or output.path.endswith("/") or os.path.isdir(output.path):
        return
    named = output.path.replace("{table}", "table")
    if many and output.path == "-":
        return  # one of them may be asked for
    yield from observe_output(structs.replace(output, path=named))


def observe_output(output: Output) -> Iterator[Observation]:
    if output.path is not None:
        try:
            format_of(output.path, output.format, output.compression)
        except UsageError as error:
            yield Observation(("output", "path"), error.what, error.hint)
