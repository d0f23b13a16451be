"""A description to a request: which tables, which fields in them, how many, and how they hang together.

The sentence is read from left to right. Before `with`, `including`, `:` or a bracket stand tables, after it fields;
what a table's own words mean there goes before what they mean elsewhere. What is said of a field (a range, a share,
that it is unique) is put to it afterwards, in `settle`.
"""

import re
from dataclasses import dataclass
from functools import cache

from ffgen.draft import limits
from ffgen.draft.catalogue import Kind, Meaning, domains, field_phrases, kinds
from ffgen.draft.guess import guess
from ffgen.draft.request import Asked, Request, Wanted
from ffgen.draft.spell import known, mended, vocabulary
from ffgen.draft.words import Phrase, counted, fold, lexicon, plural, singular, tokens, translated

LONGEST = 8000
"""Characters of a description that are read."""
MOST_TABLES, MOST_FIELDS = 12, 80

_OPENERS = {
    "with", "including", "include", "containing", "contain", "having", "showing", "tracking", "covering", "such", "like",
    "field", "column", "attribute", "feature", "consisting", "following", "each", "storing", "listing", "recording",
    "capturing", "whose", "has", "have", "featuring", "variable", "schema", "track", "cover", "store", "plus",
    "called", "named",
}  # fmt: skip
_SEPARATORS = {",", ";", "/", "&", "+", "|", "•", "*", "·"}
_JOINERS = {"and", "n", "or", "then", "also"}
_ROWS = {
    "row",
    "catalog",
    "catalogue",
    "library",
    "item",
    "record",
    "entry",
    "sample",
    "observation",
    "line",
    "datapoint",
    "point",
    "example",
    "instance",
    "item",
    "tuple",
    "document",
}
_STOPS = {"from", "to", "in", "on", "per", "a", "an", "the", "by", "of", "at", "i", "for", "and", "or", "with", "is", "this", "data", "it", "as", "up", "us", "like", "each", "every", "all", "value", "not", "no", "so", "long", "make", "link", "show", "share", "follow", "view", "track", "score", "sort"}  # fmt: skip
_STOPS -= {"score", "value", "view", "like", "share"}
_BARE = {"number", "total", "unit", "detail", "details", "day", "time", "start", "end", "result", "sale", "data", "class", "term", "mark", "hour", "key", "feature", "source", "length", "page", "content", "label", "long", "limit", "bin", "power", "light"}  # fmt: skip
"""Words that are a field only where fields are listed."""
_PARTS = {
    "id",
    "name",
    "number",
    "code",
    "key",
    "type",
    "email",
    "phone",
    "address",
    "age",
    "gender",
    "city",
    "country",
}
"""What of another thing is a field: `customer id`, `vendor name`."""
_COLLECTIVE = {"history", "data", "inventory", "log", "staff", "people", "payroll", "telemetry", "traffic", "feedback"}
"""Words that stand for many though they are singular."""


@dataclass(slots=True)
class Mark:
    """A phrase of the catalogue among the tokens."""

    first: int
    last: int
    phrase: Phrase
    is_field: bool
    kinds: list[Kind]
    is_plural: bool = False


