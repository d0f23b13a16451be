"""Stretches that are no fields, found before the reading: shares of something, lists of values."""

import re
from dataclasses import dataclass

from ffgen.draft import terms
from ffgen.draft.catalogue import kinds
from ffgen.draft.distributions import distributions
from ffgen.draft.notes import NoteReader
from ffgen.draft.scan import Mark
from ffgen.draft.words import idle_words

_NO_VALUE = (
    r"(?i)unique|optional|nullable|required|primary key|not null|in \w+|yyyy.*|kg|cm|m2|%|integer|int|string|date|float"
    r"|number|boolean|text|varchar|decimal|datetime|timestamp|e\.?g\.?"
)
"""What stands in brackets after a field and is none of its values."""
_NUMERAL = re.compile(r"-?\d+(?:\.\d+)?")
_ENDS = {".", ";", ")", "!", "?"}
_MEANT = set(
    """
    business basic standard small large big normal personal foreign new old full high medium low returns return
    """.split()
)
"""Empty words that are values beside a share: `20% new`."""


@dataclass(slots=True)
class Share:
    """A percentage and the words it is of."""

    first: int
    last: int
    part: float
    words: tuple[str, ...]
    text: str


class ValueReader(NoteReader):
    """A reader that sees shares and values."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.parts: dict[int, list[float]] = {}
        """Shares of values, by where the values are put."""
        self.shares: list[Share] = []

    def _find_distributions(self) -> None:
        """Values with their shares: of the field before them, or each of what has such a value."""
        for one in distributions(self.tokens, lambda at: not self.used[at]):
            texts = [self._value(first, last) for first, last, _ in one.values]
            head = self._told(one.head)
            if (cut := self._named_inside(one.values[0][0], one.values[0][1])) is not None:
                first, last, part = one.values[0]
                head, texts[0] = cut, self._value(cut + 1, last)
                one.values[0] = (cut + 1, last, part)
            if head >= 0 and not self._is_rows(head) and not self.used[head]:
                self.values[head], self.parts[head] = texts, [part for *_, part in one.values]
                self.use(head + 1, one.last, "values")
                continue
            for (first, last, part), text in zip(one.values, texts, strict=True):
                words = tuple(self.word(at) for at in range(first, last + 1))
                self.shares.append(Share(first, last, part, words, f"{text} {part:.0%}"))
            self.use(one.first, one.last, "share")

    def _told(self, head: int) -> int:
        """What values are of, where only a pronoun or a verb stands right before: `the channel that brought them:`."""
        while head > 0 and (self.used[head] == "type" or self.word(head) in ("enum", "(", ":")):
            head -= 1
        if head < 0 or head in self.inside or (self.word(head) not in idle_words() and self.mark_at(head, 1)):
            return head
        for at in range(head, max(head - 7, -1), -1):
            if self.word(at) in terms.SEPARATORS | terms.JOINERS | {".", ":", "("}:
                break
            mark = next((one for size in (3, 2, 1) if (one := self.mark_at(at - size + 1, size))), None)
            if at in self.inside or (mark is not None and mark.is_field and self.word(at) not in terms.BARE):
                return at
        return head

    def _named_inside(self, first: int, last: int) -> int | None:
        """Where a value begins with the name of what it is a value of, `severity mild`: the name's last token."""
        for end in range(last - 1, first - 1, -1):
            mark = self.mark_at(first, end - first + 1)
            if mark is not None and mark.is_field and not (mark.kinds and mark.is_plural):
                return end
        return None

    def _is_rows(self, at: int) -> bool:
        """Whether a word stands for rows or is empty, and is no field."""
        if at in self.inside:
            return False
        phrase = (self.word(at),)
        is_said = self.is_field(phrase) and self.word(at + 1) in ("should", "are", "must") and len(phrase) == 1
        is_table = phrase in kinds() and not is_said and (self.tokens[at].is_plural or not self.is_field(phrase))
        return is_table or self.word(at) in (idle_words() | terms.ROWS | terms.OPENERS) - terms.NOUNS

    def _value(self, first: int, last: int) -> str:
        """A value as it was said, without quotes and articles."""
        text = self.text_of(first, last).strip(" \"'“”‘’`")
        return re.sub(
            r"(?i)^(?:(?:is|are|can be|be|being)\s+)?(?:(?:one|any) of:?\s+|either\s+|an?\s+|the\s+|e\.?g\.?,?\s+)?",
            "",
            text,
        )

    def _find_shares(self) -> None:
        for at, token in enumerate(self.tokens):
            if not token.is_share or self.used[at] or not 0 <= token.number <= 100:
                continue
            part = token.number / 100 if token.is_share and token.number > 1 or "%" in token.text else token.number
            after = self._clause(at + 1, 1)
            words = self._telling(after)
            if words and words[0][1] in terms.NO_SHARE:
                continue
            if not words:
                before = self._clause(at - 1, -1)
                words = self._telling(before[::-1])[-2:]
            if not words and self.word(at - 1) == "(":
                words = self._telling(self._clause(at - 2, -1)[::-1])[-2:]
            back = at - 2 if self.word(at - 1) == "(" else at - 1
            if not words and (back in self.inside or self._names_field(back)):
                words = [(at, "true")]
            if not words:
                continue
            first, last = min(at, words[0][0]), max(at, words[-1][0])
            self.shares.append(Share(first, last, part, tuple(word for _, word in words), self.text_of(first, last)))
            self.use(at, at, "share")
            for where, _ in words:
                self.use(where, where, "share")

    def _clause(self, at: int, way: int) -> list[int]:
        found: list[int] = []
        while 0 <= at < len(self.tokens) and len(found) < 9:
            token = self.tokens[at]
            if (
                token.kind == "number"
                or (token.kind == "mark" and token.text not in "\"'“”‘’~")
                or token.word in ("and", "with", "while", "but")
            ):
                break
            found.append(at)
            at += way
        return found

    def _telling(self, places: list[int]) -> list[tuple[int, str]]:
        """Of a clause, the words that are a value or a field: no empty ones, no tables."""
        empty = idle_words() - _MEANT
        found = []
        for at in places:
            if self.word(at) in ("optional", "nullable"):
                found.append((at, "missing"))
                continue
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
            if at in self.inside:
                continue
            if (token.word,) in kinds() and token.is_plural and token.word not in ("return", "refund"):
                continue
            found.append((at, token.word))
        return found[:4]

    def _find_values(self) -> None:
        marks = self.find_marks()
        for mark in [*[one for one in marks if one.is_field], *self._strangers(marks)]:
            if not self.is_valued(mark):
                self._find_values_of(mark)
        self._find_letters()

    def _find_values_of(self, mark: Mark) -> None:
        """Values after a name: in brackets, after a colon or `such as`, or right behind it, `a, b or c`."""
        at, skipped, is_told = self._begin_values(mark)
        opened = self.word(at)
        if opened in ("split", "divided", "spread", "distributed") and (to := self._split_into(at)):
            items, end = self._items(to, _ENDS | {"with"}, ends_with_or=True, ends_with_and=True)
            self._keep(mark, items, to - 1, end, is_sure=True)
            return
        if opened == "in" and self.word(at + 1) in ("(", "[", "{"):
            at, opened = at + 1, self.word(at + 1)
        if opened in ("(", "[", "{"):
            if not self._bands(mark, at):
                items, end = self._items(at + 1, {")", "]", "}"})
                self._keep(mark, items, at, end)
        elif opened in (":", "=", "like", "either", "e", "eg", "including") or (
            opened == "such" and self.word(at + 1) == "as"
        ):
            self._keep_opened(mark, at, opened)
        else:
            self._keep_bare(mark, at, skipped, is_told)

    def _begin_values(self, mark: Mark) -> tuple[int, int, bool]:
        """Where values of a name may begin, how many empty words stand before, and whether a clause tells them."""
        at = mark.last + 1
        while at < len(self.tokens) and self.used[at] == "type":
            at += 1
        skipped, is_told = 0, False
        if self.word(at) == "," and self.word(at + 1) in ("which", "that") and self._chooses(at + 2):
            at, skipped, is_told = at + 2, 1, True
        while self.word(at) in terms.GLUE and skipped < 5 and not self._is_letter(at):
            at, skipped = at + 1, skipped + 1
        return at, skipped, is_told

    def _keep_opened(self, mark: Mark, at: int, opened: str) -> None:
        """Values after a colon, `like`, `either`, `such as`."""
        if opened in ("like", "including") and (mark.kinds or mark.is_plural and opened == "like"):
            return
        if opened == ":" and mark.kinds and mark.is_plural:
            return
        at += {"such": 1, "e": 1}.get(opened, 0)
        if opened in (":", "=", "either") and self._chooses(at + 1):
            items, end = self._items(at + 1, _ENDS, ends_with_or=True)
            self._keep(mark, items, at, end, is_sure=True)
            return
        items, end = self._items(at + 1, _ENDS)
        slashed = opened in (":", "=") and self.word(items[0][1] + 1 if items else at) in ("/", "|")
        closed = mark.phrase[-1] in terms.CLOSED and opened in ("such", "like", "e", "eg")
        self._keep(mark, items, at, end, is_sure=slashed or closed)

    def _keep_bare(self, mark: Mark, at: int, skipped: int, is_told: bool) -> None:
        """Values right behind a name or the empty words after it: `is one of a, b`, `a, b or c`, `a/b`."""
        is_word = self.tokens[min(at, len(self.tokens) - 1)].kind == "word"
        if skipped and self.word(at - 1) == "of" and self.word(at - 2) == "one":
            items, end = self._items(at, _ENDS | {"with"}, ends_with_or=True)
        elif skipped and self._chooses(at):
            items, end = self._items(at, _ENDS | {"(", "with"}, ends_with_or=True)
            self._keep(mark, items, at, end, is_sure=is_told)
            return
        elif mark.phrase[-1] in terms.CLOSED and is_word and self._chooses(at):
            items, end = self._items(at, _ENDS | {"with", "and"}, ends_with_or=True)
        elif (
            self.word(at + 1) in ("/", "|")
            and is_word
            and (self.word(at),) not in kinds()
            and (not self._names_field(at) or self._is_closed_name(mark) or self.word(at - 1) == "enum")
        ):
            items, end = self._items(at, {".", ";", ")", ",", "and", "with"})
        else:
            return
        self._keep(mark, items, at, end, is_sure=True)

    def _strangers(self, marks: list[Mark]) -> list[Mark]:
        """Words that nobody knows and that values may follow: `fuel (petrol, diesel)`, `roast is light or dark`."""
        taken = {at for mark in marks for at in range(mark.first, mark.last + 1)}
        found = []
        for at, token in enumerate(self.tokens):
            plain = token.kind == "word" and not self.used[at] and at not in taken and token.word not in idle_words()
            after = self.word(at + 1)
            after = "(" if after == "in" and self.word(at + 2) in ("(", "[", "{") else after
            parted = (self.word(at + 2), self.word(at + 4))
            slashed = parted in (("/", "/"), ("|", "|")) and self.tokens[at + 1].kind == "word"
            opens = (
                slashed
                or after in ("(", "[", "{", "=", "either")
                or (
                    after in (":", "is", "are", "can", "being", "one")
                    and (self._chooses(at + 1) or (after, self.word(at + 2)) == ("one", "of"))
                )
            )
            if plain and opens and not (token.is_plural and after == "("):
                found.append(Mark(at, at, (token.word,), False, [], token.is_plural, False))
        return found

    def _bands(self, mark: Mark, at: int) -> bool:
        """`size (1-10, 11-50, 51+)`: ranges in brackets are values, where there are several."""
        close = self.brackets.get(at, 0)
        inside = [limit for limit in self.ranges if at < limit.first and limit.last < close]
        parts = 1 + sum(self.word(place) in (",", "/", "|", ";") for place in range(at, close))
        if len(inside) < 2 or parts < len(inside) or parts > len(inside) + 1 or mark.kinds:
            return False
        spans = self._items(at + 1, {")", "]", "}"})[0]
        self.ranges = [limit for limit in self.ranges if limit not in inside]
        self.values[mark.first] = [self.text_of(*span).strip() for span in spans]
        self.use(at, close, "values")
        return True

    def _split_into(self, at: int) -> int:
        """Where the values of `split evenly between a, b and c` begin; 0 where none do."""
        for place in range(at + 1, at + 4):
            if self.word(place) in ("between", "among", "across", "into", "over"):
                return place + 1
        return 0

    def _find_letters(self) -> None:
        """`grade A to F`: every letter between."""
        for at in range(1, len(self.tokens) - 2):
            first, last = self.tokens[at].text, self.tokens[at + 2].text
            ends = re.fullmatch(r"[A-Z]", first) and re.fullmatch(r"[A-Z]", last) and 1 < ord(last) - ord(first) < 12
            if not ends or self.word(at + 1) not in ("-", "–", "to", "through") or self.used[at]:
                continue
            back = at - 1
            while self.word(back) in terms.GLUE | {"(", ":", "from", "between"}:
                back -= 1
            if back >= 0 and self.tokens[back].kind == "word" and back not in self.values:
                self.values[back] = [chr(code) for code in range(ord(first), ord(last) + 1)]
                self.use(back + 1, at + 2, "values")

    def _is_letter(self, at: int) -> bool:
        """Whether a capital stands alone, a value: `group A, B or O`."""
        return at < len(self.tokens) and len(self.tokens[at].text) == 1 and self.tokens[at].text.isupper()

    def _chooses(self, at: int) -> bool:
        """Whether `a, b or c` stands at a place."""
        words = [self.word(place) for place in range(at, min(at + 16, len(self.tokens)))]
        stop = next((place for place, word in enumerate(words) if word in (".", ";", "with", ")", "and")), len(words))
        return "or" in words[1:stop]

    def _names_field(self, at: int) -> bool:
        mark = self.mark_at(at, 1)
        return mark is not None and mark.is_field

    def _items(
        self, at: int, ends: set[str], ends_with_or: bool = False, ends_with_and: bool = False
    ) -> tuple[list[tuple[int, int]], int]:
        """Stretches between separators, up to an end or up to one that is a field or a table."""
        found: list[tuple[int, int]] = []
        start = at
        breaks: set[str] = {",", "/", "|", "or", "and"} | ({";"} if ")" in ends and ";" not in ends else set())
        while at <= len(self.tokens):
            word = self.word(at)
            if len(breaks) > 2 and word in ("/", "|"):
                breaks = {word, "or"} if not found else breaks
            elif word in breaks or (
                self.names.get(at) is not None and ")" not in ends and not self.tokens[at].text[:1].isupper()
            ):
                ends = ends | (set() if word in breaks else {word})
            if len(breaks) == 2 and word in (",", "and"):
                ends = ends | {word}
            if word in ("~", "*", "#", ">", "…"):
                ends = ends | {word}
            if at == len(self.tokens) or word in ends or word in breaks:
                if at > start:
                    found.append((start, at - 1))
                last = ("or", "and") if ends_with_and else ("or",)
                if ends_with_or and self.word(start - 1) in last and at > start:
                    break
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
            if self.tokens[start].kind == "number" and (self.word(last),) in kinds() and last > start:
                return
            if not bracketed and not is_sure and self._is_other(start, last):
                break
            text = self._value(start, last)
            if text and not re.fullmatch(_NO_VALUE, text):
                values.append(text)
            stop = last
        fields = sum(self._is_other(start, last) for start, last in items)
        counts = bool(items) and self.word(items[0][1]) in terms.ROWS
        if bracketed and len(items) == 1 and not mark.kinds and not self.used[items[0][0]] and not counts:
            self.use(items[0][0], items[0][1], "note")
        if len(values) < 2 or (bracketed and not self._lists_values(mark, fields, len(items))):
            return
        unit = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:[a-z]+|[%€$£])", values[-1])
        if unit and all(_NUMERAL.fullmatch(value) for value in values[:-1]):
            values[-1] = unit[1]
        self.values[mark.first] = list(dict.fromkeys(values))
        self.use(mark.last + 1, end if bracketed else stop, "values")

    def _lists_values(self, mark: Mark, fields: int, many: int) -> bool:
        """Whether what is in brackets after a name are its values, and not its fields; `fields` of `many` may be."""
        if mark.kinds and (mark.is_plural or not self._is_closed_name(mark)):
            return fields == 0
        if self._is_closed_name(mark):
            return True
        known = mark.is_field and not mark.is_plural
        return fields < many if known else fields * 2 <= many

    def _is_closed_name(self, mark: Mark) -> bool:
        """Whether a name is one of those that have a few values."""
        meaning = self.meaning_of(mark.phrase)
        return mark.phrase[-1] in terms.CLOSED or (meaning is not None and meaning.short.get("type") == "enum")

    def _is_other(self, start: int, last: int) -> bool:
        """Whether a stretch is a field's or a table's name."""
        while start < last and self.word(start) in ("a", "an", "the", "their", "its"):
            start += 1
        found = self.mark_at(start, last - start + 1)
        return found is not None and (found.is_field or bool(found.kinds))
