"""Where tables are named, and which rows belong to one of another table."""

from functools import partial

from ffgen.draft.children import whole
from ffgen.draft.limits import Limit
from ffgen.draft.naming import names_of
from ffgen.draft.relations import LINKS, Mention, links
from ffgen.draft.request import Asked, Wanted
from ffgen.draft.scan import Scanner

_HAVE = ("has", "have", "get")


def mentions(scan: Scanner) -> list[Mention]:
    """Every place where a table that is wanted is named."""
    found: dict[int, Mention] = {}
    for table in scan.request.tables:
        names = names_of(table)
        for at in range(len(scan.tokens)):
            for name in sorted(names, key=lambda one: (-len(one), one)):
                if at not in found and name == tuple(scan.word(place) for place in range(at, at + len(name))):
                    last = at + len(name) - 1
                    if scan.inside.isdisjoint(range(at, last + 1)) or scan.names.get(at) == last:
                        found[at] = Mention(at, last, table.name, scan.tokens[last].is_plural)
    return [found[at] for at in sorted(found)]


def spoken_of(scan: Scanner, at: int) -> str:
    """The table that is spoken of at a place."""
    return next((name for place, name in reversed(scan.sections) if place <= at), "")


def place_links(scan: Scanner) -> None:
    """Which rows belong to one of another table, and how many."""
    _place_belongings(scan)
    for limit in [*scan.ranges]:
        if _place_per(scan, limit):
            continue
        if not _place_bare(scan, limit) and scan.word(limit.last + 1) == "of":
            if scan.word(limit.last + 2) in ("them", "those", "these"):
                _place_them(scan, limit)


def _place_belongings(scan: Scanner) -> None:
    words = [{"–": "-", "—": "-"}.get(token.text, token.word) for token in scan.tokens]
    tables = {table.name: table for table in scan.request.tables}
    for link in links(words, mentions(scan), partial(spoken_of, scan)):
        child, parent = tables[link.child], tables[link.parent]
        if child is parent:
            child.asked = [one for one in child.asked if not _joins(scan, one, link.at)]
            if (asked := _pointing(scan, child, link.at)) is not None:
                asked.refers = parent.name
            continue
        is_turned = (
            child.name in parent.children
            or child.name in parent.belongs
            or (parent.kind is not None and child.name in parent.kind.parents)
        )
        asked = _pointing(scan, child, link.at)
        if asked is not None and asked.last in scan.inside:
            asked.refers = parent.name
        if is_turned or parent.name in child.belongs:
            continue
        child.belongs.append(parent.name)
        for table in scan.request.tables:
            table.asked = [one for one in table.asked if not _joins(scan, one, link.at)]
        scan.request.understood.append(f"each {child.singular} belongs to one {parent.singular}")


def _place_per(scan: Scanner, limit: Limit) -> bool:
    """`invoices (...), 2 to 12 per account`; whether a range says that."""
    owner = spoken_of(scan, limit.first)
    if scan.word(limit.last + 1) != "per" or not owner or scan.word(limit.first - 1) not in (",", ")", ";", "."):
        return False
    parent = next((one.table for one in mentions(scan) if one.first == limit.last + 2 and one.table != owner), "")
    if not parent:
        return False
    child = next(one for one in scan.request.tables if one.name == owner)
    child.children[parent] = (whole(limit.low), whole(limit.high))
    scan.ranges.remove(limit)
    return True


def _place_bare(scan: Scanner, limit: Limit) -> bool:
    """`each member has 2 to 5`, in the part of another table; whether a range says that."""
    owner = spoken_of(scan, limit.first)
    bare = scan.word(limit.last + 1) in (";", ".", "", ",") and scan.word(limit.first - 1) in _HAVE
    named = mentions(scan) if bare and owner else []
    if not any(one.table != owner and not one.is_plural and 0 < limit.first - one.last <= 2 for one in named):
        return False
    above = [one.table for one in named if one.last < limit.first][-1]
    below = next(one for one in scan.request.tables if one.name == owner)
    below.children[above] = (whole(limit.low), whole(limit.high))
    scan.ranges.remove(limit)
    return True


def _pointing(scan: Scanner, child: Wanted, at: int) -> Asked | None:
    """The field right before a place that says what rows belong to: `ward_code (string) -> wards`."""
    before = [one for one in child.asked if one.last < at and at - one.last <= 9]
    one = max(before, key=lambda asked: asked.last, default=None)
    apart = one is not None and {",", ";", "."} & {scan.word(place) for place in range(one.last + 1, at)}
    return None if apart else one


def _joins(scan: Scanner, asked: Asked, at: int) -> bool:
    """Whether a field is none, but the words that say what its rows belong to: `points at a`."""
    return asked.last < at and at - asked.last <= 3 and {*asked.phrase} <= LINKS and asked.last not in scan.inside


def _place_them(scan: Scanner, limit: Limit) -> None:
    """`each order has 1 to 4 of them`."""
    before = [one for one in mentions(scan) if one.last < limit.first]
    parent = next((one for one in reversed(before) if not one.is_plural), None)
    child = next((one for one in reversed(before) if parent and one.table != parent.table and one.is_plural), None)
    if parent is None or child is None:
        return
    tables = {one.name: one for one in scan.request.tables}
    near = [one.table for one in before if parent.table in tables[one.table].belongs]
    child_name = near[-1] if near else child.table
    scan.ranges.remove(limit)
    wanted = tables[child_name]
    wanted.children[parent.table] = (whole(limit.low), whole(limit.high))