class Reader:
    """One reading of one description."""

    def __init__(self, text: str) -> None:
        self.request = Request(clean(text))
        found, self.request.language = translated(tokens(self.request.text), known())
        found = counted(found)
        self.tokens, notes = mended(found)
        self.request.understood += notes
        self.norm = limits.Norm(self.tokens)
        self.used = [""] * len(self.tokens)
        self.periods = limits.periods(self.norm)
        self.periods = [one for one in self.periods if not self._counts(one)]
        self.ranges = limits.ranges(self.norm, self.periods)
        for limit in [*self.periods, *self.ranges]:
            self.use(limit.first, limit.last, "limit")
        self.request.rhythm, spans = limits.rhythm(self.norm)
        for first, last in spans:
            self.use(first, last, "rhythm")
            self.used_share(last + 1)
        if step := limits.step(self.norm):
            self.request.step = step[0]
            if step[1][0] != step[1][1]:
                self.use(*step[1], "step")
        self.table: Wanted | None = None
        self.is_listing_tables = False
        self.listing = False
        self.each = ""
        self.pending: list[Asked] = []
        self.item: list[int] = []

    # what stands where

    def used_share(self, at: int) -> None:
        """A percentage right after a rhythm is its growth."""
        if at < len(self.tokens) and self.tokens[at].is_share:
            self.use(at, at, "rhythm")

    def use(self, first: int, last: int, what: str) -> None:
        """Notes that tokens are understood."""
        for at in range(first, last + 1):
            self.used[at] = self.used[at] or what

    def word(self, at: int) -> str:
        """The word at a place; empty outside the text."""
        return self.tokens[at].word if 0 <= at < len(self.tokens) else ""

    def _counts(self, period: limits.Limit) -> bool:
        """Whether `in 2000` is rather a count: rows or a table follow."""
        after = self.word(period.last + 1)
        return period.first == period.last and (after in _ROWS or (after,) in kinds())

    # the reading itself

    def read(self) -> Request:
        """The whole description."""
        self._look_around()
        self.marks = {mark.first: mark for mark in self._marks()}
        at = 0
        while at < len(self.tokens):
            at = self._step(at)
        self._flush()
        self._place_pending()
        return self.request

    def _look_around(self) -> None:
        """What holds for the whole: places, domain, rhythm, steps."""
        self._locales()
        words = " ".join(token.word for token in self.tokens)
        self.request.domain = self._domain()
        for kind in lexicon()["goods"]:
            if re.search(
                rf"\b{re.escape(singular(kind))} (?:\w+ )?(?:shop|store|retailer|seller|dealer|sale|brand)\b", words
            ) or (
                kind in ("supermarket", "pharmacy", "restaurant", "grocery", "cafe", "pizza")
                and f" {kind}" in f" {words}"
            ):
                self.request.goods = kind
                break
        self.request.is_exact = bool(
            re.search(r"\b(?:only|just|exactly|precisely|nothing but|solely)\b(?! \d)(?: \w+){0,4}?(?: column| field|:|\s)", self.norm.text)
            and re.search(r"\b(?:only|just|exactly|solely) (?:the |these |those |this |two |three |four |five |\d )*(?:following )?(?:column|field|attribute|\w+ and \w+|\w+ ,)", self.norm.text)
        )  # fmt: skip
        self.request.is_linked = bool(
            re.search(
                r"\b(?:table|relational|linked|related|foreign key|joined|normalized|normalised|database|schema)\b",
                words,
            )
        )

    def _locales(self) -> None:
        said = lexicon()
        for exact, group in ((True, said["locales"]), (False, said["nearest"])):
            for locale, text in group.items():
                for name in (one.strip() for one in text.split(",")):
                    self._locale(locale, tuple(fold(name).split()), exact)

    def _locale(self, locale: str, phrase: Phrase, exact: bool) -> None:
        size = len(phrase)
        for at in range(len(self.tokens) - size + 1):
            words = tuple(fold(token.text).removesuffix("'s") for token in self.tokens[at : at + size])
            if words != phrase or self.used[at] == "locale" or not self._is_place(at, at + size - 1):
                continue
            self.use(at, at + size - 1, "locale")
            if locale not in self.request.locales:
                self.request.locales.append(locale)
                where = " ".join(token.text for token in self.tokens[at : at + size])
                note = f'"{where}": people and places of {locale}'
                self.request.understood.append(note if exact else f"{note}, the nearest that there is")

    def _is_place(self, first: int, last: int) -> bool:
        text, before, after = self.tokens[first].text, self.word(first - 1), self.word(last + 1)
        if text in ("us", "polish"):
            return False
        if before in ("(", ":", "="):
            return False
        inside = sum((token.text == "(") - (token.text == ")") for token in self.tokens[:first])
        if inside > 0 and before not in ("in", "from"):
            return False
        near = {
            "in",
            "from",
            "of",
            "across",
            "within",
            "based",
            "for",
            "throughout",
            "around",
            "the",
            "are",
            "living",
            "at",
        }
        near |= {"and", "or", ","} if self.request.locales else set()
        people = {"name", "address", "city", "people", "phone", "citizen", "resident", "market", "based", "adult", "person", "company", "style", "postcode", "zip", "format", "locale"}  # fmt: skip
        follows = (
            (after,) in kinds()
            or after in people
            or f"{after} {self.word(last + 2)}" in ("online shop", "phone number")
        )
        return before in near or follows or (first == 0 and follows) or text.isupper()

    def _domain(self) -> str:
        scores: dict[str, float] = {}
        for at in range(len(self.tokens)):
            for size in range(4, 0, -1):
                phrase = self._phrase(at, size)
                if phrase is None:
                    continue
                for domain in domains().values():
                    weight = 2.0 if phrase in domain.phrases else 0.0
                    hits = [kind for kind in domain.kinds.values() if phrase in kind.phrases]
                    weight += 1.0 * any(not kind.is_soft for kind in hits) + 0.4 * any(kind.is_soft for kind in hits)
                    if weight and domain.name != "general":
                        scores[domain.name] = (
                            scores.get(domain.name, 0) + weight * (1 + 0.5 * (size - 1)) + (0.1 if at < 6 else 0)
                        )
        return max(scores, key=lambda name: scores[name]) if scores else ""

    def _phrase(self, at: int, size: int) -> Phrase | None:
        """The words of `size` tokens, where all are words or numbers."""
        found = self.tokens[at : at + size]
        if len(found) < size or any(token.kind not in ("word", "number") for token in found) or found[0].kind != "word":
            return None
        return tuple(token.word for token in found)

    def _marks(self) -> list[Mark]:
        found, at = list[Mark](), 0
        while at < len(self.tokens):
            mark = next((one for size in range(7, 0, -1) if (one := self._mark(at, size))), None)
            if mark:
                found.append(mark)
                at = mark.last + 1
            else:
                at += 1
        return found

    def _mark(self, at: int, size: int) -> Mark | None:
        phrase = self._phrase(at, size)
        if phrase is None or any(self.used[at : at + size]) or (size == 1 and phrase[0] in _STOPS):
            return None
        is_field, found = phrase in field_phrases(), kinds().get(phrase, [])
        if not is_field and not found:
            return None
        many = self.tokens[at + size - 1].is_plural or phrase[-1] in _COLLECTIVE
        return Mark(at, at + size - 1, phrase, is_field, found, many)

    def _step(self, at: int) -> int:
        """Reads what stands at a place; where to go on."""
        token = self.tokens[at]
        if self.used[at]:
            return at + 1
        mark = self.marks.get(at)
        if (
            token.word in ("number", "count", "no")
            and self.word(at + 1) == "of"
            and (mark is None or mark.last == at)
            and self.word(at + 2).isalpha()
        ):
            last = min(self.marks[at + 2].last if at + 2 in self.marks else at + 2, len(self.tokens) - 1)
            self._flush()
            phrase = ("number", "of", *(self.tokens[place].word for place in range(at + 2, last + 1)))
            self.add(phrase, at, last, None, guess(list(phrase)))
            return last + 1
        if mark is not None:
            return self._take(mark)
        if token.kind == "mark" or token.word in _JOINERS or token.word in _OPENERS:
            self._separate(at)
        elif token.kind == "word":
            self.item.append(at)
            if token.word in ("every", "per"):
                self.each = token.word
        return at + 1

    def _separate(self, at: int) -> None:
        word = self.word(at)
        following = self.word(at + 1)
        if word in _JOINERS or word in _SEPARATORS:
            self._flush()
            if word == ",":
                self.each = ""
        elif word in (".", "!", "?"):
            self._flush()
            self.listing, self.each = False, ""
        elif word == "each":
            self.each = "each"
            if following in ("has", "have", "with", "having") or (following == "one"):
                self._flush()
                self.listing = True
        elif (
            word in ("has", "have", "is")
            and self.listing
            and self.word(at - 1) in (",", "and", "with", ":", "(", ";", "or")
            and following not in ("a", "an", "the", "no", "been")
        ):
            self.item.append(at)
        elif word in _OPENERS or word in (":", "(", "="):
            self._flush()
            self.listing, self.is_listing_tables = True, False
        elif word == ")":
            self._flush()

    # tables

    def _take(self, mark: Mark) -> int:
        following = self.word(mark.last + 1)
        if mark.kinds and not mark.is_plural and following in _PARTS and not self.marks.get(mark.last + 1, mark).kinds:
            known = self._mark(mark.first, mark.last - mark.first + 2)
            if known is None and not self.used[mark.last + 1]:
                phrase = (*mark.phrase, following)
                self._flush()
                self.add(phrase, mark.first, mark.last + 1, None, guess(list(phrase)))
                return mark.last + 2
        if len(self.request.tables) < MOST_TABLES and mark.kinds and self._is_table(mark):
            self._flush()
            self.is_listing_tables = self.is_listing_tables or (
                self.listing and self.word(mark.first - 1) in _OPENERS | {":"}
            )
            self._take_table(mark)
        elif not self.listing and mark.phrase in _domain_phrases() and not self.pending:
            self.use(mark.first, mark.last, "domain")
        elif mark.is_field or self.listing:
            if self._is_unit(mark) or self._is_stray(mark):
                self.use(mark.first, mark.last, "unit")
            elif mark.phrase == ("id",) and self.item:
                self.item += [mark.first]
            elif len(mark.phrase) == 1 and mark.phrase[0] in _BARE and not self.listing and not self.table:
                self.item.append(mark.first)
            else:
                self._take_field(mark)
        else:
            self.use(mark.first, mark.last, "table")
        return mark.last + 1

    def _is_unit(self, mark: Mark) -> bool:
        """Whether a word is the unit of the field before it: `tenure in months`, `rate per hour`."""
        before = self.word(mark.first - 1)
        units = {
            "month",
            "year",
            "day",
            "hour",
            "minute",
            "second",
            "week",
            "currency",
            "percent",
            "percentage",
            "mile",
            "degree",
            "celsius",
            "fahrenheit",
        }
        return (
            len(mark.phrase) == 1
            and mark.phrase[0] in units
            and before in ("in", "per", "every", "each", "this", "last", "next", "of")
        )

    def _is_stray(self, mark: Mark) -> bool:
        """Whether a word of the catalogue is rather part of what is said than a field."""
        if self.listing:
            return False
        if mark.phrase in (("assigned", "to"), ("report", "to"), ("paid", "with")):
            return True
        if self.table is None and len(mark.phrase) == 1 and not mark.is_plural:
            around = {self.word(mark.first - 1), self.word(mark.last + 1)}
            return not around & {",", "and", ";", "", "or", "/", "."}
        return False

    def _is_table(self, mark: Mark) -> bool:
        kind = self._kind(mark)
        many = mark.is_plural
        before = self._before(mark.first)
        numbered = self.tokens[before].kind == "number" if before >= 0 else False
        pointed = self._points(mark.first)
        if self.request.table(kind.name) and (not mark.is_field or many):
            return not (self.listing and not many and not pointed)
        after = self.marks.get(mark.last + 1)
        if not many and after is not None and not pointed:
            # `customer orders`, `patient age`: a word that only says whose
            return (
                not self.listing
                and not self.request.tables
                and not after.kinds
                and not (mark.is_field and kind.is_soft)
            )
        if numbered or pointed:
            return True
        if not self.listing:
            soft = kind.is_soft and self.table is not None and not self.request.is_linked
            singular_field = (
                mark.is_field
                and not many
                and (self.table is not None or bool(self.item) is False and self.request.tables != [])
            )
            return not soft and not singular_field
        if self.item and not many:
            return False
        opens = self.word(mark.last + 1) in ("(", ":", "with", "including", "having", "containing")
        if self.is_listing_tables and many and (self._is_linked(kind) or kind.domain == self.request.domain):
            return True
        linked = self._is_linked(kind) or (self.request.is_linked and kind.domain == self.request.domain)
        if many and not self.request.tables and not self.pending:
            return True
        if many and self.table and self.table.kind and kind.name in self.table.kind.parents and not kind.is_soft:
            return True
        own = self.table.called(mark.phrase) if self.table else None
        if own is not None and self.table and self.table.kind and own.name in self.table.kind.own and not opens:
            return False
        if many and opens and (linked or self.request.is_linked or not mark.is_field):
            return True
        if mark.is_field:
            return many and linked and (not kind.is_soft or self.request.is_linked)
        return many and (linked or not kind.is_soft or not self.request.tables)

    def _points(self, at: int) -> bool:
        """Whether the words before say that a table follows: each, per, their, `table of`."""
        return self.word(at - 1) in ("each", "every", "per", "their", "table") or (
            self.word(at - 1) in ("of", "single", "the", "given")
            and self.word(at - 2) in ("table", "each", "per", "every")
        )

    def _before(self, at: int) -> int:
        """The nearest place before that is neither an empty word nor an unknown adjective right before."""
        back, steps = at - 1, 0
        while (
            back >= 0
            and steps < 3
            and self.tokens[back].kind == "word"
            and self.word(back) not in _OPENERS | _JOINERS | {"per", "of", "in"}
        ):
            back, steps = back - 1, steps + 1
        return back

    def _kind(self, mark: Mark) -> Kind:
        for kind in mark.kinds:
            if self.request.table(kind.name):
                return kind
        named = domains().get(self.request.domain)
        return next(
            (kind for kind in mark.kinds if named and kind.name in named.kinds and named.kinds[kind.name] is kind),
            mark.kinds[0],
        )

    def _is_linked(self, kind: Kind) -> bool:
        names = {one.name for one in self.request.tables}
        mine = {parent for one in self.request.tables if one.kind for parent in one.kind.parents}
        return bool(names & {*kind.parents}) or kind.name in mine

    def _take_table(self, mark: Mark) -> None:
        kind = self._kind(mark)
        said = self.text_of(mark.first, mark.last)
        self.use(mark.first, mark.last, "table")
        wanted = self.request.table(kind.name)
        if wanted is None:
            wanted = Wanted(kind.name, kind.singular, kind, mark.first, said)
            wanted.shown, wanted.singular = shown(kind, mark.phrase)
            self.request.tables.append(wanted)
        self._relate(wanted, mark)
        self._count(wanted, mark)
        pair = f"{self.word(mark.last + 1)} {self.word(mark.last + 2)}"
        if self.word(mark.first - 1) not in ("per", "every") and not (
            self.word(mark.first - 1) == "each" and self.word(mark.first - 2) == "for"
        ):
            self.table = wanted
        if pair.split(" ")[0] in ("table", "data", "dataset", "record"):
            self.use(mark.last + 1, mark.last + 1, "table")
        if self.word(mark.last + 1) not in (",", "and"):
            self.listing = self.is_listing_tables = False

    def _count(self, wanted: Wanted, mark: Mark) -> None:
        """The number right before a table, or in brackets after it."""
        at = self._before(mark.first)
        if (
            at >= 0
            and self.tokens[at].kind == "number"
            and not self.used[at]
            and not self.tokens[at].is_share
            and not self.tokens[at].is_money
        ):
            self._set_count(wanted, self.tokens[at].number, at)
        elif (
            self.word(mark.last + 1) in ("(", ":")
            and self._is_count(mark.last + 2)
            and self.word(mark.last + 3) in (")", ",", ";", "", ".", "row", "record")
        ):
            self._set_count(wanted, self.tokens[mark.last + 2].number, mark.last + 2)

    def _is_count(self, at: int) -> bool:
        return (
            at < len(self.tokens)
            and self.tokens[at].kind == "number"
            and not self.used[at]
            and not self.tokens[at].is_share
        )

    def _set_count(self, wanted: Wanted, number: float, at: int) -> None:
        self.use(at, at, "count")
        if number < 1 or number != int(number):
            return
        if wanted.count not in (None, int(number)):
            self.request.ask("count", f"{wanted.said}: {wanted.count} or {int(number)}?", str(wanted.count), wanted.name, (str(wanted.count), str(int(number))))  # fmt: skip
            return
        wanted.count = int(number)
        self.request.understood.append(f"{wanted.count} {wanted.name}")

    def _relate(self, wanted: Wanted, mark: Mark) -> None:
        """How many of these each parent has: `1 to 5 orders`, `orders per customer`, `each has several orders`."""
        many = self._quantity(mark.first)
        parent = self._parent_after(mark.last) or self._parent_before(wanted, mark, many is not None)
        if self.word(mark.first - 1) in ("per", "every", "each") or parent is None or parent is wanted:
            return
        if many is None and not (self.each or self._parent_after(mark.last)):
            return
        low, high, used = many or (None, None, None)
        wanted.children[parent.name] = (low, high)
        if used:
            self.use(*used, "children")
        self.request.understood.append(f"each {parent.singular} has {_words_of(low, high)} {wanted.name}")

    def _quantity(self, first: int) -> tuple[int | None, int | None, tuple[int, int] | None] | None:
        for limit in self.ranges:
            near = limit.last < first and all(
                self.tokens[at].kind == "word" and self.word(at) not in _JOINERS for at in range(limit.last + 1, first)
            )
            if near and first - limit.last <= 3 and not limit.is_period:
                self.ranges.remove(limit)
                if limit.is_swapped:
                    self.request.ask(
                        "range",
                        f"{self.text_of(limit.first, limit.last)}: the first is above the second",
                        f"{limit.low} to {limit.high}",
                    )
                return _whole(limit.low), _whole(limit.high), (limit.first, limit.last)
        at = first - 1
        while at >= 0 and first - at <= 3:
            token = self.tokens[at]
            if (
                token.kind == "number"
                and not token.is_share
                and (self.each or self._parent_after_phrase(first))
                and token.number == int(token.number)
            ):
                self.use(at, at, "children")
                if (
                    self.word(at - 1) in ("about", "around", "average", "roughly", "approximately", "of")
                    and token.number > 1
                ):
                    return 0 if token.number < 3 else 1, int(token.number * 2), (at, at)
                return int(token.number), int(token.number), (at, at)
            if token.word in ("several", "multiple", "many", "various"):
                return 1, None, (at, at)
            at -= 1
        return None

    def _parent_after_phrase(self, first: int) -> bool:
        mark = self.marks.get(first)
        return mark is not None and self._parent_after(mark.last) is not None

    def _parent_after(self, last: int) -> Wanted | None:
        """The table of `per X`, `for each X`, which is made where it is not there yet."""
        at = last + 1
        if self.word(at) in ("for", "by", "in", "on", "from", "under", "of", "to", "placed"):
            at += 1
        if self.word(at) not in ("per", "each", "every"):
            return None
        mark = self.marks.get(at + 1)
        if mark is None or not mark.kinds:
            name = plural(self.word(at + 1))
            return self.request.table(name)
        kind = self._kind(mark)
        found = self.request.table(kind.name)
        if found is None:
            found = Wanted(kind.name, kind.singular, kind, mark.first, self.text_of(mark.first, mark.last))
            found.shown, found.singular = shown(kind, mark.phrase)
            self.request.tables.append(found)
        return found

    def _parent_before(self, wanted: Wanted, mark: Mark, is_counted: bool) -> Wanted | None:
        """The table that `each X has` or `X with 1 to 5` speaks of."""
        others = [one for one in self.request.tables if one is not wanted]
        if not others or not (self.each or is_counted):
            return None
        return self.table if self.table in others else others[0]

    # fields

    def text_of(self, first: int, last: int) -> str:
        """The words of the description between two tokens."""
        return self.request.text[self.tokens[first].start : self.tokens[last].end]

    def _take_field(self, mark: Mark) -> None:
        """A phrase that is a field; unknown words right before it belong to its name."""
        before = [at for at in self.item if self._is_part(at)]
        joined = before and before[-1] == mark.first - 1 and self.listing and len(before) <= 3
        after = mark.last
        if joined:
            words = [self.word(at) for at in before] + list(mark.phrase)
            meaning = self._meaning(tuple(words)) or self._meaning(mark.phrase)
            first = before[0]
            self.item = [at for at in self.item if at < first]
            short = guess(words) if mark.phrase[-1] not in ("date",) or len(mark.phrase) == 1 else None
            if short is not None and meaning is not None and self._says_more(mark.phrase):
                short = None
            self._flush()
            self.add(tuple(words), first, after, None if short else meaning, short)
            return
        self._flush()
        self.add(mark.phrase, mark.first, after, self._meaning(mark.phrase), None)

    def _says_more(self, phrase: Phrase) -> bool:
        """Whether a phrase is telling enough that a word before it changes little."""
        return len(phrase) > 1 or phrase[0] in (
            "email",
            "salary",
            "diagnosis",
            "temperature",
            "humidity",
            "price",
            "address",
            "sku",
            "rating",
            "amount",
        )

    def _is_part(self, at: int) -> bool:
        word = self.word(at)
        plain = {singular(one.strip()) for one in fold(lexicon()["empty"]).split(",")}
        keep = {"average", "total", "new", "last", "next", "max", "min", "maximum", "minimum", "mean", "median", "number", "test", "training", "learning", "service", "system", "production", "plan", "model", "project", "is", "has", "history"}  # fmt: skip
        return word not in plain or (word in keep and (at + 1) < len(self.tokens))

    def _meaning(self, phrase: Phrase) -> Meaning | None:
        if self.table is not None and (found := self.table.called(phrase)):
            return found
        from ffgen.draft.catalogue import by_phrase

        if found := by_phrase().get(phrase):
            return found
        domain = domains().get(self.request.domain)
        for kind in domain.kinds.values() if domain else ():
            if found := kind.called(phrase):
                return found
        return next(
            (kind.called(phrase) for one in domains().values() for kind in one.kinds.values() if kind.called(phrase)),
            None,
        )

    def add(
        self, phrase: Phrase, first: int, last: int, meaning: Meaning | None, short: dict[str, object] | None
    ) -> Asked | None:
        """Puts a field into the table that is spoken of."""
        self.use(first, last, "field")
        table = self._home(phrase)
        said = self.text_of(first, last)
        asked = Asked(name_of(phrase, meaning, said), said, phrase, meaning, first, last, dict(short or {}))
        into = table.asked if table else self.pending
        there = next(
            (
                one
                for one in into
                if one.name == asked.name
                or (meaning is not None and one.meaning is meaning and meaning.short.get("type") == "boolean")
            ),
            None,
        )
        if there is not None:
            there.mentions.append((first, last))
            return there
        if len(into) < MOST_FIELDS:
            into.append(asked)
        return asked

    def _home(self, phrase: Phrase) -> Wanted | None:
        """The table spoken of; another one where only that has such a field of its own."""
        table = self.table
        if table is None or len(self.request.tables) < 2 or self.listing:
            return table
        mentioned = [one for one in self.request.tables if any(asked.phrase == phrase for asked in one.asked)]
        if mentioned and table not in mentioned:
            return mentioned[0]
        return table

    def _flush(self) -> None:
        """What the words since the last separator are, where the catalogue has none of them."""
        item, self.item = self.item, []
        words = [at for at in item if self._is_part(at)]
        if not words:
            return
        run = [at for at in words if at >= words[-1] - (len(words) + 3)]
        if self.listing and self.table is not None and len(run) <= 4:
            phrase = tuple(self.word(at) for at in run)
            short = guess(list(phrase))
            self.add(phrase, run[0], run[-1], None, short)
        elif not self.listing:
            self._take_unknown(run, item)

    def _take_unknown(self, run: list[int], item: list[int]) -> None:
        """Words before any list: perhaps a table that the catalogue does not have."""
        run = [at for at in run if (self.word(at),) not in _domain_phrases()]
        if not run:
            return
        numbers = [at for at in range(max(run[0] - 3, 0), run[0]) if self._is_count(at)]
        heads = [at for at in run if self.tokens[at].is_plural and self.word(at) not in vocabulary()]
        data = [at for at in run if self.word(at + 1) in ("data", "dataset", "record", "table", "list", "information")]
        head = heads[-1] if heads else (data[-1] if data else (run[-1] if numbers else -1))
        if head < 0 or (self.table is not None and not numbers and not self.request.is_linked):
            return
        one = self.word(head)
        start = head - 1 if head - 1 in run and self.word(head - 1) not in vocabulary() else head
        singular_name = "_".join(self.word(at) for at in range(start, head + 1))
        if not re.fullmatch(r"[a-z0-9_]{2,60}", singular_name) or one in _ROWS:
            return
        name = plural(singular_name)
        if self.request.table(name) is None:
            wanted = Wanted(name, singular_name, None, start, self.text_of(start, head))
            self.request.tables.append(wanted)
            if numbers:
                self._set_count(wanted, self.tokens[numbers[-1]].number, numbers[-1])
            self.table = wanted
        self.use(start, head, "table")

    def _place_pending(self) -> None:
        """Fields said before any table go to the first one, or to the one they fit best."""
        self._to_readings()
        if not self.pending:
            return
        if not self.request.tables:
            kind = self._people() or self._fitting()
            name = kind.name if kind else "records"
            self.request.tables.append(Wanted(name, kind.singular if kind else "record", kind, 0, name))
        table = self.request.tables[0]
        for asked in self.pending:
            if table.field(asked.name) is None:
                asked.meaning = table.called(asked.phrase) or asked.meaning
                table.asked.append(asked)
        self.pending = []

    def _to_readings(self) -> None:
        """What only readings have goes there, though the devices were spoken of."""
        series = next((one for one in self.request.tables if one.kind and one.kind.step), None)
        if series is None or series.kind is None:
            return
        for table in self.request.tables:
            if table is series or not table.kind or table.name not in series.kind.parents:
                continue
            for asked in [*table.asked]:
                name = asked.meaning.name if asked.meaning else asked.name
                if name in (
                    "temperature",
                    "humidity",
                    "pressure",
                    "status",
                    "reading",
                    "battery_level",
                    "voltage",
                    "vibration",
                    "co2",
                    "power",
                    "energy",
                    "measured_at",
                    "timestamp",
                ):
                    table.asked.remove(asked)
                    if name != "reading":
                        asked.meaning = series.kind.called(asked.phrase) or asked.meaning
                        series.asked.append(asked)

    def _people(self) -> Kind | None:
        """People, where no domain is said and most fields are of a person."""
        names = [asked.meaning.name for asked in self.pending if asked.meaning]
        share = sum(name in _OF_PEOPLE for name in names) / max(len(self.pending), 1)
        return domains()["general"].kinds["people"] if not self.request.domain and share >= 0.6 else None

    def _fitting(self) -> Kind | None:
        """The table that has most of the pending fields."""
        domain = domains().get(self.request.domain)
        among = (
            [*domain.kinds.values()] if domain else [kind for one in domains().values() for kind in one.kinds.values()]
        )
        names = [asked.meaning.name for asked in self.pending if asked.meaning]

        def score(kind: Kind) -> int:
            return sum(2 * (name in kind.fields) + (name in kind.own) for name in names)

        best = max(among, key=score, default=None)
        return best if best is not None and score(best) >= (2 if domain else 6) and not best.is_soft else None


