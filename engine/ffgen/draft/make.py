"""A request to a spec in its short form: tables in order, keys, what is usual where little was said, and why."""

import copy
import re
from dataclasses import dataclass, field
from typing import Any

from ffgen.draft.catalogue import Meaning, domains, meanings
from ffgen.draft.guess import guess, unknown
from ffgen.draft.request import Asked, Question, Request, Wanted
from ffgen.draft.words import lexicon
from ffgen.errors import UsageError

USUAL_ROWS = 1000
ENOUGH = 3
"""From so many fields on, nothing is added to what was said."""
_LOCALES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES", "pt": "pt_BR"}
_SAME = [
    {"name", "full_name", "first_name"}, {"name", "full_name", "last_name"},
    {"address", "street"}, {"price", "unit_price"}, {"total", "amount", "purchase_amount", "total_price"},
    {"age", "date_of_birth"}, {"join_date", "signup_date", "signed_up_on", "enrollment_date"}, {"category", "product_line"},
    {"product", "product_name"}, {"phone", "mobile"}, {"location", "city"}, {"temperature", "reading"},
]  # fmt: skip
_SPREADS = {
    "lognormal": "median",
    "normal": "mean",
    "gamma": "",
    "exponential": "mean",
    "poisson": "mean",
    "beta": "-",
    "triangular": "mode",
    "quantiles": "",
}


@dataclass(slots=True)
class Made:
    """A spec as plain values, and why each field is in it, by `table.field`."""

    spec: dict[str, Any]
    why: dict[str, str] = field(default_factory=dict)
    main: str = ""


