"""Where samplers and validators of others come from: packages that are installed, and Python files that are allowed.

A package offers classes by entry points of the groups `ffgen.samplers` and `ffgen.validators`. Nothing is read before
a name is asked for that is not built in, and no class is imported before it is used. A file is listed under `plugins:`
in a spec, and runs only when the user allows it; its classes are called by their `name`, or else as they are written,
in small letters (`PartNumber` is `part_number`).
"""

import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import xxhash

from ffgen.errors import UsageError
from ffgen.sample import SAMPLERS
from ffgen.sample.base import Sampler
from ffgen.sample.outside import Verdict, called, judged, said_of, sampler_of
from ffgen.spec.model import Dataset

DRAW, VALIDATE = "ffgen.samplers", "ffgen.validators"

RecordCheck = Callable[[dict[str, Any], dict[str, Any]], Verdict]
"""Holds a record against what the spec says of its fields (see `rules_of`)."""

_files: dict[str, type[Sampler]] = {}
"""Samplers of the files that this process has run, by name. A file that is loaded later goes before."""


def find(name: str) -> type[Sampler]:
    """The sampler of a file or a package; KeyError when there is none, UsageError when it can't be used."""
    return _files[name] if name in _files else _of_package(name)


def origins() -> dict[str, str]:
    """Samplers that are not built in, and where each comes from. UsageError where a package takes a name that ffgen
    has: it would never be drawn."""
    packages = {name: _where(point) for name, point in offered(DRAW).items()}
    if taken := sorted(packages.keys() & SAMPLERS.keys()):
        what = f"{packages[taken[0]]} offers a generator `{taken[0]}`, which ffgen has already."
        raise UsageError(what, hint="Uninstall it, or ask its author for another name.")
    return {**packages, **{name: str(sys.modules[kind.__module__].__file__) for name, kind in _files.items()}}


def load_files(plugins: Sequence[str], allowed: bool, folder: str | os.PathLike[str] = "") -> list[str]:
    """Runs the Python files among a spec's `plugins`, relative to `folder`, and gives the names of their samplers.

    Each process does this before it compiles the plan. A file that was run and has not changed is not run again.
    UsageError unless allowed, for a file that fails, and for a name that is taken.
    """
    found: dict[str, type[Sampler]] = {}
    for path in paths(plugins, folder):
        if not allowed:
            raise UsageError(
                f"{path} is listed under `plugins` and was not run: a plugin can do whatever you can.",
                hint="Read it first; then allow it with --allow-plugins (in Python: allow_plugins=True).",
            )
        for name, target in contents(path).items():
            if is_sampler(target):
                if name in SAMPLERS or name in found:
                    raise UsageError(f"{path}: there is a generator `{name}` already.", hint="Give its class a `name`.")
                found[name] = sampler_of(name, target)
    _files.update(found)
    return list(found)


def digest(plugins: Sequence[str], folder: str | os.PathLike[str] = "") -> str:
    """A digest of the files among a spec's `plugins`: with another text, the same spec makes other records."""
    sums = "".join(xxhash.xxh3_128_hexdigest(_read(path)) for path in paths(plugins, folder))
    return xxhash.xxh3_128_hexdigest(sums.encode()) if sums else ""


def record_validators(plugins: Sequence[str], folder: str | os.PathLike[str] = "") -> list[RecordCheck]:
    """What a spec's `plugins` hold against whole rows: the validators in its files (run by `load_files` before), and
    those of packages that it lists by name. A package that is installed and not listed changes nothing."""
    found: list[RecordCheck] = []
    for path in paths(plugins, folder):
        for name, target in contents(path).items():
            found += checks_of(name, target)
    for name in plugins:
        if not is_path(name):
            known = offered(VALIDATE)
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise UsageError(f"No package offers a validator `{name}`.", hint=f"There are: {there}.")
            found += checks_of(name, called(name, known[name].load))
    return found


def rules_of(dataset: Dataset) -> dict[str, dict[str, Any]]:
    """What the spec says of each field: the second argument of `validate_record`."""
    return {field.name: dict(said_of(field)) for field in dataset.fields}


