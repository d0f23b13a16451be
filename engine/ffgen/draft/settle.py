"""What is said of fields, put to them: values, shares, ranges, periods, that they are unique or may be missing."""

import re
from dataclasses import dataclass
from typing import Any

from ffgen.draft.catalogue import kinds, meanings
from ffgen.draft.limits import Limit
from ffgen.draft.read import Mark, Reader
from ffgen.draft.request import Asked, Request, Wanted
from ffgen.draft.words import fold, lexicon, singular

_MISSING = {"missing", "null", "empty", "blank", "absent", "unknown", "without", "na", "nan", "incomplete", "none"}
_NO_SHARE = {
    "discount",
    "tax",
    "vat",
    "interest",
    "growth",
    "commission",
    "increase",
    "rate",
    "off",
    "margin",
    "humidity",
    "apr",
}
_SPOILED = {"duplicate": "duplicates", "duplicated": "duplicates", "outlier": "outliers", "typo": "typos"}
_GLUE = {
    "is",
    "are",
    "being",
    "be",
    "can",
    "must",
    "should",
    "will",
    "of",
    "either",
    "one",
    "value",
    "possible",
    "option",
    "as",
    "the",
    "a",
}
_CLOSED = {
    "status",
    "priority",
    "type",
    "level",
    "category",
    "severity",
    "stage",
    "tier",
    "plan",
    "gender",
    "role",
    "size",
    "color",
    "state",
    "method",
    "class",
    "mode",
}
_YES_NO = {"yes", "no", "true", "false", "y", "n", "0", "1"}
_ENDS = {".", ";", "!", "?", ")", "with"}
_OPPOSITES = {
    "active": "inactive", "premium": "standard", "returning": "new", "new": "returning", "online": "offline", "paid": "unpaid",
    "male": "female", "female": "male", "man": "woman", "woman": "man", "married": "single", "domestic": "international",
    "remote": "on-site", "full time": "part-time", "smoker": "non-smoker", "employed": "unemployed", "positive": "negative",
    "gold": "basic", "vip": "regular", "private": "public", "urban": "rural", "completed": "open", "open": "closed",
    "successful": "failed", "failed": "succeeded", "cancelled": "kept", "indoor": "outdoor", "free": "paid",
}  # fmt: skip
_NAMED = {
    "active": "status", "premium": "membership", "vip": "membership", "gold": "membership", "married": "marital_status",
    "male": "gender", "female": "gender", "man": "gender", "woman": "gender", "paid": "payment_status", "free": "plan",
    "completed": "status", "open": "status", "successful": "status", "failed": "status", "positive": "result",
    "returning": "customer_type", "new": "customer_type", "urban": "area_type", "online": "channel",
}  # fmt: skip


@dataclass(slots=True)
class Share:
    """A percentage and the words it is of."""

    first: int
    last: int
    part: float
    words: tuple[str, ...]
    text: str


