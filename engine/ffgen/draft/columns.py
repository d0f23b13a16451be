"""The fields of a description on their way to tables: what a phrase means, which table has it, and what becomes of
those that were said before any table was."""

from ffgen.draft import terms
from ffgen.draft.catalogue import Kind, Meaning, by_phrase, domains, kinds
from ffgen.draft.guess import by_unit, guess
from ffgen.draft.naming import name_of
from ffgen.draft.request import Asked, Wanted
from ffgen.draft.scan import Scanner
from ffgen.draft.words import Phrase

MOST_FIELDS = 80


_READ = set(
    """
    temperature humidity pressure status reading battery_level voltage vibration co2 power energy measured_at
    timestamp
    """.split()
)
"""What only readings have."""


class FieldReader(Scanner):
    """A scanner that puts fields into tables."""

    def meaning_of(self, phrase: Phrase) -> Meaning | None:
        """What a phrase means: in the table that is spoken of, anywhere, in the domain, in a table that is near."""
        if self.table is not None and (found := self.table.called(phrase)):
            return found
        if found := by_phrase().get(phrase):
            return found
        domain = domains().get(self.request.domain)
        for kind in domain.kinds.values() if domain else ():
            if found := kind.called(phrase):
                return found
        if not self.is_field(phrase):
            return None
        return next(
            (
                found
                for one in domains().values()
                if one.name in self.near or len(phrase) > 1
                for kind in one.kinds.values()
                if (found := kind.called(phrase))
            ),
            None,
        )

    def named(self, phrase: Phrase, last: int) -> tuple[Meaning | None, dict[str, object] | None]:
        """What a name in one piece means, `customer_email`, or what its parts say of it."""
        table = tuple(self.table.singular.split("_")) if self.table else ()
        rest = phrase[len(table) :] if table and phrase[: len(table)] == table and len(phrase) > len(table) else phrase
        for one in dict.fromkeys([phrase, rest]):
            if one != ("id",) and (found := self.meaning_of(one)):
                return found, None
        if phrase[-1] in terms.SPANS and len(phrase) > 1 and self.tokens[last].is_plural:
            return None, {"type": "integer", "range": [1, 60 if phrase[-1] != "day" else 365]}
        if short := guess(["date"] if phrase[-1] in ("from", "until", "since") else [*phrase]):
            return None, dict(short)
        if unit := by_unit(phrase[-1]):
            found = self.meaning_of(phrase[:-1])
            return (found, None) if found and found.short.get("type") in ("integer", "number") else (None, dict(unit))
        head = self.meaning_of(phrase[-2:]) if len(phrase) > 2 else None
        return head or self.meaning_of(phrase[-1:]), None

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

    def _place_pending(self) -> None:
        """Fields said before any table go to the first one, or to the one they fit best."""
        self._to_readings()
        for table in self.request.tables:
            others = {
                phrase for one in self.request.tables if one.kind and one is not table for phrase in one.kind.phrases
            }
            table.asked = [one for one in table.asked if one.meaning is not None or one.phrase not in others]
        if not self.pending:
            return
        if not self.request.tables:
            kind = self._keyed() or self._people() or self._fitting()
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
                if name in _READ:
                    table.asked.remove(asked)
                    if name != "reading":
                        asked.meaning = series.kind.called(asked.phrase) or asked.meaning
                        series.asked.append(asked)

    def _keyed(self) -> Kind | None:
        """The table whose key is said first: `PatientID, AdmissionDate`."""
        phrase = self.pending[0].phrase
        if len(phrase) < 2 or phrase[-1] not in ("id", "key", "number", "no"):
            return None
        found = kinds().get(phrase[:-1], [])
        return next((kind for kind in found if kind.domain == self.request.domain), found[0] if found else None)

    def _people(self) -> Kind | None:
        """People, where no domain is said and most fields are of a person."""
        names = [asked.meaning.name for asked in self.pending if asked.meaning]
        share = sum(name in terms.OF_PEOPLE for name in names) / max(len(self.pending), 1)
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

        if domain and domain.name == "iot" and not any(score(kind) for kind in among):
            return domain.kinds["readings"]
        best = max(among, key=score, default=None)
        return best if best is not None and score(best) >= (2 if domain else 6) and not best.is_soft else None
