"""What became of a sentence: another standing and what to say of it, or a question that it raises."""

import re

from msgspec import Struct

from ffgen.chat.standing import Asking, Standing

LEAVE = "leave it as it was"


class Heard(Struct, frozen=True, kw_only=True):
    """A standing that a sentence led to. With `ask`, the sentence can't be taken as it is: `now` is as it was."""

    now: Standing
    notes: tuple[str, ...] = ()
    ask: Asking | None = None


def clash(text: str, choices: list[tuple[str, str]], default: str) -> Asking:
    """A contradiction: what each choice is called, and the sentence that it stands for; none for no change."""
    return Asking(
        id=f"clash:{text}"[:120],
        about="clash",
        text=text,
        default=default,
        choices=tuple(one for one, _ in choices),
        says=tuple(says for _, says in choices),
    )


def fullmatch(pattern: str, said: str) -> re.Match[str] | None:
    """A whole sentence against a pattern, whatever the case."""
    return re.fullmatch(pattern, said, re.IGNORECASE)
