"""A conversation as text: the spec as a file that runs, the transcript below it as comments."""

import textwrap

from ffgen.chat.questions import is_still_open, question_of
from ffgen.chat.standing import Part, Reply, Standing, Talk
from ffgen.draft.show import spec_text

WIDE = 110
_SHOWN = {"spec": "(the spec)", "preview": "(ten rows)", "help": "(help)"}


def spec_of(now: Standing, *, with_questions: bool = True) -> str:
    """The spec as YAML, with the reasons for its fields and what is still open."""
    left = [question_of(one) for one in now.open if one.about != "clash" and is_still_open(one, now)]
    return spec_text(now.spec, now.text, now.why, left if with_questions else [])


def exported(talk: Talk) -> str:
    """The spec, and the transcript as comments. UsageError is the caller's, where there is no spec yet."""
    lines = ["", "# The conversation:"]
    for turn in talk.turns:
        lines += ["#", *_commented(f"> {turn.said}".rstrip(), "  ")]
        for line in turn.told.splitlines():
            lines += _commented(f"  {line}", "    ")
    return spec_of(talk.now) + "\n".join(lines) + "\n"


def plain_reply(reply: Reply) -> str:
    """A reply as it stands in a transcript: without colour, whatever the width."""
    lines = [line for part in reply.parts for line in plain_part(part)]
    if reply.ask is not None:
        choices = f" ({' | '.join(reply.ask.choices)})" if reply.ask.choices else ""
        lines.append(f"{reply.ask.text}{choices} [{reply.ask.default}]")
    return "\n".join(lines)


def plain_part(part: Part) -> list[str]:
    """One piece of a reply in lines."""
    if part.changes:
        return [f"{one.sign} {one.path}  {one.text}".rstrip() for one in part.changes]
    return [part.text if part.kind == "say" else _SHOWN.get(part.kind, "")]


def _commented(text: str, indent: str) -> list[str]:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    wrapped = textwrap.wrap(plain, WIDE, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True,
                            initial_indent=plain[: len(plain) - len(plain.lstrip())])  # fmt: skip
    return [f"# {line}" for line in wrapped or [""]]
