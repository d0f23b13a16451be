"""A conversation without a disk, a model or a terminal."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from ffgen.api.reading import proved
from ffgen.chat.standing import Reply, Talk, Tools
from ffgen.chat.talk import opening, respond
from ffgen.draft.drafting import Draft, draft_of


@cache
def _draft(text: str) -> Draft:
    return draft_of(text, None, 0, proved)


def draft(text: str, answers: Mapping[str, str] | None = None) -> Draft:
    """The built-in drafter. The same draft is given twice: no conversation may change one."""
    return draft_of(text, None, 0, proved, answers) if answers else _draft(text)


TOOLS = Tools(draft=draft, own=draft, check=proved)


class Talking:
    """Lines in, the last reply and the whole talk to be looked at."""

    def __init__(self, *lines: str, tools: Tools = TOOLS) -> None:
        self.talk, self.tools = Talk(), tools
        self.reply = opening(self.talk)
        self.say(*lines)

    def say(self, *lines: str) -> Reply:
        for line in lines:
            self.talk, self.reply = respond(self.talk, line, self.tools)
        return self.reply

    @property
    def spec(self) -> dict[str, Any]:
        return self.talk.now.spec

    @property
    def told(self) -> str:
        """All that was said back to the last line."""
        return "\n".join(part.text for part in self.reply.parts)

    @property
    def changed(self) -> list[str]:
        """`+ customers.phone`, of the last line."""
        return [f"{one.sign} {one.path}" for part in self.reply.parts if part.kind == "diff" for one in part.changes]

    @property
    def asked(self) -> str:
        """The id of the question that is open."""
        return self.reply.ask.id if self.reply.ask else ""

    def field(self, path: str) -> dict[str, Any]:
        table, _, name = path.partition(".")
        tables = [self.spec["dataset"]] if "dataset" in self.spec else self.spec["tables"]
        found: dict[str, Any] = next(
            field for one in tables if one["name"] == table for field in one["fields"] if field["name"] == name
        )
        return found

    def table(self, name: str) -> dict[str, Any]:
        tables = [self.spec["dataset"]] if "dataset" in self.spec else self.spec["tables"]
        found: dict[str, Any] = next(one for one in tables if one["name"] == name)
        return found
