"""The heads of parts, `patients (500): name, ...`: a table's name before its fields, and how many rows it has."""

import re
from dataclasses import dataclass

from ffgen.draft import terms
from ffgen.draft.catalogue import Kind, field_phrases, kinds
from ffgen.draft.children import take_per
from ffgen.draft.counts import is_count, set_count
from ffgen.draft.naming import shown
from ffgen.draft.scan import Scanner
from ffgen.draft.tables import new_table, take_table
from ffgen.draft.words import Phrase, fold, idle_words, plural

_BEFORE_HEAD = set(
    """
    sheet tab collection table a an the and then finally also first second third of entity called named about
    around exactly roughly one two next last
    """.split()
)
_NO_HEADS = set(
    """
    requirement note rule constraint format output detail structure schema rest description spec distribution
    breakdown value option example context ps thing this following information property table dataset data way
    csv need
    """.split()
)


@dataclass(frozen=True, slots=True)
class Head:
    """The name of a table before its fields, and how many rows it has: their tokens."""

    first: int
    last: int
    after: int
    number: int = -1


def find_heads(scan: Scanner) -> dict[int, Head]:
    """`patients: ...`, `40 widgets (...)`, `table orders - ...` where a sentence or a line begins."""
    found: dict[int, Head] = {}
    for at in range(len(scan.tokens)):
        before = scan.word(at - 1)
        if at and before not in (".", ";", "!", "?", ":"):
            if before not in (",", "and") or scan.word(at + 1) != "(" or at not in _many(scan):
                continue
        if head := _head(scan, at):
            found[head.first] = head
    return found


def _many(scan: Scanner) -> set[int]:
    """Where plurals stand that are a table's name."""
    return {
        at
        for at, token in enumerate(scan.tokens)
        if token.is_plural and (token.word,) in kinds() or at in scan.subjects
    }


def _head(scan: Scanner, at: int) -> Head | None:
    number, start, is_named = -1, at, False
    while scan.word(at) in _BEFORE_HEAD or (is_count(scan, at) and number < 0):
        number = at if is_count(scan, at) else number
        is_named = is_named or scan.word(at) in ("table", "entity", "called", "named", "sheet", "tab", "collection")
        at += 1
    first = at
    while at < len(scan.tokens) and scan.tokens[at].kind == "word" and at - first < 4 and not scan.used[at]:
        if scan.word(at) in terms.OPENERS | terms.JOINERS | terms.VERBS | {"of", "table"}:
            break
        at += 1
    last = at - 1
    if last < first or scan.tokens[last].kind != "word":
        return None
    after = at + (scan.word(at) == "table")
    is_named = is_named or scan.word(at) == "table"
    close = scan.brackets.get(after, 0) if scan.word(after) in ("(", "[") else 0
    if close and (is_count(scan, after + 1) or scan.used[after + 1] == "limit") and scan.word(close + 1) in (";", ":"):
        many = scan.tokens[last].is_plural or is_named
        if many and close - after < 9 and (number < 0 or after - 1 == number or close):
            alone = close == after + 2 or scan.word(after + 2) in terms.ROWS
            return Head(first, last, close + 1 if alone else after, after + 1 if alone else number)
    if close and is_count(scan, after + 1) and close - after <= 3 and number < 0:
        number, after = after + 1, close + 1
        after += scan.word(after) == "table"
    if (
        scan.word(after) == ","
        and is_count(scan, after + 1)
        and scan.word(after + 2) == ":"
        and scan.tokens[last].is_plural
    ):
        return Head(first, last, after + 2, after + 1)
    alone = first == 0 and scan.word(after) == ";" and (first in scan.inside or scan.tokens[last].is_plural)
    if alone and (after + 1 in scan.inside or scan.word(after + 2) in (":", "(", "-")):
        return Head(first, last, after, number)
    if scan.word(after + 1) == ">":
        return None
    if scan.word(after) in (":", "-", "–", "—", "=") or (scan.word(after) == "(" and number != after + 1):
        is_dash = scan.word(after) in ("-", "–", "—", "=")
        if _begins_part(scan, first, last, number >= 0 or is_named, after, is_dash):
            return Head(first, last, after, number) if start <= first else None
    return None