_OF_PEOPLE = {"name", "full_name", "first_name", "last_name", "middle_name", "email", "phone", "address", "city", "state", "country", "postcode", "date_of_birth", "age", "gender", "ssn", "occupation", "company", "title", "marital_status", "user_name", "password", "nationality", "hobby", "height", "weight", "income"}  # fmt: skip


def shown(kind: Kind, phrase: Phrase) -> tuple[str, str]:
    """A table's name and its singular, as they were said: `clients` for customers, `loan_applications` for loans."""
    if (
        phrase[-1] in _COLLECTIVE | _DATA
        or (len(phrase) > 2 and phrase[-1:] not in kind.phrases)
        or phrase[-1] == kind.singular
        or kind.singular == "person"
    ):
        return kind.name, kind.singular
    if len(phrase) > 1 and (phrase[-1:] in kind.phrases):
        phrase = phrase[-1:]
    words = [word for word in phrase if re.fullmatch(r"[a-z][a-z0-9]*", word)]
    if not words or "_".join(words) == kind.singular:
        return kind.name, kind.singular
    one = "_".join(words)
    return "_".join([*words[:-1], plural(words[-1])]), one


_DATA = {
    "catalog",
    "catalogue",
    "library",
    "item",
    "record",
    "profile",
    "account",
    "report",
    "list",
    "rate",
    "sensor",
    "price",
    "market",
    "series",
    "usage",
    "view",
    "address",
    "estate",
    "housing",
}
_UNITS = {"hour", "day", "minute", "year", "month", "point", "night", "guest", "bedroom", "bathroom", "room", "seat", "credit", "unit", "page", "calorie", "share", "item", "mile", "visit", "second", "week", "skill", "child", "dimension"}  # fmt: skip


