"""What stands out in a description before a word of it is understood: names in one piece (`order_date`, `orderDate`),
names that end with a preposition (`paid on`), what is in brackets."""

import re
from collections.abc import Sequence

from ffgen.draft.words import Token, word_at

_NAME = re.compile(
    r"(?<![\w@/.-])(?:[^\W\d_]\w*_\w+|[a-z]{2,}(?:[A-Z][a-z0-9]+)+|(?:[A-Z][a-z0-9]+){2,}(?:ID)?|[a-z]+ID)(?![\w@])"
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_DONE = {"sent", "paid", "born", "made", "built", "sold", "left", "taken", "begun", "given", "written", "seen", "held"}
_DONE |= {"expire", "start", "end", "begin", "depart", "arrive", "renew", "close"}
_STATES = set("available valid active open blocked employed closed".split())
"""What holds from one day to another: `valid until`."""
_BEFORE_MOMENT = set(", ; ( : and / with . -".split()) | {""}


def names(found: Sequence[Token], text: str) -> dict[int, int]:
    """First and last token of every name that is written in one piece, with underscores or capitals inside."""
    spans = [match.span() for match in _NAME.finditer(text)]
    made: dict[int, int] = {}
    for start, end in spans:
        inside = [at for at, token in enumerate(found) if start <= token.start and token.end <= end]
        if len(inside) > 1 and all(token.kind in ("word", "number") for token in found[inside[0] : inside[-1] + 1]):
            made[inside[0]] = inside[-1]
    return made


def moments(found: Sequence[Token]) -> dict[int, int]:
    """`collected at`, `paid on`: names of two words that end with a preposition, where nothing follows it."""
    made: dict[int, int] = {}
    for at in range(len(found) - 1):
        first, second = found[at], found[at + 1]
        is_done = first.kind == "word" and (first.text.lower().endswith("ed") or first.word in _DONE)
        is_span = first.word in _STATES and second.word in ("from", "until", "since", "to")
        if (is_span or is_done and second.word in ("at", "on", "by")) and not first.is_glued and not second.is_glued:
            after = word_at(found, at + 2)
            before = word_at(found, at - 1)
            if after in (",", ";", ".", ")", "", "(", "/", ":", "and") and before in _BEFORE_MOMENT:
                made[at] = at + 1
    return made


def brackets(found: Sequence[Token]) -> dict[int, int]:
    """Where each bracket that opens is closed."""
    made, stack = dict[int, int](), list[int]()
    for at, token in enumerate(found):
        if token.kind != "mark":
            continue
        if token.text in _CLOSING:
            stack.append(at)
        elif stack and token.text == _CLOSING[found[stack[-1]].text]:
            made[stack.pop()] = at
    return made
