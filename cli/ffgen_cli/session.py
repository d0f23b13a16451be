"""One call of the command line: its settings, its terminal, its log. Every command begins here."""

from __future__ import annotations  # naming a type of the library must not load the library

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ffgen
from ffgen.errors import UsageError
from ffgen_cli.log import begin_log
from ffgen_cli.override import changes
from ffgen_cli.settings import OPTIONS, Layer, Settings, find_dotenv, find_project, read_dotenv, resolve
from ffgen_cli.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Target:
    """A spec with what the command line changes in it, ready to hand to any verb of the library."""

    source: str
    assign: dict[str, Any]
    origin: dict[str, str]
    allow_plugins: bool = False

    @property
    def changed(self) -> dict[str, Any]:
        """The keyword arguments that all verbs share."""
        return {"assign": self.assign, "origin": self.origin, "allow_plugins": self.allow_plugins}


@dataclass(slots=True)
class Session:
    """What the commands of one call share. `terminal` is good for errors from the first moment on."""

    terminal: Terminal = field(default_factory=Terminal)

    def begin(
        self, flags: Mapping[str, Any], *, verbose: int = 0, as_json: bool = False, log: bool = False
    ) -> Settings:
        """Resolves all settings and prepares terminal, key and log. `flags` may hold None for what was not given."""
        settings = resolve(flags)
        errors = "json" if as_json and settings.where("errors").layer == Layer.DEFAULT else settings["errors"]
        self.terminal = Terminal(errors, settings["color"], settings["quiet"], os.environ)
        if log:
            export_keys()
            begin_log(settings, verbose, os.environ)
        return settings


def terminal_for(arguments: list[str], environ: Mapping[str, str]) -> Terminal:
    """The terminal before anything is parsed, so that a mistyped command is shown as --errors and --color say."""
    fallback = "json" if "--json" in arguments else OPTIONS["errors"].default
    return Terminal(
        errors=_peek("errors", arguments, environ, fallback),
        color=_peek("color", arguments, environ, OPTIONS["color"].default),
        environ=environ,
    )


def _peek(name: str, arguments: list[str], environ: Mapping[str, str], fallback: str) -> str:
    option = OPTIONS[name]
    said = [environ.get(option.env, "")]
    said += [after for before, after in zip(arguments, arguments[1:], strict=False) if before == option.flag]
    said += [one.partition("=")[2] for one in arguments if one.startswith(f"{option.flag}=")]
    return next((word for word in reversed(said) if word in option.kind.choices), fallback)


def export_keys() -> None:
    """Hands names of `.env` that end with _API_KEY to the environment, so that a spec's `key: {env: NAME}` works.

    Nothing else of it: a stranger's `.env` must not steer this process or the ones it starts.
    """
    for name, value in read_dotenv(find_dotenv(find_project(Path.cwd()), Path.cwd())).items():
        if name.endswith("_API_KEY"):
            os.environ.setdefault(name, value)


def api_key(settings: Settings) -> str | None:
    """The key of a hosted model, from its file when one is named; a spec with a `model.key` of its own goes before."""
    path = settings["api_key_file"]
    if path is None and settings["api_key_keyring"] is not None:
        return stored_key(settings["api_key_keyring"], settings.where("api_key_keyring").origin)
    if path is None:
        return settings["api_key"]  # type: ignore[no-any-return]
    origin = settings.where("api_key_file").origin
    try:
        key = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The key file {path} ({origin}) can't be read.", hint="Check the path and who may read it."
        ) from error
    if not key:
        raise UsageError(f"The key file {path} ({origin}) is empty.", hint="Put the key into it, on one line.")
    return key


def stored_key(name: str, origin: str) -> str:
    """The key that the system's store holds under a name, for the service `ffgen`."""
    hint = f"Put it there: `keyring set ffgen {name}`."
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise UsageError(f"{origin} needs the package keyring.", hint="pip install 'ffgen[keyring]'") from None
    try:
        key = keyring.get_password("ffgen", name)
    except keyring.errors.KeyringError as error:
        raise UsageError(f"The key store can't be asked ({origin}): {str(error).rstrip('.')}.", hint=hint) from error
    if not key:
        raise UsageError(f"The key store has no key {name} ({origin}).", hint=hint)
    return str(key)


def loose_key(settings: Settings) -> str:
    """A warning where others may read the key file; empty where all is well."""
    path = settings["api_key_file"]
    try:
        mode = Path(path).expanduser().stat().st_mode if path else 0
    except OSError:
        return ""
    return f"Others can read the key file {path}: `chmod 600 {path}`." if mode & 0o077 else ""


def choose_spec(spec: str | None, option: str | None, command: str) -> str:
    """The spec that was meant: the argument or --spec, exactly one of them."""
    if spec and option:
        raise UsageError(f"Two specs were named: {spec} and {option}.", hint="Name one.")
    if not spec and not option:
        raise UsageError(
            "Which spec?", hint=f"ffgen {command} SPEC, such as specs/customers.yaml; `ffgen init` makes a new one."
        )
    return str(spec or option)


def manner(settings: Settings) -> dict[str, Any]:
    """How a run goes about it, by settings that `run` and `refresh` of the library share."""
    names = ("timeout", "fresh", "dedup_memory", "cache_dir", "audit", "audit_prompts")
    return {name: settings[name] for name in names} | {"key": api_key(settings), "isolate": True}


def open_spec(terminal: Terminal, wanted: Target) -> ffgen.Spec:
    """The spec, its warnings shown. Raises SpecError with all that is wrong."""
    spec = ffgen.load(wanted.source, **wanted.changed)
    terminal.warn(ffgen.check(wanted.source, **wanted.changed))
    return spec


def target(source: str, settings: Settings, sets: tuple[str, ...] = ()) -> Target:
    """The spec and its changes. An output that is named here takes its format from its own name, not from the spec."""
    assign, origin = changes(source, settings, sets)
    path = assign.get("output.path")
    if isinstance(path, str) and Path(path).suffix:
        for other in ("output.format", "output.compression"):
            assign.setdefault(other, None)
            origin.setdefault(other, origin["output.path"])
    return Target(source, assign, origin, settings["allow_plugins"])
