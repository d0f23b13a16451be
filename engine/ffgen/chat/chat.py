"""A conversation that is kept: every line on the disk before it is answered."""

from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from ffgen.chat.export import exported, plain_reply, spec_of
from ffgen.chat.plain import clean_line
from ffgen.chat.sessions import Sessions
from ffgen.chat.standing import Act, Asking, Part, Reply, Stage, Standing, Talk, Tools, Turn
from ffgen.chat.talk import asking_of, finished, opening, respond
from ffgen.errors import UsageError


class Chat:
    """One conversation: give it lines, show what it replies, ask what it asks. Prints nothing and reads nothing.

    `id` is empty until something was said. A line costs a few milliseconds, with a model now and then a call. Where
    another chat went on with the same conversation meanwhile, this one goes on as a new one, and says so.
    """

    def __init__(self, tools: Tools, sessions: Sessions, id: str = "", *, yes: bool = False) -> None:
        self.id = id
        self._tools, self._sessions, self._yes = tools, sessions, yes
        self._talk, self._revision = sessions.load(id) if id else (Talk(), 0)

    @property
    def stage(self) -> Stage:
        """new, talking, confirming or made."""
        return self._talk.stage

    @property
    def spec(self) -> dict[str, Any]:
        """The spec as it stands, as plain values. UsageError before anything was said."""
        return self._now.spec

    @property
    def text(self) -> str:
        """The spec as YAML for a person to edit."""
        return spec_of(self._now)

    @property
    def name(self) -> str:
        """What the files are to be called, without a suffix."""
        return self._now.name

    @property
    def format(self) -> str:
        """The format of the data where one was wished for: csv, jsonl, parquet; else empty."""
        return self._now.format if self._talk.steps else ""

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All that was said, and what was said back."""
        return self._talk.turns

    @property
    def asking(self) -> Asking:
        """The question that the next line answers."""
        return asking_of(self._talk)

    def open(self) -> Reply:
        """What to show before the first line."""
        return opening(self._talk)

    def say(self, line: str) -> Reply:
        """One line, and what becomes of it."""
        talk, reply = respond(self._talk, line, self._tools, yes=self._yes)
        if reply.act == "quit":
            return reply
        return self._kept(talk, line, reply)

    def finish(self) -> Reply:
        """Takes the default of all that is open; the data is to be made."""
        talk, reply = finished(self._talk, self._tools)
        return self._kept(talk, "", reply)

    def made(self, where: str) -> None:
        """Notes that the data was made."""
        talk = structs.replace(self._talk, stage="made")
        self._kept(talk, "", Reply(parts=(Part(kind="say", text=f"Made: {where}"),)))

    def export(self) -> str:
        """The spec as YAML, the transcript below it as comments. UsageError before anything was said."""
        self._now  # noqa: B018  # raises where there is none
        return exported(self._talk)

    @property
    def _now(self) -> Standing:
        if not self._talk.steps:
            raise UsageError("Nothing was said yet.", hint="Say what the data is about.")
        return self._talk.now

    def _kept(self, talk: Talk, line: str, reply: Reply) -> Reply:
        turn = Turn(said=clean_line(line), told=plain_reply(reply)[:4000],
                    at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))  # fmt: skip
        talk = structs.replace(talk, turns=(*talk.turns, turn))
        self._talk = talk
        if not self.id:
            self.id, self._revision = self._sessions.add(talk), 1
            return reply
        revision = self._sessions.save(self.id, self._revision, talk)
        if revision is not None:
            self._revision = revision
            return reply
        before, self.id = self.id, self._sessions.add(talk)
        self._revision = 1
        note = f"Another chat went on with {before}, or deleted it; this one goes on as {self.id}."
        act: Act = reply.act
        return Reply(parts=(Part(kind="say", text=note), *reply.parts), ask=reply.ask, act=act)
