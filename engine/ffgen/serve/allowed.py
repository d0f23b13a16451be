"""What a spec in a request may say: no paths, no code, and of a model only what the operator has given a name."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ffgen.errors import Finding, SpecError
from ffgen.sample.plugins import DRAW, VALIDATE, offered

OWN = ("temperature", "top_p", "max_tokens", "batch_size", "reply")
"""What of a model a request may say itself."""
DATA = ("values", "rows", "weights", "examples", "description", "style", "forbidden_words", "range")
"""Keys below which nothing names a generator."""


class Forbidden(SpecError):
    """The spec says what a request may not."""


def admitted(
    spec: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]], generators: Collection[str]
) -> dict[str, Any]:
    """The spec with its model filled in. Raises Forbidden with all that it may not say."""
    findings = list(_findings(spec, models, generators))
    if findings:
        raise Forbidden(findings)
    made = dict(spec)
    if spec.get("model") is not None:
        name, own = named(spec["model"])
        made["model"] = {**models[name], **own}
    return made


def named(model: Any) -> tuple[str, dict[str, Any]]:
    """A model's name, and what is said of it: `model: fast`, or `model: {name: fast, temperature: 0}`."""
    if not isinstance(model, Mapping):
        return str(model), {}
    return str(model.get("name")), {key: value for key, value in model.items() if key != "name"}


def _findings(
    spec: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]], generators: Collection[str]
) -> Iterator[Finding]:
    if "output" in spec:
        yield Finding("output", "a request can't say where files go.", "Leave it out; `format` says the format.")
    allowed = [*generators]
    listed = spec.get("plugins") or []
    for number, plugin in enumerate(listed if isinstance(listed, list) else [listed]):
        if plugin not in allowed:
            hint = "Leave it out, or have the operator allow it: --plugin NAME."
            yield Finding(f"plugins[{number}]", "a request can't load plugins.", hint)
    if spec.get("model") is not None:
        yield from _about_model(spec["model"], models)
    closed = {*offered(DRAW), *offered(VALIDATE)} - {*allowed}
    for path, name in _names(spec, ""):
        if name in closed:
            hint = "The operator can allow it: --plugin NAME."
            yield Finding(path, f"a request can't use `{name}`, which comes from an installed package.", hint)


def _about_model(model: Any, models: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    name, own = named(model)
    there = f"There are: {', '.join(models)}." if models else "The operator has named none: --models FILE."
    if name not in models:
        yield Finding("model", "a request names a model by the name that the operator gave it.", there)
    for key in own:
        if key not in OWN:
            hint = f"Leave it out. It may say {', '.join(OWN)}."
            yield Finding(f"model.{key}", "only the operator says this of a model.", hint)


def _names(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a spec that may name a generator, and where it stands."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in DATA:
                yield from _names(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _names(inner, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value
