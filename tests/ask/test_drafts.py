"""Kept drafts: one maker at a time, whoever it is, and a lease that ends with its holder."""

import os
import platform
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import pyzstd

from ffgen.ask import drafts as module
from ffgen.ask.client import AskFailed
from ffgen.ask.drafts import Drafts, Kept, drafts_at
from ffgen.errors import DestinationError, EndpointError


@pytest.fixture
def drafts(tmp_path: Path) -> Iterator[Drafts]:
    with Drafts(str(tmp_path / "cache" / "drafts.sqlite3")) as opened:
        yield opened


def lease(drafts: Drafts, *, pid: int = 1, host: str = "elsewhere", silent: float = 0.0) -> None:
    """Somebody else's lease on the draft `k`."""
    with sqlite3.connect(drafts._path) as db:
        values = (b"k", b"theirs", pid, 0.0, host, time.time() - silent)
        db.execute("INSERT INTO leases (key, token, pid, born, host, beat) VALUES (?, ?, ?, ?, ?, ?)", values)
    db.close()


def refuse() -> bytes:
    raise AssertionError("made twice")


def test_a_draft_is_made_once_and_stays(drafts: Drafts) -> None:
    assert drafts.get(b"k") is None
    assert drafts.once(b"k", lambda: b"made") == Kept(b"made", True)
    assert drafts.once(b"k", refuse) == Kept(b"made", False)
    assert Drafts(drafts._path).get(b"k") == b"made"
    assert drafts.once(b"k", lambda: b"anew", fresh=True) == Kept(b"anew", True)
    assert drafts.get(b"k") == b"anew" and drafts.count()[0] == 1
    assert oct(os.stat(drafts._path).st_mode)[-3:] == "600"
    assert oct(os.stat(os.path.dirname(drafts._path)).st_mode)[-3:] == "700"
    assert drafts.purge(time.time() - 60) == 0 and drafts.purge() == 1 and drafts.get(b"k") is None


def test_threads_that_come_at_once_get_one_draft(drafts: Drafts) -> None:
    made, found = [], []

    def make() -> bytes:
        made.append(threading.get_ident())
        time.sleep(0.2)
        return b"made"

    threads = [threading.Thread(target=lambda: found.append(drafts.once(b"k", make))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(found) == 20 and {one.body for one in found} == {b"made"}
    assert sum(one.is_new for one in found) == 1


def test_a_lease_ends_with_its_holder(drafts: Drafts, monkeypatch: pytest.MonkeyPatch) -> None:
    lease(drafts, silent=module.SILENCE + 1)
    assert drafts.once(b"k", lambda: b"a").is_new  # of another host, not heard of for long
    drafts.purge()
    lease(drafts, pid=2**22 + 1, host=platform.node())
    assert drafts.once(b"k", lambda: b"b").is_new  # no such process
    drafts.purge()
    lease(drafts, pid=os.getpid(), host=platform.node())
    assert drafts.once(b"k", lambda: b"c").is_new  # another process had the number before


def test_a_living_holder_is_waited_for(drafts: Drafts) -> None:
    lease(drafts)
    found: list[Kept] = []
    thread = threading.Thread(target=lambda: found.append(drafts.once(b"k", refuse)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and not found
    with sqlite3.connect(drafts._path) as db:
        db.execute("INSERT INTO drafts VALUES (?, ?, ?)", (b"k", pyzstd.compress(b"theirs"), time.time()))
    db.close()
    thread.join(10)
    assert found == [Kept(b"theirs", False)]


def test_a_failure_is_told_to_those_who_wait_and_to_nobody_later(drafts: Drafts) -> None:
    told: list[str] = []
    begun = threading.Event()

    def fail() -> bytes:
        begun.set()
        time.sleep(0.2)
        raise AskFailed("server", "It broke.", status=500, hint="Mend it.")

    def one() -> None:
        try:
            drafts.once(b"k", fail)
        except EndpointError as error:
            told.append(f"{type(error).__name__} {error}")

    first = threading.Thread(target=one)
    first.start()
    begun.wait(5)
    others = [threading.Thread(target=one) for _ in range(3)]
    for thread in others:
        thread.start()
    for thread in [first, *others]:
        thread.join()
    assert sorted(told) == ["AskFailed It broke. Mend it.", *["EndpointError It broke. Mend it."] * 3]
    assert drafts.once(b"k", lambda: b"later").is_new


def test_a_crash_of_the_maker_leaves_no_lease(drafts: Drafts) -> None:
    with pytest.raises(ZeroDivisionError):
        drafts.once(b"k", lambda: bytes(1 // 0))
    began = time.monotonic()
    assert drafts.once(b"k", lambda: b"made").is_new and time.monotonic() - began < 1


def test_what_is_broken_is_made_anew_or_said(drafts: Drafts, tmp_path: Path) -> None:
    drafts.once(b"k", lambda: b"made")
    with sqlite3.connect(drafts._path) as db:
        db.execute("UPDATE drafts SET body = ?", (b"no zstd",))
    db.close()
    assert drafts.once(b"k", lambda: b"again").is_new
    (tmp_path / "file").write_text("not a database, and long enough to look like one" * 30)
    with pytest.raises(DestinationError, match="file"):
        Drafts(str(tmp_path / "file"))


def test_a_file_is_opened_once_and_anew_when_it_was_put_away(tmp_path: Path) -> None:
    path = str(tmp_path / "drafts.sqlite3")
    first = drafts_at(path)
    first.once(b"k", lambda: b"made")
    assert drafts_at(path) is first
    for name in tmp_path.iterdir():
        name.unlink()
    second = drafts_at(path)
    assert second is not first and second.get(b"k") is None
    second.close()


def test_models_are_remembered(drafts: Drafts) -> None:
    assert drafts.recall("here") is None
    drafts.remember("here", {"api": "ollama"})
    drafts.remember("here", {"api": "openai"})
    assert drafts.recall("here") == {"api": "openai"}
