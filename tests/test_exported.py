"""The public names are a list, and importing them costs nothing until one is used."""

import ast
import inspect
import json
import pkgutil
import subprocess
import sys
import typing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import ffgen
from ffgen import api, errors
from ffgen.api.runs import Settings

HEAVY = {"polars", "numpy", "aiohttp", "msgspec", "sqlglot", "yaml", "orjson", "xxhash", "asyncio", "multiprocess"}
LIGHT_VERBS = ["is_fresh", "measure_cache", "purge_cache", "status", "verify"]
NAMES = [name for name in ffgen.__all__ if name != "__version__"]
ROOMS = [
    import_module(f"ffgen.api.{room.name}") for room in pkgutil.iter_modules(api.__path__) if room.name != "reading"
]


def python(code: str) -> Any:
    """What a fresh interpreter prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_list_is_the_api_s_and_the_version() -> None:
    assert sorted(ffgen.__all__) == ffgen.__all__ and ffgen.__version__
    for name in NAMES:
        assert getattr(ffgen, name) is getattr(api, name)
    assert set(ffgen.__all__) <= set(dir(ffgen))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ffgen.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_list_for_type_checkers_is_the_same() -> None:
    tree = ast.parse(Path(inspect.getfile(api)).read_text())
    imports = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    # Only a name that is imported as itself is offered on.
    assert sorted(alias.name for alias in imports if alias.asname == alias.name) == NAMES
    assert len(imports) == len(NAMES)
    root = ast.parse(Path(inspect.getfile(ffgen)).read_text())
    assert any(ast.unparse(node) == "from ffgen.api import *" for node in ast.walk(root))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Source"])
def test_every_name_is_documented_and_typed(name: str) -> None:
    value = getattr(ffgen, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value):
        hints = typing.get_type_hints(value)
        assert "return" in hints and set(inspect.signature(value).parameters) <= set(hints)
    else:
        assert inspect.isclass(value)


def test_every_function_of_a_room_is_offered() -> None:
    offered = [name for name in NAMES if inspect.isfunction(getattr(ffgen, name))]
    own = [
        name
        for room in ROOMS
        for name, value in vars(room).items()
        if inspect.isfunction(value) and value.__module__ == room.__name__ and not name.startswith("_")
    ]
    assert offered == sorted([*own, *LIGHT_VERBS])


def test_every_setting_of_run_is_documented() -> None:
    assert all(f"`{name}" in str(ffgen.run.__doc__) for name in Settings.__annotations__)


def test_errors_are_public_documented_and_have_exit_codes() -> None:
    kinds = [
        value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, errors.FfgenError)
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.__doc__ and kind.__name__ in str(errors.__doc__) and kind.exit_code


def test_importing_ffgen_imports_nothing() -> None:
    loaded = python("import ffgen; ffgen.__version__; dir(ffgen); print(json.dumps([*sys.modules]))")
    assert not HEAVY & set(loaded)
    assert [name for name in loaded if name.startswith("ffgen")] == ["ffgen"]


def test_a_child_imports_neither_the_api_nor_the_command_line() -> None:
    loaded = python("import ffgen.run.child; print(json.dumps([*sys.modules]))")
    assert not {"ffgen.api", "ffgen_cli", "click", "rich", "IPython"} & set(loaded)


@pytest.mark.parametrize(
    "code",
    [
        "import ffgen.run.worker, ffgen.plan.compile",
        "from ffgen.run.worker import WorkerRole; from ffgen.plan import compile, capacity",
        "from ffgen import run, plan",
        "import ffgen; ffgen.plan; import ffgen.plan.compile; ffgen.run; import ffgen.run.carry",
        "import ffgen.api",
    ],
)
def test_plan_and_run_stay_verbs_whatever_is_imported(code: str) -> None:
    said = python(f"{code}\nimport ffgen; print(json.dumps([type(ffgen.plan).__name__, type(ffgen.run).__name__]))")
    assert said == ["function", "function"]


def test_what_cron_asks_twenty_times_loads_no_library() -> None:
    code = "import ffgen; told = [getattr(ffgen, name).__name__ for name in %r]\nprint(json.dumps([*sys.modules]))"
    assert not {"polars", "numpy", "aiohttp", "sqlglot", "yaml"} & set(python(code % LIGHT_VERBS))
    fresh = "import ffgen; ffgen.is_fresh('none.yaml'); print(json.dumps([*sys.modules]))"
    assert not (HEAVY - {"xxhash"}) & set(python(fresh))


def test_star_import_gives_the_list() -> None:
    assert set(ffgen.__all__) <= set(python("from ffgen import *\nprint(json.dumps([*globals()]))"))
