"""A conversation, one line at a time: what was said in, what to show and to ask next out. No clock, no terminal.

A line is a command, an answer to what was asked, or a sentence that amends what stands, in this order. What is not
understood changes nothing, and is said so. Every line that is understood can be undone, back to the first.
"""

import re

from msgspec import structs

from ffgen.chat.changes import changes
from ffgen.chat.commands import HELP, command_of, reasons
from ffgen.chat.hear import answered, hear
from ffgen.chat.heard import LEAVE, Heard
from ffgen.chat.plain import cleaned, number_tokens
from ffgen.chat.questions import (
    MOST_ASKED,
    asked_of,
    chosen,
    in_order,
    is_still_open,
    of_new_tables,
    says,
    sentence_of,
    settled,
)
from ffgen.chat.standing import MOST_TURNS, Act, Asking, Change, Part, Reply, Stage, Standing, Talk, Tools
from ffgen.draft.drafting import Draft
from ffgen.errors import UsageError

EXAMPLE = "customers with names, emails and a city"
START = Asking(id="start", about="start", text="What data do you need?", default=EXAMPLE)
MORE = Asking(id="more", about="more", text="Anything else?", default="done")
CONFIRM = Asking(id="confirm", about="confirm", text="Make it?", default="yes", choices=("yes", "no"))
_EXAMPLES = (
    "make it 5000", "add a phone number", "no {field}", "only Germany", "{field} is optional",
    "{field} must be unique", "last two years", "undo",
)  # fmt: skip
_YES = re.compile(r"y|yes|yep|sure|ok|okay|please do|do it|make it|go|go ahead|j|ja|1|done", re.IGNORECASE)
_NO = re.compile(r"n|no|nope|not yet|wait|2|nein", re.IGNORECASE)
_AGAIN = "It is so already."


def opening(talk: Talk) -> Reply:
    """What to show and to ask before anything is said: of a new conversation, or of one that is gone on with."""
    if talk.stage == "new":
        return Reply(parts=(), ask=START)
    parts = (
        *_diff(None, talk.now),
        Part(kind="say", text=f"{len(talk.turns)} lines so far; `help` lists what can be said."),
    )
    return Reply(parts=parts, ask=asking_of(talk))


def asking_of(talk: Talk) -> Asking:
    """The question that the next line answers."""
    if talk.stage == "new":
        return START
    if talk.stage == "confirming":
        return _confirm(talk.now)
    now = talk.now
    room = now.asked < MOST_ASKED
    return next((one for one in now.open if (room or one.about == "clash") and is_still_open(one, now)), MORE)


def _confirm(now: Standing) -> Asking:
    """The last question, which says how much it is about."""
    parts = [f"{table['count']:,} {table['name']}" if "count" in table else f"their {table['name']}"
             for table in now.tables if "rows" not in table]  # fmt: skip
    return structs.replace(CONFIRM, text=f"Make {' and '.join(parts)}?")


def respond(talk: Talk, line: str, tools: Tools, *, yes: bool = False) -> tuple[Talk, Reply]:
    """The conversation with one more line, and what to say to it. `yes` makes the data without asking first."""
    try:
        said = cleaned(line)
        command = command_of(said, talk.now if talk.steps else None)
        if command is not None:
            return _command(talk, *command, tools, yes)
        if len(talk.turns) >= MOST_TURNS and said:
            raise UsageError(f"This conversation has {MOST_TURNS} lines.", hint="`done`, or start a new one.")
        if talk.stage == "new":
            return _first(talk, said or EXAMPLE, tools)
        if talk.stage == "confirming":
            return _confirmed(talk, said, tools)
        return _line(structs.replace(talk, stage="talking"), said, tools, yes)
    except UsageError as error:
        return _said(talk, f"{error.what} {error.hint}".strip())


def finished(talk: Talk, tools: Tools) -> tuple[Talk, Reply]:
    """The conversation with all defaults taken; the data is to be made."""
    if talk.stage == "new":
        talk, _ = _first(talk, EXAMPLE, tools)
    return _done(talk, yes=True)


