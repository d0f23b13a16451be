"""Settings: six layers, one table, errors that name the place."""

from pathlib import Path

import pytest

from ffgen.errors import UsageError
from ffgen_cli.settings import OPTIONS, Layer, Settings, find_project, resolve


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project folder with nothing in it, and no user file."""
    (tmp_path / "project" / "below").mkdir(parents=True)
    return tmp_path


def look(home: Path, flags: dict[str, object] | None = None, environ: dict[str, str] | None = None) -> Settings:
    return resolve(flags or {}, environ=environ or {}, folder=home / "project", user_file=home / "config.toml")


def test_the_nearest_layer_wins_and_says_where_it_came_from(home: Path) -> None:
    (home / "config.toml").write_text("seed = 1\nworkers = 1\n")
    assert (look(home)["seed"], look(home).where("seed").origin) == (1, str(home / "config.toml"))
    (home / "project" / "ffgen.toml").write_text("seed = 2\n")
    assert (look(home)["seed"], look(home).where("seed").layer) == (2, Layer.PROJECT)
    (home / "project" / ".env").write_text("FFGEN_SEED=3\n")
    assert look(home).where("seed").origin == f"FFGEN_SEED in {home / 'project' / '.env'}"
    assert look(home, environ={"FFGEN_SEED": "4"}).where("seed").origin == "FFGEN_SEED"
    found = look(home, {"seed": 5, "count": None}, {"FFGEN_SEED": "4"}).where("seed")
    assert (found.value, found.origin, found.layer) == (5, "--seed", Layer.FLAG)
    assert look(home)["workers"] == 1
    assert look(home).where("count").layer == Layer.DEFAULT


def test_the_project_file_is_found_upward_and_its_env_file_beside_it(home: Path) -> None:
    (home / "project" / "ffgen.toml").write_text("")
    (home / "project" / ".env").write_text("FFGEN_COUNT=7\n")
    below = home / "project" / "below"
    (below / ".env").write_text("FFGEN_COUNT=8\n")
    assert find_project(below) == home / "project" / "ffgen.toml"
    assert resolve({}, environ={}, folder=below, user_file=home / "none")["count"] == 7


def test_an_empty_variable_is_unset(home: Path) -> None:
    assert look(home, environ={"FFGEN_SEED": "", "FFGEN_LLM_MODEL": " "})["seed"] == 0


def test_the_promised_variables_are_read(home: Path) -> None:
    environ = {
        "FFGEN_LLM_BASE_URL": "http://a:1, http://b:2",
        "FFGEN_LLM_MODEL": "llama3.1:8b",
        "FFGEN_API_KEY": "k" * 20,
        "FFGEN_API_KEY_FILE": "/run/key",
        "FFGEN_SEED": "9",
        "FFGEN_CACHE_DIR": "/tmp/c",
        "FFGEN_LOG_LEVEL": "debug",
        "FFGEN_WORKERS": "3",
        "FFGEN_TIMEOUT": "15m",
        "FFGEN_DEDUP_MEMORY": "1GiB",
    }
    found = look(home, environ=environ)
    assert found["endpoint"] == ["http://a:1", "http://b:2"]
    assert (found["model"], found["seed"], found["workers"]) == ("llama3.1:8b", 9, 3)
    assert (found["timeout"], found["dedup_memory"], found["log_level"]) == (900.0, 2**30, "debug")


@pytest.mark.parametrize("option", [one for one in OPTIONS.values() if one.env.startswith("FFGEN_LLM") is False])
def test_every_other_variable_is_named_after_its_setting(option: object) -> None:
    assert option.env == f"FFGEN_{option.name.upper()}"  # type: ignore[attr-defined]


def test_an_unknown_key_names_the_nearest(home: Path) -> None:
    (home / "project" / "ffgen.toml").write_text("sede = 2\n")
    with pytest.raises(UsageError, match=r"ffgen\.toml: there is no setting sede\. Did you mean seed\?"):
        look(home)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = 'many'\n", "seed in .*ffgen.toml: 'many' is not a whole number from 0"),
        ("seed = true\n", "seed in .*: True is not a whole number"),
        ("timeout = -1\n", "timeout in .*: -1 is not a duration such as 90s"),
        ("endpoint = [1]\n", "is not a text, or a list of texts"),
        ("seed = \n", "can't be read"),
        ("api_key = 'abcdefgh'\n", "is a secret"),
        ("[model]\nname = 'x'\n", "model in .* is not a text"),
    ],
)
def test_a_wrong_value_names_its_place(home: Path, text: str, said: str) -> None:
    (home / "project" / "ffgen.toml").write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        look(home)
    assert "abcdefgh" not in str(caught.value)


def test_a_wrong_variable_names_itself_and_a_wrong_key_is_not_shown(home: Path) -> None:
    with pytest.raises(UsageError, match="FFGEN_WORKERS: 'lots' is not a whole number from 0 to 256"):
        look(home, environ={"FFGEN_WORKERS": "lots"})


def test_a_binary_env_file_is_an_error_and_not_a_trace(home: Path) -> None:
    (home / "project" / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="can't be read"):
        look(home)


def test_paths_in_a_settings_file_count_from_its_folder(home: Path) -> None:
    (home / "project" / "ffgen.toml").write_text('cache-dir = "cache"\noutput = "-"\n')
    assert look(home)["cache_dir"] == str(home / "project" / "cache")
    assert look(home)["output"] == "-"


def test_flags_and_variables_overrule_a_spec_and_files_do_not(home: Path) -> None:
    (home / "project" / "ffgen.toml").write_text('seed = 2\nmodel = "m"\n')
    found = look(home, {"count": 5}, {"FFGEN_CONCURRENCY": "auto"})
    over = found.over_spec({"seed", "dataset.count", "model.concurrency"})
    assert {path: one.value for path, one in over.items()} == {
        "dataset.count": 5, "model.concurrency": "auto", "model.name": "m",
    }  # fmt: skip
    assert found.asks_spec
    assert not look(home, {"seed": 1, "model": "x"}).asks_spec
