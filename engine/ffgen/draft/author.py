"""A description drafted by a model: asked once, and again with what was wrong, three times in all."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ffgen.ask.dialect import Answer
from ffgen.draft import prompt
from ffgen.draft.answer import Written, merged, read_answer, spec_of
from ffgen.draft.providers import Author
from ffgen.draft.request import Question
from ffgen.errors import DraftError, Finding

MOST_CALLS = 3
_PLACE = re.compile(r"(?:dataset|tables\[(\d+)\])(?:\.fields\[(\d+)\])?\.?")

Check = Callable[[Mapping[str, Any]], list[Finding]]


class Authored(Struct, frozen=True, kw_only=True):
    """What a model made of a description: a spec that is loaded, checked and planned; its questions; what of its
    answer was left out; which model, in how many calls, for how many tokens."""

    spec: dict[str, Any]
    questions: list[Question]
    left_out: list[str]
    model: str
    calls: int
    tokens_in: int
    tokens_out: int


async def authored(author: Author, description: str, answers: Sequence[tuple[str, str]], check: Check) -> Authored:
    """The draft of a model. `answers` are questions that are settled. DraftError, with the reason, when no answer of
    three will do; EndpointError when the model can't be asked."""
    opening = ("user", prompt.asked(description, answers))
    turns = [opening]
    tables: list[dict[str, Any]] = []
    findings: list[Finding] = []
    questions: list[Question] = []
    left_out: list[str] = []
    for attempt in range(MOST_CALLS):
        wanted = prompt.prompt_of(turns)
        if wanted is None:
            break
        answer = await author.answer(wanted, attempt)
        written, findings = _read(answer)
        tables = merged(tables, written.tables)
        questions = written.questions or questions
        left_out += written.left_out
        if not findings:
            findings = _wrong(tables, check)
        if not findings:
            return _done(author, tables, questions, left_out)
        turns = [opening, *_next(answer, tables, findings)]
    reason = f"{findings[0].path}: {findings[0].what}".strip(": ") if findings else "there is no room for its answer."
    raise DraftError(
        f"{author.identity.model} made no spec of this description in {author.calls} calls: {reason}",
        hint="Say it in other words, name another model, or leave the model out.",
        findings=findings,
    )


def _read(answer: Answer) -> tuple[Written, list[Finding]]:
    if answer.problem:
        return Written(), [Finding("", f"there was no answer: {answer.problem}.")]
    if answer.truncated:
        return Written(), [Finding("", "the answer was cut off.", prompt.SHORTER)]
    return read_answer(answer.text)


def _wrong(tables: list[dict[str, Any]], check: Check) -> list[Finding]:
    """The errors of a spec, by the names that the model gave."""
    found = [finding for finding in check(spec_of(tables)) if finding.severity == "error"]
    return [Finding(named(finding.path, tables), finding.what, finding.hint) for finding in found]


def named(path: str, tables: Sequence[Mapping[str, Any]]) -> str:
    """A path of a spec with the names of table and field: `tables[0].fields[2].range` is `customers.age range`."""
    match = _PLACE.match(path)
    if match is None:
        return path
    at = int(match[1] or 0)
    table: Mapping[str, Any] = tables[at] if at < len(tables) else {"name": "", "fields": []}
    place = str(table["name"])
    if match[2] is not None and int(match[2]) < len(table["fields"]):
        place += f".{table['fields'][int(match[2])]['name']}"
    rest = path[match.end() :].replace(".", " ").strip()
    return f"{place} {rest}".strip()


def _next(answer: Answer, tables: list[dict[str, Any]], findings: list[Finding]) -> list[tuple[str, str]]:
    """What follows the description in the next call: the tables so far, and what is wrong with them."""
    if answer.truncated:
        return [("assistant", "{"), ("user", prompt.SHORTER)]
    if not tables:
        said = answer.text[:1000] or "{}"
        return [("assistant", said), ("user", prompt.complaint(findings, prompt.AGAIN))]
    return [("assistant", prompt.compact({"tables": tables})), ("user", prompt.complaint(findings, prompt.MEND))]


def _done(author: Author, tables: list[dict[str, Any]], questions: list[Question], left_out: list[str]) -> Authored:
    return Authored(
        spec=spec_of(tables),
        questions=questions,
        left_out=list(dict.fromkeys(left_out)),
        model=author.identity.model,
        calls=author.calls,
        tokens_in=author.tokens_in,
        tokens_out=author.tokens_out,
    )
