"""Which tables a description wants, how many rows each has, and how many of them belong to one of another."""

import re

from ffgen.draft import outline, terms
from ffgen.draft.catalogue import Kind, by_phrase, domains, field_phrases, kinds
from ffgen.draft.guess import guess
from ffgen.draft.relations import Mention
from ffgen.draft.request import Wanted
from ffgen.draft.scan import Head, Mark, Scanner
from ffgen.draft.subjects import subjects
from ffgen.draft.words import Phrase, fold, idle_words, plural, singular

MOST_ROWS = 1_000_000_000
_BEFORE_HEAD = {
    "sheet",
    "tab",
    "collection",
    "table",
    "a",
    "an",
    "the",
    "and",
    "then",
    "finally",
    "also",
    "first",
    "second",
    "third",
    "of",
    "entity",
}
_BEFORE_HEAD |= {"called", "named", "about", "around", "exactly", "roughly", "one", "two", "next", "last"}
_NO_HEADS = {"requirement", "note", "rule", "constraint", "format", "output", "detail", "structure", "schema", "rest"}
_NO_HEADS |= {
    "description",
    "spec",
    "distribution",
    "breakdown",
    "value",
    "option",
    "example",
    "context",
    "ps",
    "thing",
}
_NO_HEADS |= {
    "this",
    "following",
    "information",
    "property",
    "table",
    "dataset",
    "data",
    "detail",
    "way",
    "csv",
    "need",
}
_POINTING = {"fk", "reference", "→", ">", "referencing"}
"""Words before a table that another one refers to."""
_STOPPING = {
    "per",
    "of",
    "in",
    "the",
    "so",
    "that",
    "this",
    "who",
    "which",
    "is",
    "are",
    "was",
    "were",
    "by",
    "to",
    "from",
}
"""Words between a number and a table that say that the number counts something else."""
_LATER = terms.NOUNS | {"list", "item", "entry", "line", "log", "set"}
"""Words that say little alone, and are part of a longer name."""
_ANYBODY = ("person", "human", "individual", "contact", "household")
"""Words for people that say nothing of who they are."""