def _begins_part(scan: Scanner, first: int, last: int, is_sure: bool, after: int, is_dash: bool) -> bool:
    phrase = tuple(scan.word(at) for at in range(first, last + 1))
    is_strong = any(
        at in scan.names or scan.word(at) == "(" for at in range(after + 1, min(after + 12, len(scan.tokens)))
    )
    again = any(token.word == phrase[-1] and token.is_plural for token in scan.tokens[:first] + scan.tokens[last + 1 :])
    if again and is_strong and scan.word(after) == ":" and not _is_valued(scan, after) and phrase in kinds():
        return True
    plain = phrase not in kinds() and phrase[-1] in idle_words() | terms.ROWS | _NO_HEADS or phrase[-1] in terms.FIELDS
    end = next((at for at in range(after, len(scan.tokens)) if scan.word(at) in (".", "!", "?")), len(scan.tokens))
    stretch = [scan.word(at) for at in range(after + 1, end)]
    parts = 1 + sum(word in (",", ";", "/", "+", "and") for word in stretch) + is_count(scan, after + 1)
    if plain or parts < 2 or scan.tokens[first].kind != "word":
        return False
    known = phrase in kinds() or phrase[-1:] in kinds()
    is_field = scan.is_field(phrase) and phrase not in kinds()
    is_many = scan.tokens[last].is_plural or phrase[-1] in terms.COLLECTIVE
    is_sure = is_sure or (first in scan.subjects and scan.subjects[first] == last and scan.word(after) == ":")
    is_column = first in scan.inside and scan.word(after) != "(" and _lists_columns(scan, after)
    is_counting = is_count(scan, after + 1) and (scan.word(after + 2),) in kinds()
    if scan.word(after + 1) in terms.TYPES or last in scan.values or is_counting:
        return False
    if is_strong and (is_many or is_column) and not _is_valued(scan, after):
        return True
    told = [
        at for at in range(after + 1, end) if (scan.word(at),) in field_phrases() and scan.word(at) not in terms.STOPS
    ]
    if is_field and not is_sure:
        return is_many and scan.word(after) == ":" and len(told) > 1 and not _lists_values(scan, after, end)
    if scan.word(after) == "(" and not is_many and not is_sure:
        return False
    return (
        is_sure
        or (known and (is_many or not is_dash or scan.word(after) == "="))
        or (is_many and not _lists_values(scan, after, end))
    )


def _lists_columns(scan: Scanner, at: int) -> bool:
    """Whether names are listed up to the end of a line: `dim_student: student_no, full_name, age`."""
    end = next((one for one in range(at, len(scan.tokens)) if scan.word(one) in (".", ";", "!", "?")), len(scan.tokens))
    names = sum(one in scan.names for one in range(at + 1, end))
    return names > 0 and sum(scan.word(one) == "," for one in range(at + 1, end)) > 1


def _is_valued(scan: Scanner, at: int) -> bool:
    """Whether what begins there are values with shares."""
    return any(token.is_share for token in scan.tokens[at : at + 4])


def _lists_values(scan: Scanner, first: int, last: int) -> bool:
    """Whether what stands there is rather a list of values: it has an `or`, and no field that is known."""
    words = [scan.word(at) for at in range(first + 1, last)]
    known = any((word,) in field_phrases() for word in words if word not in terms.STOPS)
    return not known or (0 < words.index("or") < 10 if "or" in words else False)


def take_head(scan: Scanner, head: Head) -> int:
    """Begins the part of a table."""
    found = next(
        (
            mark
            for size in range(head.last - head.first + 1, 0, -1)
            if (mark := scan.mark_at(head.last - size + 1, size)) and mark.kinds and mark.last == head.last
        ),
        None,
    )
    phrase = tuple(scan.word(at) for at in range(head.first, head.last + 1))
    scan.each = ""
    if head.number >= 0:
        scan.used[head.number] = scan.used[head.number] or "head"
    if found is not None and _is_another(scan, scan.kind_of(found), phrase):
        found = None
    if found is not None:
        take_table(scan, found)
        wanted = scan.request.table(scan.kind_of(found).name)
        if wanted is not None and wanted.kind is not None:
            wanted.shown, wanted.singular = shown(wanted.kind, found.phrase)
            if scan.word(head.first - 1) in ("table", "sheet") and found.is_plural:
                wanted.shown = re.sub(r"\W+", "_", fold(scan.text_of(head.first, head.last)))
                wanted.singular = "_".join(phrase)
    else:
        new_table(scan, "_".join(phrase), head.first, head.last)
        wanted = scan.request.table(plural("_".join(phrase)))
    scan.table = wanted
    scan.use(head.first, head.last, "table")
    if wanted is not None:
        wanted.headed = phrase
    number = head.number
    if (
        number < 0
        and is_count(scan, head.after + 1)
        and scan.word(head.after + 2) in ("of", "row", "record", ",", ".", ";")
    ):
        number = head.after + 1
    if wanted is not None and number >= 0 and scan.used[number] in ("", "head"):
        set_count(scan, wanted, scan.tokens[number].number, number)
    scan.in_part = scan.word(head.after) != "(" or scan.word(scan.brackets.get(head.after, 0) + 1) == ";"
    if wanted is not None:
        take_per(scan, wanted, head.after + 1)
    scan.each, scan.listing, scan.is_listing_tables = "", True, False
    return head.after


def _is_another(scan: Scanner, kind: Kind, phrase: Phrase) -> bool:
    """Whether a part's name means a table that has a part of its own by another name; the one that is called just
    so keeps what the catalogue knows of it."""
    there = scan.request.table(kind.name)
    if there is None or there.headed in ((), phrase):
        return False
    if "_".join(phrase) != kind.singular:
        return True
    name = plural("_".join(there.headed))
    scan.sections = [(at, name if said == there.name else said) for at, said in scan.sections]
    there.name, there.singular, there.shown, there.kind = name, "_".join(there.headed), "", None
    return False
