"""What is said of fields, put to them: values, shares, ranges, periods, that they are unique or may be missing."""

import re
from functools import cache
from typing import Any

from ffgen.draft import terms
from ffgen.draft.catalogue import domains, meanings
from ffgen.draft.flags import FlagReader
from ffgen.draft.limits import Limit
from ffgen.draft.relations import LINKS, Mention, links
from ffgen.draft.request import Asked, Request, Wanted
from ffgen.draft.tables import whole
from ffgen.draft.words import fold, idle_words, lexicon

_HINTED = {
    "age": ("age",),
    "money": (
        "price",
        "amount",
        "cost",
        "salary",
        "total",
        "spent",
        "revenue",
        "fee",
        "rent",
        "income",
        "budget",
        "balance",
        "value",
        "fare",
    ),
    "weight": ("weight",),
    "distance": ("distance", "mileage"),
    "temperature": ("temperature",),
    "rating": ("rating", "star"),
}


_DATA = set("data dataset database row record csv json table column field schema sample mock spec entry excel".split())
"""Words by which a text asks for data."""
_WISHES = set("make give need want generate create build produce get invent fake set mock".split())
_ASKING = set("what how why when who where do does is are will my which".split())


class Settler(FlagReader):
    """A reader that also takes in what is said of fields."""

    def read(self) -> Request:
        """The whole description, everything put in its place."""
        self._find_notes()
        self._find_distributions()
        self._find_shares()
        self._find_values()
        for at, token in enumerate(self.tokens):
            if token.word in terms.MISSING and token.word not in ("without", "none", "unknown"):
                self.use(at, at, "modifier")
        request = super().read()
        if not request.tables:
            return request
        self._place_counts()
        self._place_links()
        self._leave_out_asides()
        self._place_types()
        self._place_values()
        self._share_heads()
        self._place_units()
        self._place_ranges()
        self._place_periods()
        self._place_shares()
        self._place_flags()
        self._place_blanks()
        self._place_singles()
        self._place_runs()
        self._place_spoiled()
        self._place_total()
        self._ask_vague()
        self._note_rest()
        request.is_wish = self._is_wish()
        return request

    def _ask_vague(self) -> None:
        """Words of a degree that nobody can measure: what makes a tour popular?"""
        for at, token in enumerate(self.tokens):
            if token.word in terms.VAGUE and self.used[at] in ("", "table") and at not in self._inside:
                self.request.ask("term", f'What does "{token.text}" mean here?', "not taken in", "")
                return

    def _is_wish(self) -> bool:
        """Whether the text asks for data: it counts rows, lists fields, names tables or says so."""
        said = {token.word for token in self.tokens}
        tables = self.request.tables
        asks = "?" in said and not said & _DATA and all(table.count is None for table in tables)
        wishes = said & _WISHES or any(len(table.asked) > 1 for table in tables)
        if asks and not wishes:
            return False
        if asks and (self.word(0) in _ASKING or not any(table.kind for table in tables)):
            return False
        if said & _DATA or any(table.count is not None or len(table.asked) > 1 for table in tables):
            return True
        return len(self.tokens) <= 8 or len(tables) > 1 or any(one.is_plural for one in self.mentions()[:1])

    def _place_counts(self) -> None:
        """`12 wards.`, `100 workspaces, 1,200 users`: counts of tables that are named before or after."""
        for one in self.mentions():
            at = one.first - 1
            wanted = next(table for table in self.request.tables if table.name == one.table)
            if one.is_plural and wanted.count is None and at >= 0 and self._is_count(at):
                self._set_count(wanted, self.tokens[at].number, at)
        for wanted in self.request.tables:
            words = wanted.singular.split("_")
            for at in range(1, len(self.tokens)):
                last = (
                    wanted.count is None and len(words) > 1 and self.word(at) == words[-1] and self.tokens[at].is_plural
                )
                if last and self._is_count(at - 1) and self.word(at + 1) in (".", "", ",", ";", ")"):
                    self._set_count(wanted, self.tokens[at - 1].number, at - 1)

    def _leave_out_asides(self) -> None:
        """Takes out tables that are only spoken of, where others are described: neither counted, nor with fields of
        their own, nor said to belong to anything."""
        tables = self.request.tables
        opened = {one.table for one in self.mentions() if self._opens(one)}
        told = {one.name for one in tables if one.count is not None} | opened
        linked = {parent for one in tables for parent in [*one.children, *one.belongs]}
        linked |= {one.name for one in tables if one.children or one.belongs}
        if not told & {one.name for one in tables if one.asked or one.count is not None}:
            return
        kept = []
        for one in tables:
            near = {parent for other in tables if other.kind and other.name in told for parent in other.kind.parents}
            is_many = any(mention.is_plural and mention.table == one.name for mention in self.mentions())
            of_others = one.name in near or bool(one.kind and (told | {tables[0].name}) & {*one.kind.parents})
            is_first = one is tables[0] and is_many
            is_listed = any(self._is_listed(mention) for mention in self.mentions() if mention.table == one.name)
            if (
                is_listed
                or one.name in told
                or one.name in linked
                or is_first
                or (is_many and of_others)
                or (len(one.asked) > 2 and len(told) < 2)
            ):
                kept.append(one)
            else:
                self.request.ignored.append(one.said[:80])
        if kept:
            self.request.tables = kept

    def _is_listed(self, one: Mention) -> bool:
        """Whether a table stands alone in a list: `authors, books and loans`."""
        before, after = self.word(one.first - 1), self.word(one.last + 1)
        return (
            one.is_plural
            and before in (",", "and", ":", "&", "+")
            and after in (",", "and", ".", "", ")", ";", "&", "+")
        )

    def _opens(self, one: Mention) -> bool:
        """Whether a table's fields or its number follow its name, or each of its rows is spoken of."""
        after, before = self.word(one.last + 1), self.word(one.first - 1)
        if before in ("each", "every", "per") or one.first in self.heads:
            return True
        return after in (":", "(", "with", "has", "have", "including", "containing", "-", "[", "who", "each", "table")

    def _place_links(self) -> None:
        """Which rows belong to one of another table."""
        words = [{"–": "-", "—": "-"}.get(token.text, token.word) for token in self.tokens]
        tables = {table.name: table for table in self.request.tables}
        for link in links(words, self.mentions(), self.owner):
            child, parent = tables[link.child], tables[link.parent]
            if child is parent:
                if (asked := self._pointing(child, link.at)) is not None:
                    asked.refers = parent.name
                continue
            is_turned = (
                child.name in parent.children
                or child.name in parent.belongs
                or (parent.kind is not None and child.name in parent.kind.parents)
            )
            asked = self._pointing(child, link.at)
            if asked is not None and asked.last in self._inside:
                asked.refers = parent.name
            if is_turned or parent.name in child.belongs:
                continue
            child.belongs.append(parent.name)
            for table in self.request.tables:
                table.asked = [one for one in table.asked if not self._joins(one, link.at)]
            self.request.understood.append(f"each {child.singular} belongs to one {parent.singular}")

        for limit in [*self.ranges]:
            bare = self.word(limit.last + 1) in (";", ".", "", ",") and self.word(limit.first - 1) in (
                "has",
                "have",
                "get",
            )
            if (
                bare
                and (owner := self.owner(limit.first))
                and any(
                    one.table != owner and not one.is_plural and 0 < limit.first - one.last <= 2
                    for one in self.mentions()
                )
            ):
                above = [one.table for one in self.mentions() if one.last < limit.first][-1]
                below = next(one for one in self.request.tables if one.name == owner)
                below.children[above] = (whole(limit.low), whole(limit.high))
                self.ranges.remove(limit)
                continue
            if self.word(limit.last + 1) == "of" and self.word(limit.last + 2) in ("them", "those", "these"):
                self._place_them(limit)

    def _pointing(self, child: Wanted, at: int) -> Asked | None:
        """The field right before a place that says what rows belong to: `ward_code (string) -> wards`."""
        before = [one for one in child.asked if one.last < at and at - one.last <= 9]
        one = max(before, key=lambda asked: asked.last, default=None)
        apart = one is not None and {",", ";", "."} & {self.word(place) for place in range(one.last + 1, at)}
        return None if apart else one

    def _joins(self, asked: Asked, at: int) -> bool:
        """Whether a field is none, but the words that say what its rows belong to: `points at a`."""
        return asked.last < at and at - asked.last <= 3 and {*asked.phrase} <= LINKS and asked.last not in self._inside

    def _place_them(self, limit: Limit) -> None:
        """`each order has 1 to 4 of them`."""
        before = [one for one in self.mentions() if one.last < limit.first]
        parent = next((one for one in reversed(before) if not one.is_plural), None)
        child = next((one for one in reversed(before) if parent and one.table != parent.table and one.is_plural), None)
        if parent is None or child is None:
            return
        tables = {one.name: one for one in self.request.tables}
        near = [one.table for one in before if parent.table in tables[one.table].belongs]
        child_name = near[-1] if near else child.table
        self.ranges.remove(limit)
        wanted = tables[child_name]
        wanted.children[parent.table] = (whole(limit.low), whole(limit.high))

    def _place_values(self) -> None:
        for _, asked in self._all():
            for first, values in self.values.items():
                if any(one <= first <= last for one, last in [(asked.first, asked.last), *asked.mentions]):
                    numbers = [_number(value) for value in values]
                    whole: list[Any] = numbers if all(one is not None for one in numbers) else values
                    kind = (
                        "enum"
                        if whole is values
                        else ("integer" if all(isinstance(one, int) for one in whole) else "number")
                    )
                    parts = dict(zip(values, self.parts.get(first, ()), strict=False))
                    if {fold(one) for one in values} <= terms.YES_NO:
                        asked.short = {"type": "boolean"}
                        asked.shares = {"true": part for value, part in parts.items() if fold(value) in terms.YES}
                        continue
                    asked.short = {"type": kind, "values": whole}
                    asked.shares = parts
                    asked.notes.append(f"values {', '.join(values)}")

    def _place_ranges(self) -> None:
        for limit in self.ranges:
            counted = self.marks.get(limit.last + 1)
            if None in (limit.low, limit.high) and counted is not None and counted.is_plural:
                self.request.ignored.append(self.text_of(limit.first, limit.last))
                continue
            pair = self._left(limit.first)
            if pair is None or not self._takes(pair[1], limit):
                pair = self._by_hint(limit) or self._right_taking(limit) or self._loose(limit) or pair
            if pair is None:
                self.request.ignored.append(self.text_of(limit.first, limit.last))
                continue
            self._set_range(*pair, limit)

    def _takes(self, asked: Asked, limit: Limit) -> bool:
        kind = self._short(asked).get("type", "")
        years = all(end is None or 1900 <= end <= 2100 for end in (limit.low, limit.high))
        if kind in ("date", "datetime"):
            return years
        return kind in ("integer", "number") or asked.meaning is None

    def _right_taking(self, limit: Limit) -> tuple[Wanted, Asked] | None:
        pair = self._right(limit.last)
        return pair if pair and self._takes(pair[1], limit) else None

    def _loose(self, limit: Limit) -> tuple[Wanted, Asked] | None:
        pair = self._left(limit.first, loose=True)
        return pair if pair and self._takes(pair[1], limit) else None

    def _by_hint(self, limit: Limit) -> tuple[Wanted, Asked] | None:
        if not limit.hint:
            return None
        words = _HINTED.get(limit.hint, ())
        for table, asked in self._all():
            if any(word in asked.name for word in words) and self._takes(asked, limit):
                return table, asked
        if limit.hint == "money":
            for table in self.request.tables:
                name = next(
                    (one for one in (table.kind.fields if table.kind else ()) if any(word in one for word in words)), ""
                )
                if name:
                    asked = self._added(table, name)
                    asked.said = self.text_of(limit.first, limit.last)
                    return table, asked
        if limit.hint == "age":
            table = next(
                (one for one in self.request.tables if one.kind and one.kind.has_people), self.request.tables[0]
            )
            asked = Asked(
                "age", self.text_of(limit.first, limit.last), ("age",), meanings()["age"], limit.first, limit.last
            )
            table.asked.append(asked)
            return table, asked
        return None

    def _set_range(self, table: Wanted, asked: Asked, limit: Limit) -> None:
        short = self._short(asked)
        path = f"{table.name}.{asked.name}"
        said = self.text_of(limit.first, limit.last)
        if limit.is_swapped:
            self.request.ask("range", f"{said}: the first is above the second", f"{limit.low} to {limit.high}", path)
        if short.get("type") == "enum" and None not in (limit.low, limit.high):
            asked.short |= {"type": "integer", "range": [limit.low, limit.high]}
            asked.notes.append(said)
            return
        if short.get("type") in ("string", "text", "enum", "email", "phone", "url"):
            if (
                short.get("type") in ("string", "text")
                and limit.high is not None
                and 0 < limit.high <= 5000
                and "values" not in short
                and (short["type"] == "text" or _LETTERS.search(f"{said} {self.word(limit.last + 1)} {asked.said}"))
            ):
                asked.short["length"] = [max(int(limit.low or 1), 1), int(limit.high)]
            return
        if short.get("type") in ("date", "datetime"):
            since, until = limit.low or 1950, limit.high or 2024
            asked.short["range"] = [f"{int(since):04}-01-01", f"{int(until):04}-12-31"]
            return
        now = (asked.short.get("range") if asked.is_bounded else None) or (None, None)
        usual = (asked.meaning.short.get("range") if asked.meaning else None) or [0, 100]
        low: Any = limit.low if limit.low is not None else now[0]
        high: Any = limit.high if limit.high is not None else now[1]
        if low is None:
            low = usual[0] if usual[0] < high else (0 if high > 0 else high - 100)
        if high is None:
            high = usual[1] if usual[1] > low else low * 10 + 10
        if (
            limit.low is not None
            and now[0] is not None
            and (limit.low > now[1] or (limit.high or limit.low) < now[0])
            or low > high
        ):
            self.request.ask(
                "range",
                f"{asked.said}: {now[0]} to {now[1]}, and {said}?",
                f"{now[0]} to {now[1]}" if now[0] is not None else f"{high} to {low}",
                path,
            )
            if now[0] is not None:
                return
            low, high = high, low
        asked.short["range"], asked.is_bounded = [low, high], True
        if not asked.meaning and not asked.short.get("generator") and "type" not in asked.short:
            asked.short["type"] = "integer"
        if isinstance(low, float) or isinstance(high, float):
            asked.short["type"] = "number"
            usual = 1 if short.get("type") == "integer" else short.get("decimals", 2)
            asked.short.setdefault("decimals", max(usual, *(_places(end) for end in (low, high))))
        asked.notes.append(said)

    def _place_periods(self) -> None:
        for limit in sorted(self.periods, key=lambda one: one.first):
            said = self.text_of(limit.first, limit.last)
            pair = self._left(limit.first)
            if limit.is_swapped:
                self.request.ask("range", f"{said}: the first is after the second", f"{limit.low} to {limit.high}")
            kind = self._short(pair[1]).get("type") if pair else None
            other = self.request.period not in (None, (limit.low, limit.high))
            if other and self.word(limit.first - 1) == ",":
                pair = None
            if pair and kind in ("date", "datetime"):
                pair[1].short["range"] = [str(limit.low), str(limit.high)]
                pair[1].notes.append(said)
            elif pair and kind in ("integer", "number") and re.search(r"year|built", pair[1].name):
                pair[1].short["range"] = [limit.low.year, limit.high.year]
                pair[1].notes.append(said)
            elif (
                pair
                and kind in ("integer", "number")
                and re.search(r"\$?\d{4}\D+\d{4}", said)
                and not self.request.period
                and re.search("price|amount|salary|cost|between", said)
            ):
                pair[1].short["range"] = [limit.low.year, limit.high.year]
                pair[1].notes.append(said)
            else:
                if self.request.period is not None and self.request.period != (limit.low, limit.high):
                    self.request.ask(
                        "range",
                        f"{self.request.period[0]} to {self.request.period[1]}, and {said}?",
                        f"{self.request.period[0]} to {self.request.period[1]}",
                    )
                    continue
                self.request.period = (limit.low, limit.high)
                self.request.understood.append(f'"{said}": {limit.low} to {limit.high}')

    def _place_total(self) -> None:
        """A count that names no table: rows, records, `n = 500`, a number that begins the sentence."""
        text = self.norm.text
        pattern = (
            r"(?:^|\s)(\d+(?:\.\d+)?(?:e\+\d+)?) (?:\w+ ){0,3}?(?:"
            + "|".join(sorted(terms.ROW_WORDS))
            + r")\b|\b(?:n|count|row|size|total) ?(?:=|:|of|should be)? ?(\d+(?:e\+\d+)?)\b"
        )
        for match in re.finditer(pattern, text):
            first, last = self.norm.span(match.start(), match.end())
            where = next((at for at in range(first, last + 1) if self.tokens[at].kind == "number"), -1)
            home = next((table for table in self.request.tables if table.name == self.owner(where)), None)
            if where < 0 or self.used[where] or self.tokens[where].is_share:
                continue
            main = self._main()
            is_its = (
                home is not None and home.count is None and (main.count is not None or self.word(first - 1) == "with")
            )
            self._set_count(home if is_its and home is not None else main, self.tokens[where].number, where)
        if all(table.count is None for table in self.request.tables):
            for at in range(len(self.tokens)):
                token = self.tokens[at]
                alone = token.kind == "number" and not self.used[at] and not token.is_share and not token.is_money
                if (
                    alone
                    and token.number >= 5
                    and token.number == int(token.number)
                    and (
                        at == 0
                        or self.word(at + 1) in ("", ".", "of", "fake", "random", "sample", "synthetic")
                        or self.word(at - 1) in ("generate", "create", "make", "give", "me", "need", "want", "about")
                    )
                ):
                    self._set_count(self._main(), token.number, at)
                    return

    def _main(self) -> Wanted:
        """The table that the sentence is about."""
        return self.request.tables[0]

    def _note_rest(self) -> None:
        """What nobody understood, in stretches."""
        empty = idle_words()
        said = lexicon()["languages"].get(self.request.language, {"words": ""})["words"]
        foreign = {fold(one.strip()) for one in said.split(",")}
        run: list[int] = []
        for at, token in enumerate([*self.tokens, None]):
            plain = token is not None and token.kind == "word" and not self.used[at] and token.word not in empty
            if plain and token is not None and fold(token.text) not in foreign and token.word not in _domain_words():
                run.append(at)
            elif run:
                self.request.ignored.append(self.text_of(run[0], run[-1])[:80])
                run = []


def _places(number: float) -> int:
    """Decimals that a bound is said with, six at most."""
    return min(len(f"{number:.6f}".rstrip("0").partition(".")[2]), 6)


_LETTERS = re.compile(r"(?i)character|letter|length|long|char\b|sign|digit")


@cache
def _domain_words() -> frozenset[str]:
    return frozenset(word for one in domains().values() for phrase in one.phrases for word in phrase)


def _number(text: str) -> int | float | None:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else None
