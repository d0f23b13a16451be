"""The specs that `ffgen refresh` is about: which they are, what is set for each, and which are fresh at a glance."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ffgen
from ffgen.errors import DestinationError, FfgenError, UsageError
from ffgen_cli import kind
from ffgen_cli.override import MOST_BYTES, said_in
from ffgen_cli.session import target
from ffgen_cli.settings import OPTIONS, Layer, Settings, find_project, resolve

SUFFIXES = (".yaml", ".yml", ".json")
# Only for files that are no YAML: a spec with a slip in it must not pass for a file of somebody else.
OUTPUT = re.compile(rb'^output\s*:|^\{.*"output"\s*:', re.MULTILINE | re.DOTALL)


@dataclass(slots=True, eq=False)
class Fixture:
    """One spec, and what came of it. `spec` is its whole path, `shown` what the user calls it, `home` the folder from
    which its relative paths count; `listed` where a folder was named and not the spec."""

    spec: str
    shown: str
    home: str
    listed: bool = False
    outcome: str = "fresh"
    reasons: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    records: int | None = None
    seconds: float | None = None
    error: FfgenError | None = None

    @property
    def code(self) -> int:
        """The exit code that this spec alone would have."""
        return self.error.exit_code if self.error is not None else 1 if self.outcome == "stale" else 0

    def fail(self, error: FfgenError) -> None:
        """It could not be made."""
        self.outcome, self.error = "failed", error

    def told(self) -> dict[str, Any]:
        """For programs."""
        names = ("spec", "outcome", "reasons", "outputs", "records", "seconds")
        wrong = None if self.error is None else {"what": self.error.what, "hint": self.error.hint}
        return {name: getattr(self, name) for name in names} | {"exit_code": self.code, "error": wrong}


def find(places: Sequence[str], folder: str | None) -> Iterator[Fixture]:
    """The specs named, and those below the folders named, each once. A file below a folder may turn out to be none."""
    seen: set[str] = set()
    for place in places:
        for spec in below(place) if os.path.isdir(place) else [place]:
            whole = os.path.abspath(spec)
            if os.path.realpath(spec) not in seen:
                seen.add(os.path.realpath(spec))
                home = os.path.abspath(folder) if folder else home_of(whole)
                yield Fixture(whole, spec, home, listed=spec is not place)


def below(folder: str) -> Iterator[str]:
    """Files in a folder that may be specs by their names, in order; hidden ones are passed over."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.join(here, name)


def home_of(spec: str) -> str:
    """Where relative paths of a spec count from: the folder of the nearest ffgen.toml above it, else its own."""
    own = Path(spec).parent
    project = find_project(own)
    return str(project.parent if project is not None else own)


def has_output(spec: str) -> bool:
    """Whether a file is a spec that says where its records go, or tried to be one."""
    said = said_in(spec)
    if said:
        return "output.path" in said and any(name in said for name in ("dataset", "tables"))
    try:
        with open(spec, "rb") as file:
            return OUTPUT.search(file.read(MOST_BYTES)) is not None
    except OSError:
        return False


def anchored(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that were given, their paths made whole: they count from where the user is, not from a spec's home."""
    given = {name: value for name, value in flags.items() if value is not None}
    paths = {name for name in given if OPTIONS[name].kind is kind.PATH}
    return {
        name: os.path.abspath(os.path.expanduser(value)) if name in paths else value for name, value in given.items()
    }


def anchored_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with its paths made whole, too."""
    names = {option.env for option in OPTIONS.values() if option.kind is kind.PATH} | {"FFGEN_STATE_DIR"}
    paths = {name: environ[name] for name in names if environ.get(name)}
    return dict(environ) | {name: os.path.abspath(os.path.expanduser(path)) for name, path in paths.items()}


class Glance:
    """Tells fresh specs apart without reading them. Settings are resolved once a home."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self._flags = flags
        self._settings: dict[str, Settings] = {}

    def is_fresh(self, fixture: Fixture, *, keep_notes: bool) -> bool:
        """Whether nothing has changed that could matter. False for a spec that has failed, too."""
        try:
            wanted = target(fixture.spec, self.settings_of(fixture.home))
        except FfgenError as error:
            fixture.fail(error)
            return False
        return ffgen.is_fresh(wanted.source, assign=wanted.assign, folder=fixture.home, keep_notes=keep_notes)

    def settings_of(self, home: str) -> Settings:
        """The settings as they are in a folder."""
        if home not in self._settings:
            if not os.path.isdir(home):
                raise DestinationError(f"{home} is no folder.", hint="Name one that is there: -C.")
            found = resolve(self._flags, folder=Path(home))
            if found.where("output").layer < Layer.SPEC:
                origin = found.where("output").origin
                raise UsageError(f"{origin} would send every spec to one place.", hint="Leave it unset for refresh.")
            self._settings[home] = found
        return self._settings[home]
