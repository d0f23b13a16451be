"""Parts of a whole that are said in words, made percentages: half of them, a third, two thirds, one in five."""

from collections.abc import Sequence
from dataclasses import replace

from ffgen.draft.words import Token, word_at

_PARTS = {"third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10, "twentieth": 20, "hundredth": 100}
_MANY = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7, "nine": 9}
_SMALL = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_SMALL |= {"twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
_WHOLE = {"of", "are", "is", "were", "was", "have", "has", "had", "do", "get", "will", "should", "must", "come", "use"}
_WHOLE |= {"true", "yes", "false", "male", "female", "active", "paid"}
_NO_HALF = {"a", "an", "day", "hour", "year", "price", "million", "dozen", "thousand", "board", "star", "bath", "life"}
_NO_HALF |= {"marathon", "term", "century", "moon", "point", "pint", "hourly", "yearly", "sibling", "dozen"}
_RATED = {"rating", "score", "scale", "star", "stars", "grade", "rated", "mark", "review"}
_ROWS = {"time", "case", "row", "record", "them", "entry", "instance", "occasion", "all"}


_NEARLY = ("about", "roughly", "nearly", "other")


def portions(found: list[Token]) -> list[Token]:
    """The tokens, those that say a part of a whole as one percentage; and `in 40% of cases` as the percentage alone."""
    made: list[Token] = []
    at = 0
    while at < len(found):
        part, size = _part(found, at)
        if not size and found[at].kind == "number" and word_at(found, at + 1) in ("percent", "percentage", "pct"):
            part, size = found[at].number, 2
        if not size and found[at].is_share:
            part, size = found[at].number, 1
        if not size:
            made.append(found[at])
            at += 1
            continue
        rest = _of_rows(found, at + size)
        if rest and made and made[-1].word in ("in", "for"):
            made.pop()
        last = found[at + size + rest - 1]
        made.append(_share(found[at], last, part) if size > 1 or rest or not found[at].is_share else found[at])
        at += size + rest
    return made


def _share(first: Token, last: Token, percent: float) -> Token:
    return replace(first, word=f"{percent:.6g}", kind="number", end=last.end, number=percent, is_share=True)


def _part(found: Sequence[Token], at: int) -> tuple[float, int]:
    """A part in percent that begins at a place, and its tokens; 0 tokens where none does."""
    word, following = word_at(found, at), word_at(found, at + 1)
    if word == "half" and following not in _NO_HALF:
        before = word_at(found, at - 1)
        if following in _WHOLE | {"the", "them", "being", ")", ",", ""} or before in _NEARLY:
            return 50.0, 1
    if following in _PARTS and word in _MANY:
        return (100.0 * _MANY[word] / _PARTS[following], 2) if _is_whole(found, at + 2, following) else (0, 0)
    if (
        word in _PARTS
        and word_at(found, at - 1) in ("the", "about", "nearly", "roughly", "other")
        and following == "of"
    ):
        return (100.0 / _PARTS[word], 1) if _is_whole(found, at + 1, word) else (0, 0)
    many = _small(found, at)
    of = _small(found, at + 3) if word_at(found, at + 2) == "in" and at + 3 < len(found) else 0
    if (
        many
        and many < of <= 100
        and at + 3 < len(found)
        and found[at + 1].kind == "word"
        and of > 2
        and not found[at].is_money
    ):
        return 100.0 * many / of, 4
    if not many or word_at(found, at - 1) in _RATED or found[at].is_money:
        return 0, 0
    size = 2 if following == "in" else 3 if (following, word_at(found, at + 2)) == ("out", "of") else 0
    if size and word_at(found, at + size) == "every":
        size += 1
    of = _small(found, at + size) if size else 0
    if of and many < of <= 1000 and of not in range(1, 4) and word_at(found, at + size + 1) not in _RATED:
        return 100.0 * many / of, size + 1
    return 0, 0


def _is_whole(found: Sequence[Token], at: int, part: str) -> bool:
    """Whether a part of many follows: `a quarter of them`, and not of a year."""
    after = word_at(found, at)
    if after == "of" and at + 1 < len(found) and found[at + 1].kind != "word":
        return False
    return after in _WHOLE or part != "quarter" or after in (",", ")", "")


def _of_rows(found: Sequence[Token], at: int) -> int:
    """How many tokens say only that it is a part of the rows: `of the time`."""
    if word_at(found, at) != "of":
        return 0
    more = 1 if word_at(found, at + 1) in ("the", "all") else 0
    return 2 + more if word_at(found, at + 1 + more) in _ROWS else 0


def _small(found: Sequence[Token], at: int) -> float:
    if at >= len(found):
        return 0
    token = found[at]
    whole = token.kind == "number" and not token.is_share and token.number == int(token.number)
    return token.number if whole else _SMALL.get(token.word, 0)
