"""How many rows a table has: the number that stands before its name, or in brackets after it."""

from ffgen.draft import terms
from ffgen.draft.request import Wanted
from ffgen.draft.scan import Mark, Scanner

MOST_ROWS = 1_000_000_000
_STOPPING = set("per of in the so that this who which is are was were by to from".split())
"""Words between a number and a table that say that the number counts something else."""
_AFTER_COUNT = set(", / ; with - . : row".split()) | {""}
"""What may follow a count after its table: `orders 500, ...`."""


def count_table(scan: Scanner, wanted: Wanted, mark: Mark) -> None:
    """The number right before a table, or in brackets after it."""
    at = nearest_before(scan, mark.first)
    if (
        at >= 0
        and scan.tokens[at].kind == "number"
        and mark.is_plural
        and not scan.used[at]
        and not scan.tokens[at].is_share
        and not scan.tokens[at].is_money
    ):
        set_count(scan, wanted, scan.tokens[at].number, at)
    elif is_count(scan, mark.last + 1) and scan.word(mark.last + 2) in _AFTER_COUNT:
        if mark.is_plural and not scan.listing:
            set_count(scan, wanted, scan.tokens[mark.last + 1].number, mark.last + 1)
    elif (
        scan.word(mark.last + 1) in ("(", ":")
        and is_count(scan, mark.last + 2)
        and scan.word(mark.last + 3) in (")", ",", ";", "", ".", "row", "record")
    ):
        set_count(scan, wanted, scan.tokens[mark.last + 2].number, mark.last + 2)


def is_count(scan: Scanner, at: int) -> bool:
    """Whether a number that nobody has taken yet stands at a place, and no percentage."""
    return (
        at < len(scan.tokens)
        and scan.tokens[at].kind == "number"
        and not scan.used[at]
        and not scan.tokens[at].is_share
    )


def set_count(scan: Scanner, wanted: Wanted, number: float, at: int) -> None:
    """Sets how many rows a table has, or asks where that was said otherwise."""
    scan.use(at, at, "count")
    if number < 1 or number != int(number):
        said = scan.text_of(at, at)
        scan.request.ask("range", f"{said} {wanted.said}: there can't be so many", "1000", wanted.name)
        return
    if number > MOST_ROWS:
        scan.request.ignored.append(scan.text_of(at, at)[:80])
        return
    if wanted.count not in (None, int(number)):
        scan.request.ask(
            "count",
            f"{wanted.said}: {wanted.count} or {int(number)}?",
            str(wanted.count),
            wanted.name,
            (str(wanted.count), str(int(number))),
        )
        return
    wanted.count = int(number)
    scan.request.understood.append(f"{wanted.count} {wanted.name}")


def nearest_before(scan: Scanner, at: int) -> int:
    """The nearest place before that is neither an empty word nor an unknown adjective right before."""
    back, steps = at - 1, 0
    while (
        back >= 0
        and steps < 3
        and scan.tokens[back].kind == "word"
        and scan.word(back) not in terms.OPENERS | terms.JOINERS | _STOPPING
    ):
        back, steps = back - 1, steps + 1
    return back