def _first(talk: Talk, said: str, tools: Tools) -> tuple[Talk, Reply]:
    draft = tools.draft(said)
    now = _standing(draft, said)
    now = structs.replace(now, open=asked_of(draft, now))
    talk = structs.replace(talk, stage="talking", steps=(*talk.steps, now), undone=())
    ignored = [one for one in draft.ignored if one.lower() not in draft.name.split("-")]
    notes = [f"Not understood: {', '.join(ignored)}."] if ignored else []
    notes += draft.notes
    return talk, Reply(parts=(*_diff(None, now), *_notes(notes)), ask=asking_of(talk))


def _standing(draft: Draft, said: str) -> Standing:
    numbers = {token.number for token in number_tokens(said) if token.kind == "number"}
    told = [str(table["name"]) for table in _tables(draft) if table.get("count") in numbers]
    told += ["locale"] if any("people and places of" in one for one in draft.understood) else []
    told += ["period"] if any(re.match(r'".*": \d{4}-', one) for one in draft.understood) else []
    return Standing(text=said, spec=draft.spec, why=draft.why, name=draft.name, main=draft.main,
                    said=tuple(told), author=draft.author, drafted=said, by=said)  # fmt: skip


def _tables(draft: Draft) -> list[dict]:  # type: ignore[type-arg]
    return [draft.spec["dataset"]] if "dataset" in draft.spec else draft.spec["tables"]


def _line(talk: Talk, said: str, tools: Tools, yes: bool) -> tuple[Talk, Reply]:
    asking = asking_of(talk)
    if asking.about == "more":
        return _done(talk, yes) if not said else _amended(talk, said, said, tools)
    if re.fullmatch(r"\d{1,2}\.?\)?", said) and asking.choices and chosen(asking, said) is None:
        return _said(talk, f"Choose a number from 1 to {len(asking.choices)}.")
    if re.fullmatch(r"[\d,. ]+", said) and asking.about == "range":
        return _said(talk, f"Say two ends, such as {asking.default}; Enter takes that.")
    choice = chosen(asking, said)
    sentence = says(asking, choice) if choice is not None else sentence_of(asking, said, talk.now)
    if sentence is None:
        return _amended(talk, said, said, tools, asking)
    if not sentence:
        now = structs.replace(settled(talk.now, asking), by=said or f"(Enter: {asking.default})")
        return _stepped(talk, now, [])
    found = (
        answered(talk.now, asking, sentence[1:], tools) if sentence[0] == "=" else hear(talk.now, sentence, tools)
    )  # fmt: skip
    if found is None:
        return _said(talk, f"That can't be taken as an answer: {said or choice}. {asking.hint}".strip())
    return _taken(talk, structs.replace(found, now=settled(found.now, asking)), said)


def _amended(talk: Talk, sentence: str, said: str, tools: Tools, asking: Asking | None = None) -> tuple[Talk, Reply]:
    found = hear(talk.now, sentence, tools)
    return _taken(talk, found, said) if found is not None else _said(talk, _not_understood(talk, said, asking))


def _taken(talk: Talk, found: Heard, said: str) -> tuple[Talk, Reply]:
    """What was heard becomes the standing, or the question that it raises stands first."""
    left = tuple(one for one in found.now.open if one.about != "clash")
    now = structs.replace(found.now, by=said or "Enter", open=left)
    if found.ask is not None:
        now = structs.replace(now, open=(found.ask, *left))
        return _stepped(talk, now, [*found.notes], quiet=True)
    now = structs.replace(now, open=in_order([*now.open, *of_new_tables(talk.now, now)]))
    notes = [*found.notes]
    before = talk.now
    if now.name != before.name:
        notes.append(f"The files will be called {now.name}.")
    if now.format != before.format:
        notes.append(f"The data will be {now.format}.")
    if now.spec == before.spec and not notes and len(now.settled) == len(before.settled):
        notes.append(_AGAIN)
    return _stepped(talk, now, notes)


def _stepped(talk: Talk, now: Standing, notes: list[str], quiet: bool = False) -> tuple[Talk, Reply]:
    before = talk.now
    talk = structs.replace(talk, stage="talking", steps=(*talk.steps, now), undone=())
    parts = () if quiet else _diff(before, now)
    return talk, Reply(parts=(*parts, *_notes(notes)), ask=asking_of(talk))


