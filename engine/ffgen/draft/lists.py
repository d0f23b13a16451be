"""What is listed: tables by name, `authors, books and loans`, or fields that a sentence goes on with."""

from ffgen.draft import terms
from ffgen.draft.scan import Scanner
from ffgen.draft.spoken import is_plain
from ffgen.draft.words import idle_words

_OPEN = ("the", "a", "an", ",")


def lists_tables(scan: Scanner, at: int) -> bool:
    """Whether only plurals are listed, one of them a table: `authors, books and loans`."""
    end = next((one for one in range(at, len(scan.tokens)) if scan.word(one) in (".", "!", "?", ";")), len(scan.tokens))
    parts, start = list[tuple[int, int]](), at
    for one in range(at, end + 1):
        if one == end or scan.word(one) in (",", "and", "&", "+"):
            parts += [(start, one - 1)] if one > start else []
            start = one + 1
    many = all(last - first < 2 and scan.tokens[last].is_plural for first, last in parts)
    known = [scan.marks.get(first) for first, _ in parts]
    return len(parts) > 1 and many and sum(bool(mark and mark.kinds) for mark in known) * 2 >= len(parts)


def lists_on(scan: Scanner, at: int) -> bool:
    """Whether a sentence goes on with fields and no verb: `Also the dose number, the date given.`"""
    if scan.word(at) in ("also", "plus", "additionally", "further", "finally") and scan.word(at + 1) in _OPEN:
        return True
    if scan.word(at) == "there" and scan.word(at + 1) in ("is", "are", "s"):
        return True
    end = next(
        (one for one in range(at, len(scan.tokens)) if scan.word(one) in (".", "!", "?", ";", ":")),
        len(scan.tokens),
    )
    words = [scan.word(one) for one in range(at, end)]
    first = words[: words.index(",")] if "," in words else words
    plain = not {*first} & (
        terms.OPENERS | {"is", "are", "should", "must", "each", "every", "please", "i", "we", "make"}
    )
    begins = scan.marks.get(at)
    some = words.count(",") >= 2 or ("," in words and begins is not None and begins.is_field and not begins.kinds)
    return some and len(first) <= 4 and plain and scan.tokens[at].kind == "word"


def named_table(scan: Scanner, at: int) -> int:
    """The last token of a table's name after the word table; 0 where none follows."""
    last = scan.names.get(at, at)
    plain = at < len(scan.tokens) and scan.tokens[at].kind == "word" and not scan.used[at]
    if not plain or scan.word(at) in idle_words() | terms.OPENERS | terms.JOINERS | terms.VERBS:
        return 0
    if last == at and is_plain(scan, at + 1) and scan.tokens[at + 1].kind == "word":
        last = at + 1
    return (
        last if scan.word(last + 1) in ("", ",", ":", "(", ")", ".", ";", "with", "for", "-", "has", "[", "of") else 0
    )
