"""What can be set, and who set it: one table, six layers, nearest first.

    flags > environment > .env > the spec file > ffgen.toml > the user's config.toml > defaults

The spec file takes part for what a spec can hold (`Option.spec`): a flag or a variable is meant for this run and
overrules it, a project's or user's file is a wish for specs that say nothing.
"""

import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import platformdirs
from dotenv import dotenv_values

from ffgen.errors import UsageError
from ffgen_cli import kind
from ffgen_cli.kind import Kind

PROJECT_FILE = "ffgen.toml"
RECORDS, MODEL, RUN, SHOW, LOG = "What to make", "Which model", "The run", "What you see", "Log and audit"
SERVE = "The service"


MODEL_PATH = "model."
"""Where a spec says what is set of a model."""


class Layer(IntEnum):
    """Who may set a value; a lower number wins. The spec file stands where it stands."""

    FLAG = 0
    ENVIRONMENT = 1
    DOTENV = 2
    SPEC = 3
    PROJECT = 4
    USER = 5
    DEFAULT = 6


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: its key in TOML, its flags, its variable. `spec` is where a spec file holds it, if it can."""

    name: str
    flags: tuple[str, ...]
    env: str
    kind: Kind
    group: str
    help: str
    default: Any = None
    spec: str = ""
    secret: bool = False

    @property
    def flag(self) -> str:
        """The flag that messages name: the first long one."""
        return next((one for one in self.flags if one.startswith("--")), "").partition("/")[0]


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from, in words that a message can use (`--seed`, `FFGEN_SEED`, `ffgen.toml`)."""

    value: Any
    origin: str
    layer: Layer


def _option(name: str, flags: str, kind: Kind, group: str, help: str, **rest: Any) -> Option:
    env = rest.pop("env", f"FFGEN_{name.upper()}")
    return Option(name, tuple(flags.split()), env, kind, group, help, **rest)


