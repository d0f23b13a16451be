"""What is said of fields, put to them: values, shares, ranges, periods, that they are unique or may be missing."""

import re
from functools import cache
from typing import Any

from ffgen.draft import terms
from ffgen.draft.asides import leave_out_asides
from ffgen.draft.bounds import place_periods, place_ranges
from ffgen.draft.catalogue import domains
from ffgen.draft.flags import place_blanks, place_flags, place_runs, place_singles, place_spoiled, place_types
from ffgen.draft.links import mentions, place_links
from ffgen.draft.near import all_fields
from ffgen.draft.request import Request
from ffgen.draft.shares import place_shares, place_units, share_heads
from ffgen.draft.totals import place_counts, place_total
from ffgen.draft.values import ValueReader
from ffgen.draft.words import fold, idle_words, lexicon

_DATA = set("data dataset database row record csv json table column field schema sample mock spec entry excel".split())
"""Words by which a text asks for data."""
_WISHES = set("make give need want generate create build produce get invent fake set mock".split())
_ASKING = set("what how why when who where do does is are will my which".split())


class Settler(ValueReader):
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
        place_counts(self)
        place_links(self)
        leave_out_asides(self)
        place_types(self)
        self._place_values()
        share_heads(self)
        place_units(self)
        place_ranges(self)
        place_periods(self)
        place_shares(self)
        place_flags(self)
        place_blanks(self)
        place_singles(self)
        place_runs(self)
        place_spoiled(self)
        place_total(self)
        self._ask_vague()
        self._note_rest()
        request.is_wish = self._is_wish()
        return request

    def _ask_vague(self) -> None:
        """Words of a degree that nobody can measure: what makes a tour popular?"""
        for at, token in enumerate(self.tokens):
            if token.word in terms.VAGUE and self.used[at] in ("", "table") and at not in self.inside:
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
        lists = any(
            token.word in ("with", "including") and self.word(at + 1) != "no" for at, token in enumerate(self.tokens)
        )
        fields = [asked for table in tables for asked in table.asked]
        known = sum((one.meaning is not None) + 2 * bool(one.notes) for one in fields) + 3 * (lists and bool(fields))
        if (
            not said & (_DATA | _WISHES)
            and known < 3
            and all(table.kind is None and table.count is None for table in tables)
        ):
            return len(self.tokens) <= 8
        if said & _DATA or any(table.count is not None or len(table.asked) > 1 for table in tables):
            return True
        return len(self.tokens) <= 8 or len(tables) > 1 or any(one.is_plural for one in mentions(self)[:1])

    def _place_values(self) -> None:
        for _, asked in all_fields(self):
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
                        yes = [part for value, part in parts.items() if fold(value) in terms.YES]
                        asked.shares = {"true": yes[-1]} if yes else {}
                        continue
                    asked.short = {"type": kind, "values": whole}
                    asked.shares = parts
                    asked.notes.append(f"values {', '.join(values)}")

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


@cache
def _domain_words() -> frozenset[str]:
    return frozenset(word for one in domains().values() for phrase in one.phrases for word in phrase)


def _number(text: str) -> int | float | None:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else None