class TableReader(Scanner):
    """A scanner that takes tables, counts and relations."""

    def _is_table(self, mark: Mark) -> bool:
        kind = self._kind(mark)
        many = mark.is_plural
        if mark.phrase == ("line",) and self.request.tables and self._is_count(mark.first - 1):
            return False
        if self._is_owner(mark):
            return False
        if self.in_part and not self._opens_part(mark):
            return False
        if mark.phrase == ("person",) and self.word(mark.first - 1) in (
            "that",
            "which",
            "where",
            "when",
            "because",
            "so",
            "if",
        ):
            return False
        if self._is_told(mark):
            return True
        if (
            self.listing
            and self.word(mark.first - 1) in _POINTING
            or self.word(mark.first - 2) in _POINTING
            and self.listing
        ):
            return False
        if self.word(mark.first - 1) == "real" or (self.listing and self._is_bounded(mark)):
            return False
        before = self._before(mark.first)
        numbered = self.tokens[before].kind == "number" if before >= 0 else False
        pointed = self._points(mark.first)
        if self.request.table(kind.name) and (not mark.is_field or many):
            return not (self.listing and not many and not pointed)
        after = self.marks.get(mark.last + 1)
        adjective = not many or (not self.tokens[mark.last].is_plural and after is not None and bool(after.kinds))
        if adjective and after is not None and not pointed:
            # `customer orders`, `patient age`: a word that only says whose
            return (
                not self.listing
                and not self.request.tables
                and not after.kinds
                and not (mark.is_field and kind.is_soft)
            )
        if numbered or pointed:
            return True
        if many and not self.listing and self._stands_in_list(mark):
            return True
        if not self.listing and self.pending and mark.is_field and not many:
            return False
        if not self.listing:
            linked = self.request.is_linked or (many and self._is_linked(kind))
            soft = kind.is_soft and self.table is not None and not linked
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

    def _find_subjects(self) -> None:
        """Words that are tables by the way they are spoken of, wherever they stand."""
        phrases = subjects(self.tokens, self._is_plain, self._is_thing, self._is_strange)
        for at in range(len(self.tokens)):
            for phrase in phrases:
                span = range(at, at + len(phrase))
                if at not in self.subjects and phrase == tuple(self.word(place) for place in span):
                    if span[-1] < len(self.tokens) and not any(self.used[place] for place in span):
                        self.subjects[at] = span[-1]

    def _is_plain(self, at: int) -> bool:
        """Whether a token may be part of a table's name that nobody knows."""
        word = self.word(at)
        return at < len(self.tokens) and not self.used[at] and (word not in idle_words() | terms.OPENERS | terms.JOINERS or word in _LATER)

    def _is_strange(self, phrase: Phrase) -> bool:
        """Whether a phrase is no table of the catalogue and no empty word."""
        return phrase not in kinds() and phrase[-1:] not in kinds() and not all(word in idle_words() for word in phrase)

    def _is_thing(self, phrase: Phrase) -> bool:
        """Whether a phrase may be a thing of which there are rows: no table of the catalogue, no number, no date."""
        if all(word in idle_words() for word in phrase):
            return False
        if phrase in kinds() or phrase[-1:] in kinds() or not all(word.isalpha() for word in phrase):
            return False
        meaning = by_phrase().get(phrase)
        short = meaning.short if meaning else guess([*phrase]) or {}
        return (
            short.get("type", "string") in ("string", "enum", "text")
            or short.get("type") == "boolean"
            and meaning is None
        )

    def _names_subject(self, at: int) -> bool:
        """Whether such a word is spoken of as a table here."""
        last = self.subjects[at]
        before = self.word(at - 1)
        if self.listing and (before in _POINTING or self.word(at - 2) in _POINTING):
            return False
        if before in ("each", "every", "per") or (
            before in ("a", "an", "one", "the") and self.word(at - 2) in (".", ";", "", "!")
        ):
            return True
        opens = self.word(last + 1) in ("(", ":", "with", "has", "have", "who", "per", "each", "including")
        counted = self.tokens[at - 1].kind == "number" if at else False
        starts = before in (".", ";", "", "!", "?")
        if not self.tokens[last].is_plural:
            return False
        return opens or counted or starts or not self.listing

    def _take_subject(self, at: int) -> int:
        """A table that the catalogue does not have."""
        last = self.subjects[at]
        phrase = tuple(self.word(place) for place in range(at, last + 1))
        mark = Mark(at, last, phrase, False, [], self.tokens[last].is_plural, False)
        self._new_table("_".join(phrase), at, last, focus=False)
        wanted = self.request.table(plural("_".join(phrase)))
        assert wanted is not None
        self._relate(wanted, mark)
        self._count(wanted, mark)
        one_of = self.word(at - 2) == "of" and self.word(at - 3) in ("one", "1")
        if (
            self.word(at - 1) not in ("per", "by")
            and not one_of
            and not (self.word(at - 1) == "each" and self.word(at - 2) == "for")
        ):
            self.table = wanted
        if self.word(last + 1) not in (",", "and"):
            self.listing = self.is_listing_tables = False
        return last + 1

    def _find_heads(self) -> None:
        """`patients: ...`, `40 widgets (...)`, `table orders - ...` where a sentence or a line begins."""
        for at in range(len(self.tokens)):
            before = self.word(at - 1)
            if at and before not in (".", ";", "!", "?", ":"):
                if before not in (",", "and") or self.word(at + 1) != "(" or at not in self._many():
                    continue
            if head := self._head(at):
                self.heads[head.first] = head

    def _many(self) -> set[int]:
        """Where plurals stand that are a table's name."""
        return {
            at
            for at, token in enumerate(self.tokens)
            if token.is_plural and (token.word,) in kinds() or at in self.subjects
        }

    def _head(self, at: int) -> Head | None:
        number, start, is_named = -1, at, False
        while self.word(at) in _BEFORE_HEAD or (self._is_count(at) and number < 0):
            number = at if self._is_count(at) else number
            is_named = is_named or self.word(at) in ("table", "entity", "called", "named", "sheet", "tab", "collection")
            at += 1
        first = at
        while at < len(self.tokens) and self.tokens[at].kind == "word" and at - first < 4 and not self.used[at]:
            if self.word(at) in terms.OPENERS | terms.JOINERS | terms.VERBS | {"of", "table"}:
                break
            at += 1
        last = at - 1
        if last < first or self.tokens[last].kind != "word":
            return None
        after = at + (self.word(at) == "table")
        is_named = is_named or self.word(at) == "table"
        close = outline.brackets(self.tokens).get(after, 0) if self.word(after) in ("(", "[") else 0
        if (
            close
            and (self._is_count(after + 1) or self.used[after + 1] == "limit")
            and self.word(close + 1) in (";", ":")
        ):
            many = self.tokens[last].is_plural or is_named
            if many and close - after < 9 and (number < 0 or after - 1 == number or close):
                alone = close == after + 2 or self.word(after + 2) in terms.ROWS
                return Head(first, last, close + 1 if alone else after, after + 1 if alone else number)
        if close and self._is_count(after + 1) and close - after <= 3 and number < 0:
            number, after = after + 1, close + 1
            after += self.word(after) == "table"
        if (
            self.word(after) == ","
            and self._is_count(after + 1)
            and self.word(after + 2) == ":"
            and self.tokens[last].is_plural
        ):
            return Head(first, last, after + 2, after + 1)
        alone = first == 0 and self.word(after) == ";" and (first in self._inside or self.tokens[last].is_plural)
        if alone and (after + 1 in self._inside or self.word(after + 2) in (":", "(", "-")):
            return Head(first, last, after, number)
        if self.word(after + 1) == ">":
            return None
        if self.word(after) in (":", "-", "–", "—", "=") or (self.word(after) == "(" and number != after + 1):
            is_dash = self.word(after) in ("-", "–", "—", "=")
            if self._begins_part(first, last, number >= 0 or is_named, after, is_dash):
                return Head(first, last, after, number) if start <= first else None
        return None

    def _begins_part(self, first: int, last: int, is_sure: bool, after: int, is_dash: bool) -> bool:
        phrase = tuple(self.word(at) for at in range(first, last + 1))
        is_strong = any(
            at in self.names or self.word(at) == "(" for at in range(after + 1, min(after + 12, len(self.tokens)))
        )
        again = any(
            token.word == phrase[-1] and token.is_plural for token in self.tokens[:first] + self.tokens[last + 1 :]
        )
        if again and is_strong and self.word(after) == ":" and not self._is_valued(after) and phrase in kinds():
            return True
        plain = (
            phrase not in kinds() and phrase[-1] in idle_words() | terms.ROWS | _NO_HEADS or phrase[-1] in terms.FIELDS
        )
        end = next((at for at in range(after, len(self.tokens)) if self.word(at) in (".", "!", "?")), len(self.tokens))
        stretch = [self.word(at) for at in range(after + 1, end)]
        parts = 1 + sum(word in (",", ";", "/", "+", "and") for word in stretch) + self._is_count(after + 1)
        if plain or parts < 2 or self.tokens[first].kind != "word":
            return False
        known = phrase in kinds() or phrase[-1:] in kinds()
        is_field = self._is_field(phrase) and phrase not in kinds()
        is_many = self.tokens[last].is_plural or phrase[-1] in terms.COLLECTIVE
        is_sure = is_sure or (first in self.subjects and self.subjects[first] == last and self.word(after) == ":")
        is_column = is_strong and first in self._inside and self.word(after) != "("
        is_counting = self._is_count(after + 1) and (self.word(after + 2),) in kinds()
        if self.word(after + 1) in terms.TYPES or last in self.values or is_counting:
            return False
        if is_strong and (is_many or is_column) and not self._is_valued(after):
            return True
        told = [
            at
            for at in range(after + 1, end)
            if (self.word(at),) in field_phrases() and self.word(at) not in terms.STOPS
        ]
        if is_field and not is_sure:
            return is_many and self.word(after) == ":" and len(told) > 1 and not self.listing_values(after, end)
        if self.word(after) == "(" and not is_many and not is_sure:
            return False
        return (
            is_sure
            or (known and (is_many or not is_dash or self.word(after) == "="))
            or (is_many and not self.listing_values(after, end))
        )

    def _is_valued(self, at: int) -> bool:
        """Whether what begins there are values with shares."""
        return any(token.is_share for token in self.tokens[at : at + 4])

    def listing_values(self, first: int, last: int) -> bool:
        """Whether what stands there is rather a list of values: it has an `or`, and no field that is known."""
        words = [self.word(at) for at in range(first + 1, last)]
        known = any((word,) in field_phrases() for word in words if word not in terms.STOPS)
        return not known or (0 < words.index("or") < 10 if "or" in words else False)

    def _take_head(self, head: Head) -> int:
        """Begins the part of a table."""
        found = next(
            (
                mark
                for size in range(head.last - head.first + 1, 0, -1)
                if (mark := self._mark(head.last - size + 1, size)) and mark.kinds and mark.last == head.last
            ),
            None,
        )
        phrase = tuple(self.word(at) for at in range(head.first, head.last + 1))
        self.each = ""
        if head.number >= 0:
            self.used[head.number] = self.used[head.number] or "head"
        if found is not None and self._is_another(self._kind(found), phrase):
            found = None
        if found is not None:
            self._take_table(found)
            wanted = self.request.table(self._kind(found).name)
            if wanted is not None and wanted.kind is not None:
                wanted.shown, wanted.singular = shown(wanted.kind, found.phrase)
                if self.word(head.first - 1) in ("table", "sheet") and found.is_plural:
                    wanted.shown = re.sub(r"\W+", "_", fold(self.text_of(head.first, head.last)))
                    wanted.singular = "_".join(phrase)
        else:
            self._new_table("_".join(phrase), head.first, head.last)
            wanted = self.request.table(plural("_".join(phrase)))
        self.table = wanted
        self.use(head.first, head.last, "table")
        if wanted is not None:
            wanted.headed = phrase
        number = head.number
        if (
            number < 0
            and self._is_count(head.after + 1)
            and self.word(head.after + 2) in ("of", "row", "record", ",", ".", ";")
        ):
            number = head.after + 1
        if wanted is not None and number >= 0 and self.used[number] in ("", "head"):
            self._set_count(wanted, self.tokens[number].number, number)
        self.in_part = (
            self.word(head.after) != "(" or self.word(outline.brackets(self.tokens).get(head.after, 0) + 1) == ";"
        )
        if wanted is not None:
            self._take_per(wanted, head.after + 1)
        self.each, self.listing, self.is_listing_tables = "", True, False
        return head.after

    def _is_another(self, kind: Kind, phrase: Phrase) -> bool:
        """Whether a part's name means a table that has a part of its own by another name; the one that is called just
        so keeps what the catalogue knows of it."""
        there = self.request.table(kind.name)
        if there is None or there.headed in ((), phrase):
            return False
        if "_".join(phrase) != kind.singular:
            return True
        name = plural("_".join(there.headed))
        self.sections = [(at, name if said == there.name else said) for at, said in self.sections]
        there.name, there.singular, there.shown, there.kind = name, "_".join(there.headed), "", None
        return False

    def _take_per(self, wanted: Wanted, at: int) -> None:
        """`loans - 0 to 3 per borrower:`, how many there are for each."""
        limit = next((one for one in self.ranges if one.first in (at, at + 1) and not one.is_period), None)
        last = limit.last if limit else at
        per = last + 1
        if limit is None and not self._is_count(at):
            return
        words = [self.word(place) for place in range(per, per + 3)]
        skip = (
            1
            if words[0] in ("per", "each")
            else 2
            if words[:2] in (["for", "each"], ["for", "every"], ["to", "each"])
            else 0
        )
        parent = next(
            (one for one in self.request.tables if one is not wanted and self._is_called(one, per + skip)), None
        )
        if not skip or parent is None:
            return
        low, high = (limit.low, limit.high) if limit else (self.tokens[at].number, self.tokens[at].number)
        if limit:
            self.ranges.remove(limit)
        wanted.children[parent.name] = (whole(low), whole(high))
        self.use(at, per + skip, "children")

    def _is_called(self, table: Wanted, at: int) -> bool:
        """Whether a table is named at a place."""
        names = {tuple(table.singular.split("_"))} | ({*table.kind.phrases} if table.kind else set())
        return any(name == tuple(self.word(place) for place in range(at, at + len(name))) for name in names)

    def mentions(self) -> list[Mention]:
        """Every place where a table that is wanted is named."""
        found: dict[int, Mention] = {}
        for table in self.request.tables:
            names = {tuple(table.singular.split("_"))} | ({*table.kind.phrases} if table.kind else set())
            for at in range(len(self.tokens)):
                for name in names:
                    if at not in found and name == tuple(self.word(place) for place in range(at, at + len(name))):
                        last = at + len(name) - 1
                        if self._inside.isdisjoint(range(at, last + 1)) or self.names.get(at) == last:
                            found[at] = Mention(at, last, table.name, self.tokens[last].is_plural)
        return [found[at] for at in sorted(found)]

    def owner(self, at: int) -> str:
        """The table that is spoken of at a place."""
        return next((name for place, name in reversed(self.sections) if place <= at), "")

    def _is_owner(self, mark: Mark) -> bool:
        """Whether it only says whose the rows are: `invoices of a restaurant`."""
        if not mark.is_plural and not self.listing and self.word(mark.first - 1) in ("our", "my", "this"):
            return self.word(mark.last + 1) not in ("has", "with", ":", "(")
        return (
            not mark.is_plural
            and not self.listing
            and any(
                self.word(mark.first - back) in ("a", "an", "my", "our", "their")
                and self.word(mark.first - back - 1) in ("of", "for", "from", "in", "at", "by")
                for back in ((1, 2, 3) if not mark.kinds else (1,))
            )
            and (self.table is not None or not mark.kinds)
        )

    def _stands_in_list(self, mark: Mark) -> bool:
        """Whether a table's plural stands alone between others: `students, courses, and enrolments (`."""
        before, after = self.word(mark.first - 1), self.word(mark.last + 1)
        return before in (",", "and", ":") and after in (",", "and", "(", ".", "") and bool(self.request.tables)

    def _is_told(self, mark: Mark) -> bool:
        """Whether a sentence tells of one of them: `A comment has`, `for a driver we keep`."""
        before, after = self.word(mark.first - 1), self.word(mark.last + 1)
        if mark.is_plural or before not in ("a", "an", "each", "every", "one", "1", "the"):
            return False
        opens = self.word(mark.first - 2) in (".", ";", "and", "", "!", "?", ",")
        return (opens and after in ("has", "hold", "contain", "include")) or (
            self.word(mark.first - 2) == "for" and after in ("we", "i", "they", "there", "you", "it")
        )

    def _is_bounded(self, mark: Mark) -> bool:
        """Whether a range or a type follows: `likes (0-500)`, `likes int`."""
        at = mark.last + 1
        close = self.brackets_of.get(at, 0)
        return self.used[at : at + 1] in (["type"], ["limit"]) or (
            close > 0 and all(self.used[one] in ("limit", "type", "note") for one in range(at + 1, close))
        )

    def _opens_part(self, mark: Mark) -> bool:
        """Whether, in the part of one table, another one begins: numbered, or with fields of its own."""
        opens = self.word(mark.last + 1) in ("(", ":", "with", "has", "have", "including")
        numbered = mark.first > 0 and self.tokens[mark.first - 1].kind == "number" and mark.is_plural
        if self.word(mark.first - 1) == ";" and mark.is_plural:
            return True
        return opens and (mark.is_plural or self.word(mark.first - 1) in ("each", "every")) or numbered

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
            and self.word(back) not in terms.OPENERS | terms.JOINERS | _STOPPING
        ):
            back, steps = back - 1, steps + 1
        return back

    def _kind(self, mark: Mark) -> Kind:
        name = plural("_".join(mark.phrase))
        if (exact := next((kind for kind in mark.kinds if kind.name == name), None)) is not None:
            return exact
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
        counted = next(
            (one for one in self.request.tables if one.kind and one.kind.has_people and one.count is None), None
        )
        if (
            kind.singular == "person"
            and counted is not None
            and mark.is_plural
            and self._is_count(self._before(mark.first))
        ):
            # `a staff list, 120 people`
            self._count(counted, mark)
            self.table = counted
            return
        wanted = self.request.table(kind.name)
        if wanted is None:
            wanted = Wanted(kind.name, kind.singular, kind, mark.first, said)
            wanted.shown, wanted.singular = shown(kind, mark.phrase)
            if self.word(mark.first - 1) == "table" and self.word(mark.last + 1) == "with" and mark.is_plural:
                # as in a schema: called just so
                wanted.shown = re.sub(r"\W+", "_", fold(said))
                wanted.singular = "_".join(mark.phrase)
            if self.names.get(mark.first) == mark.last:
                wanted.shown = re.sub(r"\W+", "_", fold(said))
                wanted.singular = "_".join(mark.phrase)
            self.request.tables.append(wanted)
        self._relate(wanted, mark)
        self._count(wanted, mark)
        pair = f"{self.word(mark.last + 1)} {self.word(mark.last + 2)}"
        about = self.table is not None and self.word(
            mark.first - 1 - (self.tokens[mark.first - 1].kind == "number")
        ) in ("for", "of", "by", "about", "from", "one of")
        about = about and self.word(mark.first - 2) not in ("table", "sheet", "list")
        if (
            not about
            and self.word(mark.first - 1) not in ("per", "every")
            and not (self.word(mark.first - 1) == "each" and self.word(mark.first - 2) == "for")
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
            and mark.is_plural
            and not self.used[at]
            and not self.tokens[at].is_share
            and not self.tokens[at].is_money
        ):
            self._set_count(wanted, self.tokens[at].number, at)
        elif self._is_count(mark.last + 1) and self.word(mark.last + 2) in (
            ",",
            "/",
            ";",
            "with",
            "-",
            ".",
            ":",
            "row",
            "",
        ):
            if mark.is_plural and not self.listing:
                self._set_count(wanted, self.tokens[mark.last + 1].number, mark.last + 1)
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
            said = self.text_of(at, at)
            self.request.ask("range", f"{said} {wanted.said}: there can't be so many", "1000", wanted.name)
            return
        if number > MOST_ROWS:
            self.request.ignored.append(self.text_of(at, at)[:80])
            return
        if wanted.count not in (None, int(number)):
            self.request.ask(
                "count",
                f"{wanted.said}: {wanted.count} or {int(number)}?",
                str(wanted.count),
                wanted.name,
                (str(wanted.count), str(int(number))),
            )
            return
        wanted.count = int(number)
        self.request.understood.append(f"{wanted.count} {wanted.name}")

    def _relate(self, wanted: Wanted, mark: Mark) -> None:
        """How many of these each parent has: `1 to 5 orders`, `orders per customer`, `each has several orders`."""
        many = self._quantity(mark.first) or self._quantity_each(mark)
        parent = self._parent_after(mark.last) or self._parent_before(wanted, mark, many is not None)
        if self.word(mark.first - 1) in ("per", "every", "each") or parent is None or parent is wanted:
            return
        if many is None and not (self.each or self._parent_after(mark.last)):
            return
        low, high, used = many or (None, None, None)
        wanted.children[parent.name] = (low, high)
        if used:
            self.use(*used, "children")
        self.request.understood.append(f"each {parent.singular} has {words_of(low, high)} {wanted.name}")

    def _quantity(self, first: int) -> tuple[int | None, int | None, tuple[int, int] | None] | None:
        for limit in self.ranges:
            near = limit.last < first and all(
                self.tokens[at].kind == "word" and self.word(at) not in terms.JOINERS
                for at in range(limit.last + 1, first)
            )
            if near and first - limit.last <= 3 and not limit.is_period:
                self.ranges.remove(limit)
                if limit.is_swapped:
                    self.request.ask(
                        "range",
                        f"{self.text_of(limit.first, limit.last)}: the first is above the second",
                        f"{limit.low} to {limit.high}",
                    )
                return whole(limit.low), whole(limit.high), (limit.first, limit.last)
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

    def _quantity_each(self, mark: Mark) -> tuple[int | None, int | None, tuple[int, int] | None] | None:
        """`classes with 25 pupils each`."""
        at = mark.first - 1
        if self.word(mark.last + 1) != "each" or not self._is_count(at) or not self.request.tables:
            return None
        number = int(self.tokens[at].number)
        self.use(mark.last + 1, mark.last + 1, "children")
        return number, number, (at, at)

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

    def _new_table(self, one: str, first: int, last: int, number: int = -1, *, focus: bool = True) -> None:
        """A table that the catalogue does not have."""
        name = plural(one)
        if self.request.table(name) is None:
            wanted = Wanted(name, one, None, first, self.text_of(first, last))
            self.request.tables.append(wanted)
            if number >= 0:
                self._set_count(wanted, self.tokens[number].number, number)
        if focus:
            self.table = self.request.table(name)
        self.use(first, last, "table")
        words = tuple(one.split("_"))
        for at in range(last + 1, len(self.tokens)):
            if words == tuple(self.word(place) for place in range(at, at + len(words))) and not self.used[at]:
                self.subjects.setdefault(at, at + len(words) - 1)


