"""What a command line changes in a spec: flags and variables at their paths, and `--set path=value`."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from ffgen.errors import UsageError
from ffgen_cli.settings import MODEL_PATH, Settings

MOST_BYTES = 2**20
MOST_SET = 10_000
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ASSIGNMENT = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^="])+)=(.*)', re.DOTALL)


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core words, as specs are read: `no` and `1:30` are texts, 010 is ten."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


def _whole(loader: CoreLoader, node: yaml.ScalarNode) -> int:
    return int(node.value)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]{1,31}", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
CoreLoader.add_constructor("tag:yaml.org,2002:int", _whole)


def read_assignment(text: str) -> tuple[str, Any]:
    """`path=value` as path and value; the value is a YAML scalar, list or mapping (`[18, 90]`)."""
    found = ASSIGNMENT.fullmatch(text)
    if not found:
        raise UsageError(f"--set {text} is not a change.", hint="Write --set dataset.count=50, a path and a value.")
    if len(found[2]) > MOST_SET or "&" in found[2] and "*" in found[2]:
        raise UsageError(f"--set {found[1]}: the value is too long or uses anchors.", hint="Put it into the spec file.")
    try:
        return found[1], yaml.load(found[2], CoreLoader)  # a SafeLoader: core types only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or error
        raise UsageError(
            f"--set {found[1]}: the value is not YAML: {problem}.",
            hint="Quote it for the shell: --set 'dataset.fields[2].range=[18, 90]'.",
        ) from error


def changes(source: str, settings: Settings, sets: tuple[str, ...] = ()) -> tuple[dict[str, Any], dict[str, str]]:
    """What to assign over the spec, and where each came from. `--set` goes last, so it wins over other flags."""
    said = said_in(source) if settings.asks_spec else frozenset()
    over = settings.over_spec(said)
    if not wants_model(said, settings):
        over = {path: setting for path, setting in over.items() if not path.startswith(MODEL_PATH)}
    assign: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for path, setting in over.items():
        for aimed, value in _aimed(path, _alone(setting.value)):
            assign[aimed], origin[aimed] = value, setting.origin
    if settings["local"]:
        assign["dataset.mode"], origin["dataset.mode"] = "local", settings.where("local").origin
    for path, value in map(read_assignment, sets):
        assign[path], origin[path] = value, "--set"
    return assign, origin


def wants_model(said: Collection[str], settings: Settings) -> bool:
    """Whether a model is meant: the spec has one or says who makes values, or a flag names one. A variable that is set
    for other specs does not make a spec ask that has no model."""
    return "model" in said or "dataset.mode" in said or any(map(settings.names_model, ("endpoint", "model")))


def _aimed(path: str, value: Any) -> list[tuple[str, Any]]:
    """A count by table is a count at each table's path; all else stands where it stands."""
    if path != "dataset.count" or not isinstance(value, dict):
        return [(path, value)]
    return [(f"tables.{table}.count" if table else path, count) for table, count in value.items()]


def _alone(value: Any) -> Any:
    """One endpoint is written as one, so that messages and the plan show it so."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def said_in(source: str) -> frozenset[str]:
    """The paths, two levels deep at most, that a spec file writes down. Empty when the file can't be read.

    Looks at events only, so aliases never unfold and nothing is built; what is wrong is left to the engine to say.
    """
    try:
        with Path(source).open("rb") as file:
            content = file.read(MOST_BYTES)
        return frozenset(_paths(content))
    except (OSError, ValueError, yaml.YAMLError):
        return frozenset()


def _paths(content: bytes) -> set[str]:
    found: set[str] = set()
    keys: list[str | None] = []  # one a level of mappings: its open key, None while one is awaited
    below = 0  # levels of sequences and deeper mappings that are passed over
    for event in yaml.parse(content, Loader=LOADER):
        opens = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        closes = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        if below:
            below += opens - closes
            if below > 64:
                return found
            if not below and keys:
                keys[-1] = None
        elif closes:
            keys.pop()
            if keys:
                keys[-1] = None
        elif isinstance(event, yaml.MappingStartEvent) and len(keys) < 2 and (not keys or keys[-1] is not None):
            keys.append(None)
        elif opens:
            below = 1
        elif keys and isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            if keys[-1] is not None:
                keys[-1] = None
            elif isinstance(event, yaml.ScalarEvent):
                keys[-1] = event.value
                found.add(".".join(key for key in keys if key is not None))
    return found
