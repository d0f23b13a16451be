import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ffgen.ask import database
from ffgen.ask.replies import Replies
from ffgen.errors import DestinationError, FfgenError, InternalError

DAY = 86_400.0


class Told:
    """What `done` was called with, in order."""

    def __init__(self) -> None:
        self.answers: list[FfgenError | None] = []

    def __call__(self, failure: FfgenError | None) -> None:
        self.answers.append(failure)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "replies.sqlite3")


@pytest.fixture
def replies(path: str) -> Iterator[Replies]:
    with Replies.open(path) as opened:
        yield opened


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of day, at the test's disposal."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def keep(replies: Replies, numbers: range, size: int = 2_000) -> None:
    told = Told()
    for number in numbers:
        replies.put(key(number), os.urandom(size), told)
    replies.flush()
    assert told.answers == [None] * len(numbers)


def kept(replies: Replies, numbers: range) -> list[int]:
    return [number for number in numbers if replies.get(key(number)) is not None]


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.dictionaries(st.binary(min_size=16, max_size=16), st.binary(max_size=5_000), max_size=8))
def test_gives_back_what_was_put(replies: Replies, bodies: dict[bytes, bytes]) -> None:
    told = Told()
    for name, body in bodies.items():
        replies.put(name, body, told)
    replies.flush()
    assert told.answers == [None] * len(bodies)
    assert {name: replies.get(name) for name in bodies} == bodies


def test_a_reply_is_replaced(replies: Replies) -> None:
    replies.put(key(1), b"first", Told())
    replies.put(key(1), b"second", Told())
    replies.flush()
    assert replies.get(key(1)) == b"second"
    assert replies.stats().replies == 1
    assert replies.get(key(2)) is None


def test_a_key_is_what_is_asked() -> None:
    asked = [
        ("ollama", "llama3", None, b"body"),
        ("openai", "llama3", None, b"body"),
        ("ollama", "llama", None, b"3body"),
        ("ollama", "llama3", "sha256:1", b"body"),
        ("ollama", "llama3", None, b"bodies"),
    ]
    keys = [Replies.key(*parts) for parts in asked]
    assert len(set(keys)) == len(asked)
    assert {len(made) for made in keys} == {16}
    assert Replies.key(*asked[0]) == keys[0]


def test_is_told_only_when_others_can_see_it(replies: Replies, path: str) -> None:
    seen: list[int] = []
    told = threading.Event()

    def look(failure: FfgenError | None) -> None:
        assert failure is None
        other = sqlite3.connect(path)
        seen.extend(other.execute("SELECT count(*) FROM replies WHERE key = ?", (key(1),)).fetchone())
        other.close()
        told.set()

    replies.put(key(1), b"body", look)
    assert told.wait(10)
    assert seen == [1]


def test_close_waits_for_what_was_put(path: str) -> None:
    told = Told()
    with Replies.open(path) as replies:
        for number in range(500):
            replies.put(key(number), b"body", told)
    assert told.answers == [None] * 500
    with pytest.raises(InternalError, match="closed"):
        replies.put(key(1), b"late", told)
    replies.close()


def test_a_callback_that_raises_holds_nobody_up(replies: Replies) -> None:
    def closed(_: FfgenError | None) -> None:
        raise RuntimeError("Event loop is closed")

    told = Told()
    replies.put(key(1), b"one", closed)
    replies.put(key(2), b"two", told)
    replies.flush()
    assert told.answers == [None]
    assert kept(replies, range(3)) == [1, 2]


def test_waits_while_too_much_is_queued(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_QUEUED", 1_000)
    replies = Replies.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # nothing can be written until this ends
    told = Told()
    replies.put(key(1), bytes(600), told)
    assert not replies.full
    replies.put(key(2), bytes(600), told)
    assert replies.full
    third = threading.Thread(target=replies.put, args=(key(3), bytes(600), told))
    third.start()
    third.join(0.2)
    assert third.is_alive()
    assert told.answers == []
    other.execute("COMMIT")
    other.close()
    third.join(10)
    replies.close()
    assert told.answers == [None] * 3


KILLED = """
import sys
from ffgen.ask.replies import Replies

replies = Replies.open(sys.argv[1])
lines = open(1, "wb", buffering=0, closefd=False)
number = 0
while True:
    for _ in range(20):
        name = number.to_bytes(16, "big")
        replies.put(name, name * 100, lambda failure, number=number: lines.write(b"%d\\n" % number))
        number += 1
    if number % 400 == 0:
        replies.flush()
"""


def test_what_was_told_durable_survives_a_kill(path: str) -> None:
    for at_least in (10, 1_500):
        child = run_python(KILLED, path)
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(at_least)]
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
        told += [int(line) for line in rest[: rest.rfind("\n") + 1].split()]
        child.stdout.close()
        child.wait(10)
        with Replies.open(path) as replies:
            for number in told:
                assert replies.get(key(number)) == key(number) * 100
        other = sqlite3.connect(path)
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        other.close()


