"""How tables hang together, by what stands between their names: `each loan belongs to one member`, `-> wards`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

LINKS = set(
    """
    belong assigned linked placed made written given taught sold booked owned posted point refer reference
    referencing tied attached related connected mapped sent handled managed led hosted created filed submitted
    to by under within inside from for of at in on with into against about concern concerning
    """.split()
)
_ONE = set("a an one 1 the single its exactly some that same our specific particular".split())
_JOINING = {"link", "linking", "join", "joining", "connect", "connecting", "between", "mapping", "match", "matching"}
_ENDS = {".", "!", "?"}


@dataclass(frozen=True, slots=True)
class Mention:
    """A table's name in the text."""

    first: int
    last: int
    table: str
    is_plural: bool


@dataclass(frozen=True, slots=True)
class Link:
    """Rows of `child` that belong to one of `parent`; `at` is where that was said."""

    child: str
    parent: str
    at: int


def links(words: Sequence[str], mentions: Sequence[Mention], owner: Callable[[int], str]) -> list[Link]:
    """Every link that is said; `owner` gives the table that is spoken of at a place."""
    found: list[Link] = []
    for at, mention in enumerate(mentions):
        before = mentions[at - 1] if at and not _parted(words, mentions[at - 1].last, mention.first) else None
        found += _pointed(words, mention, owner)
        found += _joined(words, mentions, at)
        if _is_own(words, mention, owner(mention.first)):
            found.append(Link(mention.table, mention.table, mention.first))
            continue
        near = [word for word in words[max(mention.first - 3, 0) : mention.first] if word != "the"][-2:]
        if (
            mention.is_plural
            and list(near[-1:]) == ["to"]
            and near[0] in ("belong", "belonging", "linked", "attached", "tied")
        ):
            child = before.table if before is not None else owner(mention.first)
            found += [Link(child, mention.table, mention.first)] if child and child != mention.table else []
        if mention.is_plural or before is not None and before.table == mention.table:
            continue
        child = before.table if before is not None else owner(mention.first)
        start = before.last + 1 if before is not None else max(mention.first - 6, 0)
        between = words[start : mention.first]
        if child and child != mention.table and _belongs(between, before is not None):
            found.append(Link(child, mention.table, mention.first))
    return found


def _is_own(words: Sequence[str], mention: Mention, table: str) -> bool:
    """`a manager who is another employee`, in the part of the employees."""
    if table != mention.table or mention.is_plural:
        return False
    near = words[max(mention.first - 9, 0) : mention.first]
    above = {"manager", "supervisor", "boss", "lead", "mentor", "parent", "report", "reply", "referrer"}
    return (
        bool(near)
        and near[-1] in ("another", "an", "a", "other")
        and not above.isdisjoint(near)
        and (
            near[-1] == "another"
            or not {"himself", "herself", "themself", "themselves", "also", "who"}.isdisjoint(near)
        )
    )


def _parted(words: Sequence[str], first: int, last: int) -> bool:
    return not _ENDS.isdisjoint(words[first:last])


def _belongs(between: Sequence[str], is_next: bool) -> bool:
    """Whether words before a table's singular say that something belongs to one of it."""
    near = [word for word in between[-6:]]
    stop = max((at for at, word in enumerate(near) if word in (",", ";", ".", ":", "(", "and")), default=-1)
    near = near[stop + 1 :]
    if not near or near[-1] in ("each", "every", "per"):
        return False
    return near[-1] in _ONE and not LINKS.isdisjoint(near) or (near[-1] in ("by", "to") and is_next)


def _pointed(words: Sequence[str], mention: Mention, owner: Callable[[int], str]) -> list[Link]:
    """`-> wards`, `references wards`, `fk to wards`."""
    at = mention.first - 1
    while at > 0 and words[at] in ("the", "table", "to", "a", "an", "one", ":"):
        at -= 1
    arrow = words[at] in ("→", "⇒", "reference", "referencing", "fk") or (words[at] == ">" and words[at - 1] in "-=")
    arrow = arrow or (words[at] in ("key", "link", "refer", "point", "ref") and at < mention.first - 1)
    child = owner(mention.first) if arrow else ""
    return [Link(child, mention.table, mention.first)] if child else []


def _joined(words: Sequence[str], mentions: Sequence[Mention], at: int) -> list[Link]:
    """`enrolments linking pupils to courses`."""
    if at < 2:
        return []
    child, left, right = mentions[at - 2 : at + 1]
    if len({child.table, left.table, right.table}) < 3 or _parted(words, child.last, right.first):
        return []
    between = words[child.last + 1 : left.first]
    near = left.first - child.last <= 4 and right.first - left.last <= 4
    if not near or _JOINING.isdisjoint(between):
        return []
    return [Link(child.table, left.table, left.first), Link(child.table, right.table, right.first)]
