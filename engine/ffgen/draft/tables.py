"""Which tables a description wants: what stands for one, and what only says whose the rows are."""

import re

from ffgen.draft import terms
from ffgen.draft.catalogue import Kind
from ffgen.draft.children import relate
from ffgen.draft.counts import count_table, is_count, nearest_before, set_count
from ffgen.draft.naming import shown
from ffgen.draft.request import Wanted
from ffgen.draft.scan import Mark, Scanner
from ffgen.draft.words import fold, plural

_CLAUSES = set("that which where when because so if".split())
"""Before `person`: what begins a clause."""
_ABOUT = set("for of by about from".split()) | {"one of"}


def is_table(scan: Scanner, mark: Mark) -> bool:
    """Whether a phrase that may be a table's name is one where it stands, and neither a field nor said of another."""
    if _is_beside(scan, mark):
        return False
    if _is_told(scan, mark):
        return True
    if _is_pointed_at(scan, mark) or scan.word(mark.first - 1) == "real":
        return False
    counted = mark.first > 0 and scan.tokens[mark.first - 1].kind == "number"
    if scan.listing and not counted and _is_bounded(scan, mark):
        return False
    kind, many, pointed = scan.kind_of(mark), mark.is_plural, _points(scan, mark.first)
    if scan.request.table(kind.name) and (not mark.is_field or many):
        return not (scan.listing and not many and not pointed)
    after = scan.marks.get(mark.last + 1)
    adjective = not many or (not scan.tokens[mark.last].is_plural and after is not None and bool(after.kinds))
    if adjective and after is not None and not pointed:
        # `customer orders`, `patient age`: a word that only says whose
        return not scan.listing and not scan.request.tables and not after.kinds and not (mark.is_field and kind.is_soft)
    before = nearest_before(scan, mark.first)
    if pointed or (before >= 0 and scan.tokens[before].kind == "number"):
        return True
    return _is_table_in_list(scan, mark, kind) if scan.listing else _is_table_in_sentence(scan, mark, kind)


def _is_beside(scan: Scanner, mark: Mark) -> bool:
    """Whether a phrase counts lines, says whose the rows are, stands in the part of another table or in a clause."""
    if mark.phrase == ("line",) and scan.request.tables and is_count(scan, mark.first - 1):
        return True
    if is_owner(scan, mark) or (scan.in_part and not _opens_part(scan, mark)):
        return True
    return mark.phrase == ("person",) and scan.word(mark.first - 1) in _CLAUSES


def _is_pointed_at(scan: Scanner, mark: Mark) -> bool:
    """Whether, among fields, one refers to this table: `fk customers`."""
    return scan.listing and not {scan.word(mark.first - 1), scan.word(mark.first - 2)}.isdisjoint(terms.POINTING)


def _is_table_in_sentence(scan: Scanner, mark: Mark, kind: Kind) -> bool:
    """Whether a phrase is a table before any list: not one that only goes along with others, and no field."""
    many = mark.is_plural
    if many and _stands_in_list(scan, mark):
        return True
    if scan.pending and mark.is_field and not many:
        return False
    linked = scan.request.is_linked or (many and _is_linked(scan, kind))
    soft = kind.is_soft and scan.table is not None and not linked
    has_begun = scan.table is not None or (not scan.item and scan.request.tables != [])
    return not soft and not (mark.is_field and not many and has_begun)


def _is_table_in_list(scan: Scanner, mark: Mark, kind: Kind) -> bool:
    """Whether a phrase is a table though fields are listed."""
    many, table = mark.is_plural, scan.table
    if scan.item and not many:
        return False
    opens = scan.word(mark.last + 1) in ("(", ":", "with", "including", "having", "containing")
    near = kind.domain == scan.request.domain
    if scan.is_listing_tables and many and (_is_linked(scan, kind) or near):
        return True
    linked = _is_linked(scan, kind) or (scan.request.is_linked and near)
    if many and not scan.request.tables and not scan.pending:
        return True
    if many and table and table.kind and kind.name in table.kind.parents and not kind.is_soft:
        return True
    own = table.called(mark.phrase) if table else None
    if own is not None and table and table.kind and own.name in table.kind.own and not opens:
        return False
    if many and opens and (linked or scan.request.is_linked or not mark.is_field):
        return True
    if mark.is_field:
        return many and linked and (not kind.is_soft or scan.request.is_linked)
    return many and (linked or not kind.is_soft or not scan.request.tables)


def is_owner(scan: Scanner, mark: Mark) -> bool:
    """Whether it only says whose the rows are: `invoices of a restaurant`."""
    if not mark.is_plural and not scan.listing and scan.word(mark.first - 1) in ("our", "my", "this"):
        return scan.word(mark.last + 1) not in ("has", "with", ":", "(")
    return (
        not mark.is_plural
        and not scan.listing
        and any(
            scan.word(mark.first - back) in ("a", "an", "my", "our", "their")
            and scan.word(mark.first - back - 1) in ("of", "for", "from", "in", "at", "by")
            for back in ((1, 2, 3) if not mark.kinds else (1,))
        )
        and (scan.table is not None or not mark.kinds)
    )


