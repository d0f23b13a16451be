"""A draft that a model made: kept by its description, finished by the same rules as ffgen's own."""

import hashlib
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from ffgen import __version__
from ffgen.ask.drafts import drafts_at
from ffgen.draft.answers import apply, count_of, matched, numbered
from ffgen.draft.author import Authored, Check, authored
from ffgen.draft.drafting import Draft, Question, draft_of, drafted, plain_text, prove, tables_of
from ffgen.draft.layout import USUAL_ROWS, Made
from ffgen.draft.prompt import MOST_CHARACTERS
from ffgen.draft.providers import Author, Identity, ModelChoice, Sleep, to_end
from ffgen.errors import DraftError, EndpointError, UsageError
from ffgen.run.cache import DRAFTS
from ffgen.run.options import cache_folder

_FORM = b"1"
"""Changes where a kept draft of the form before could not be read."""


class How(Struct, frozen=True, kw_only=True):
    """How a model is asked. `sleep` is for tests: waits between tries go through it."""

    fresh: bool = False
    model_only: bool = False
    isolate: bool = False
    cache_dir: str | None = None
    sleep: Sleep | None = None


class _OtherModel(Exception):
    """An endpoint has another model than it had when it was last looked at."""


def draft_by_model(
    description: str,
    rows: int | dict[str, int] | None,
    seed: int,
    check: Check,
    answers: Mapping[str, Any] | None,
    choice: ModelChoice,
    how: How,
) -> Draft:
    """The draft of a model; ffgen's own, with a note, where the model can't be asked or makes no spec in three calls,
    unless `model_only`. UsageError for an empty description, EndpointError and DraftError as they come."""
    text = plain_text(description)
    if not text.strip():
        return draft_of(description, rows, seed, check, answers)
    own = _own(description, rows, seed, check)
    try:
        if len(text) > MOST_CHARACTERS:
            what = f"The description has {len(text):,} characters; a model is given {MOST_CHARACTERS:,} at most."
            raise DraftError(what, hint="Say it in fewer words, or leave the model out.")
        return _modelled(description, rows, seed, check, answers, choice, how, own)
    except (DraftError, EndpointError) as error:
        if how.model_only or own is None:
            raise
        made = draft_of(description, rows, seed, check, answers)
        note = f"{error.what} So ffgen drafted this itself, without a model."
        return msgspec.structs.replace(made, notes=[*made.notes, note])


def normalised(description: str) -> str:
    """What makes two descriptions the same: NFC, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", description).casefold()).split())


def key_of(description: str, settled: Sequence[tuple[str, str]], identity: Identity) -> bytes:
    """32 bytes for what is described, to which model, by which ffgen."""
    made = hashlib.sha256(_FORM)
    parts = [__version__, identity.api, identity.model, identity.digest, normalised(description)]
    for part in [*parts, *(text for pair in settled for text in pair)]:
        data = part.encode()
        made.update(len(data).to_bytes(8, "little") + data)
    return made.digest()


def _own(description: str, rows: int | dict[str, int] | None, seed: int, check: Check) -> Draft | None:
    """ffgen's own draft, whose questions are asked here, too; None where it understands nothing."""
    try:
        return draft_of(description, None if isinstance(rows, dict) else rows, seed, check)
    except UsageError:
        return None


def _modelled(
    description: str,
    rows: int | dict[str, int] | None,
    seed: int,
    check: Check,
    answers: Mapping[str, Any] | None,
    choice: ModelChoice,
    how: How,
    own: Draft | None,
) -> Draft:
    found, is_kept = _authored(description, [], check, choice, how)
    questions = _questions(found, own, rows)
    given = matched(questions, answers or {})
    theirs = {question.text for question in found.questions}
    settled = [(one.text, said) for one, said in given if one.text in theirs and said != one.default]
    if settled:
        found, is_kept = _authored(description, settled, check, choice, how)
        questions = _questions(found, own, rows, given)
    made = Made(found.spec, main=str(tables_of(found.spec)[0]["name"]))
    _count(made, rows, own)
    for question, said in given:
        if question.text not in theirs:
            made.spec = _applied(made, question, said)
    if seed:
        made.spec["seed"] = seed
    open_ones = [one for one in questions if one.id not in {question.id for question, _ in given}]
    for table in tables_of(made.spec):
        table["fields"] = table.pop("fields")  # last, where a person looks for them
    prove(made, lambda about, what, default, path: open_ones.append(Question(about, what, default, path)), check)
    made.why |= {
        f"{table['name']}.{field['name']}": f"{found.model} made it of your description"
        for table in tables_of(made.spec)
        for field in table["fields"]
    }
    left_out = ", ".join(found.left_out)
    return drafted(
        description,
        made,
        [one if one.id else numbered([one])[0] for one in open_ones],
        name=made.main,
        understood=[f"{question.text} {said}" for question, said in given],
        ignored=[],
        answers={question.id: said for question, said in given},
        author=found.model,
        kept=is_kept,
        calls=0 if is_kept else found.calls,
        tokens_in=0 if is_kept else found.tokens_in,
        tokens_out=0 if is_kept else found.tokens_out,
        notes=[f"Left out of what {found.model} wrote: {left_out}."] if left_out else [],
    )