WRITER = """
import sys
from ffgen.ask.replies import Replies

with Replies.open(sys.argv[1]) as replies:
    failures = []
    start = int(sys.argv[2])
    for number in range(start, start + 300):
        replies.put(number.to_bytes(16, "big"), b"body %d" % number, failures.append)
        if number % 10 == 0:
            replies.flush()
sys.exit(failures != [None] * 300)
"""


def test_several_processes_make_it_and_write_at_once(path: str) -> None:
    children = [run_python(WRITER, path, str(start)) for start in (0, 1_000, 2_000)]
    for child in children:
        assert child.stdout is not None
        child.stdout.close()
        assert child.wait(60) == 0
    with Replies.open(path) as replies:
        assert replies.stats().replies == 900
        assert replies.get(key(2_299)) == b"body 2299"


def test_only_its_owner_can_read_it(path: str) -> None:
    with Replies.open(path) as replies:
        keep(replies, range(1))
        files = list(Path(path).parent.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
    os.chmod(path, 0o644)
    Replies.open(path).close()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_trims_the_oldest_down_to_the_limit(replies: Replies, clock: list[float]) -> None:
    for start in range(0, 1_000, 100):
        keep(replies, range(start, start + 100))
        clock[0] += 1
    full = replies.stats().bytes
    assert replies.trim(limit_bytes=full) == 0
    gone = replies.trim(limit_bytes=full // 2)
    assert 400 <= gone <= 600
    assert kept(replies, range(1_000)) == list(range(gone, 1_000))
    assert full // 3 < replies.stats().bytes <= full // 2


def test_trims_what_is_older_than_its_time(replies: Replies, clock: list[float]) -> None:
    keep(replies, range(600))
    clock[0] += 2 * DAY
    keep(replies, range(600, 610))
    assert replies.trim(ttl=3 * DAY) == 0
    assert replies.trim(ttl=DAY) == 600
    assert kept(replies, range(610)) == list(range(600, 610))


def test_the_disk_gets_back_what_was_trimmed(path: str) -> None:
    with Replies.open(path) as replies:
        keep(replies, range(500))
        replies.trim(limit_bytes=0)
    assert os.path.getsize(path) < 100_000


def test_an_unfinished_run_keeps_its_replies(replies: Replies, clock: list[float]) -> None:
    keep(replies, range(10))
    replies.begin("mine")
    keep(replies, range(10, 20))
    assert replies.get(key(3)) is not None
    replies.flush()
    assert replies.trim(limit_bytes=0) == 9
    assert kept(replies, range(20)) == [3, *range(10, 20)]
    replies.finish("mine")
    assert replies.stats().unfinished == 0
    assert replies.trim(limit_bytes=0) == 11


def test_a_run_begun_again_keeps_its_replies_again(replies: Replies, clock: list[float]) -> None:
    replies.begin("mine")
    keep(replies, range(5))
    replies.finish("mine")
    replies.begin("mine")
    assert replies.trim(limit_bytes=0) == 0


def test_a_reply_stays_with_the_run_that_needs_it_first(replies: Replies, clock: list[float]) -> None:
    replies.begin("first")
    keep(replies, range(5))
    replies.begin("second")
    assert kept(replies, range(5)) == list(range(5))
    replies.finish("second")
    assert replies.trim(limit_bytes=0) == 0


def test_a_run_left_for_a_month_is_given_up(replies: Replies, clock: list[float]) -> None:
    replies.begin("mine")
    keep(replies, range(5))
    clock[0] += 29 * DAY
    assert replies.stats().unfinished == 1
    assert replies.trim(limit_bytes=0) == 0
    clock[0] += 2 * DAY
    assert replies.stats().unfinished == 0
    assert replies.trim(limit_bytes=0) == 5


def test_purges_all_or_what_is_older(replies: Replies, clock: list[float]) -> None:
    replies.begin("mine")
    keep(replies, range(5))
    clock[0] += 10
    keep(replies, range(5, 8))
    assert replies.purge(before=clock[0] - 5) == 5
    assert kept(replies, range(8)) == [5, 6, 7]
    replies.remember("http://here", {"plain": True})
    assert replies.purge(before=0.0) == 0 and replies.recall("http://here") == {"plain": True}
    assert replies.purge() == 3 and replies.recall("http://here") is None
    assert replies.stats().replies == 0


def test_stats_say_what_is_there(replies: Replies, clock: list[float]) -> None:
    empty = replies.stats()
    assert (empty.replies, empty.oldest, empty.newest, empty.unfinished) == (0, None, None, 0)
    keep(replies, range(3))
    clock[0] += 5
    keep(replies, range(3, 4), size=50_000)
    full = replies.stats()
    assert (full.replies, full.oldest, full.newest) == (4, clock[0] - 5, clock[0])
    assert full.bytes - empty.bytes >= 50_000


def test_remembers_endpoints(path: str) -> None:
    with Replies.open(path) as replies:
        assert replies.recall("http://localhost:11434") is None
        replies.remember("http://localhost:11434", {"api": "openai"})
        replies.remember("http://localhost:11434", {"api": "ollama", "digest": "sha256:1"})
    with Replies.open(path) as replies:
        assert replies.recall("http://localhost:11434") == {"api": "ollama", "digest": "sha256:1"}


def test_a_file_that_is_no_database_is_named(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    Path(path).write_bytes(b"this is no database, and it is long enough to be looked at as one" * 100)
    with pytest.raises(DestinationError, match="not a database.*Move the file away") as caught:
        Replies.open(path)
    assert path in caught.value.what


def test_a_damaged_database_is_named(path: str) -> None:
    with Replies.open(path) as replies:
        keep(replies, range(400))
    data = bytearray(Path(path).read_bytes())
    data[4_096:] = os.urandom(len(data) - 4_096)
    Path(path).write_bytes(data)
    told = Told()
    with Replies.open(path) as replies:
        with pytest.raises(DestinationError, match="malformed.*Move the file away"):
            replies.get(key(1))
        replies.put(key(1), b"body", told)
        with pytest.raises(DestinationError, match="malformed"):
            replies.stats()
    assert [type(answer) for answer in told.answers] == [DestinationError]


def test_a_damaged_reply_is_named(replies: Replies, path: str) -> None:
    keep(replies, range(1))
    other = sqlite3.connect(path)
    other.execute("UPDATE replies SET body = x'00112233445566778899'")
    other.commit()
    other.close()
    with pytest.raises(DestinationError, match="Move the file away"):
        replies.get(key(0))


def test_a_full_disk_is_told_and_gone_when_there_is_room(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def listed(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", listed)
    with Replies.open(path) as replies:
        connections[0].execute("PRAGMA max_page_count = 40")
        told = Told()
        replies.put(key(1), os.urandom(400_000), told)
        with contextlib.suppress(DestinationError):  # when it went in the same transaction
            replies.flush()
        connections[0].execute("PRAGMA max_page_count = 1000000")
        keep(replies, range(3, 4), size=400_000)
        assert kept(replies, range(5)) == [3]
    assert isinstance(told.answers[0], DestinationError)
    assert "full" in told.answers[0].what
    assert "Free disk space" in told.answers[0].hint
    assert path in told.answers[0].what


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DestinationError, match=r"file/replies.*FFGEN_CACHE_DIR"):
        Replies.open(str(tmp_path / "file" / "replies.sqlite3"))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody can write in")
def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(DestinationError, match=r"/proc/self.*FFGEN_CACHE_DIR"):
        Replies.open("/proc/self/replies.sqlite3")


def test_a_newer_database_is_left_alone(path: str) -> None:
    Replies.open(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 7")
    other.close()
    with pytest.raises(DestinationError, match="version 7"):
        Replies.open(path)
