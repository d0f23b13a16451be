"""What there is: every type of value and every generator, each with its manual page, told by its own class."""

import difflib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from ffgen.errors import UsageError
from ffgen.sample import SAMPLERS, plugins, resolve
from ffgen.sample.base import Sampler
from ffgen.sample.default import BY_TYPE
from ffgen.sample.outside import OneAtATime
from ffgen.spec.types import TYPES, ValueType

FAMILIES = {
    "numbers": ("numbers", "counts", "mixture", "quantile"),
    "choices": ("choice", "given", "hierarchy", "markov"),
    "time": ("time", "series", "signal"),
    "identity": ("person", "people", "geography", "company"),
    "text": ("text", "sentences", "ngram", "grammar", "regex"),
    "codes and ids": ("ids", "codes", "net", "web"),
    "Faker": ("provider",),
    "structure": ("structure", "reference"),
    "dependence": ("dependence",),
}
"""Where the generators of each family are, in the order of the manual."""
TYPE, PLUGIN = "types", "plugins"
DRAWN_BY = {**BY_TYPE, "email": "person.email", "enum": "choice"}
TOO_LARGE = 1e100
"""Limits beyond which only a fault in arithmetic is kept out: not told."""
_SENTENCE = re.compile(r"(.+?(?<!e\.g)(?<!i\.e)[.:!])(?=\s+[A-Z`]|$)", re.DOTALL)


class ParameterView(Struct, frozen=True, kw_only=True):
    """One parameter of a generator; one inside another is called as in a path, `lengths.poisson`."""

    name: str
    value: str
    """What it takes, limits included, in words."""
    default: str
    """As in YAML; empty where there is none to show."""
    required: bool
    meaning: str


class KindView(Struct, frozen=True, kw_only=True):
    """A type of value (`family` is "types") or a generator, and its page of the manual."""

    name: str
    family: str
    summary: str
    """One sentence."""
    page: str
    types: list[str]
    """Of a generator: the types that it draws; the first is the field's where it names none."""
    constraints: list[str]
    """Of a type: keys of a field that mean something for it."""
    drawn_by: str
    """Of a type: what draws it where a field names no generator; empty where that depends on the field."""
    parameters: list[ParameterView]
    example: str
    """A list of fields in YAML; the last one is drawn by the generator."""
    origin: str
    """The package or the file that it comes from; empty for what is built in."""


def kinds(name: str | None = None) -> list[KindView]:
    """Every type and every generator, or those of one name: there is a type `boolean` and a generator `boolean`.

    UsageError where there is none, or where a package's can't be used.
    """
    origins = plugins.origins()
    if name is None:
        found = [type_view(each, kind) for each, kind in TYPES.items()]
        found += sorted((generator_view(each) for each in SAMPLERS), key=lambda view: [*FAMILIES].index(view.family))
        return found + [generator_view(each, origin) for each, origin in sorted(origins.items())]
    found = [type_view(name, TYPES[name])] if name in TYPES else []
    if name in SAMPLERS or name in origins:
        found.append(generator_view(name, origins.get(name, "")))
    if not found:
        near = difflib.get_close_matches(name, [*TYPES, *SAMPLERS, *origins], 1)
        hint = f"Did you mean {near[0]}?" if near else "`ffgen types` lists them."
        raise UsageError(f"There is no type and no generator called {name[:60]}.", hint=hint)
    return found


def type_view(name: str, kind: type[ValueType]) -> KindView:
    """A type of value, as its class tells it."""
    return KindView(
        name=name,
        family=TYPE,
        summary=kind.meaning,
        page=page_of(kind),
        types=[],
        constraints=sorted(kind.keys),
        drawn_by=DRAWN_BY.get(name, ""),
        parameters=[],
        example="",
        origin="",
    )


def generator_view(name: str, origin: str = "") -> KindView:
    """A generator, as its class tells it."""
    kind = resolve(name)
    page = page_of(kind)
    return KindView(
        name=name,
        family=PLUGIN if origin else family_of(kind),
        summary=first_sentence(page),
        page=page,
        types=[kind.gives, *sorted(kind.serves - {kind.gives})],
        constraints=[],
        drawn_by="",
        parameters=[] if issubclass(kind, OneAtATime) else list(parameters_of(kind)),
        example=textwrap.dedent(kind.example).strip("\n"),
        origin=origin,
    )