def _authored(
    description: str, settled: list[tuple[str, str]], check: Check, choice: ModelChoice, how: How
) -> tuple[Authored, bool]:
    """What the model made of a description, and whether that was kept. One call for all who ask at once."""
    drafts = drafts_at(os.path.join(os.path.abspath(cache_folder(how.cache_dir)), DRAFTS))
    known = drafts.recall(choice.place)
    identity = msgspec.convert(known, Identity) if known else None
    while True:
        if identity is None:
            identity = to_end(partial(_identity, choice, how))
            drafts.remember(choice.place, msgspec.to_builtins(identity))
        key = key_of(description, settled, identity)
        ask = partial(_ask, description, settled, check, choice, how, identity)
        try:
            kept = drafts.once(key, partial(to_end, ask), fresh=how.fresh)
        except _OtherModel:
            identity = None
            continue
        return msgspec.json.decode(kept.body, type=Authored), not kept.is_new


async def _identity(choice: ModelChoice, how: How) -> Identity:
    author = _author(choice, how)
    try:
        await author.open()
        return author.identity
    finally:
        await author.close()


async def _ask(
    description: str, settled: list[tuple[str, str]], check: Check, choice: ModelChoice, how: How, expected: Identity
) -> bytes:
    author = _author(choice, how)
    try:
        await author.open()
        if author.identity != expected:
            raise _OtherModel
        return msgspec.json.encode(await authored(author, description, settled, check))
    finally:
        await author.close()


def _author(choice: ModelChoice, how: How) -> Author:
    if how.sleep is not None:
        return Author(choice, sleep=how.sleep, isolate=how.isolate)
    return Author(choice, isolate=how.isolate)


def _questions(
    found: Authored, own: Draft | None, rows: int | dict[str, int] | None, given: Sequence[tuple[Question, str]] = ()
) -> list[Question]:
    """The model's questions, and those of the rules that mean something in its draft."""
    tables = tables_of(found.spec)
    main = str(tables[0]["name"])
    paths = {f"{table['name']}.{field['name']}" for table in tables for field in table["fields"]}
    asked: list[Question] = []
    for one in own.questions if own else []:
        if one.about == "count" and "," not in one.path and rows is None and not any(q.about == "count" for q in asked):
            asked.append(Question("count", f"How many {main}?", str(USUAL_ROWS), main))
        elif one.about == "grain" and len(tables) > 1:
            names = " and ".join(str(table["name"]) for table in tables)
            asked.append(replace(one, text=f"{names}: linked tables, or one flat table?", id="", path=""))
        elif one.about == "range" and one.path in paths:
            asked.append(replace(one, id=""))
    about = {one.about for one in asked} | ({"count"} if rows is not None else set())
    theirs = [one for one in found.questions if one.about not in about or one.about in ("term", "range")]
    before = [one for one, _ in given if one.text not in {other.text for other in [*asked, *theirs]}]
    return [*before, *numbered([*asked, *theirs])] if before else numbered([*asked, *theirs])


def _count(made: Made, rows: int | dict[str, int] | None, own: Draft | None) -> None:
    """Rows as the caller says, else 1000 of the first table where the description says nothing."""
    tables = {str(table["name"]): table for table in tables_of(made.spec)}
    main = tables[made.main]
    if isinstance(rows, dict):
        for name, count in rows.items():
            if name not in tables:
                raise UsageError(f"The description makes no table {name}.", hint=f"It makes {', '.join(tables)}.")
            tables[name]["count"] = count
    elif rows is not None:
        main["count"] = rows
    elif own is not None and any(one.about == "count" and one.text.startswith("How many") for one in own.questions):
        main["count"] = USUAL_ROWS
    elif not main.get("rows"):
        main.setdefault("count", USUAL_ROWS)


def _applied(made: Made, question: Question, said: str) -> dict[str, Any]:
    if question.about == "count":
        table = next((one for one in tables_of(made.spec) if one["name"] == question.path), None)
        if table is not None:
            table["count"] = count_of(said, question)
        return made.spec
    spec = apply(made.spec, question, said)
    names = [str(table["name"]) for table in tables_of(spec)]
    made.main = made.main if made.main in names else names[0]
    return spec
