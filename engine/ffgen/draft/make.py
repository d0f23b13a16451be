"""A request to a spec in its short form: tables in order, keys, what is usual where little was said, and why."""

import re
from typing import Any

from ffgen.draft.catalogue import meanings
from ffgen.draft.fill import Filler
from ffgen.draft.forms import fit_series, spread
from ffgen.draft.layout import USUAL_ROWS, Made, Table
from ffgen.draft.pairs import follow
from ffgen.draft.request import Question

_LOCALES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES", "pt": "pt_BR", "ja": "ja_JP", "it": "it_IT", "nl": "nl_NL"}
_LOCALES |= {"pl": "pl_PL", "sv": "sv_SE", "da": "da_DK"}
_FEW_NAMES = {"ja_JP": 1500}
"""Locales with few names (2,550), and the rows up to which nobody need be called like another."""


class Maker(Filler):
    """One spec, made of one request."""

    def make(self) -> Made:
        """The spec."""
        self._complete_tables()
        for wanted in self._ordered():
            self.tables[wanted.name] = Table(wanted)
        for table in self.tables.values():
            self._link(table)
        self._count_rows()
        for table in self.tables.values():
            self._fill(table)
            self._follow(table)
        if self.request.period:
            self._set_period()
        if self.request.is_paced:
            self._set_pace()
        if self.request.rhythm:
            self._set_rhythm()
        self._ask_rest()
        datasets = [self._dataset(table) for table in self.tables.values()]
        spec: dict[str, Any] = {"dataset": datasets[0]} if len(datasets) == 1 else {"tables": datasets}
        self._rename_tables(datasets)
        if self.seed:
            spec["seed"] = self.seed
        self.made.spec = spec
        return self.made

    def _rename_tables(self, datasets: list[dict[str, Any]]) -> None:
        """Tables by the names that they were called."""
        taken = {one.shown or one.name for one in self.request.tables}
        names = {one.name: one.shown for one in self.request.tables if one.shown and one.shown != one.name}
        if len(taken) < len(self.request.tables) or not names:
            return
        for dataset in datasets:
            dataset["name"] = names.get(dataset["name"], dataset["name"])
            for one in dataset["fields"]:
                ref = one.get("ref")
                if ref is not None:
                    table, _, key = str(ref if isinstance(ref, str) else ref["to"]).partition(".")
                    to = f"{names.get(table, table)}.{key}"
                    one["ref"] = to if isinstance(ref, str) else {**ref, "to": to}
        why = {}
        for path, text in self.made.why.items():
            table, _, name = path.partition(".")
            why[f"{names.get(table, table)}.{name}"] = text
        self.made.why = why
        self.made.main = names.get(self.made.main, self.made.main)
        for old, new in names.items():
            self.request.understood = [text.replace(old, new) for text in self.request.understood]
            self.request.questions = [renamed(question, old, new) for question in self.request.questions]

    def _follow(self, table: Table) -> None:
        """What of a row follows from the rest of it."""
        kept = {one.name for one in table.wanted.asked if one.notes}
        before = {one["name"] for one in table.fields}
        for name, why in follow(table.fields, kept):
            self.made.why[f"{table.wanted.name}.{name}"] += f"; {why}"
        for one in table.fields:
            if one["name"] not in before:
                self.made.why[f"{table.wanted.name}.{one['name']}"] = "read by a formula; not written"

    def _dates(self, table: Table) -> dict[str, Any] | None:
        """The field that says when a row happened."""
        kind = table.wanted.kind
        if kind is not None and kind.date:
            name = table.names.get(kind.date, kind.date)
            found = next((one for one in table.fields if one["name"] == name), None)
            if found is not None and "derive" not in found:
                return found
        moments = [
            one
            for one in table.fields
            if one.get("type") in ("date", "datetime")
            and "birth" not in one["name"]
            and "derive" not in one
            and not one.get("hidden")
        ]
        return next(iter(moments), None)

    def _events(self) -> list[Table]:
        """The tables whose rows happen: those with parents, or the only one."""
        found = [table for table in self.tables.values() if table.links and self._dates(table)]
        return found or list(self.tables.values())

    def _set_period(self) -> None:
        assert self.request.period is not None
        low, high = self.request.period
        for table in self._events():
            date = self._dates(table)
            if date is None and table.wanted.kind and table.wanted.kind.date and (len(self.tables) == 1 or table.links):
                meaning = table.wanted.kind.meaning(table.wanted.kind.date)
                if meaning is not None:
                    self._put(table, {"name": meaning.name, **self._plain(meaning)}, "for the period that you said")
                    date = self._dates(table)
            if date is None and len(self.tables) == 1:
                self._put(table, {"name": "date", "type": "date"}, "for the period that you said")
                date = table.fields[-1]
            if date is not None:
                date["range"] = [str(low), f"{high}T23:59:59Z" if date["type"] == "datetime" else str(high)]
                fit_series(date, str(low))

    def _set_pace(self) -> None:
        """Rows so far apart as was said, in a table that measures something and is no series yet."""
        table = next(iter(self.tables.values()))
        kind = table.wanted.kind
        if len(self.tables) > 1 or self.request.is_exact or (kind is not None and (kind.step or kind.domain != "iot")):
            return
        date = self._dates(table)
        if date is None:
            meaning = kind.meaning(kind.date) if kind is not None and kind.date else None
            meaning = meaning or meanings()["timestamp"]
            self._put(table, {"name": meaning.name, **self._plain(meaning)}, "for the pace that you said")
            date = self._dates(table)
        assert date is not None
        start = str((date.get("range") or ["2024-01-01"])[0])[:10] if self.request.period else "2024-01-01"
        date["type"] = "datetime" if self.request.step[-1] in "smh" else date["type"]
        date["generator"] = {"name": "series", "start": start, "step": self.request.step, "entities": 1}
        date.pop("range", None)
        entity = next((one for one in (kind.own.values() if kind else ()) if "entity" in str(one.short)), None)
        if entity is not None:
            self._put(table, {"name": entity.name, **self._plain(entity)}, "whose rows follow each other")
            date["generator"].pop("entities")

    def _set_rhythm(self) -> None:
        for table in self._events():
            date = self._dates(table)
            if date is None and table.wanted.kind and table.wanted.kind.date and not self.request.is_exact:
                meaning = table.wanted.kind.meaning(table.wanted.kind.date)
                if meaning is not None:
                    self._put(table, {"name": meaning.name, **self._plain(meaning)}, "for the rhythm that you said")
                    date = self._dates(table)
            if date is None or (isinstance(date.get("generator"), dict) and date["generator"].get("name") == "series"):
                continue
            now = date.get("generator")
            base = dict(now) if isinstance(now, dict) and now.get("name") == "rhythm" else {"name": "rhythm"}
            more = {
                key: value for key, value in self.request.rhythm.items() if key != "hours" or date["type"] == "datetime"
            }
            if date["type"] == "date":
                base.pop("hours", None)
            date["generator"] = {**base, **more}
            self.made.why[f"{table.wanted.name}.{date['name']}"] += "; by the rhythm that you said"
            self.request.understood.append(
                f"{table.wanted.name}.{date['name']} has a rhythm: {', '.join(self.request.rhythm)}"
            )

    def _ask_rest(self) -> None:
        tables = [table for table in self.tables.values() if not self._is_lookup(table)]
        said = any(table.wanted.children for table in tables) or sum(1 for table in tables if table.wanted.count) > 1
        asked = any(one.about == "grain" for one in self.request.questions)
        if len(tables) > 1 and not said and not asked and not self.request.is_linked:
            names = " and ".join(table.wanted.name for table in tables)
            self.request.ask(
                "grain",
                f"{names}: linked tables, or one flat table?",
                "linked tables",
                "",
                ("linked tables", "one table"),
            )

    def _dataset(self, table: Table) -> dict[str, Any]:
        wanted, kind = table.wanted, table.wanted.kind
        made: dict[str, Any] = {"name": wanted.name}
        if kind is not None and self._is_lookup(table):
            made["rows"] = [dict(row) for row in kind.rows]
        elif table.count is not None:
            made["count"] = table.count
        self._lay_series(table)
        locales = self.request.locales or ([_LOCALES[self.request.language]] if self.request.language else [])
        if locales and locales[0] != "en_US":
            made["locale"] = locales[0]
        if len(locales) == 1 and (table.count or 0) <= _FEW_NAMES.get(locales[0], 0):
            for one in table.fields:
                if one.get("generator") == "person.full_name":
                    one["unique"] = True
        if len(locales) > 1:
            for one in table.fields:
                spread(one, locales)
        if self.request.imperfections and (len(self.tables) == 1 or table.links):
            made["imperfections"] = dict(self.request.imperfections)
        made["fields"] = table.fields
        return made

    def _lay_series(self, table: Table) -> None:
        """The step of a series as it was said; no `entities` where a parent has the rows."""
        laid = self._is_laid(table)
        for one in table.fields:
            generator = one.get("generator")
            if isinstance(generator, dict) and generator.get("name") == "series":
                if laid:
                    generator.pop("entities", None)
                if self.request.step and generator.get("part") != "entity":
                    generator["step"] = self.request.step
                if generator.get("part") == "entity" or not laid:
                    generator["entities"] = max(1, min(20, (table.count or USUAL_ROWS) // 24))
        both = [
            one
            for one in table.fields
            if isinstance(one.get("generator"), dict) and one["generator"].get("name") == "series"
        ]
        if (
            not laid
            and len(both) == 1
            and both[0]["generator"].get("part") != "entity"
            and "entities" not in both[0]["generator"]
            and not any("series_value" in str(one.get("generator")) for one in table.fields)
        ):
            both[0]["generator"]["entities"] = max(1, min(20, (table.count or USUAL_ROWS) // 24))


def renamed(question: Question, old: str, new: str) -> Question:
    def change(text: str) -> str:
        return re.sub(rf"\b{re.escape(old)}\b", new, text)

    return Question(question.about, change(question.text), question.default, change(question.path), question.choices)
