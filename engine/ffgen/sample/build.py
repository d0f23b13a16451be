"""A field's sampler: the one its `generator` names, or the one that fits its type, constraints and name."""

import difflib
from typing import Any

from msgspec import structs

from ffgen.errors import UsageError
from ffgen.sample import SAMPLERS, plugins, resolve
from ffgen.sample.base import Sampler, Scope
from ffgen.sample.default import default_of
from ffgen.sample.kept import Kept
from ffgen.sample.outside import OneAtATime
from ffgen.spec.convert import fit
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, build_type


def build_sampler(field: Field, scope: Scope) -> Sampler:
    """The bound sampler of a field; raises `Problem` when there is none or a parameter can't be."""
    if field.source == "ask":
        kept = Kept()
        kept.bind(build_type(field), scope)
        return kept
    name, given = generator_of(field, scope)
    sampler = convert(name, given)
    field = with_type(field, sampler)
    if field.type != sampler.gives and field.type not in sampler.serves:
        fitting = ", ".join(sorted({sampler.gives, *sampler.serves}))
        what = f"`{name}` draws no {field.type}."
        raise Problem("generator", what, f"It draws {fitting}; see `ffgen types {name}`.")
    sampler.bind(build_type(field), scope)
    return sampler


def generator_of(field: Field, scope: Scope) -> tuple[str, dict[str, Any]]:
    """The sampler's name and its parameters as the spec writes them, or the default for such a field."""
    if field.source == "ask":
        return "asked", {}
    rows = [] if scope.inner else scope.dataset.rows or []
    if field.generator is None and any(field.name in row for row in rows):
        return "listed", {}
    if field.reference is not None and field.generator is None:
        return "ref", {key: value for key, value in structs.asdict(field.reference).items() if value is not None}
    said = field.generator if field.generator is not None else default_of(field, scope)
    if said is None:
        what = f"nothing here draws `{field.name or field.type}`: it needs a `generator`, `values` or a `pattern`."
        hint = "E.g. generator: words; `ffgen types` lists all. Or let a model write it: `source: ask` or `pool`."
        raise Problem("generator", what, hint)
    return taken_apart(said)


def taken_apart(said: str | dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What stands under `generator` as a name and parameters."""
    if isinstance(said, str):
        return said, {}
    given = dict(said)
    name = given.pop("name", None)
    if not isinstance(name, str):
        raise Problem("generator", "needs a `name`.", "E.g. generator: {name: normal, mean: 40, sd: 12}.")
    return name, given


def convert(name: str, given: dict[str, Any]) -> Sampler:
    """A sampler with its parameters, not yet bound."""
    try:
        kind = resolve(name)
    except KeyError:
        near = difflib.get_close_matches(name, [*SAMPLERS, *plugins.origins()], 1)
        hint = f"Did you mean `{near[0]}`?" if near else "See `ffgen types`."
        raise Problem("generator", f"there is no generator `{name[:60]}`.", hint) from None
    except UsageError as error:
        raise Problem("generator", error.what, error.hint) from error
    if issubclass(kind, OneAtATime):
        return kind(parameters=given)
    sampler, wrong = fit(given, kind)
    if sampler is not None:
        return sampler
    see = f"See `ffgen types {name}`."
    first, *others = [
        Problem(
            ".".join(["generator", *map(str, one.path[:1])]),
            one.what,
            f"{one.hint} {see}".lstrip(),
            steps=one.path[1:],
            at_key=one.at_key and bool(one.path),
        )
        for one in wrong
    ]
    first.others += others
    raise first


def with_type(field: Field, sampler: Sampler) -> Field:
    """The field with its sampler's type where it names none."""
    return field if field.type else structs.replace(field, type=sampler.gives)