_TABLE = (
    _option(
        "count", "-n --count --rows --n", kind.COUNTS, RECORDS,
        "Make exactly this many records; of several tables, of the first without a ref, or of the one named: "
        "-n orders=5000. Fewer is never a success.", default=1000, spec="dataset.count",
    ),
    _option(
        "output", "-o --output", kind.text("PATH"), RECORDS,
        "Write here; - is standard output. A file appears whole or not at all; .gz and .zst compress.",
        spec="output.path",
    ),
    _option(
        "format", "-f --format", kind.text("FORMAT"), RECORDS,
        "jsonl, csv, csv-safe (text that a spreadsheet would run is escaped) or parquet. Taken from the name of the "
        "output unless said.", spec="output.format",
    ),
    _option("table", "--table", kind.text("NAME"), RECORDS, "Which table, of a spec that has several."),
    _option(
        "allow_plugins", "--allow-plugins", kind.SWITCH, RECORDS,
        "Run the Python files that the spec lists under `plugins`. They can do whatever you can.", default=False,
    ),
    _option("local", "--local", kind.SWITCH, RECORDS, "Draw every field here and ask no model.", default=False),
    _option(
        "seed", "--seed", kind.integer(0, 2**63 - 1), RECORDS,
        "Same spec, seed and replies: the same bytes. Change it for other records.", default=0, spec="seed",
    ),
    _option(
        "endpoint", "--endpoint", kind.URLS, MODEL,
        "A model server's URL, or `embedded`. Repeat it for several servers of one model.",
        env="FFGEN_LLM_BASE_URL", spec="model.endpoint",
    ),
    _option(
        "model", "--model", kind.text("NAME"), MODEL, "The model's name on that server, such as llama3.1:8b.",
        env="FFGEN_LLM_MODEL", spec="model.name",
    ),
    _option("api_key", "", kind.text("KEY"), MODEL, "The key of a hosted model. Never a flag.", secret=True),
    _option("api_key_file", "", kind.PATH, MODEL, "A file that holds the key; goes before the key itself."),
    _option(
        "api_key_keyring", "", kind.text("NAME"), MODEL,
        "The name under which the system's key store holds the key, for the service ffgen (pip install "
        "'ffgen[keyring]'); goes before the key, after its file.",
    ),
    _option(
        "api", "--api", kind.choice("auto", "ollama", "openai", "anthropic"), MODEL,
        "How the model that drafts is spoken to; recognised unless said.", env="FFGEN_LLM_API", default="auto",
    ),
    _option(
        "local_only", "--local-only", kind.SWITCH, MODEL,
        "Draft without a model, whatever is set: what is described stays on this machine.", default=False,
    ),
    _option(
        "concurrency", "--concurrency", kind.integer_or("auto", 1, 1024), MODEL,
        "Requests in flight to each endpoint, over all workers. Match the server's slots.",
        default=2, spec="model.concurrency",
    ),
    _option(
        "batch_size", "--batch-size", kind.integer(1, 1000), MODEL,
        "Records that one request asks for. Part of what makes the bytes.", default=32, spec="model.batch_size",
    ),
    _option(
        "workers", "--workers --parallel", kind.integer(0, 256), RUN,
        "Worker processes; 0 does everything in this one. Never changes the bytes. Chosen unless said.",
    ),
    _option(
        "timeout", "--timeout", kind.DURATION, RUN,
        "Stop after this long with exit 3. The same command goes on from there.", default=7200.0,
    ),
    _option(
        "max_asks", "--max-asks", kind.number_above(0), RUN,
        "Give up after this many times the fewest requests that could do.", default=5.0,
    ),
    _option(
        "fresh", "--fresh", kind.SWITCH, RUN, "Ask and draw everything anew; use nothing that is kept.", default=False
    ),
    _option(
        "no_clobber", "--no-clobber/--clobber", kind.SWITCH, RUN,
        "Refuse (or allow) to replace a file that exists.", default=False,
    ),
    _option(
        "dedup_memory", "--dedup-memory", kind.SIZE, RUN,
        "Memory for the set that finds duplicates; past it the set goes to disk.", default=64 * 2**20,
    ),
    _option(
        "cache_dir", "--cache-dir", kind.PATH, RUN, "Where replies are kept.",
        default=platformdirs.user_cache_dir("ffgen"),
    ),
    _option(
        "progress", "--progress", kind.choice("auto", "plain", "json", "none"), SHOW,
        "A bar on a terminal, else a line every 30 s; json is a line an event.", default="auto",
    ),
    _option("quiet", "-q --quiet", kind.SWITCH, SHOW, "Errors only: no progress, no report.", default=False),
    _option(
        "labels", "--labels", kind.PATH, RUN,
        "Write what the spec's `imperfections` spoiled here: a JSON line a cell or row.",
    ),
    _option("report", "--report", kind.PATH, SHOW, "Write the run report here too, as JSON."),
    _option(
        "errors", "--errors", kind.choice("text", "json", "github"), SHOW,
        "How errors are written: for people, programs, or as annotations of a pull request.", default="text",
    ),
    _option(
        "color", "--color", kind.choice("auto", "always", "never"), SHOW,
        "auto obeys NO_COLOR, FORCE_COLOR and TERM=dumb.", default="auto",
    ),
    _option(
        "log_level", "--log-level", kind.choice("debug", "info", "warning", "error"), LOG,
        "The least event that is logged.", default="warning",
    ),
    _option(
        "log_format", "--log-format", kind.choice("text", "json"), LOG,
        "Log lines for people or programs.", default="text",
    ),
    _option("log_file", "--log-file", kind.PATH, LOG, "Append the log here; standard error unless said."),
    _option("audit", "--audit", kind.PATH, LOG, "Append one line a request here: who, when, how long; no content."),
    _option(
        "audit_prompts", "--audit-prompts", kind.PATH, LOG,
        "Append prompts and replies in full here, readable by you alone.",
    ),
    _option("serve_host", "--host", kind.text("HOST"), SERVE, "Listen here; beyond this machine only with a token.",
            default="127.0.0.1"),
    _option("serve_port", "--port", kind.integer(0, 65535), SERVE, "Listen at this port; 0 takes a free one.",
            default=8765),
    _option(
        "serve_data", "--data-dir", kind.PATH, SERVE, "Where jobs and their data are kept; in the user's state folder "
        "unless said.",
    ),
    _option("serve_token", "", kind.text("TOKEN"), SERVE, "What requests must show (Authorization: Bearer). "
            "Never a flag.", secret=True),
    _option("serve_token_file", "--token-file", kind.PATH, SERVE, "A file with such tokens, one a line."),
    _option("serve_no_auth", "--no-auth/--auth", kind.SWITCH, SERVE, "Listen beyond this machine without a token.",
            default=False),
    _option("serve_cors", "--cors", kind.ORIGINS, SERVE,
            "Web pages of this origin may use the service: https://app.example.com. Repeatable."),
    _option("serve_hosts", "--allow-host", kind.NAMES, SERVE,
            "A host name that the service is called by, besides addresses and localhost. Repeatable."),
    _option("serve_models", "--models", kind.PATH, SERVE,
            "A YAML file of models that requests may name: NAME: {endpoint: ..., name: ...}."),
    _option("serve_plugins", "--plugin", kind.NAMES, SERVE,
            "A generator or validator of an installed package that requests may use. Repeatable."),
    _option("serve_makers", "--makers", kind.integer(1, 256), SERVE,
            "Processes that make quick answers; as many as cores unless said."),
    _option("serve_streams", "--streams", kind.integer(1, 256), SERVE, "Large answers at a time.", default=2),
    _option("serve_jobs", "--jobs", kind.integer(0, 64), SERVE, "Jobs at a time; 0 only takes them.", default=1),
    _option("serve_rate", "--rate", kind.integer(0, 1_000_000), SERVE,
            "Requests a minute for each token, or address without one; 0 is no limit. Beyond this machine 600 unless "
            "said, here 0."),
    _option("serve_grace", "--grace", kind.DURATION, SERVE, "How long answers under way may take when it is stopped.",
            default=10.0),
    _option("serve_keep", "--keep", kind.DURATION, SERVE, "How long finished jobs are kept.", default=7 * 86_400.0),
)  # fmt: skip
OPTIONS: dict[str, Option] = {option.name: option for option in _TABLE}


