"""Counts that stand apart from their tables: `12 wards.`, `1000 rows`, `n = 500`."""

import re

from ffgen.draft import terms
from ffgen.draft.counts import is_count, set_count
from ffgen.draft.links import mentions, spoken_of
from ffgen.draft.scan import Scanner


def place_counts(scan: Scanner) -> None:
    """`12 wards.`, `100 workspaces, 1,200 users`: counts of tables that are named before or after."""
    for one in mentions(scan):
        at = one.first - 1
        wanted = next(table for table in scan.request.tables if table.name == one.table)
        if one.is_plural and wanted.count is None and at >= 0 and is_count(scan, at):
            set_count(scan, wanted, scan.tokens[at].number, at)
    for wanted in scan.request.tables:
        words = wanted.singular.split("_")
        for at in range(1, len(scan.tokens)):
            last = wanted.count is None and len(words) > 1 and scan.word(at) == words[-1] and scan.tokens[at].is_plural
            if last and is_count(scan, at - 1) and scan.word(at + 1) in (".", "", ",", ";", ")"):
                set_count(scan, wanted, scan.tokens[at - 1].number, at - 1)


def place_total(scan: Scanner) -> None:
    """A count that names no table: rows, records, `n = 500`, a number that begins the sentence."""
    text = scan.norm.text
    pattern = (
        r"(?:^|\s)(\d+(?:\.\d+)?(?:e\+\d+)?) (?:\w+ ){0,3}?(?:"
        + "|".join(sorted(terms.ROW_WORDS))
        + r")\b|\b(?:n|count|row|size|total) ?(?:=|:|of|should be)? ?(\d+(?:e\+\d+)?)\b"
    )
    for match in re.finditer(pattern, text):
        first, last = scan.norm.span(match.start(), match.end())
        where = next((at for at in range(first, last + 1) if scan.tokens[at].kind == "number"), -1)
        home = next((table for table in scan.request.tables if table.name == spoken_of(scan, where)), None)
        if where < 0 or scan.used[where] or scan.tokens[where].is_share:
            continue
        main = scan.request.tables[0]
        is_its = home is not None and home.count is None and (main.count is not None or scan.word(first - 1) == "with")
        set_count(scan, home if is_its and home is not None else main, scan.tokens[where].number, where)
    if all(table.count is None for table in scan.request.tables):
        for at in range(len(scan.tokens)):
            token = scan.tokens[at]
            alone = token.kind == "number" and not scan.used[at] and not token.is_share and not token.is_money
            if (
                alone
                and token.number >= 5
                and token.number == int(token.number)
                and (
                    at == 0
                    or scan.word(at + 1) in ("", ".", "of", "fake", "random", "sample", "synthetic")
                    or scan.word(at - 1) in ("generate", "create", "make", "give", "me", "need", "want", "about")
                )
            ):
                set_count(scan, scan.request.tables[0], token.number, at)
                return
