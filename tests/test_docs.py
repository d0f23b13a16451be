"""What the documents say is so: their commands run, their links resolve, their tables are those of the code.

Every ```sh command and ```python script of README.md and docs/ runs for real, in order, in a folder of its own, with
http://localhost:11434 read as the stand-in, http://127.0.0.1:8765 as a service and `embedded` overruled by
FFGEN_LLM_BASE_URL. A command that ends with `# exit N` must end so; all others must succeed. A ```yaml block whose
first line is `# NAME.yaml` is that file. ```text and ```json blocks are shown, not run. `make` commands run behind
`make soak`.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import pyzstd
from docs import make
from tests import standin
from tests.serve.server import Server

from ffgen_cli.main import COMMANDS
from ffgen_cli.option import GROUPS
from ffgen_cli.settings import OPTIONS

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MODEL = "llama3.1:8b"
SERVICE = "http://127.0.0.1:8765"
FAILS = re.compile(r"# exit (\d+)$")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks of a page, in order."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


RUNNABLE = [page for page in PAGES if any(language in ("sh", "python") for language, _ in blocks(page))]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with standin.start(models=(MODEL,), slots=8) as server:
        yield server.url


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `ffgen serve` would be, in a shell beside."""
    with Server(tmp_path_factory.mktemp("service"), "--makers", "1") as server:
        yield server.url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a user has it: the specs, and nothing else of the checkout."""
    work = tmp_path / "work"
    shutil.copytree(ROOT / "specs", work / "specs")
    return work


def environment(folder: Path, url: str) -> dict[str, str]:
    """A user without settings, whose ffgen is the one under test."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FFGEN_")}
    home = {"HOME": str(folder.parent), "XDG_CONFIG_HOME": str(folder.parent), "XDG_STATE_HOME": str(folder.parent)}
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONWARNINGS": "error"}
    model = {"FFGEN_LLM_BASE_URL": url, "FFGEN_LLM_MODEL": MODEL, "FFGEN_CACHE_DIR": str(folder.parent / "cache")}
    return {**clean, **home, **own, **model}


@pytest.mark.parametrize("page", RUNNABLE, ids=relative)
def test_its_commands_and_scripts_run(page: Path, url: str, folder: Path, request: pytest.FixtureRequest) -> None:
    known = environment(folder, url)
    ran = 0
    for language, text in blocks(page):
        text = text.replace("http://localhost:11434", url)
        if SERVICE in text and language == "sh":
            text = text.replace(SERVICE, request.getfixturevalue("service"))
        if language == "yaml" and (name := re.match(r"# (\S+\.yaml)\n", text)):
            (folder / name[1]).write_text(text, encoding="utf-8")
        elif language == "python":
            ran += ends(page, [sys.executable, "-c", text], 0, folder, known)
        elif language == "sh":
            for line in commands(text):
                if not line.startswith("make"):
                    fails = FAILS.search(line)
                    # Without pipefail, as a user's shell has it: `| head` may end what stands before it.
                    ran += ends(page, ["bash", "-c", line], int(fails[1]) if fails else 0, folder, known)
    assert ran


def ends(page: Path, command: list[str], code: int, folder: Path, known: dict[str, str]) -> int:
    """Runs one command and holds its exit code; 1, to be counted."""
    done = subprocess.run(
        command, cwd=folder, env=known, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    said = f"{relative(page)}: {command[-1]}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == code, said
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr, said
    return 1


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_its_blocks_and_links_are_good(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("\n```") == 2 * len(blocks(page)), "a block without a language, or one that is not closed"
    known = {"sh", "python", "yaml", "json", "text", "sql"}
    assert {language for language, _ in blocks(page)} <= known
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text)):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", make.generated(), ids=relative)
def test_its_generated_parts_are_fresh(path: Path) -> None:
    """After a change of a command, a flag, a setting, a key or a type: `make fmt`."""
    assert path.read_text(encoding="utf-8") == make.generated()[path], "stale: run `python -m docs.make`"


def test_every_command_and_flag_is_there() -> None:
    told = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"\n### {name}\n" not in told] == []
    assert [
        flag for one in OPTIONS.values() for part in one.flags for flag in part.split("/") if f"`{flag}`" not in told
    ] == []


def test_env_example_turns_nothing_on_and_has_every_variable() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") or not line for line in lines)
    assert [line[1:].partition("=")[0] for line in lines if re.match(r"#\w+=", line)] == [
        option.env for option in sorted(OPTIONS.values(), key=lambda one: GROUPS.index(one.group))
    ]


def test_the_drawing_has_the_floors_that_are_checked() -> None:
    drawn = next(text for language, text in blocks(ROOT / "ARCHITECTURE.md") if language == "text")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [re.split(r"\s{2,}", line)[0] for line in drawn.split("---\n")[-1].splitlines()] == layers


def test_the_way_of_the_data_is_told_in_nine_sentences() -> None:
    told = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## The way of the data")[1].split("\n\n")[1]
    assert re.findall(r"^(\d)\. ", told, flags=re.MULTILINE) == list("123456789")
    assert len(re.findall(r"\.(?:\n|$)", told)) == 9


def test_make_lists_every_target() -> None:
    """And each of them is told in one line."""
    done = subprocess.run(["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make ([\w-]+) +\S", done.stdout, flags=re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert phony is not None and listed == phony[1].split()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_make_run_works_on_a_fresh_clone(tmp_path: Path) -> None:
    """The first command of the README, as a stranger would type it."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "ffgen")], check=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FFGEN_")}
    clean["FFGEN_CACHE_DIR"] = str(tmp_path / "cache")
    subprocess.run(["make", "run"], cwd=tmp_path / "ffgen", env=clean, stdin=subprocess.DEVNULL, check=True)
    with pyzstd.ZstdFile(tmp_path / "ffgen" / "out" / "customers.jsonl.zst") as made:
        assert sum(1 for _ in made) == 1_000_000