def take_table(scan: Scanner, mark: Mark) -> None:
    """A table of the catalogue, how many rows it has and how many for each of another; from here on it is spoken of."""
    kind = scan.kind_of(mark)
    said = scan.text_of(mark.first, mark.last)
    scan.use(mark.first, mark.last, "table")
    counted = next((one for one in scan.request.tables if one.kind and one.kind.has_people and one.count is None), None)
    if (
        kind.singular == "person"
        and counted is not None
        and mark.is_plural
        and is_count(scan, nearest_before(scan, mark.first))
    ):
        # `a staff list, 120 people`
        count_table(scan, counted, mark)
        scan.table = counted
        return
    wanted = scan.request.table(kind.name)
    if wanted is None:
        wanted = Wanted(kind.name, kind.singular, kind, mark.first, said)
        wanted.shown, wanted.singular = shown(kind, mark.phrase)
        if scan.word(mark.first - 1) == "table" and scan.word(mark.last + 1) == "with" and mark.is_plural:
            # as in a schema: called just so
            wanted.shown = re.sub(r"\W+", "_", fold(said))
            wanted.singular = "_".join(mark.phrase)
        if scan.names.get(mark.first) == mark.last:
            wanted.shown = re.sub(r"\W+", "_", fold(said))
            wanted.singular = "_".join(mark.phrase)
        scan.request.tables.append(wanted)
    relate(scan, wanted, mark)
    count_table(scan, wanted, mark)
    about = (
        scan.table is not None and scan.word(mark.first - 1 - (scan.tokens[mark.first - 1].kind == "number")) in _ABOUT
    )
    about = about and scan.word(mark.first - 2) not in ("table", "sheet", "list")
    if (
        not about
        and scan.word(mark.first - 1) not in ("per", "every")
        and not (scan.word(mark.first - 1) == "each" and scan.word(mark.first - 2) == "for")
    ):
        scan.table = wanted
    if scan.word(mark.last + 1) in ("table", "data", "dataset", "record"):
        scan.use(mark.last + 1, mark.last + 1, "table")
    if scan.word(mark.last + 1) not in (",", "and"):
        scan.listing = scan.is_listing_tables = False


def new_table(scan: Scanner, one: str, first: int, last: int, number: int = -1, *, focus: bool = True) -> None:
    """A table that the catalogue does not have."""
    name = plural(one)
    if scan.request.table(name) is None:
        wanted = Wanted(name, one, None, first, scan.text_of(first, last))
        scan.request.tables.append(wanted)
        if number >= 0:
            set_count(scan, wanted, scan.tokens[number].number, number)
    if focus:
        scan.table = scan.request.table(name)
    scan.use(first, last, "table")
    words = tuple(one.split("_"))
    for at in range(last + 1, len(scan.tokens)):
        if words == tuple(scan.word(place) for place in range(at, at + len(words))) and not scan.used[at]:
            scan.subjects.setdefault(at, at + len(words) - 1)


def _stands_in_list(scan: Scanner, mark: Mark) -> bool:
    """Whether a table's plural stands alone between others: `students, courses, and enrolments (`."""
    before, after = scan.word(mark.first - 1), scan.word(mark.last + 1)
    return before in (",", "and", ":") and after in (",", "and", "(", ".", "") and bool(scan.request.tables)


def _is_told(scan: Scanner, mark: Mark) -> bool:
    """Whether a sentence tells of one of them: `A comment has`, `for a driver we keep`."""
    before, after = scan.word(mark.first - 1), scan.word(mark.last + 1)
    if mark.is_plural or before not in ("a", "an", "each", "every", "one", "1", "the"):
        return False
    opens = scan.word(mark.first - 2) in (".", ";", "and", "", "!", "?", ",")
    return (opens and after in ("has", "hold", "contain", "include")) or (
        scan.word(mark.first - 2) == "for" and after in ("we", "i", "they", "there", "you", "it")
    )


def _is_bounded(scan: Scanner, mark: Mark) -> bool:
    """Whether a range or a type follows: `likes (0-500)`, `likes int`."""
    at = mark.last + 1
    close = scan.brackets.get(at, 0)
    return scan.used[at : at + 1] in (["type"], ["limit"]) or (
        close > 0 and all(scan.used[one] in ("limit", "type", "note") for one in range(at + 1, close))
    )


def _opens_part(scan: Scanner, mark: Mark) -> bool:
    """Whether, in the part of one table, another one begins: numbered, or with fields of its own."""
    opens = scan.word(mark.last + 1) in ("(", ":", "with", "has", "have", "including")
    numbered = mark.first > 0 and scan.tokens[mark.first - 1].kind == "number" and mark.is_plural
    if scan.word(mark.first - 1) == ";" and mark.is_plural:
        return True
    many = next((one for one in scan.ranges if one.first == mark.last + 2), None)
    if scan.word(mark.last + 1) in ("has", "have") and many and scan.word(many.last + 1) in (";", ",", ".", "of", ""):
        # `each member has 2 to 5 of them;`: of what the part is about
        return False
    return opens and (mark.is_plural or scan.word(mark.first - 1) in ("each", "every")) or numbered


def _points(scan: Scanner, at: int) -> bool:
    """Whether the words before say that a table follows: each, per, their, `table of`."""
    return scan.word(at - 1) in ("each", "every", "per", "their", "table") or (
        scan.word(at - 1) in ("of", "single", "the", "given") and scan.word(at - 2) in ("table", "each", "per", "every")
    )


def _is_linked(scan: Scanner, kind: Kind) -> bool:
    names = {one.name for one in scan.request.tables}
    mine = {parent for one in scan.request.tables if one.kind for parent in one.kind.parents}
    return bool(names & {*kind.parents}) or kind.name in mine