def shown(kind: Kind, phrase: Phrase) -> tuple[str, str]:
    """A table's name and its singular, as they were said: `clients` for customers, `loan_applications` for loans."""
    called = {singular(word) for word in kind.name.split("_")} <= {*phrase}
    if phrase[-1] == kind.singular and not called:
        return plural(kind.singular), kind.singular
    if plural("_".join(phrase)) == kind.name:
        return kind.name, "_".join(phrase)
    if (
        phrase[-1] == "profile"
        and len(phrase) > 1
        and phrase[:-1] not in kinds()
        and all(word.isalpha() for word in phrase)
    ):
        return plural("_".join(phrase)), "_".join(phrase)
    if (
        phrase[-1] in terms.COLLECTIVE | terms.DATA
        or (len(phrase) > 2 and phrase[-1:] not in kind.phrases)
        or phrase[-1] == kind.singular
        or (kind.singular == "person" and (phrase[-1] in _ANYBODY or phrase == ("name", "and", "address")))
    ):
        return kind.name, kind.singular
    if len(phrase) > 1 and (phrase[-1:] in kind.phrases):
        phrase = phrase[-1:]
    words = [word for word in phrase if re.fullmatch(r"[a-z][a-z0-9]*", word)]
    if not words or "_".join(words) == kind.singular:
        return kind.name, kind.singular
    one = "_".join(words)
    return "_".join([*words[:-1], plural(words[-1])]), one


def whole(number: object) -> int | None:
    return int(number) if isinstance(number, int | float) and 0 <= number <= 10_000 else None


def words_of(low: int | None, high: int | None) -> str:
    if low == high:
        return str(low) if low is not None else "some"
    return f"{low or 0} to {high}" if high is not None else "several"