def checks_of(name: str, target: Any) -> list[RecordCheck]:
    """The checks of one plugin: a function `validate_record`, a class with that method, or a class with `validate`,
    which is held against the values of the fields that its `type` or its `field` names."""
    if not isinstance(target, type):
        return [_whole(name, target)]
    found: list[RecordCheck] = []
    if hasattr(target, "validate_record"):
        found.append(_whole(name, called(name, target).validate_record))
    if hasattr(target, "validate") and not is_sampler(target):
        kind, field = getattr(target, "type", None), getattr(target, "field", None)
        if kind is None and field is None:
            raise UsageError(f"The validator `{name}` names no `type` and no `field`.", hint='E.g. type = "phone".')
        found.append(_by_field(name, called(name, target).validate, kind, field))
    return found


def _whole(name: str, validate: Any) -> RecordCheck:
    return lambda record, rules: judged(name, validate, record, rules)


def _by_field(name: str, validate: Any, kind: str | None, field: str | None) -> RecordCheck:
    def check(record: dict[str, Any], rules: dict[str, Any]) -> Verdict:
        for path, value in record.items():
            meant = path == field if field is not None else rules.get(path, {}).get("type") == kind
            if meant and value is not None and (verdict := judged(name, validate, value)) is not True:
                return f"{path}: {verdict or name}"
        return True

    return check


def is_sampler(target: Any) -> bool:
    """Whether a plugin draws values."""
    return isinstance(target, type) and (issubclass(target, Sampler) or hasattr(target, "generate"))


def is_path(entry: str) -> bool:
    """Whether an entry of `plugins` is a file; else it is the name of a package's validator."""
    return entry.endswith(".py") or "/" in entry


def paths(plugins: Sequence[str], folder: str | os.PathLike[str]) -> list[Path]:
    """The files among a spec's `plugins`."""
    return [Path(folder, os.path.expanduser(entry)).resolve() for entry in plugins if is_path(entry)]


def contents(path: Path) -> dict[str, Any]:
    """What a file offers, by name: its classes, and its function `validate_record`."""
    module = _run(path, xxhash.xxh3_64_hexdigest(_read(path)))
    own = [each for each in vars(module).values() if getattr(each, "__module__", None) == module.__name__]
    found: dict[str, Any] = {}
    for target in own:
        if isinstance(target, type) and not target.__name__.startswith("_"):
            name = _name_of(target)
            if name in found:
                raise UsageError(f"{path}: two classes are called `{name}`.", hint="Give one another `name`.")
            found[name] = target
    if callable(function := vars(module).get("validate_record")):
        found[path.stem] = function
    return found


@cache
def _run(path: Path, text: str) -> ModuleType:
    """The file as a module of its own. `text` is a digest: a file that has changed is run again."""
    name = f"ffgen_plugin_{path.stem}_{xxhash.xxh3_64_hexdigest(f'{path} {text}'.encode())}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file.", hint="A plugin's name ends with .py.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        called(path.name, spec.loader.exec_module, module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"The plugin {path} can't be read: {error.strerror}."
        raise UsageError(what, hint="Paths are relative to the spec's folder.") from error


def _name_of(target: type[Any]) -> str:
    name = getattr(target, "name", None)
    return name if isinstance(name, str) else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target.__name__).lower()


@cache
def _of_package(name: str) -> type[Sampler]:
    point = offered(DRAW)[name]
    return sampler_of(name, called(f"{name}, {_where(point)}", point.load))


@cache
def offered(group: str) -> dict[str, EntryPoint]:
    """What packages offer. Read once a process: 10 ms where a hundred are installed."""
    found: dict[str, EntryPoint] = {}
    for point in importlib.metadata.entry_points(group=group):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            what = f"{_where(other)} and {_where(point)} both offer `{point.name}`."
            raise UsageError(what, hint="Uninstall one of them.")
    return found


def _where(point: EntryPoint) -> str:
    return f"the package {point.dist.name} {point.dist.version}" if point.dist else point.value