def family_of(kind: type[Sampler]) -> str:
    """The family of what is built in; ValueError for a file that is in none."""
    module = kind.__module__.rpartition(".")[2]
    for family, modules in FAMILIES.items():
        if module in modules:
            return family
    raise ValueError(f"{module} is in no family: add it to FAMILIES")


def page_of(kind: type) -> str:
    """The docstring, without its indentation."""
    return inspect.cleandoc(kind.__doc__ or "")


def first_sentence(page: str) -> str:
    """What a page says first, on one line.

    >>> first_sentence("Some numbers (e.g. 3),\\nor others. More of it.\\n\\nAnd more.")
    'Some numbers (e.g. 3), or others.'
    """
    first = " ".join(page.partition("\n\n")[0].split())
    match = _SENTENCE.match(first)
    return re.sub(":$", ".", match[1]) if match else first


def parameters_of(struct: type[Struct], above: str = "") -> Iterator[ParameterView]:
    """The fields of a struct as parameters: its own before inherited ones, those of structs inside it after the field
    that holds them."""
    own = inspect.get_annotations(struct)
    for field in sorted(msgspec.structs.fields(struct), key=lambda field: field.name not in own):
        name = f"{above}{field.encode_name}"
        value, meaning = described(field.type)
        yield ParameterView(
            name=name, value=value, default=shown_default(field), required=field.required, meaning=meaning
        )
        for inner in structs_in(field.type):
            yield from parameters_of(inner, f"{name}.")


def structs_in(annotation: Any) -> Iterator[type[Struct]]:
    """The structs that a value may be, outside lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType):
        for part in get_args(annotation):
            yield from structs_in(part)


def shown_default(field: msgspec.structs.FieldInfo) -> str:
    """The default as in YAML; empty for none and for an empty one."""
    if field.required:
        return ""
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    plain = isinstance(value, str) and value == value.strip()
    return value if plain else msgspec.json.encode(value).decode()


def in_words(struct: type) -> str:
    """What stands for a struct where nothing can be linked."""
    return "mapping"


def described(annotation: Any, link: Callable[[type], str] = in_words) -> tuple[str, str]:
    """An annotation as a type in words, limits included, and the description that it carries."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        written, told = described(parts[0], link)
        limits = [limit for meta in parts[1:] for limit in limits_of(meta, "characters" if written == "text" else "")]
        if written.startswith("list of ") and limits:
            most = limits[0].removeprefix("of ")
            limits[0] = f"({most})" if most.startswith("at most") else f"({most} of them)"
        # The last one is the key's own; one before it belongs to a named type such as Duration.
        for meta in parts[1:]:
            told = meta.description or told
        return " ".join([written, ", ".join(limits)]).strip(), told
    if origin in (Union, UnionType):
        told_parts = [described(part, link) for part in parts if part is not NoneType]
        words = list(dict.fromkeys(written for written, _ in told_parts))
        lists = {f"list of {written}": "a list of those" for written in words}
        return " or ".join(lists.get(each, each) for each in words), next((told for _, told in told_parts if told), "")
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in parts), ""
    if origin in (list, tuple):
        inner = " and ".join(described(part, link)[0] for part in parts)
        return f"list of {inner}" if inner != "anything" else "list", ""
    if origin is dict:
        return "mapping", ""
    return WORDS.get(annotation) or link(annotation), ""


WORDS = {str: "text", int: "integer", float: "number", bool: "true or false", Any: "anything"}


def limits_of(meta: msgspec.Meta, unit: str) -> Iterator[str]:
    """The limits of a value in words; lengths in `unit`."""
    low, above, high = (limit_words(end) for end in (meta.ge, meta.gt, meta.le))
    if low and high:
        yield f"from {low} to {high}"
    elif above and high:
        yield f"above {above}, at most {high}"
    elif above or low or high:
        yield f"above {above}" if above else f"from {low}" if low else f"up to {high}"
    if meta.multiple_of is not None:
        yield f"in steps of {limit_words(meta.multiple_of)}"
    if meta.max_length is not None:
        exactly = meta.min_length == meta.max_length
        yield f"of {'' if exactly else 'at most '}{meta.max_length:,} {unit}".strip()
    if meta.pattern is not None:
        yield f"like `{meta.pattern}`"


def limit_words(end: float | None) -> str:
    """A limit in words; empty for none, and for one that is only there to keep arithmetic sound."""
    if end is None or abs(end) >= TOO_LARGE:
        return ""
    if isinstance(end, float) and (not end.is_integer() or abs(end) > 1e12):
        return f"{end:g}"
    return f"{int(end):,}"