class Settler(Reader):
    """A reader that also takes in what is said of fields."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.values: dict[int, list[str]] = {}
        self.shares: list[Share] = []

    def read(self) -> Request:
        """The whole description, everything put in its place."""
        self._find_shares()
        self._find_values()
        for at, token in enumerate(self.tokens):
            if token.word in _MISSING and token.word not in ("without", "none", "unknown"):
                self.use(at, at, "modifier")
        request = super().read()
        if not request.tables:
            return request
        self._place_values()
        self._place_ranges()
        self._place_periods()
        self._place_shares()
        self._place_flags()
        self._place_spoiled()
        self._place_total()
        self._note_rest()
        return request

    # before the reading: stretches that are no fields

    def _find_shares(self) -> None:
        for at, token in enumerate(self.tokens):
            if not token.is_share or self.used[at] or not 0 <= token.number <= 100:
                continue
            part = token.number / 100 if token.is_share and token.number > 1 or "%" in token.text else token.number
            after = self._clause(at + 1, 1)
            words = self._telling(after)
            if words and words[0][1] in _NO_SHARE:
                continue
            if not words:
                before = self._clause(at - 1, -1)
                words = self._telling(before[::-1])[-2:]
            if not words:
                continue
            first, last = min(at, words[0][0]), max(at, words[-1][0])
            self.shares.append(Share(first, last, part, tuple(word for _, word in words), self.text_of(first, last)))
            self.use(at, at, "share")
            for where, _ in words:
                self.use(where, where, "share")

    def _clause(self, at: int, way: int) -> list[int]:
        found = []
        while 0 <= at < len(self.tokens) and len(found) < 9:
            token = self.tokens[at]
            if (
                token.kind == "number"
                or (token.kind == "mark" and token.text not in "\"'“”‘’")
                or token.word in ("and", "with", "while", "but")
            ):
                break
            found.append(at)
            at += way
        return found

    def _telling(self, places: list[int]) -> list[tuple[int, str]]:
        """Of a clause, the words that are a value or a field: no empty ones, no tables."""
        empty = {singular(one.strip()) for one in fold(lexicon()["empty"]).split(",")} - {
            "business",
            "basic",
            "standard",
            "small",
            "large",
            "big",
            "normal",
            "personal",
            "foreign",
            "new",
            "old",
            "full",
            "high",
            "medium",
            "low",
            "returns",
            "return",
        }
        found = []
        for at in places:
            token = self.tokens[at]
            glued = token.is_glued or (at + 1 < len(self.tokens) and self.tokens[at + 1].is_glued)
            if (
                token.word in ("no", "without", "lack", "lacking")
                and not glued
                and not (at + 1 < len(self.tokens) and self.tokens[at + 1].is_glued)
            ):
                found.append((at, "missing"))
                continue
            if token.kind != "word" or (token.word in empty and not glued) or self.used[at]:
                continue
            if (token.word,) in kinds() and token.is_plural and token.word not in ("return", "refund"):
                continue
            found.append((at, token.word))
        return found[:4]

    def _find_values(self) -> None:
        for mark in self._marks():
            if not mark.is_field:
                continue
            at = mark.last + 1
            skipped = 0
            while self.word(at) in _GLUE and skipped < 5:
                at, skipped = at + 1, skipped + 1
            opened = self.word(at)
            if opened in ("(", "[", "{"):
                items, end = self._items(at + 1, {")", "]", "}"})
            elif opened in (":", "=") or (
                opened in ("like", "either", "e", "eg", "including") or (opened == "such" and self.word(at + 1) == "as")
            ):
                if opened in ("like", "including") and mark.kinds:
                    continue
                at += {"such": 1, "e": 1}.get(opened, 0)
                items, end = self._items(at + 1, {".", ";", ")", "!", "?"})
            elif skipped and (self._chooses(at) or (self.word(at - 1) == "of" and self.word(at - 2) == "one")):
                items, end = self._items(at, {".", ";", ")", "!", "?", "with"})
            elif (
                mark.phrase[-1] in _CLOSED
                and self.tokens[min(at, len(self.tokens) - 1)].kind == "word"
                and self._chooses(at)
            ):
                items, end = self._items(at, {".", ";", ")", "!", "?", "with", "and"})
                self._keep(mark, items, at, end, is_sure=True)
                continue
            elif (
                self.word(at + 1) == "/"
                and self.tokens[at].kind == "word"
                and (self.word(at),) not in kinds()
                and not self._names_field(at)
            ):
                items, end = self._items(at, {".", ";", ")", ",", "and", "with"})
            else:
                continue
            self._keep(mark, items, at, end)

    def _chooses(self, at: int) -> bool:
        """Whether `a, b or c` stands at a place."""
        words = [self.word(place) for place in range(at, min(at + 16, len(self.tokens)))]
        stop = next((place for place, word in enumerate(words) if word in (".", ";", "with", ")", "and")), len(words))
        return "or" in words[1:stop]

    def _names_field(self, at: int) -> bool:
        mark = self._mark(at, 1)
        return mark is not None and mark.is_field

    def _items(self, at: int, ends: set[str]) -> tuple[list[tuple[int, int]], int]:
        """Stretches between separators, up to an end or up to one that is a field or a table."""
        found: list[tuple[int, int]] = []
        start = at
        while at <= len(self.tokens):
            word = self.word(at)
            if at == len(self.tokens) or word in ends or word in (",", "/", "|", "or", "and"):
                if at > start:
                    found.append((start, at - 1))
                start = at + 1
                if at == len(self.tokens) or word in ends:
                    break
            at += 1
        return found, min(at, len(self.tokens) - 1)

    def _keep(self, mark: Mark, items: list[tuple[int, int]], first: int, end: int, is_sure: bool = False) -> None:
        values: list[str] = []
        stop = first
        bracketed = self.word(first) in ("(", "[", "{")
        for start, last in items[:40]:
            if any(self.used[at] for at in range(start, last + 1)) or last - start > 4:
                break
            if not bracketed and not is_sure and self._is_other(start, last):
                break
            text = self.text_of(start, last).strip(" \"'“”‘’`")
            text = re.sub(r"^(?:either|a|an|the)\s+", "", text)
            if text and not re.fullmatch(
                r"(?i)unique|optional|nullable|required|primary key|not null|usd|eur|in \w+|yyyy.*|kg|cm|m2|%|integer|int|string|date|float|number|boolean|text|varchar|decimal|datetime|timestamp|e\.?g\.?",
                text,
            ):
                values.append(text)
            stop = last
        fields = sum(self._is_other(start, last) for start, last in items)
        if bracketed and len(items) == 1 and not mark.kinds and not self.used[items[0][0]]:
            self.use(items[0][0], items[0][1], "note")
        if (
            len(values) < 2
            or (bracketed and fields * 2 > len(items) and len(items) > 1)
            or (bracketed and mark.kinds and fields)
        ):
            return
        self.values[mark.first] = list(dict.fromkeys(values))
        self.use(mark.last + 1, end if bracketed else stop, "values")

    def _is_other(self, start: int, last: int) -> bool:
        """Whether a stretch is a field's or a table's name."""
        while start < last and self.word(start) in ("a", "an", "the", "their", "its"):
            start += 1
        found = self._mark(start, last - start + 1)
        return found is not None and (found.is_field or bool(found.kinds))

    # after the reading: to whom it belongs

    def _all(self) -> list[tuple[Wanted, Asked]]:
        return sorted(
            ((table, asked) for table in self.request.tables for asked in table.asked), key=lambda pair: pair[1].first
        )

    def _places(self) -> list[tuple[int, int, Wanted, Asked]]:
        return [
            (first, last, table, asked)
            for table, asked in self._all()
            for first, last in [(asked.first, asked.last), *asked.mentions]
        ]

    def _left(self, at: int, loose: bool = False) -> tuple[Wanted, Asked] | None:
        """The field right before a place: nothing between but words, or nothing but the sentence."""
        before = [place for place in self._places() if place[1] < at]
        if not before:
            return None
        _, last, table, asked = max(before, key=lambda place: place[1])
        between = [self.word(place) for place in range(last + 1, at)]
        stops = {".", ";", "!", "?"} if loose else {".", ",", ";", "!", "?", "and", "or", ")"}
        return None if stops & {*between} else (table, asked)

    def _right(self, at: int) -> tuple[Wanted, Asked] | None:
        after = [place for place in self._places() if place[0] > at]
        if not after:
            return None
        first, _, table, asked = min(after, key=lambda place: place[0])
        between = [self.word(place) for place in range(at + 1, first)]
        near = len(between) <= 4 and not {".", ",", ";", "and", "or", "(", ")", "with"} & {*between}
        return (table, asked) if near else None

    def _place_values(self) -> None:
        for _, asked in self._all():
            for first, values in self.values.items():
                if asked.first <= first <= asked.last:
                    numbers = [_number(value) for value in values]
                    whole: list[Any] = numbers if all(one is not None for one in numbers) else values
                    kind = (
                        "enum"
                        if whole is values
                        else ("integer" if all(isinstance(one, int) for one in whole) else "number")
                    )
                    if {fold(one) for one in values} <= _YES_NO:
                        asked.short = {"type": "boolean"}
                        continue
                    asked.short = {"type": kind, "values": whole}
                    asked.notes.append(f"values {', '.join(values)}")

    def _short(self, asked: Asked) -> dict[str, Any]:
        return {**(asked.meaning.short if asked.meaning else {}), **asked.short}

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

    _HINTED = {
        "age": ("age",),
        "money": ("price", "amount", "cost", "salary", "total", "spent", "revenue", "fee", "rent", "income", "budget", "balance", "value", "fare"),
        "weight": ("weight",), "distance": ("distance", "mileage"), "temperature": ("temperature",), "rating": ("rating", "star"),
    }  # fmt: skip

    def _by_hint(self, limit: Limit) -> tuple[Wanted, Asked] | None:
        if not limit.hint:
            return None
        words = self._HINTED.get(limit.hint, ())
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
        if short.get("type") in ("string", "text", "enum", "email", "phone", "url"):
            if (
                short.get("type") in ("string", "text")
                and limit.high is not None
                and 0 < limit.high <= 5000
                and "values" not in short
            ):
                asked.short["length"] = [max(int(limit.low or 1), 1), int(limit.high)]
            return
        if short.get("type") in ("date", "datetime"):
            low, high = limit.low or 1950, limit.high or 2024
            asked.short["range"] = [f"{int(low)}-01-01", f"{int(high)}-12-31"]
            return
        now = asked.short.get("range") or (None, None)
        usual = (asked.meaning.short.get("range") if asked.meaning else None) or [0, 100]
        low = limit.low if limit.low is not None else now[0]
        high = limit.high if limit.high is not None else now[1]
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
            self.request.ask("range", f"{asked.said}: {now[0]} to {now[1]}, and {said}?", f"{now[0]} to {now[1]}" if now[0] is not None else f"{high} to {low}", path)  # fmt: skip
            if now[0] is not None:
                return
            low, high = high, low
        asked.short["range"] = [low, high]
        if not asked.meaning and not asked.short.get("generator") and "type" not in asked.short:
            asked.short["type"] = "integer"
        if isinstance(low, float) or isinstance(high, float):
            asked.short["type"] = "number"
            asked.short.setdefault("decimals", 1 if short.get("type") == "integer" else short.get("decimals", 2))
        asked.notes.append(said)

    def _place_periods(self) -> None:
        for limit in self.periods:
            said = self.text_of(limit.first, limit.last)
            pair = self._left(limit.first)
            if limit.is_swapped:
                self.request.ask("range", f"{said}: the first is after the second", f"{limit.low} to {limit.high}")
            kind = self._short(pair[1]).get("type") if pair else None
            if pair and kind in ("date", "datetime"):
                pair[1].short["range"] = [str(limit.low), str(limit.high)]
                pair[1].notes.append(said)
            elif pair and kind in ("integer", "number") and re.search(r"year|built", pair[1].name):
                pair[1].short["range"] = [limit.low.year, limit.high.year]
                pair[1].notes.append(said)
            elif pair and kind in ("integer", "number") and re.search(r"\$?\d{4}\D+\d{4}", said) and not self.request.period and re.search("price|amount|salary|cost|between", said):  # fmt: skip
                pair[1].short["range"] = [limit.low.year, limit.high.year]
                pair[1].notes.append(said)
            else:
                if self.request.period is not None and self.request.period != (limit.low, limit.high):
                    self.request.ask("range", f"{self.request.period[0]} to {self.request.period[1]}, and {said}?", f"{self.request.period[0]} to {self.request.period[1]}")  # fmt: skip
                    continue
                self.request.period = (limit.low, limit.high)
                self.request.understood.append(f'"{said}": {limit.low} to {limit.high}')

    def _place_shares(self) -> None:
        for share in self.shares:
            if {*share.words} & _MISSING:
                self._set_missing(share)
            elif spoiled := next((_SPOILED[word] for word in share.words if word in _SPOILED), ""):
                self.request.imperfections[spoiled] = min(share.part, 0.9)
                self.request.understood.append(f'"{share.text}"')
            else:
                self._set_share(share)
        for table, asked in self._all():
            if sum(asked.shares.values()) > 1.0001:
                total = sum(asked.shares.values())
                self.request.ask(
                    "range",
                    f"the shares of {asked.said} add up to {total:.0%}",
                    "kept in proportion",
                    f"{table.name}.{asked.name}",
                )

    def _set_missing(self, share: Share) -> None:
        for table, asked in self._all():
            if {*asked.phrase} & {*share.words} - _MISSING or asked.first in range(share.first, share.last + 1):
                asked.short["nullable"] = share.part
                asked.notes.append(share.text)
                return
        rest = tuple(word for word in share.words if word not in _MISSING)
        from ffgen.draft.catalogue import by_phrase

        for size in range(len(rest), 0, -1):
            meaning = by_phrase().get(rest[:size])
            if meaning:
                table = self.request.tables[0]
                table.asked.append(
                    Asked(
                        "_".join(rest[:size]),
                        share.text,
                        rest[:size],
                        meaning,
                        share.first,
                        share.last,
                        {"nullable": share.part},
                    )
                )
                return
        pair = self._left(share.first)
        if pair is not None and not rest:
            pair[1].short["nullable"] = share.part
            pair[1].notes.append(share.text)
            return
        self.request.imperfections["nulls"] = share.part
        self.request.understood.append(f'"{share.text}"')

    def _set_share(self, share: Share) -> None:
        found = self._whose(share)
        if found is None:
            self.request.ignored.append(share.text)
            return
        asked, value = found
        asked.shares[value] = share.part
        asked.notes.append(share.text)

    def _whose(self, share: Share) -> tuple[Asked, str] | None:
        """The field and the value that a share is of."""
        words = share.words
        near = self._left(share.first)
        if (
            near is not None
            and self._short(near[1]).get("type") == "boolean"
            and {*words} & {"positive", "true", "yes", "po"}
        ):
            return near[1], "true"
        for size in range(len(words), 0, -1):
            for start in range(len(words) - size + 1):
                phrase = words[start : start + size]
                if found := self._value_of(phrase):
                    return found
        left = self._left(share.first)
        if left is not None and self._short(left[1]).get("type") in ("enum", "string") and self._is_closed(left[1]):
            value = " ".join(words)
            left[1].short.setdefault("values", [])
            if left[1].short["values"] is not None and value not in left[1].short["values"]:
                left[1].short["values"] = [*left[1].short["values"], value]
                left[1].short["type"] = "enum"
            return left[1], value
        return self._new_flag(share)

    def _is_closed(self, asked: Asked) -> bool:
        """Whether a field is one of a few values, or may become that."""
        return "generator" not in self._short(asked) or "values" in self._short(asked)

    def _value_of(self, phrase: tuple[str, ...]) -> tuple[Asked, str] | None:
        said = [(table, asked) for table, asked in self._all()]
        for _, asked in said:
            short = self._short(asked)
            for value in short.get("values") or []:
                if _same(str(value), phrase):
                    return asked, str(value)
            if short.get("type") == "boolean" and (phrase == asked.phrase or (asked.meaning and phrase in asked.meaning.phrases) or _same(asked.name.removeprefix("is_"), phrase)):  # fmt: skip
                return asked, "true"
        for table in self.request.tables:
            for name in [*(table.kind.own if table.kind else ()), *(table.kind.fields if table.kind else ())]:
                meaning = table.kind.meaning(name) if table.kind else None
                if meaning is None or table.field(name):
                    continue
                for value in meaning.short.get("values") or []:
                    if _same(str(value), phrase):
                        return self._added(table, name), str(value)
                if meaning.short.get("type") == "boolean" and (
                    phrase in meaning.phrases or _same(name.removeprefix("is_"), phrase)
                ):
                    return self._added(table, name), "true"
        if phrase[-1] in _NAMED:
            return None
        for name, meaning in meanings().items():
            if meaning.short.get("type") == "boolean" and (
                phrase in meaning.phrases or _same(name.removeprefix("is_"), phrase)
            ):
                return self._added(self.request.tables[-1 if len(self.request.tables) == 1 else 0], name), "true"
        for name in (
            "gender",
            "status",
            "plan",
            "loyalty_tier",
            "marital_status",
            "employment_type",
            "device_type",
            "payment_method",
        ):
            for value in meanings()[name].short["values"]:
                if _same(str(value), phrase):
                    return self._added(self.request.tables[0], name), str(value)
        return None

    def _added(self, table: Wanted, name: str) -> Asked:
        there = table.field(name)
        if there is not None:
            return there
        meaning = (table.kind.meaning(name) if table.kind else None) or meanings().get(name)
        asked = Asked(name, name, tuple(name.split("_")), meaning, len(self.tokens), len(self.tokens))
        table.asked.append(asked)
        return asked

    def _new_flag(self, share: Share) -> tuple[Asked, str]:
        table = self.request.tables[0]
        word = " ".join(share.words)
        key = share.words[-1] if share.words[-1] in _NAMED else share.words[0]
        if key in _NAMED or word in _OPPOSITES:
            name = _NAMED.get(key, "status")
            asked = table.field(name)
            if asked is None:
                other = _OPPOSITES.get(key, "other")
                asked = Asked(
                    name, share.text, (name,), None, share.first, share.last, {"type": "enum", "values": [key, other]}
                )
                table.asked.append(asked)
            elif key not in asked.short.get("values", []):
                asked.short["values"] = [*asked.short.get("values", []), key]
            return asked, key
        name = re.sub(r"[^a-z0-9]+", "_", f"is_{word}").strip("_")[:40]
        asked = table.field(name) or Asked(
            name, share.text, share.words, None, share.first, share.last, {"type": "boolean"}
        )
        if asked not in table.asked:
            table.asked.append(asked)
        return asked, "true"

    def _place_flags(self) -> None:
        """unique, optional, may be missing."""
        for at, token in enumerate(self.tokens):
            if token.word in ("unique", "distinct"):
                pair = self._tight_right(at) or self._left(at) or self._right(at)
                if pair:
                    pair[1].short["unique"] = True
                    pair[1].notes.append("unique")
                    self.use(at, at, "modifier")
            elif token.word in ("optional", "nullable") or (token.word in _MISSING and self.used[at] == "modifier"):
                self._set_optional(at, token.word)
        for match in re.finditer(
            r"\bnot (?:all|every|each|everyone|everybody) (?:\w+ ){0,2}?(?:has|have|with) (?:a |an |any )?",
            self.norm.text,
        ):
            pair = self._right(self.norm.span(match.start(), match.end())[1])
            if pair:
                pair[1].short["nullable"] = True

    def _set_optional(self, at: int, word: str) -> None:
        part = next((one for one in self.shares if one.first <= at <= one.last), None)
        if part is not None:
            return
        if word in _MISSING and self.word(at + 1) in ("value", "data", "entry", "field", "cell"):
            pair = self._left(at) if self.word(at - 1) in ("be", "have", "has") else None
            if pair is None:
                self.request.imperfections.setdefault("nulls", 0.05)
                self.request.understood.append('"missing values": a twentieth')
                return
        pair = (
            (self._tight_right(at) if word in ("optional", "nullable") else None)
            or self._left(at)
            or (self._right(at) if word not in _MISSING else None)
        )
        if pair is None or self.word(at - 1) in ("not", "no", "never"):
            return
        pair[1].short.setdefault("nullable", True)
        pair[1].notes.append(word)
        self.use(at, at, "modifier")

    def _tight_right(self, at: int) -> tuple[Wanted, Asked] | None:
        pair = self._right(at)
        return pair if pair and pair[1].first - at <= 2 else None

    def _place_spoiled(self) -> None:
        text = self.norm.text
        if re.search(r"\b(?:messy|dirty|noisy|unclean|low quality|real world mess|with error|imperfect)\b", text):
            self.request.imperfections.setdefault("quality", "medium")
        for word, key, part in (
            ("duplicate", "duplicates", 0.02),
            ("outlier", "outliers", 0.01),
            ("typo", "typos", 0.02),
        ):
            if (
                re.search(rf"(?<!no )(?<!without )(?<!any )\b{word}\b", text)
                and key not in self.request.imperfections
                and "no duplicate" not in text
            ):
                self.request.imperfections[key] = part
                self.request.understood.append(f'"{word}s": {part:.0%}')

    def _place_total(self) -> None:
        """A count that names no table: rows, records, `n = 500`, a number that begins the sentence."""
        text = self.norm.text
        pattern = (
            r"(?:^|\s)(\d+(?:\.\d+)?(?:e\+\d+)?) (?:\w+ ){0,3}?(?:"
            + "|".join(sorted(_ROW_WORDS))
            + r")\b|\b(?:n|count|row|size|total) ?(?:=|:|of|should be)? ?(\d+(?:e\+\d+)?)\b"
        )
        for match in re.finditer(pattern, text):
            first, last = self.norm.span(match.start(), match.end())
            where = next((at for at in range(first, last + 1) if self.tokens[at].kind == "number"), -1)
            if where < 0 or self.used[where] or self.tokens[where].is_share:
                continue
            self._set_count(self._main(), self.tokens[where].number, where)
        if all(table.count is None for table in self.request.tables):
            for at in range(len(self.tokens)):
                token = self.tokens[at]
                alone = token.kind == "number" and not self.used[at] and not token.is_share and not token.is_money
                if alone and token.number >= 5 and token.number == int(token.number) and (at == 0 or self.word(at + 1) in ("", ".", "of", "fake", "random", "sample", "synthetic") or self.word(at - 1) in ("generate", "create", "make", "give", "me", "need", "want", "about")):  # fmt: skip
                    self._set_count(self._main(), token.number, at)
                    return

    def _main(self) -> Wanted:
        """The table that the sentence is about."""
        return self.request.tables[0]

    def _note_rest(self) -> None:
        """What nobody understood, in stretches."""
        empty = {singular(one.strip()) for one in fold(lexicon()["empty"]).split(",")}
        said = lexicon()["languages"].get(self.request.language, {"words": ""})["words"]
        foreign = {fold(one.strip()) for one in said.split(",")}
        run: list[int] = []
        for at, token in enumerate([*self.tokens, None]):
            plain = token is not None and token.kind == "word" and not self.used[at] and token.word not in empty
            if (
                plain
                and token is not None
                and fold(token.text) not in foreign
                and not any(token.word in phrase for phrase in _domain_words())
            ):
                run.append(at)
            elif run:
                self.request.ignored.append(self.text_of(run[0], run[-1])[:80])
                run = []


_ROW_WORDS = {
    "row",
    "record",
    "entry",
    "sample",
    "observation",
    "data point",
    "example",
    "instance",
    "line of data",
    "tuple",
    "line",
}


def _domain_words() -> set[tuple[str, ...]]:
    from ffgen.draft.catalogue import domains

    return {phrase for one in domains().values() for phrase in one.phrases}


def _same(value: str, phrase: tuple[str, ...]) -> bool:
    words = tuple(singular(word) for word in re.findall(r"[^\W_]+", fold(value)))
    if words == phrase:
        return True
    return len(words) == len(phrase) == 1 and len(words[0]) > 4 and (_stem(words[0]) == _stem(phrase[0]))


def _stem(word: str) -> str:
    return re.sub(r"(?:ed|ing|er|e|d|ment|ion|ation)$", "", word)


def _number(text: str) -> int | float | None:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else None
