"""How many rows of a table each row of another has: `1 to 5 orders`, `orders per customer`."""

from ffgen.draft import terms
from ffgen.draft.counts import is_count
from ffgen.draft.naming import names_of, shown
from ffgen.draft.request import Wanted
from ffgen.draft.scan import Mark, Scanner
from ffgen.draft.words import plural


def relate(scan: Scanner, wanted: Wanted, mark: Mark) -> None:
    """How many of these each parent has: `1 to 5 orders`, `orders per customer`, `each has several orders`."""
    many = _quantity(scan, mark.first) or _quantity_each(scan, mark)
    parent = _parent_after(scan, mark.last) or _parent_before(scan, wanted, many is not None)
    if scan.word(mark.first - 1) in ("per", "every", "each") or parent is None or parent is wanted:
        return
    if many is None and not (scan.each or _parent_after(scan, mark.last)):
        return
    low, high, used = many or (None, None, None)
    wanted.children[parent.name] = (low, high)
    if used:
        scan.use(*used, "children")
    scan.request.understood.append(f"each {parent.singular} has {_words_of(low, high)} {wanted.name}")


def take_per(scan: Scanner, wanted: Wanted, at: int) -> None:
    """`loans - 0 to 3 per borrower:`, how many there are for each."""
    limit = next((one for one in scan.ranges if one.first in (at, at + 1) and not one.is_period), None)
    last = limit.last if limit else at
    per = last + 1
    if limit is None and not is_count(scan, at):
        return
    words = [scan.word(place) for place in range(per, per + 3)]
    skip = (
        1
        if words[0] in ("per", "each")
        else 2
        if words[:2] in (["for", "each"], ["for", "every"], ["to", "each"])
        else 0
    )
    parent = next((one for one in scan.request.tables if one is not wanted and _is_called(scan, one, per + skip)), None)
    if not skip or parent is None:
        return
    low, high = (limit.low, limit.high) if limit else (scan.tokens[at].number, scan.tokens[at].number)
    if limit:
        scan.ranges.remove(limit)
    wanted.children[parent.name] = (whole(low), whole(high))
    scan.use(at, per + skip, "children")


def _is_called(scan: Scanner, table: Wanted, at: int) -> bool:
    """Whether a table is named at a place."""
    return any(name == tuple(scan.word(place) for place in range(at, at + len(name))) for name in names_of(table))


def _quantity(scan: Scanner, first: int) -> tuple[int | None, int | None, tuple[int, int] | None] | None:
    for limit in scan.ranges:
        near = limit.last < first and all(
            scan.tokens[at].kind == "word" and scan.word(at) not in terms.JOINERS for at in range(limit.last + 1, first)
        )
        if near and first - limit.last <= 3 and not limit.is_period:
            scan.ranges.remove(limit)
            if limit.is_swapped:
                scan.request.ask(
                    "range",
                    f"{scan.text_of(limit.first, limit.last)}: the first is above the second",
                    f"{limit.low} to {limit.high}",
                )
            return whole(limit.low), whole(limit.high), (limit.first, limit.last)
    at = first - 1
    while at >= 0 and first - at <= 3:
        token = scan.tokens[at]
        if (
            token.kind == "number"
            and not token.is_share
            and (scan.each or _parent_after_phrase(scan, first))
            and token.number == int(token.number)
        ):
            scan.use(at, at, "children")
            if (
                scan.word(at - 1) in ("about", "around", "average", "roughly", "approximately", "of")
                and token.number > 1
            ):
                return 0 if token.number < 3 else 1, int(token.number * 2), (at, at)
            return int(token.number), int(token.number), (at, at)
        if token.word in ("several", "multiple", "many", "various"):
            return 1, None, (at, at)
        at -= 1
    return None


def _quantity_each(scan: Scanner, mark: Mark) -> tuple[int | None, int | None, tuple[int, int] | None] | None:
    """`classes with 25 pupils each`."""
    at = mark.first - 1
    if scan.word(mark.last + 1) != "each" or not is_count(scan, at) or not scan.request.tables:
        return None
    number = int(scan.tokens[at].number)
    scan.use(mark.last + 1, mark.last + 1, "children")
    return number, number, (at, at)


def _parent_after_phrase(scan: Scanner, first: int) -> bool:
    mark = scan.marks.get(first)
    return mark is not None and _parent_after(scan, mark.last) is not None


def _parent_after(scan: Scanner, last: int) -> Wanted | None:
    """The table of `per X`, `for each X`, which is made where it is not there yet."""
    at = last + 1
    if scan.word(at) in ("for", "by", "in", "on", "from", "under", "of", "to", "placed"):
        at += 1
    if scan.word(at) not in ("per", "each", "every"):
        return None
    mark = scan.marks.get(at + 1)
    if mark is None or not mark.kinds:
        name = plural(scan.word(at + 1))
        return scan.request.table(name)
    kind = scan.kind_of(mark)
    found = scan.request.table(kind.name)
    if found is None:
        found = Wanted(kind.name, kind.singular, kind, mark.first, scan.text_of(mark.first, mark.last))
        found.shown, found.singular = shown(kind, mark.phrase)
        scan.request.tables.append(found)
    return found


def _parent_before(scan: Scanner, wanted: Wanted, is_counted: bool) -> Wanted | None:
    """The table that `each X has` or `X with 1 to 5` speaks of."""
    others = [one for one in scan.request.tables if one is not wanted]
    if not others or not (scan.each or is_counted):
        return None
    return scan.table if scan.table in others else others[0]


def whole(number: object) -> int | None:
    """A bound as a number of rows; None where it is none."""
    return int(number) if isinstance(number, int | float) and 0 <= number <= 10_000 else None


def _words_of(low: int | None, high: int | None) -> str:
    if low == high:
        return str(low) if low is not None else "some"
    return f"{low or 0} to {high}" if high is not None else "several"