@cache
def _domain_phrases() -> frozenset[Phrase]:
    return frozenset(phrase for one in domains().values() for phrase in one.phrases)


def name_of(phrase: Phrase, meaning: Meaning | None, said: str) -> str:
    """The name of a column: as it was said, unless that is no name."""
    if "in" in phrase[1:-1]:
        phrase = phrase[: phrase.index("in", 1)]
    own = "_".join(phrase)
    if phrase[-1] in _UNITS and fold(said).rstrip().endswith("s") or phrase[-1] == "foot":
        own = "_".join([*phrase[:-1], plural(phrase[-1])])
    if phrase[:2] == ("number", "of"):
        own = "_".join([*phrase[:-1], plural(phrase[-1])])
    if meaning is None:
        return re.sub(r"[^a-z0-9_]+", "_", own).strip("_")[:60] or "field"
    same = tuple(singular(part) for part in meaning.name.split("_")) == phrase
    counts = meaning.name.endswith("_count") and len(phrase) == 1
    if same or counts or phrase in meaning.spoken or "of" in phrase[1:] or phrase[0] in ("number", "how", "what"):
        return meaning.name
    return own


def clean(text: str) -> str:
    """The description without control characters, at most `LONGEST` long, its lines as items of a list."""
    cut = re.sub(r"[\r\n]+", " ; ", text[:LONGEST])
    cut = re.sub(r"(?i)\be[- ]?mail", "email", cut)
    cut = re.sub(r"(?i)\bw/(?=\s|\w)", "with ", cut)
    return "".join(letter if letter.isprintable() else " " for letter in cut).strip()


def _whole(number: object) -> int | None:
    return int(number) if isinstance(number, int | float) and 0 <= number <= 10_000 else None


def _words_of(low: int | None, high: int | None) -> str:
    if low == high:
        return str(low) if low is not None else "some"
    return f"{low or 0} to {high}" if high is not None else "several"