class Settings(Mapping[str, Any]):
    """Every setting by name, resolved. `settings[name]` is the value; `where(name)` is the whole story."""

    def __init__(self, values: Mapping[str, Setting]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name].value

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def where(self, name: str) -> Setting:
        """The value with its origin and layer."""
        return self._values[name]

    def over_spec(self, said: Collection[str]) -> dict[str, Setting]:
        """Settings by path of the spec that go before what the spec says. `said` holds the paths that it says."""
        return {
            option.spec: setting
            for name, setting in self._values.items()
            if (option := OPTIONS[name]).spec
            and (setting.layer < Layer.SPEC or (setting.layer < Layer.DEFAULT and option.spec not in said))
        }

    @property
    def asks_spec(self) -> bool:
        """Whether something is set whose meaning depends on what the spec says, so that somebody must look: what a file
        sets and a spec may say too, and what is said of a model."""
        return any(
            setting.layer in (Layer.PROJECT, Layer.USER)
            or (path.startswith(MODEL_PATH) and setting.layer < Layer.SPEC and not self.names_model(name))
            for name, setting in self._values.items()
            if (path := OPTIONS[name].spec)
        )

    def names_model(self, name: str) -> bool:
        """Whether a setting is a flag that says which model is asked."""
        return name in ("endpoint", "model") and self._values[name].layer is Layer.FLAG


def resolve(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user_file: Path | None = None,
) -> Settings:
    """All settings, each from the nearest layer that has it. A wrong value or key is a UsageError naming its place.

    `flags` holds what was given, None for what was not. Reads at most three small files.
    """
    real = os.environ if environ is None else environ
    project = find_project(folder or Path.cwd())
    beside = find_dotenv(project, folder or Path.cwd())
    layers = [
        {name: Setting(value, OPTIONS[name].flag, Layer.FLAG) for name, value in flags.items() if value is not None},
        _from_variables(real, "", Layer.ENVIRONMENT),
        _from_variables(read_dotenv(beside), str(beside), Layer.DOTENV),
        _from_toml(project, Layer.PROJECT),
        _from_toml(user_file or find_user_file(), Layer.USER),
        {option.name: Setting(option.default, "default", Layer.DEFAULT) for option in _TABLE},
    ]
    return Settings({name: next(layer[name] for layer in layers if name in layer) for name in OPTIONS})


def find_project(folder: Path) -> Path | None:
    """The nearest ffgen.toml, from `folder` upward."""
    return next((file for up in (folder, *folder.parents) if (file := up / PROJECT_FILE).is_file()), None)


def find_dotenv(project: Path | None, folder: Path) -> Path:
    """The one .env that is read: beside ffgen.toml, else in `folder`. It need not exist."""
    return (project.parent if project else folder) / ".env"


def find_user_file() -> Path:
    """The user's own file. It need not exist."""
    return Path(platformdirs.user_config_dir("ffgen")) / "config.toml"


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a .env file, `${...}` left as it stands; empty when there is no file."""
    if not path.is_file():
        return {}
    try:
        found = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}.", hint="Write it as UTF-8, one NAME=value a line.") from error
    return {name: value for name, value in found.items() if value is not None}


def _from_variables(variables: Mapping[str, str], file: str, layer: Layer) -> dict[str, Setting]:
    """An empty variable counts as unset, as shells and CI systems leave them behind."""
    return {
        option.name: Setting(_parse(option, text, origin), origin, layer)
        for option in _TABLE
        if (text := variables.get(option.env, "").strip())
        for origin in [f"{option.env} in {file}" if file else option.env]
    }


def _from_toml(path: Path | None, layer: Layer) -> dict[str, Setting]:
    if path is None or not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{path} can't be read: {error}.", hint="It must be TOML: one `name = value` a line."
        ) from error
    found = {}
    for key, value in table.items():
        option = _known(key, path)
        parsed = _parse(option, value, f"{option.name} in {path}")
        found[option.name] = Setting(_anchored(option, parsed, path.parent), str(path), layer)
    return found


def _known(key: str, path: Path) -> Option:
    name = key.replace("-", "_")
    if name not in OPTIONS:
        near = difflib.get_close_matches(name, OPTIONS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"It may hold: {', '.join(OPTIONS)}."
        raise UsageError(f"{path}: there is no setting {key}.", hint=hint)
    if OPTIONS[name].secret:
        raise UsageError(
            f"{path}: {name} is a secret and does not belong in a settings file.",
            hint="Put the key into a file of its own and set api_key_file.",
        )
    return OPTIONS[name]


def _parse(option: Option, value: Any, origin: str) -> Any:
    try:
        return option.kind.parse(value)
    except ValueError as error:
        shown = "its value" if option.secret else repr(value)
        raise UsageError(f"{origin}: {shown} is not {error}.") from None


def _anchored(option: Option, value: Any, folder: Path) -> Any:
    """A path in a settings file counts from that file's folder, so that it means one place from anywhere."""
    if option.kind is kind.PATH or (option.name == "output" and value != "-" and "://" not in value):
        return str(folder / Path(value).expanduser())
    return value
