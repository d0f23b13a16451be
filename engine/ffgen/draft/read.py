"""A description to a request: which tables, which fields in them, how many, and how they hang together.

The sentence is read from left to right. Before `with`, `including`, `:` or a bracket stand tables, after it fields;
what a table's own words mean there goes before what they mean elsewhere. What is said of a field (a range, a share,
that it is unique) is put to it afterwards, in `settle`.
"""

import re

from ffgen.draft import terms
from ffgen.draft.beside import is_adjective, is_aside, is_stray, is_unit, says_more
from ffgen.draft.catalogue import by_phrase
from ffgen.draft.columns import FieldReader
from ffgen.draft.counts import is_count
from ffgen.draft.guess import by_unit, guess
from ffgen.draft.lists import lists_on, lists_tables, named_table
from ffgen.draft.naming import name_of, snake
from ffgen.draft.parts import Head, find_heads, take_head
from ffgen.draft.request import Asked, Request
from ffgen.draft.scan import Mark, domain_phrases
from ffgen.draft.scope import look_around
from ffgen.draft.spell import vocabulary
from ffgen.draft.spoken import find_subjects, names_subject, take_subject
from ffgen.draft.tables import is_owner, is_table, new_table, take_table
from ffgen.draft.words import Phrase, idle_words, plural

MOST_TABLES = 12
_COPULAS = ("is", "are", "has", "have", "was", "were", "be")


_WHO = {"they", "it", "he", "she", "was", "were", "is", "are", "the", "order", "user", "customer", "member", "got"}


