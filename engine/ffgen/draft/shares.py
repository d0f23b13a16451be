"""Shares, put to the field that they are of: 70% active, 10% missing, 2% fraud."""

import re
from typing import Any

from ffgen.draft import terms
from ffgen.draft.catalogue import by_phrase, meanings
from ffgen.draft.guess import by_unit, guess
from ffgen.draft.request import Asked, Wanted
from ffgen.draft.values import Share, ValueReader
from ffgen.draft.words import fold, idle_words, phrase_of, singular

_APART = {",", ";", ".", "!", "?", "(", ")"}
_ASIDE = {"limit", "type", "modifier", "blank", "values", "note", "share", "step"}
_NOTED = {
    "unique",
    "optional",
    "nullable",
    "required",
    "distinct",
    "true",
    "false",
    "missing",
    "empty",
    "decimal",
    "integer",
}


_HAVING = {"has", "have", "offer", "include", "own", "hold", "contain", "come", "carry", "get", "with"}


class ShareReader(ValueReader):
    """A reader that gives shares to fields, and knows which field stands where."""

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
        """The field right before a place: nothing between but words, or nothing but the sentence. What stands alone
        between commas is of the field before, and what is in brackets of the field before those."""
        before = [place for place in self._places() if place[1] < at]
        if not before:
            return None
        first, last, table, asked = max(before, key=lambda place: place[1])
        for opened, closed in self.brackets.items():
            if opened < at < closed and first < opened:
                inside = [place for place in before if place[0] <= opened - 1 <= place[1]]
                if inside:
                    return inside[0][2], inside[0][3]
        between = [
            self.word(place) for place in range(last + 1, at) if self.used[place] not in _ASIDE - {"modifier", "blank"}
        ]
        stops = {".", ";", "!", "?"} if loose else {".", ",", ";", "!", "?", "and", "or", ")"}
        said = all(
            self.used[one] in _ASIDE
            or self.word(one) in idle_words() | _NOTED | {","}
            or self.tokens[one].kind == "number"
            for one in range(last + 1, at)
        )
        if not loose and stops & {*between} == {","} and said and self._is_alone(at):
            return table, asked
        return None if stops & {*between} else (table, asked)

    def _is_alone(self, at: int) -> bool:
        """Whether all between two commas only says something of a field."""
        first = last = at
        while first > 0 and self.word(first - 1) not in _APART:
            first -= 1
        while last + 1 < len(self.tokens) and self.word(last + 1) not in _APART:
            last += 1
        plain = idle_words() | _NOTED
        return self.word(first - 1) == "," and all(
            self.used[one] in _ASIDE or self.word(one) in plain or self.tokens[one].kind == "number"
            for one in range(first, last + 1)
        )

    def _right(self, at: int) -> tuple[Wanted, Asked] | None:
        after = [place for place in self._places() if place[0] > at]
        if not after:
            return None
        first, _, table, asked = min(after, key=lambda place: place[0])
        between = [self.word(place) for place in range(at + 1, first)]
        near = len(between) <= 4 and not {".", ",", ";", "and", "or", "(", ")", "with"} & {*between}
        return (table, asked) if near else None

    def _tight_right(self, at: int) -> tuple[Wanted, Asked] | None:
        pair = self._right(at)
        return pair if pair and pair[1].first - at <= 2 else None

    def _short(self, asked: Asked) -> dict[str, Any]:
        return {**(asked.meaning.short if asked.meaning else {}), **asked.short}

    def _place_shares(self) -> None:
        for share in self.shares:
            if {*share.words} & terms.MISSING:
                self._set_missing(share)
            elif spoiled := next((terms.SPOILED[word] for word in share.words if word in terms.SPOILED), ""):
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
        for _, asked in self._all():
            if {*asked.phrase} & {*share.words} - terms.MISSING or asked.first in range(share.first, share.last + 1):
                asked.short["nullable"] = share.part
                asked.notes.append(share.text)
                return
        rest = tuple(word for word in share.words if word not in terms.MISSING)
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
            or near is not None
            and {*words} <= {"true", "yes"}
        ):
            if self._short(near[1]).get("type") != "boolean":
                near[1].short, near[1].meaning = {"type": "boolean"}, None
            return near[1], "true"
        if near is not None and self._short(near[1]).get("type") == "boolean" and {*words} & {*near[1].phrase}:
            return near[1], "true"
        for size in range(len(words), 0, -1):
            for start in range(len(words) - size + 1):
                phrase = words[start : start + size]
                if found := self._value_of(phrase, is_whole=size == len(words)):
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

    def _value_of(self, phrase: tuple[str, ...], is_whole: bool = True) -> tuple[Asked, str] | None:
        said = [(table, asked) for table, asked in self._all()]
        for _, asked in said:
            short = self._short(asked)
            for value in short.get("values") or []:
                if _same(str(value), phrase):
                    return asked, str(value)
            if short.get("type") == "boolean" and (
                phrase == asked.phrase
                or {*phrase} <= {*asked.phrase}
                or (asked.meaning and phrase in (*asked.meaning.phrases, phrase_of(asked.meaning.name)))
                or _same(asked.name.removeprefix("is_"), phrase)
            ):
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
        if phrase[-1] in terms.NAMED or not is_whole:
            return None
        for name, meaning in meanings().items():
            if meaning.short.get("type") == "boolean" and (
                phrase in meaning.phrases or _same(name.removeprefix("is_"), phrase)
            ):
                return self._added(self.request.tables[-1 if len(self.request.tables) == 1 else 0], name), "true"
        first = ("gender", "status", "plan", "loyalty_tier", "marital_status", "employment_type", "device_type")
        for name in (*first, *meanings()):
            for value in meanings()[name].short.get("values") or []:
                if meanings()[name].short["type"] == "enum" and _same(str(value), phrase):
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

    def _table_of(self, share: Share) -> Wanted:
        """The table that a share is of: `60% of the listings`."""
        named = [one.table for one in self.mentions() if share.first <= one.first <= share.last]
        name = named[0] if named else self.owner(share.first)
        return next((one for one in self.request.tables if one.name == name), self.request.tables[0])

    def _new_flag(self, share: Share) -> tuple[Asked, str]:
        table = self._table_of(share)
        words = share.words[1:] if len(share.words) > 1 and share.words[0] in _HAVING else share.words
        word = " ".join(words)
        key = share.words[-1] if share.words[-1] in terms.NAMED else share.words[0]
        if key in terms.NAMED or word in terms.OPPOSITES:
            name = terms.NAMED.get(key, "status")
            asked = table.field(name)
            if asked is None:
                other = terms.OPPOSITES.get(key, "other")
                asked = Asked(
                    name, share.text, (name,), None, share.first, share.last, {"type": "enum", "values": [key, other]}
                )
                table.asked.append(asked)
            elif key not in asked.short.get("values", []):
                asked.short["values"] = [*asked.short.get("values", []), key]
            return asked, key
        is_had = any(self.word(at) in _HAVING for at in range(share.first, share.last + 1))
        name = re.sub(r"[^a-z0-9]+", "_", f"{'has' if is_had else 'is'}_{word}").strip("_")[:40]
        asked = table.field(name) or Asked(
            name, share.text, share.words, None, share.first, share.last, {"type": "boolean"}
        )
        if asked not in table.asked:
            table.asked.append(asked)
        return asked, "true"

    def _share_heads(self) -> None:
        """`pickup and return dates`: what a field that nobody knows is called after the next one's last word."""
        for table in self.request.tables:
            for one, other in zip(table.asked, table.asked[1:], strict=False):
                head = other.phrase[-1]
                is_next = other.first == one.last + 2 and self.word(one.last + 1) in ("and", ",", "or")
                known = one.meaning is not None or one.short.get("type") or guess([*one.phrase])
                if not is_next or known or len(other.phrase) < 2 or head not in terms.HEADS:
                    continue
                if self.tokens[other.last].is_plural:
                    one.phrase = (*one.phrase, head)
                    one.name, one.meaning = f"{one.name}_{head}", self._meaning(one.phrase)
                    one.short |= {} if one.meaning else guess([*one.phrase]) or {}

    def _place_units(self) -> None:
        """`allowance in GB`: a field that nobody knows is a number. `recurring yes/no` is so or not."""
        for _, asked in self._all():
            if any(first == asked.last + 1 for first, _ in self.yes_or_no):
                asked.short = {"type": "boolean"}
                continue
            after = self.word(asked.last + 1)
            if (
                asked.meaning is not None
                or asked.short.get("type")
                or after not in ("in", "(")
                or guess([*asked.phrase])
            ):
                continue
            unit = by_unit(self.word(asked.last + 2)) or by_unit(self.word(asked.last + 2) + self.word(asked.last + 3))
            asked.short |= unit or {}


def _same(value: str, phrase: tuple[str, ...]) -> bool:
    words = tuple(singular(word) for word in re.findall(r"[^\W_]+", fold(value)))
    if words == phrase:
        return True
    return len(words) == len(phrase) == 1 and len(words[0]) > 4 and (_stem(words[0]) == _stem(phrase[0]))


def _stem(word: str) -> str:
    return re.sub(r"(?:ed|ing|er|e|d|ment|ion|ation)$", "", word)
