import errno
import fcntl
import json
import os
import platform
import resource
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ffgen import posix
from ffgen.errors import DestinationError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX calls")

BLOCKED = "import sys\nfor name in ('fcntl', 'resource', 'ctypes'): sys.modules[name] = None\n"
WINDOWS = "import psutil\n" + BLOCKED  # psutil does without there


@contextmanager
def program(source: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that prints a line when it is ready, and is gone afterwards."""
    command = [sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


HOLD = """
import sys
from pathlib import Path
from ffgen import posix
print(posix.lock(Path(sys.argv[1]), b"the other run") is not None, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl")
def test_a_child_dies_with_its_parent() -> None:
    child = "import os, sys, time; from ffgen import posix; assert posix.die_with_parent(int(sys.argv[1]));"
    child += "print(os.getpid(), flush=True); time.sleep(60)"
    parent = """
    import os, subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
    child.wait()
    """
    with program(parent, child) as process:
        pid = int(line(process))
        descriptor = os.pidfd_open(pid)
        process.kill()
        try:
            assert select.select([descriptor], [], [], 10)[0], "the child lives on"
        finally:
            os.close(descriptor)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl")
def test_a_child_whose_parent_is_dead_already_dies_at_once() -> None:
    with program("import sys; from ffgen import posix; posix.die_with_parent(1); print('alive')") as process:
        assert line(process) == ""
        assert process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("preamble", ["", WINDOWS], ids=["kernel", "existence"])
def test_a_held_lock_is_refused_and_a_dead_holders_is_granted(tmp_path: Path, preamble: str) -> None:
    path = tmp_path / "customers.lock"
    take = preamble + "import sys; from pathlib import Path; from ffgen import posix\n"
    take += "print(posix.lock(Path(sys.argv[1])) is not None)"
    with program(preamble + HOLD, path) as process:
        assert line(process) == "True"
        held_by = posix.holder(path)
        assert held_by is not None
        assert (held_by.pid, held_by.host, held_by.note) == (process.pid, platform.node(), "the other run")
        assert subprocess.check_output([sys.executable, "-c", take, path], text=True).strip() == "False"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.exists()
    assert subprocess.check_output([sys.executable, "-c", take, path], text=True).strip() == "True"


def test_one_process_takes_a_lock_once(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = posix.lock(path, b"caf\xc3\xa9 \xff")
    assert first is not None
    assert posix.lock(path) is None
    assert json.loads(path.read_text())["note"] == "café �"
    first.release()
    first.release()
    assert not path.exists()
    with posix.lock(path) or pytest.fail("free, but refused") as second:
        assert second.held
        assert posix.lock(path) is None
    again = posix.lock(path)
    assert again is not None
    again.release(unlink=False)
    assert path.exists()


def test_a_lock_on_a_removed_file_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder releases between our open and our flock: what we locked is not what the next one finds."""
    path = tmp_path / "lock"
    flock = fcntl.flock
    opened = []

    def removed_first(fd: int, operation: int) -> None:
        opened.append(fd)
        if len(opened) == 1:
            path.unlink()
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", removed_first)
    taken = posix.lock(path)
    assert taken is not None and len(opened) == 2
    assert posix.lock(path) is None
    taken.release()


def test_a_number_given_to_a_new_process_frees_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix, "fcntl", None)
    path = tmp_path / "lock"
    old = {"pid": os.getpid(), "host": platform.node(), "started": "2000-01-01T00:00:00+00:00"}
    path.write_text(json.dumps(old | {"host": "elsewhere"}))
    assert posix.lock(path) is None
    path.write_text(json.dumps(old))
    taken = posix.lock(path)
    assert taken is not None
    path.write_text("")
    assert posix.lock(path) is None
    os.utime(path, (0, 0))
    assert posix.lock(path) is not None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"pid": "x"}', b"\xff"])
def test_an_unreadable_holder_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lock").write_bytes(content)
    assert posix.holder(tmp_path / "lock") is None


def test_a_lock_that_cannot_be_made_is_a_destination_error(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="Make the folder first"):
        posix.lock(tmp_path / "missing" / "lock")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(DestinationError):
        posix.lock(tmp_path / "link")
    assert not (tmp_path / "target").exists()


def test_files_folders_and_pipes_are_synced(tmp_path: Path) -> None:
    with open(tmp_path / "rows", "wb") as file:
        file.write(b"x")
        posix.sync_file(file.fileno())
    posix.sync_directory(tmp_path)
    ends = os.pipe()
    posix.sync_file(ends[1])
    for end in ends:
        os.close(end)
    with pytest.raises(DestinationError, match="rows: can't be written to the disk"):
        posix.sync_file(ends[1], tmp_path / "rows")
    with pytest.raises(DestinationError):
        posix.sync_directory(tmp_path / "missing")


def test_replace(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    posix.replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"
    with pytest.raises(DestinationError, match="put in place"):
        posix.replace(tmp_path / "new", tmp_path / "old")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_text(name)
    return tmp_path / "first", tmp_path / "second"


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("part"))}


@pytest.mark.parametrize("atomic", [True, False])
def test_folders_are_exchanged(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, atomic: bool) -> None:
    if not atomic:
        monkeypatch.setattr(posix, "_libc", lambda: None)
    said = posix.exchange_directories(*folders)
    assert said is False or atomic
    assert contents(folders[0].parent) == {"first/part": "second", "second/part": "first"}
    assert len(list(folders[0].parent.iterdir())) == 2


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_failed_exchange_is_undone(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    rename, calls = os.rename, []

    def fail_once(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(posix, "_libc", lambda: None)
    monkeypatch.setattr(os, "rename", fail_once)
    with pytest.raises(DestinationError, match="Free some room"):
        posix.exchange_directories(*folders)
    assert contents(folders[0].parent) == {"first/part": "first", "second/part": "second"}
    assert len(list(folders[0].parent.iterdir())) == 2


def test_exchange_with_a_missing_folder_changes_nothing(folders: tuple[Path, Path]) -> None:
    with pytest.raises(DestinationError):
        posix.exchange_directories(folders[0], folders[1] / "missing")
    assert contents(folders[0].parent) == {"first/part": "first", "second/part": "second"}


@pytest.mark.parametrize("preamble", ["", WINDOWS], ids=["kernel", "psutil"])
def test_usage_is_this_programs_own(preamble: str) -> None:
    ballast = bytearray(os.urandom(1024)) * (150 * 1024)
    source = preamble + "from ffgen import posix; used = posix.usage(); print(*used)"
    with program(source) as process:
        seconds, peak = line(process).split()
    assert 0 < float(seconds) < 30
    assert 2**20 < int(peak) < len(ballast)
    assert posix.usage().peak_rss_bytes > len(ballast)


def test_open_files_are_raised() -> None:
    source = """
    import resource
    from ffgen import posix
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    print(posix.raise_open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = posix.ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, posix.ENOUGH_FILES)
    with program(source) as process:
        assert line(process) == f"{wanted} {wanted}"


def test_free_bytes_of_a_folder_to_be_made(tmp_path: Path) -> None:
    assert 0 < posix.free_bytes(tmp_path / "not" / "yet" / "there") <= posix.free_bytes(Path("/")) + 2**50


@pytest.mark.parametrize("preamble", [WINDOWS, BLOCKED], ids=["psutil", "nothing"])
def test_everything_degrades_where_the_calls_are_missing(tmp_path: Path, preamble: str) -> None:
    source = """
    import os
    from pathlib import Path
    from ffgen import posix
    here = Path(sys.argv[1])
    assert posix.die_with_parent(os.getppid()) is False
    assert posix.raise_open_files() == 0
    with posix.lock(here / "lock") as taken:
        assert posix.lock(here / "lock") is None
    assert not (here / "lock").exists()
    for name in "ab":
        (here / name).mkdir()
        (here / name / name).touch()
    assert posix.exchange_directories(here / "a", here / "b") is False
    assert (here / "a" / "b").exists() and (here / "b" / "a").exists()
    posix.sync_directory(here)
    assert posix.free_bytes(here) > 0 and posix.usage().cpu_seconds > 0
    print("done")
    """
    with program(preamble + textwrap.dedent(source), tmp_path) as process:
        assert line(process) == "done"