class Reader(FieldReader):
    """One reading of one description."""

    def read(self) -> Request:
        """The whole description."""
        look_around(self)
        self.marks = {mark.first: mark for mark in self.find_marks()}
        find_subjects(self)
        self.heads = find_heads(self)
        """What begins the part of a table: `patients (500): name, ...`."""
        at = 0
        while at < len(self.tokens):
            at = self._take_part(at) if at in self.heads else self._step(at)
            name = self.table.name if self.table else ""
            if not self.sections or self.sections[-1][1] != name:
                self.sections.append((at, name))
        self._flush()
        self._place_pending()
        return self.request

    def _take_part(self, at: int) -> int:
        """The head of a table's part."""
        self._flush()
        return take_head(self, self.heads[at])

    def _step(self, at: int) -> int:
        """Reads what stands at a place; where to go on."""
        token = self.tokens[at]
        if self.used[at]:
            return at + 1
        mark = self.marks.get(at)
        if (
            token.word in ("table", "sheet", "entity", "collection")
            and not token.is_plural
            and (last := named_table(self, at + 1))
        ):
            self._flush()
            return take_head(self, Head(at + 1, last, last + 1))
        if at in self.subjects and len(self.request.tables) < MOST_TABLES and names_subject(self, at):
            self._flush()
            return take_subject(self, at)
        if (mark is None or mark.last == at) and (last := self._numbered(at)):
            return last + 1
        if self.listing and (last := self._dated(at) or self._headed(at, mark)):
            return last + 1
        if (
            self.naming
            and token.kind == "word"
            and token.is_plural
            and self.word(at + 1) in (",", "and", ".", "", "(", ";", ":")
            and (mark is None or (not mark.kinds and mark.last == at))
        ):
            self._flush()
            new_table(self, token.word, at, at)
            return at + 1
        if mark is not None:
            return self._take(mark)
        if token.kind == "mark" or token.word in terms.JOINERS or token.word in terms.OPENERS:
            self._separate(at)
        elif (token.word in terms.MEASURES or len(token.text) > 1 and by_unit(token.word)) and self.word(
            at - 1
        ) == "in":
            self.use(at, at, "unit")
        elif token.kind == "word":
            self.item.append(at)
            if token.word in ("every", "per"):
                self.each = token.word
        return at + 1

    def _numbered(self, at: int) -> int:
        """`number of rooms`: the last token of what is counted; 0 where nothing is."""
        counts = self.word(at) in ("number", "count", "no") and self.word(at + 1) == "of"
        if not counts or not self.word(at + 2).isalpha():
            return 0
        last = min(self.marks[at + 2].last if at + 2 in self.marks else at + 2, len(self.tokens) - 1)
        self._flush()
        phrase = ("number", "of", *(self.tokens[place].word for place in range(at + 2, last + 1)))
        self.add(phrase, at, last, None, guess(list(phrase)))
        return last

    def _dated(self, at: int) -> int:
        """`date returned`: the last token of a date or time that is named by what was done; 0 where there is none."""
        if (last := self._told_when(at)) or self.tokens[at].is_plural:
            return last
        done = at + 1 < len(self.tokens) and self.tokens[at + 1].text.lower().endswith("ed")
        ends = self.word(at + 2) in (",", ".", ";", ")", "", "and", "(", "between", "from", "in") or self.used[
            at + 2 : at + 3
        ] == ["limit"]
        if self.word(at) not in ("date", "time") or not done or not ends or self.used[at + 1] or self.item:
            return 0
        phrase = (self.word(at + 1), self.word(at))
        self._flush()
        self.add(phrase, at, at + 1, self.meaning_of(phrase), guess([self.word(at)]))
        return at + 1

    def _told_when(self, at: int) -> int:
        """`the date they joined`, `when it was abandoned`: the last token of what says so; 0 where nothing does."""
        place = at + 1
        while self.word(place) in _WHO:
            place += 1
        done = place < len(self.tokens) and self.tokens[place].text.lower().endswith("ed")
        if self.word(at) not in ("date", "day", "time", "when") or place == at + 1 or not done or self.item:
            return 0
        last = place + (self.word(place + 1) in ("up", "out", "in", "off"))
        if self.word(last + 1) not in (",", ".", ";", ")", "", "and", "("):
            return 0
        is_day = self.word(at) in ("date", "day")
        phrase = (*(self.word(one) for one in range(place, last + 1)), "date" if is_day else "at")
        self._flush()
        self.add(phrase, at, last, self.meaning_of(phrase), guess(["date" if is_day else "timestamp"]))
        return last

    def _headed(self, at: int, mark: Mark | None) -> int:
        """A field of two words the other way round, `date of incident`, or for each of something, `cost per click`: its
        last token; 0 where none begins."""
        head, between = self.word(at), self.word(at + 1)
        is_span = head in terms.SPANS and between in ("since", "until", "to", "between", "after", "before", "from")
        if not is_span and (head not in terms.HEADED or between not in ("of", "per")):
            return 0
        if mark is not None and mark.last > at:
            return 0
        start = at + 3 if self.word(at + 2) in ("the", "a", "an", "each") else at + 2
        first = self.marks.get(start)
        last = first.last if first else start
        known = start < len(self.tokens) and self.tokens[start].kind == "word" and not any(self.used[start : last + 1])
        if not known or self.word(start) in terms.OPENERS | terms.STOPS or (first and first.kinds and first.is_plural):
            return 0
        rest = tuple(self.word(place) for place in range(start, last + 1))
        phrase = (*rest, head) if between == "of" else (head, between, *rest)
        self._flush()
        if is_span:
            self.add((plural(head), *phrase[1:]), at, last, None, guess([head]))
            return last
        meaning = self.meaning_of((*rest, head) if between == "of" else phrase)
        short = None if meaning else guess([head])
        self.add(phrase, at, last, meaning, short)
        return last

    def _separate(self, at: int) -> None:
        word = self.word(at)
        following = self.word(at + 1)
        if word in terms.JOINERS or word in terms.SEPARATORS:
            self._flush()
            if word in (",", ";"):
                self.each = ""
        elif word in (".", "!", "?"):
            self._flush()
            self.each, self.naming, self.in_part = "", False, False
            self.listing = self.table is not None and lists_on(self, at + 1)
        elif word in ("is", "are") and self.word(at - 1) == "there" and self.table is not None:
            self._flush()
            self.listing = True
        elif word == "each":
            self.each = "each"
            if following in ("has", "have", "with", "having", "a", "an") or (following == "one"):
                self._flush()
                self.listing = True
        elif (
            word in ("has", "have", "is")
            and self.listing
            and self.word(at - 1) in (",", "and", "with", ":", "(", ";", "or")
            and following not in ("a", "an", "the", "no", "been")
        ):
            self.item.append(at)
        elif word in terms.OPENERS or word in (":", "(", "=", "-", "–", "—"):
            self._flush()
            self.naming = word == ":" and (self.word(at - 1) == "table" or lists_tables(self, at + 1))
            self.is_named = self.is_named or word in terms.FIELDS
            self.listing, self.is_listing_tables = True, False
        elif word == ")":
            self._flush()

    def _take(self, mark: Mark) -> int:
        following = self.word(mark.last + 1)
        if self.names.get(mark.first) == mark.last and not mark.kinds:
            return self._take_name(mark)
        if mark.phrase == ("table",) and not self.tokens[mark.first].is_glued:
            self.use(mark.first, mark.last, "table")
            return mark.last + 1
        if mark.phrase == ("line",) and self.tokens[mark.first - 1].kind == "number" and self.request.tables:
            self.use(mark.first, mark.last, "count")
            return mark.last + 1
        if (
            mark.kinds
            and (not mark.is_plural or mark.phrase[-1] in terms.COLLECTIVE)
            and following in terms.PARTS
            and not self.marks.get(mark.last + 1, mark).kinds
        ):
            known = self.mark_at(mark.first, mark.last - mark.first + 2)
            if known is None and not self.used[mark.last + 1]:
                phrase = (*mark.phrase, following)
                self._flush()
                self.add(phrase, mark.first, mark.last + 1, None, guess(list(phrase)))
                return mark.last + 2
        if len(self.request.tables) < MOST_TABLES and mark.kinds and (self.naming or is_table(self, mark)):
            self._flush()
            self.is_listing_tables = self.is_listing_tables or (
                self.listing and self.word(mark.first - 1) in terms.OPENERS | {":"}
            )
            take_table(self, mark)
        elif (
            not self.listing
            and mark.phrase in domain_phrases()
            and not self.pending
            and not self.is_valued(mark)
            and not (self.table and self.word(mark.first - 1) == "by")
        ):
            self.use(mark.first, mark.last, "domain")
        elif is_owner(self, mark):
            self.use(mark.first, mark.last, "owner")
        elif is_adjective(self, mark):
            self.item += range(mark.first, mark.last + 1)
            self.adjectives |= {*range(mark.first, mark.last + 1)}
        elif mark.is_field or self.listing:
            return self._take_as_field(mark)
        else:
            self.use(mark.first, mark.last, "table")
        return mark.last + 1

    def _take_as_field(self, mark: Mark) -> int:
        """A field, where it is neither what is logged nor a unit nor part of another name."""
        if (
            not self.table
            and not self.listing
            and not mark.kinds
            and self.word(mark.last + 1) in ("record", "data", "dataset", "log", "history")
            and not any(at for at in self.item if self.is_part(at))
        ):
            new_table(self, "_".join(mark.phrase), mark.first, mark.last)
            self._measure(mark)
            return mark.last + 2
        if is_unit(self, mark) or is_stray(self, mark):
            self.use(mark.first, mark.last, "unit")
        elif mark.phrase == ("id",) and self.item:
            self.item += [mark.first]
        elif len(mark.phrase) == 1 and mark.phrase[0] in terms.BARE and not self.listing and not self.table:
            self.item.append(mark.first)
        else:
            self._take_field(mark)
        return mark.last + 1

    def _take_name(self, mark: Mark) -> int:
        """A name in one piece, `order_date`: of a field, or of a table whose fields follow."""
        self._flush()
        is_said = self.word(mark.first - 1) in ("table", "called", "named") or (
            not self.request.tables
            and not self.pending
            and self.word(mark.last + 1) in (",", ":", "-", "with", "|")
            and is_count(self, mark.last + 2)
            and self.word(mark.last + 3) in terms.ROWS
        )
        is_said = is_said or (
            mark.first == 0 and self.tokens[mark.last].is_plural and self.word(mark.last + 1) in (";", "|", ",")
        )
        opens = self.word(mark.last + 1) in ("(", ":", "table", "with", "has") and not self.is_valued(mark)
        many = self.tokens[mark.last].is_plural and not mark.is_known
        if is_said and not self.listing or opens and many:
            new_table(self, "_".join(mark.phrase), mark.first, mark.last)
            return mark.last + 1
        meaning, short = self.named(mark.phrase, mark.last)
        asked = self.add(mark.phrase, mark.first, mark.last, meaning, short)
        if asked is not None and (asked.first, asked.last) == (mark.first, mark.last):
            asked.name = snake(self.text_of(mark.first, mark.last))
        self.listing = True
        return mark.last + 1

    def _measure(self, mark: Mark) -> None:
        """What is logged, and when: `temperature log`."""
        meaning = self.meaning_of(mark.phrase)
        if meaning is not None and meaning.short.get("type") in ("integer", "number") and self.table is not None:
            moment = Asked("timestamp", "log", ("timestamp",), by_phrase()[("timestamp",)], mark.first, mark.last)
            said = self.text_of(mark.first, mark.last)
            field = Asked(name_of(mark.phrase, meaning, said), said, mark.phrase, meaning, mark.first, mark.last)
            self.table.asked += [moment, field]

    def is_valued(self, mark: Mark) -> bool:
        """Whether values of a field are listed after it."""
        return any(at in self.values for at in range(mark.first, mark.last + 1))

    def _take_field(self, mark: Mark) -> None:
        """A phrase that is a field; unknown words right before it belong to its name."""
        before = [at for at in self.item if self.is_part(at)]
        if self.listing and is_aside(self, before[0] if before else mark.first):
            self.use(before[0] if before else mark.first, mark.last, "aside")
            self.item = []
            return
        joined = before and before[-1] == mark.first - 1 and self.listing and len(before) <= 3
        after, tail = self._tail(mark)
        if self.listing and len(tail) < 2 and self.word(mark.last + 1) in terms.DONE:
            # `breakfast included`: whether, not which
            self._flush()
            phrase = (*mark.phrase, self.word(mark.last + 1))
            meaning = by_phrase().get(phrase)
            self.add(phrase, mark.first, mark.last + 1, meaning, None if meaning else {"type": "boolean"})
            return
        if joined:
            words = [self.word(at) for at in before] + list(mark.phrase) + list(tail)
            meaning = self.meaning_of(tuple(words)) or self.meaning_of(mark.phrase)
            first = before[0]
            self.item = [at for at in self.item if at < first]
            short = guess(words) if mark.phrase[-1] not in ("date",) or len(mark.phrase) == 1 else None
            if short is not None and meaning is not None and says_more(mark.phrase):
                short = None
            self._flush()
            self.add(tuple(words), first, after, None if short else meaning, short)
            return
        self._flush()
        meaning = self.meaning_of(mark.phrase)
        if tail:
            words = [*mark.phrase, *tail]
            known = self.meaning_of(tuple(words))
            if known is None and tail[-1] in ("flag", "indicator"):
                self.add(tuple(words), mark.first, after, None, {"type": "boolean"})
                return
            head = self.meaning_of(tail) if tail[-1] in terms.HEADS else None
            if known is None and head is not None:
                dated = meaning is not None and meaning.short.get("type") in ("date", "datetime")
                known = meaning if dated and tail[-1] in ("date", "time") else head
            if known is None and tail[-1] in terms.COUNTS:
                short = {"type": "integer", "range": [1, 10]} if tail[-1] == "number" else guess(words)
                self.add(tuple(words), mark.first, after, None, short)
                return
            self.add(tuple(words), mark.first, after, known or meaning, None)
            return
        self.add(mark.phrase, mark.first, after, meaning, None)

    def _tail(self, mark: Mark) -> tuple[int, Phrase]:
        """What follows a field without a separator and belongs to its name: `weight lifted`, `posted date`."""
        at, tail = mark.last + 1, list[str]()
        if not self.listing and not (self.tokens[at : at + 1] and self.tokens[at].is_glued):
            return mark.last, ()
        while at < len(self.tokens) and len(tail) < 2:
            token, following = self.tokens[at], self.marks.get(at)
            if token.kind != "word" or self.used[at] or token.word in terms.OPENERS | terms.JOINERS:
                break
            if following is not None:
                if len(following.phrase) != 1 or token.word not in terms.HEADS or following.kinds:
                    break
                self.marks.pop(at)
            elif not (self.is_part(at) or token.word in terms.COUNTS) or token.word in terms.VERBS or token.is_plural:
                break
            tail.append(token.word)
            at += 1
        return at - 1, tuple(tail)

    def _flush(self) -> None:
        """What the words since the last separator are, where the catalogue has none of them."""
        item, self.item = self.item, []
        words = [at for at in item if self.is_part(at)]
        if not words:
            return
        run = [at for at in words if at >= words[-1] - (len(words) + 3)]
        if all(self.word(at) in _COPULAS for at in run) or (self.listing and is_aside(self, run[0])):
            return
        if self.listing and (self.table is not None or self.pending or self.is_named) and len(run) <= 4:
            phrase = tuple(self.word(at) for at in run)
            short = guess(list(phrase))
            self.add(phrase, run[0], run[-1], None, short)
        elif not self.listing:
            self._take_unknown(run)

    def _take_unknown(self, run: list[int]) -> None:
        """Words before any list: perhaps a table that the catalogue does not have."""
        run = [at for at in run if (self.word(at),) not in domain_phrases() and self.word(at) not in idle_words()]
        if not run:
            return
        numbers = [at for at in range(max(run[0] - 3, 0), run[0]) if is_count(self, at)]
        heads = [
            at
            for at in run
            if self.tokens[at].is_plural and (self.word(at) not in vocabulary() or at - 1 in self.adjectives)
        ]
        data = [at for at in run if self.word(at + 1) in ("data", "dataset", "record", "table", "list", "information")]
        ones = numbers and self.tokens[numbers[-1]].number == 1
        head = heads[-1] if heads else (data[-1] if data else (run[-1] if ones else -1))
        if head < 0 or (self.table is not None and not numbers and not self.request.is_linked):
            return
        one = self.word(head)
        start = head - 1 if head - 1 in run and self.word(head - 1) not in vocabulary() else head
        while start - 1 in self.adjectives and head - start < 2:
            start -= 1
        singular_name = "_".join(self.word(at) for at in range(start, head + 1))
        if not re.fullmatch(r"[a-z0-9_]{2,60}", singular_name) or one in terms.ROWS:
            return
        new_table(self, singular_name, start, head, numbers[-1] if numbers else -1)