@dataclass(slots=True)
class _Table:
    wanted: Wanted
    fields: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Own names of the catalogue to the names that they got."""
    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    count: int | None = None
    key: str = ""


class Maker:
    """One spec, made of one request."""

    def __init__(self, request: Request, rows: int | dict[str, int] | None, seed: int) -> None:
        self.request, self.seed = request, seed
        self.made = Made({})
        self.rows = rows
        self.tables: dict[str, _Table] = {}

    def make(self) -> Made:
        """The spec."""
        self._complete_tables()
        for wanted in self._ordered():
            self.tables[wanted.name] = _Table(wanted)
        for table in self.tables.values():
            self._link(table)
        self._count_rows()
        for table in self.tables.values():
            self._fill(table)
        if self.request.period:
            self._set_period()
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
            self.request.questions = [_renamed(question, old, new) for question in self.request.questions]

    # tables

    def _complete_tables(self) -> None:
        """A domain that is named alone stands for its usual tables."""
        if self.request.tables or not self.request.domain:
            return
        domain = domains()[self.request.domain]
        for at, name in enumerate(domain.default):
            kind = domain.kinds[name]
            self.request.tables.append(Wanted(name, kind.singular, kind, at, name))
        names = ", ".join(domain.default)
        self.request.understood.append(f"{self.request.domain}: its usual tables, {names}")
        self.request.ask(
            "grain", f"Linked tables ({names}), or one flat table?", "linked tables", "", ("linked tables", "one table")
        )

    def _parents(self, wanted: Wanted) -> dict[str, dict[str, Any]]:
        """The tables at hand that a table refers to: said ones first, then those of the catalogue."""
        names = {one.name for one in self.request.tables if one is not wanted}
        found: dict[str, dict[str, Any]] = {name: {} for name in wanted.children if name in names}
        for name, how in (wanted.kind.parents if wanted.kind else {}).items():
            if name in names:
                found[name] = dict(how)
        return found

    def _ordered(self) -> list[Wanted]:
        """Parents before children; a circle is cut where it closes."""
        done: list[Wanted] = []
        waiting = list(self.request.tables)
        while waiting:
            names = {one.name for one in waiting}
            free = next((one for one in waiting if not ({*self._parents(one)} & names - {one.name})), waiting[0])
            waiting.remove(free)
            done.append(free)
        return done

    def _link(self, table: _Table) -> None:
        """The refs of a table: the first parent has its rows laid out under it, others are picked."""
        wanted = table.wanted
        before = [name for name in self.tables if list(self.tables).index(name) < list(self.tables).index(wanted.name)]
        laid = False
        for name, usual in self._parents(wanted).items():
            if name not in before or (name not in wanted.children and self._is_above(name, table)):
                continue
            how: dict[str, Any] = {}
            said = wanted.children.get(name)
            if said is not None and not laid:
                low, high = said
                how = {"min": 0 if low is None and high is not None else (1 if low is None else low)}
                if high is not None:
                    how["max"] = max(high, how["min"])
                else:
                    how["mean"] = max(3.0, how["min"] + 2.0)
                laid = True
            elif usual and "min" in usual and not laid and not wanted.children:
                how, laid = dict(usual), True
            elif "skew" in usual:
                how = {"skew": usual["skew"]}
            table.links[name] = how
        if not table.links and self.request.tables[0] is not wanted and wanted.kind is None and wanted.children:
            return

    def _is_above(self, name: str, table: _Table) -> bool:
        """Whether a parent of a table has that parent itself: its rows say whose they are already."""
        return any(
            name in self.tables[parent].links or self._is_above(name, self.tables[parent]) for parent in table.links
        )

    def _count_rows(self) -> None:
        """Counts as said, else 1000 of the table that the sentence is about, and what follows from that."""
        said = self.rows if isinstance(self.rows, dict) else {}
        for name, count in said.items():
            found = next((one for one in self.tables.values() if name in (one.wanted.name, one.wanted.shown)), None)
            if found is None:
                names = ", ".join(one.wanted.shown or one.wanted.name for one in self.tables.values())
                raise UsageError(f"The description makes no table {name}.", hint=f"It makes {names}.")
            found.wanted.count = count
        main = self.tables[self.request.tables[0].name]
        if isinstance(self.rows, int):
            main.wanted.count = self.rows
        nobody = all(table.wanted.count is None for table in self.tables.values())
        if nobody:
            main.wanted.count = USUAL_ROWS
            self.request.ask("count", f"How many {main.wanted.name}?", str(USUAL_ROWS), main.wanted.name)
        self.made.main = main.wanted.name
        for table in self.tables.values():
            table.count = table.wanted.count
        for table in reversed(self.tables.values()):
            self._count_parent(table)
        for table in self.tables.values():
            kind = table.wanted.kind
            if kind is not None and kind.rows and self._is_lookup(table):
                table.count = None
            elif table.count is None and not self._is_laid(table):
                table.count = (kind.count if kind and kind.count and table is not main else 0) or USUAL_ROWS

    def _count_parent(self, table: _Table) -> None:
        """As many parents as the children that were asked for need."""
        for name, how in table.links.items():
            parent = self.tables[name]
            if "min" not in how or table.count is None:
                continue
            low, high = how.get("min", 0), how.get("max")
            mean = how.get("mean") or ((low + high) / 2 if high is not None else low + 2.0)
            if parent.count is None:
                if not self._is_lookup(parent):
                    parent.count = max(1, round(table.count / max(mean, 0.1)))
            else:
                self._meet(table, parent, how)

    def _meet(self, table: _Table, parent: _Table, how: dict[str, Any]) -> None:
        """Both counts are said: the mean follows, and bounds that can't hold are asked about."""
        assert parent.count is not None and table.count is not None
        mean = table.count / parent.count
        low, high = how.get("min", 0), how.get("max")
        said = parent.wanted.name in table.wanted.children
        if said and (mean < low or (high is not None and mean > high)):
            self.request.ask(
                "range",
                f"{parent.count} {parent.wanted.name} can't have {table.count} {table.wanted.name} with {low} to {high} each",
                f"{table.count} {table.wanted.name}",
                table.wanted.name,
            )
        if not said or mean < low or (high is not None and mean > high):
            how["min"] = min(low, int(mean))
            if high is not None:
                how["max"] = max(high, int(mean * 2) + 1)
            how.pop("mean", None)
            if how.get("min") != how.get("max"):
                how["mean"] = round(max(mean, 0.01), 2)

    def _is_lookup(self, table: _Table) -> bool:
        kind = table.wanted.kind
        return bool(kind and kind.rows and not table.wanted.count)

    def _is_laid(self, table: _Table) -> bool:
        return any("min" in how for how in table.links.values())

    # fields

    def _fill(self, table: _Table) -> None:
        """A table's fields: its key, its refs, what was said, what is usual."""
        wanted, kind = table.wanted, table.wanted.kind
        if kind is not None and self._is_lookup(table):
            for name in kind.fields:
                self._put(
                    table,
                    {"name": name, "type": "string", **({"unique": True} if name == kind.fields[0] else {})},
                    f"usual of {wanted.name}",
                )
            table.key = kind.fields[0]
            return
        asked = [one for one in wanted.asked if not self._becomes_ref(table, one)]
        self._put_key(table, asked)
        self._put_refs(table)
        for one in asked:
            self._put_asked(table, one)
        if len(asked) < ENOUGH and not self.request.is_exact:
            self._put_usual(table, asked)
        self._put_needs(table)
        if not any(not one.get("hidden") for one in table.fields):
            self._put(table, {"name": "id", "type": "integer", "unique": True, "generator": "sequence"}, "a key")

    def _becomes_ref(self, table: _Table, asked: Asked) -> bool:
        """Whether a field that was said is the key of another table: `customer`, `customer id`."""
        own = (*table.wanted.singular.split("_"),)
        for name, other in self.tables.items():
            called = {other.wanted.singular, other.wanted.kind.singular if other.wanted.kind else other.wanted.singular}
            for singular in (tuple(one.split("_")) for one in sorted(called)):
                keys = (singular, (*singular, "id"), (*singular, "key"))
                if name in table.links and asked.phrase in keys and singular != own:
                    asked.refers = name
                    return True
        return False

    def _put_key(self, table: _Table, asked: list[Asked]) -> None:
        wanted, kind = table.wanted, table.wanted.kind
        keys = {
            f"{wanted.singular}_id",
            f"{kind.singular if kind else ''}_id",
            "id",
            kind.key if kind else "",
            f"{wanted.singular}_number",
            f"{wanted.singular}_key",
        }
        said = next((one for one in asked if one.name in keys), None)
        if said is not None:
            asked.remove(said)
            short: dict[str, Any] = {"type": "integer", "unique": True, "generator": "sequence"}
            if said.meaning is not None and said.meaning.name != "id":
                short = self._plain(said.meaning)
            short = {
                **short,
                **{key: value for key, value in said.short.items() if key in ("type", "pattern")},
                "unique": True,
            }
            if (
                said.short.get("type") not in (None, short["type"])
                or said.name.endswith("_number")
                and said.meaning is None
            ):
                short = {"type": "integer", "unique": True, "generator": {"name": "sequence", "start": 10001}}
            name = said.name if said.name != "id" or len(self.tables) == 1 else "id"
            self._put(table, {"name": name, **short, "unique": True}, f'you said "{said.said}"')
            table.key = name
            return
        needed = any(wanted.name in other.links for other in self.tables.values())
        if self.request.is_exact and not needed:
            return
        natural = next((one for one in asked if one.meaning and one.meaning.short.get("unique") and one.meaning.name in ("sku", "iban", "tracking_number", "isbn", "vin", "invoice_number", "medical_record_number", "policy_number", "booking_reference", "license_plate", "serial_number", "uuid", "claim_number")), None)  # fmt: skip
        table.key = kind.key if kind and kind.key else f"{wanted.singular}_id"
        if natural is not None and not needed and not (kind and kind.key):
            table.key = ""
            return
        if kind and kind.key:
            self._put(table, {"name": kind.key, **self._plain(kind.own[kind.key])}, "a key")
            return
        self._put(table, {"name": table.key, "type": "integer", "unique": True, "generator": "sequence"}, "a key")

    def _put_refs(self, table: _Table) -> None:
        for name, how in table.links.items():
            parent = self.tables[name]
            if not parent.key:
                continue
            is_lookup = self._is_lookup(parent)
            field_name = parent.wanted.singular if is_lookup else f"{parent.wanted.singular}_id"
            said = next((one.said for one in table.wanted.asked if one.refers == name), "")
            ref: Any = {"to": f"{name}.{parent.key}", **how} if how else f"{name}.{parent.key}"
            self._put(
                table,
                {"name": field_name, "ref": ref},
                f'you said "{said}"' if said else f"the {parent.wanted.singular} it belongs to",
            )

    def _put_asked(self, table: _Table, asked: Asked) -> None:
        short, why = self._short(table, asked)
        if asked.name == table.key:
            return
        if asked.shares:
            _weigh(short, asked.shares)
        notes = f"; {', '.join(asked.notes)}" if asked.notes else ""
        if asked.meaning is not None and table.wanted.kind and asked.meaning.name in table.wanted.kind.own:
            table.names[asked.meaning.name] = asked.name
        self._put(table, {"name": asked.name, **short}, f'you said "{asked.said}"{why}{notes}'[:160])

    def _short(self, table: _Table, asked: Asked) -> tuple[dict[str, Any], str]:
        """The short form of a field that was said."""
        wanted = table.wanted
        if asked.name == "name" or asked.phrase == ("name",):
            special = self._name_of(table)
            if special is not None:
                return {**special, **asked.short}, ""
        if (
            asked.phrase == ("title",)
            and asked.meaning is meanings()["title"]
            and not (wanted.kind and wanted.kind.has_people)
        ):
            return _over({"type": "string", "generator": {"name": "grammar", "rules": _TITLES}}, asked.short), ""
        if asked.meaning is not None:
            return _over(self._plain(asked.meaning), asked.short), ""
        if asked.short.get("type"):
            short = dict(asked.short)
            if short["type"] == "integer" and asked.name.endswith("_id") and (parent := self._sized(asked.name)):
                short["range"] = [1, parent]
            if short.get("values") == ["A", "B", "C", "D"]:
                self._unknown(wanted, asked, "values A, B, C, D")
            return short, ", by its last word"
        guessed = guess(list(asked.phrase))
        if guessed is not None:
            return _over(guessed, asked.short), ", by its last word"
        self._unknown(wanted, asked, "a word or two")
        return _over(unknown(asked.said[:80]), asked.short), ", which nobody here knows"

    def _unknown(self, wanted: Wanted, asked: Asked, default: str) -> None:
        self.request.ask("term", f'What is "{asked.said}" like?', default, f"{wanted.name}.{asked.name}")

    def _sized(self, name: str) -> int:
        table = next((one for one in self.tables.values() if f"{one.wanted.singular}_id" == name), None)
        return (table.count or USUAL_ROWS) if table else max((self.tables[self.made.main].count or USUAL_ROWS) // 4, 10)

    def _name_of(self, table: _Table) -> dict[str, Any] | None:
        """What `name` is in a table: of a product, a company, or a person."""
        wanted = table.wanted
        kind = wanted.kind
        if kind is not None and kind.called(("name",)) is not meanings()["name"]:
            return None
        if kind is not None and (
            kind.has_people or not any(name in kind.fields for name in ("product_name", "company_name", "book_title"))
        ):
            return None if kind.fields else {}
        if kind is not None:
            name = next(one for one in ("product_name", "company_name", "book_title") if one in kind.fields)
            meaning = kind.meaning(name)
            return self._plain(meaning) if meaning else None
        if re.search(
            r"(?:er|or|ist|ian|man|person|people|member|record|friend|student|hero|pilot|chef|wizard|witch|king|knight)$",
            wanted.singular,
        ):
            return None
        return {"type": "string", "generator": {"name": "ngram", "order": 2, "examples": list(_NAMES)}}

    def _put_usual(self, table: _Table, asked: list[Asked]) -> None:
        """What such a table usually has, where little was said."""
        wanted, kind = table.wanted, table.wanted.kind
        if kind is None:
            if not asked:
                for name in ("name", "created_at", "status"):
                    short = self._name_of(table) if name == "name" else None
                    self._put(
                        table,
                        {"name": name, **(short or self._plain(meanings()[name]))},
                        "nothing was said of its fields",
                    )
                self.request.ask("term", f"What do {wanted.name} have?", "name, created_at, status", wanted.name)
            return
        usual = [*([] if table.links else kind.alone), *kind.fields]
        there = {name for one in table.wanted.asked for name in (one.name, one.meaning.name if one.meaning else "")} | {
            one["name"] for one in table.fields
        }
        for name in usual:
            meaning = kind.meaning(name)
            clash = any(name in same and (same - {name}) & there for same in _SAME)
            if meaning is None or name in there or clash or self._is_parents(table, name, meaning):
                continue
            if wanted.asked and len(table.fields) >= 8:
                break
            self._put(table, {"name": name, **self._plain(meaning)}, f"usual of {wanted.name}")

    def _is_parents(self, table: _Table, name: str, meaning: Meaning) -> bool:
        """Whether a usual field is what a parent at hand says already: the author of a post, where users are there."""
        words = {(*self.tables[parent].wanted.singular.split("_"),) for parent in table.links}
        return any((*name.split("_"),) == one or one in meaning.phrases for one in words) and name not in ("name",)

    def _put_needs(self, table: _Table) -> None:
        """Hidden fields that formulas read."""
        kind = table.wanted.kind
        if kind is None:
            return
        for _ in range(4):
            present = {one["name"] for one in table.fields}
            missing = []
            for one in table.fields:
                own = next((name for name, got in table.names.items() if got == one["name"]), one["name"])
                meaning = kind.own.get(own)
                if meaning is None or not ("derive" in one or isinstance(one.get("generator"), dict)):
                    continue
                missing += [
                    need for need in meaning.needs if table.names.get(need, need) not in present and need not in missing
                ]
            if not missing:
                break
            for need in missing:
                found = kind.meaning(need)
                if found is not None:
                    self._put(
                        table, {"name": need, **self._plain(found), "hidden": True}, "read by a formula; not written"
                    )
        for one in table.fields:
            _rename(one, table.names)

    def _plain(self, meaning: Meaning) -> dict[str, Any]:
        """The short form of a meaning, for this request: its goods, its steps."""
        short = copy.deepcopy(dict(meaning.short))
        goods = lexicon()["goods"]
        shop = goods[self.request.goods]
        shop = goods[shop] if isinstance(shop, str) else shop
        wanted = short.pop("goods", None)
        if wanted == "names":
            # Shops of one kind sell few things by name, and many of each.
            short["generator"] = {"name": "template", "text": "{adjective} {thing} {line}", "slots": {"adjective": goods["adjectives"], "thing": shop["items"], "line": ["100", "200", "300", "500", "X", "XL", "II", "Plus", "Go", "Max", "Lite", "One", "Edge", "Duo"]}}  # fmt: skip
        elif wanted:
            short["values"] = shop[wanted]
        if short.pop("words", None):
            short["generator"] = {"name": "grammar", "rules": _TITLES}
        return short

    def _put(self, table: _Table, short: dict[str, Any], why: str) -> None:
        name = short["name"]
        if any(one["name"] == name for one in table.fields):
            return
        table.fields.append(short)
        self.made.why[f"{table.wanted.name}.{name}"] = why

    # the whole

    def _dates(self, table: _Table) -> dict[str, Any] | None:
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

    def _events(self) -> list[_Table]:
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
                _fit_series(date, str(low))

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
        if len(tables) > 1 and not said and not self.request.is_linked:
            names = " and ".join(table.wanted.name for table in tables)
            self.request.ask(
                "grain",
                f"{names}: linked tables, or one flat table?",
                "linked tables",
                "",
                ("linked tables", "one table"),
            )

    def _dataset(self, table: _Table) -> dict[str, Any]:
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
        if len(locales) > 1:
            for one in table.fields:
                _spread(one, locales)
        if self.request.imperfections and (len(self.tables) == 1 or table.links):
            made["imperfections"] = dict(self.request.imperfections)
        made["fields"] = table.fields
        return made

    def _lay_series(self, table: _Table) -> None:
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
            and not any("series_value" in str(one.get("generator")) for one in table.fields)
        ):
            both[0]["generator"]["entities"] = max(1, min(20, (table.count or USUAL_ROWS) // 24))


_NAMES = "Alderon,Brimwick,Caldera,Dorvane,Elsmere,Fenwick,Galdor,Harrow,Ivorne,Jorvik,Kelwin,Lorien,Marwen,Norwick,Orlan,Pellam,Quorin,Rowan,Selwyn,Tarrin,Ulric,Varden,Wendel,Yarrow,Zephyr,Aldric,Brenna,Corvin,Delwyn,Eldan,Farrow,Gorwin,Halden,Isolde,Kendrin,Lothar,Merrin,Norell,Osric".split(",")  # fmt: skip
_TITLES = {
    "start": {"The <adjective> <noun>": 5, "<noun> of <place>": 4, "A <noun> in <place>": 3, "<adjective> <nouns>": 3, "The <noun> and the <noun>": 2},
    "adjective": ["Silent", "Golden", "Lost", "Last", "Hidden", "Broken", "Distant", "Crimson", "Endless", "Quiet", "Electric", "Wild", "Blue", "Second", "Burning"],
    "noun": ["River", "Garden", "Letter", "Shadow", "House", "Promise", "Summer", "Stranger", "Road", "Mirror", "Island", "Winter", "Secret", "Bridge", "Star"],
    "nouns": ["Rivers", "Hearts", "Days", "Voices", "Roads", "Shadows", "Stars", "Dreams", "Lights", "Tides"],
    "place": ["the North", "Paris", "Winter", "the Valley", "Glass", "Salt", "Tomorrow", "the Sea", "Silver", "the City", "Autumn", "Stone"],
}  # fmt: skip


def _renamed(question: Question, old: str, new: str) -> Question:
    def change(text: str) -> str:
        return re.sub(rf"\b{re.escape(old)}\b", new, text)

    return Question(question.about, change(question.text), question.default, change(question.path), question.options)


def _over(short: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What was said over what the catalogue says; what then can't hold any more is left out."""
    made = {**short, **said}
    if "values" in said:
        for key in ("weights", "range", "decimals", "pattern", "generator", "derive", "length"):
            if key not in said:
                made.pop(key, None)
    elif "range" in said:
        made.pop("derive", None)
        if "values" in short:
            made.pop("values"), made.pop("weights", None)
            if made.get("type") == "enum":
                made["type"] = "integer"
        generator = made.get("generator")
        name = generator.get("name") if isinstance(generator, dict) else generator
        if name in _SPREADS and isinstance(generator, dict):
            low, high = said["range"]
            middle = generator.get(_SPREADS[name]) if _SPREADS[name] not in ("", "-") else None
            if name != "beta" and (middle is None or not low < middle < high):
                made.pop("generator")
        elif isinstance(generator, dict) and name == "series_value":
            made["generator"] = {
                **generator,
                "level": sum(said["range"]) / 2,
                "spread": 0,
                "noise": (said["range"][1] - said["range"][0]) / 20,
                "daily": (said["range"][1] - said["range"][0]) / 6,
            }
            made["generator"].pop("spikes", None)
        if "decimals" in made and made.get("type") == "integer":
            made.pop("decimals")
        if made.get("type") == "datetime":
            made["range"] = [
                said["range"][0],
                f"{said['range'][1]}T23:59:59Z" if len(str(said["range"][1])) == 10 else said["range"][1],
            ]
        if made.get("type") in ("date", "datetime"):
            _fit_series(made, str(made["range"][0]))
    if "length" in said:
        made.pop("values", None), made.pop("pattern", None)
    return made


def _fit_series(field: dict[str, Any], start: str) -> None:
    generator = field.get("generator")
    if isinstance(generator, dict) and generator.get("name") == "series":
        field["generator"] = {**generator, "start": start}
        field.pop("range", None)


def _weigh(short: dict[str, Any], shares: dict[str, float]) -> None:
    """Shares of values as weights; what is left goes to the other values, as they were to each other."""
    if short.get("type") == "boolean":
        short["generator"] = {"name": "boolean", "share": min(shares.get("true", 0.5), 1.0)}
        return
    values = [str(value) for value in short.get("values") or []]
    values += [value for value in shares if value not in values]
    said = sum(shares.values())
    others = [value for value in values if value not in shares]
    if said >= 0.999:
        values = [value for value in values if value in shares]
        others = []
    elif not others:
        values, others = [*values, "other"], ["other"]
    old = dict(zip([str(one) for one in short.get("values") or []], short.get("weights") or [], strict=False))
    rest = sum(old.get(value, 1) for value in others) or 1
    weights = [shares[value] if value in shares else max(1 - said, 0) * old.get(value, 1) / rest for value in values]
    numbers = all(isinstance(one, int) for one in short.get("values") or ["x"])
    short["values"] = (
        [int(value) for value in values] if numbers and all(re.fullmatch(r"-?\d+", one) for one in values) else values
    )
    short["weights"] = [round(one, 4) for one in weights]
    if short.get("type") not in ("integer", "number"):
        short["type"] = "enum"
    if short.get("generator") != "person.gender":
        short.pop("generator", None)


def _rename(field: dict[str, Any], names: dict[str, str]) -> None:
    """A formula's fields by the names that they got."""
    changed = {own: got for own, got in names.items() if own != got}
    if not changed:
        return
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, changed)) + r")\b")

    def new(text: str) -> str:
        return pattern.sub(lambda match: changed[match[1]], text)

    if "derive" in field:
        field["derive"] = new(field["derive"])
    generator = field.get("generator")
    if isinstance(generator, dict):
        for key in ("of", "start", "time", "entity"):
            if isinstance(generator.get(key), str) and generator[key] in changed:
                field["generator"] = generator = {**generator, key: changed[generator[key]]}


def _spread(field: dict[str, Any], locales: list[str]) -> None:
    """People and places of several locales."""
    generator = field.get("generator")
    if field.get("type") == "email" and generator is None:
        generator = "person.email"
    if isinstance(generator, str) and generator.startswith(("person.", "place.", "company.")):
        field["generator"] = {"name": generator, "locale": locales}
    elif isinstance(generator, dict) and str(generator.get("name")).startswith(("person.", "place.", "company.")):
        field["generator"] = {**generator, "locale": locales}
