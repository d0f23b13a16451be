"""Conversations on disk: found by the beginning of an id, never written over, refused where they are not ours."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import pyzstd
from tests.chat.talking import TOOLS, Talking

import ffgen
from ffgen.chat.chat import Chat
from ffgen.chat.sessions import FILE, FORM, Sessions
from ffgen.chat.standing import Talk
from ffgen.errors import DestinationError, UsageError

BIKES = "customers of a bike shop with names and emails"


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(str(tmp_path / "state"))


def change(sessions: Sessions, statement: str, *values: object) -> None:
    db = sqlite3.connect(sessions.path)
    with db:
        db.execute(statement, values)
    db.close()


def test_a_line_is_on_the_disk_before_it_is_answered(sessions: Sessions) -> None:
    chat = Chat(TOOLS, sessions)
    assert chat.id == "" and sessions.listed() == []
    chat.say(BIKES)
    chat.say("no email")
    again = Chat(TOOLS, sessions, chat.id)
    assert again.spec == chat.spec and [turn.said for turn in again.turns] == [BIKES, "no email"]
    again.say("undo")
    assert "email" in str(again.spec)
    view = sessions.listed()[0]
    assert (view.id, view.title, view.stage, view.is_readable) == (chat.id, BIKES, "talking", True)


def test_the_file_is_its_owner_s_alone_and_logs_ahead(sessions: Sessions) -> None:
    Chat(TOOLS, sessions).say(BIKES)
    assert stat.S_IMODE(os.stat(sessions.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(Path(sessions.path).parent).st_mode) == 0o700
    db = sqlite3.connect(sessions.path)
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    db.close()


def test_ids_by_their_beginning_and_the_last_one(sessions: Sessions) -> None:
    ids = [sessions.add(Talking(BIKES).talk) for _ in range(2)]
    for id, name in zip(ids, ("aab222", "aac222"), strict=True):
        change(sessions, "UPDATE chats SET id = ? WHERE id = ?", name, id)
    assert sessions.find("aab") == "aab222" and sessions.find("AAC222") == "aac222"
    sessions.save("aab222", 1, Talking(BIKES).talk)
    assert sessions.find("last") == "aab222"
    for said, told in (("aa", "begins several"), ("zz", "no conversation"), ("", "no conversation")):
        with pytest.raises(UsageError, match=told):
            sessions.find(said)
    sessions.delete("aab222")
    assert [one.id for one in sessions.listed()] == ["aac222"]


def test_two_chats_with_one_conversation_lose_nothing(sessions: Sessions) -> None:
    first = Chat(TOOLS, sessions)
    first.say(BIKES)
    second = Chat(TOOLS, sessions, first.id)
    first.say("no email")
    reply = second.say("add a birthday")
    assert second.id != first.id and "goes on as" in reply.parts[0].text
    second.say("make it 5")
    assert "birthday" in str(Chat(TOOLS, sessions, second.id).spec)
    assert "email" not in str(Chat(TOOLS, sessions, first.id).spec) and len(sessions.listed()) == 2


def test_many_chats_at_once_from_several_processes(tmp_path: Path) -> None:
    code = (
        "import ffgen\n"
        "chat = ffgen.chat()\n"
        "for line in ('customers with names', 'make it 50', 'no phone', 'undo'): chat.say(line)\n"
        "print(chat.id, chat.spec['dataset']['count'])"
    )
    known = {**os.environ, "FFGEN_STATE_DIR": str(tmp_path)}
    ran = [
        subprocess.Popen([sys.executable, "-c", code], env=known, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = [one.communicate(timeout=60)[0].split() for one in ran]
    assert [one.returncode for one in ran] == [0, 0, 0] and {count for _, count in told} == {"50"}
    kept = Sessions(str(tmp_path)).listed()
    assert {one.id for one in kept} == {id for id, _ in told} and len(kept) == 3


def test_what_a_newer_ffgen_kept_is_refused_in_words(sessions: Sessions) -> None:
    id = sessions.add(Talking(BIKES).talk)
    change(sessions, "UPDATE chats SET form = ?", FORM + 1)
    assert not sessions.listed()[0].is_readable
    with pytest.raises(UsageError, match="newer ffgen kept"):
        sessions.load(id)
    change(sessions, f"PRAGMA user_version = {FORM + 1}")
    with pytest.raises(UsageError, match="newer ffgen made"):
        sessions.listed()


@pytest.mark.parametrize("key", ["plugins", "model", "output", "sources"])
def test_a_kept_spec_reaches_nothing_outside_its_rows(sessions: Sessions, key: str) -> None:
    talk = Talking(BIKES).talk
    odd = msgspec.structs.replace(talk.now, spec={**talk.now.spec, key: ["evil.py"]})
    id = sessions.add(msgspec.structs.replace(talk, steps=(odd,)))
    with pytest.raises(UsageError, match="can't be read"):
        sessions.load(id)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        pyzstd.compress(b"nonsense"),
        pyzstd.compress(msgspec.msgpack.encode({"stage": 7})),
        pyzstd.compress(msgspec.msgpack.encode(Talk(stage="talking"))),
    ],
)
def test_a_spoiled_conversation_is_refused_and_can_be_forgotten(sessions: Sessions, body: bytes) -> None:
    id = sessions.add(Talking(BIKES).talk)
    change(sessions, "UPDATE chats SET body = ?", body)
    with pytest.raises(UsageError, match="--delete"):
        sessions.load(id)
    sessions.delete(id)
    assert sessions.listed() == []


def test_a_spoiled_file_is_a_destination_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(DestinationError, match="can't be used"):
        Sessions(str(tmp_path)).listed()


def test_an_export_is_a_spec_that_runs_with_the_transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path))
    chat = ffgen.chat()
    with pytest.raises(UsageError, match="Nothing was said"):
        chat.export()
    for line in (BIKES, "make it 30", "no # email: \x1b[2J please", "why"):
        chat.say(line)
    text = ffgen.export_chat(chat.id[:3])
    (tmp_path / "made.yaml").write_text(text)
    assert ffgen.load(str(tmp_path / "made.yaml")).datasets[0].count == 30
    assert "# > make it 30" in text and "\x1b" not in text
    assert [one.id for one in ffgen.chats()] == [chat.id]
    assert ffgen.delete_chat("last") == chat.id and ffgen.chats() == []