def _confirmed(talk: Talk, said: str, tools: Tools) -> tuple[Talk, Reply]:
    if not said or _YES.fullmatch(said):
        return talk, Reply(parts=(), act="make")
    before = structs.replace(talk, stage="talking")
    if _NO.fullmatch(said):
        return _said(before, "What should be other?")
    after, reply = _amended(before, said, said, tools)
    if after.now.spec != talk.now.spec or after.now.open != talk.now.open:
        return after, reply
    after = structs.replace(after, stage="confirming")
    return after, structs.replace(reply, ask=_confirm(after.now))


def _done(talk: Talk, yes: bool) -> tuple[Talk, Reply]:
    """The defaults of all that is open, ten rows, the spec, and the last question."""
    now = talk.now
    left = [one for one in now.open if is_still_open(one, now)]
    notes = [f"Assumed: {one.text} {one.default}" for one in left if one.about != "clash" or one.default != LEAVE]
    talk = structs.replace(talk, stage="confirming")
    act: Act = "make" if yes else ""
    parts = (*_notes(notes), Part(kind="preview"), Part(kind="spec"))
    return talk, Reply(parts=parts, ask=None if yes else _confirm(now), act=act)


def _command(talk: Talk, name: str, words: str, tools: Tools, yes: bool) -> tuple[Talk, Reply]:
    if name == "quit":
        return talk, Reply(parts=(), act="quit")
    if name == "help":
        return talk, Reply(parts=(Part(kind="help", text=HELP),), ask=asking_of(talk))
    if name == "redo":
        return _redone(talk)
    if name == "":
        return _said(talk, f"There is no command /{words}. `help` lists them.")
    if not talk.steps:
        if name == "new" and words:
            return _first(talk, words, tools)
        return _said(talk, "There is nothing yet.")
    if name == "undo":
        return _undone(talk)
    if name == "done":
        return _done(talk, yes)
    if name == "new":
        return (
            _first(talk, words, tools)
            if words
            else _said(structs.replace(talk, stage="new"), "A new start; what was is kept: `undo` leads back.")
        )
    part = reasons(talk.now, words) if name == "why" else Part(kind="spec" if name == "show" else "preview")
    return talk, Reply(parts=(part,), ask=asking_of(talk))


def _undone(talk: Talk) -> tuple[Talk, Reply]:
    if talk.stage == "new":
        talk = structs.replace(talk, stage="talking")
        return talk, Reply(parts=_diff(None, talk.now), ask=asking_of(talk))
    gone = talk.now
    stage: Stage = "talking" if len(talk.steps) > 1 else "new"
    talk = structs.replace(talk, stage=stage, steps=talk.steps[:-1], undone=(*talk.undone, gone))
    parts = _notes([f"Taken back: {gone.by}"])
    return talk, Reply(parts=(*parts, *(_diff(gone, talk.now) if talk.steps else ())), ask=asking_of(talk))


def _redone(talk: Talk) -> tuple[Talk, Reply]:
    if not talk.undone:
        return _said(talk, "Nothing was taken back.")
    before = talk.now if talk.steps else None
    again = talk.undone[-1]
    talk = structs.replace(talk, stage="talking", steps=(*talk.steps, again), undone=talk.undone[:-1])
    return talk, Reply(parts=(*_notes([f"Again: {again.by}"]), *_diff(before, again)), ask=asking_of(talk))


def _said(talk: Talk, text: str) -> tuple[Talk, Reply]:
    return talk, Reply(parts=(Part(kind="say", text=text),), ask=asking_of(talk))


def _not_understood(talk: Talk, said: str, asking: Asking | None) -> str:
    fields = [str(field["name"]) for field in talk.now.tables[0]["fields"]]
    at = len(talk.turns) % (len(_EXAMPLES) - 1)
    examples = [one.format(field=fields[-1]) for one in (_EXAMPLES[at], _EXAMPLES[at + 1])]
    hint = ""
    if asking is not None:
        known = " | ".join(asking.choices) or asking.hint or asking.default
        hint = f" It was asked: {known}; Enter takes {asking.default}."
    return f'Not understood: "{said}".{hint} Say for example: {"; ".join(examples)}. `help` lists more.'


def _diff(before: Standing | None, now: Standing) -> tuple[Part, ...]:
    found: tuple[Change, ...] = changes(before.spec if before is not None else None, now.spec)
    return (Part(kind="diff", changes=found),) if found else ()


def _notes(notes: list[str]) -> tuple[Part, ...]:
    return tuple(Part(kind="say", text=one) for one in notes)
