"""The fields of each table: its key, its refs, what was said, and what is usual where little was said."""

import copy
import re
from typing import Any

from ffgen.draft.catalogue import Meaning, kinds, meanings
from ffgen.draft.forms import NAMES, TITLES, over, rename, set_price, tell_apart, timed, weigh
from ffgen.draft.guess import guess, unknown
from ffgen.draft.layout import KEY_WORDS, USUAL_ROWS, Layout, Table
from ffgen.draft.request import Asked, Wanted
from ffgen.draft.words import lexicon

ENOUGH = 3
"""From so many fields on, nothing is added to what was said."""
_SAME = [
    {"name", "full_name", "first_name"},
    {"name", "full_name", "last_name"},
    {"address", "street"},
    {"price", "unit_price"},
    {"total", "amount", "purchase_amount", "total_price"},
    {"age", "date_of_birth"},
    {"join_date", "signup_date", "signed_up_on", "enrollment_date"},
    {"category", "product_line"},
    {"product", "product_name"},
    {"phone", "mobile"},
    {"location", "city"},
    {"temperature", "reading"},
]
_KEYS = {"sku", "iban", "tracking_number", "isbn", "vin", "invoice_number", "medical_record_number", "policy_number"}
_KEYS |= {"booking_reference", "license_plate", "serial_number", "uuid", "claim_number"}
"""What tells rows apart as well as a key would."""
_PERSON = re.compile(
    r"(?<!ord)(?<!numb)(?<!pap)(?<!lett)(?:er|or|ist|ian|man|person|people|member|friend|student|hero"
    r"|pilot|chef|wizard|witch|king|knight|parent|child|artist)$"
)
_OF_BODIES = ("healthcare", "hr", "education", "fitness", "sports", "social media")
"""Domains in which what is measured is people's."""
_OF_THINGS = {"price", "cost", "sku", "product_name", "stock_level", "material", "brand", "supplier", "dimensions"}


class Filler(Layout):
    """A layout whose tables are filled."""

    def _fill(self, table: Table) -> None:
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

    def _becomes_ref(self, table: Table, asked: Asked) -> bool:
        """Whether a field that was said is the key of another table: `customer`, `customer id`."""
        own = (*table.wanted.singular.split("_"),)
        if asked.refers in table.links:
            return asked is next(one for one in table.wanted.asked if one.refers == asked.refers)
        for name, other in self.tables.items():
            called = {other.wanted.singular, other.wanted.kind.singular if other.wanted.kind else other.wanted.singular}
            for singular in (tuple(one.split("_")) for one in sorted(called)):
                keys = {singular, *((*singular, word) for word in KEY_WORDS)}
                if name in table.links and asked.phrase in keys and singular != own:
                    asked.refers = name
                    return True
        return False

    def _first_key(self, table: Table, asked: list[Asked]) -> Asked | None:
        """A key by another name: said to be unique, or the first of the fields; none where it is another table's."""
        others = {one.wanted.singular for one in self.tables.values() if one is not table}
        for at, one in enumerate(asked):
            if len(one.phrase) < 2 or one.phrase[-1] not in ("id", "key", "code", "number", "no", "ref") or one.refers:
                continue
            meant = kinds().get(one.phrase[:-1], [])
            if "_".join(one.phrase[:-1]) in others or (
                meant and table.wanted.kind not in meant and not one.short.get("unique")
            ):
                continue
            own = table.wanted.singular == "record" or any(
                word.startswith(one.phrase[0][:3]) for word in table.wanted.singular.split("_")
            )
            if one.short.get("unique") or (at == 0 and one.phrase[-1] == "id" and own):
                return one
        return None

    def _put_key(self, table: Table, asked: list[Asked]) -> None:
        wanted, kind = table.wanted, table.wanted.kind
        keys = {
            f"{wanted.singular}_id",
            f"{kind.singular if kind else ''}_id",
            "id",
            kind.key if kind else "",
            f"{wanted.singular}_number",
            f"{wanted.singular}_key",
        }
        said = next((one for one in asked if one.name in keys), None) or self._first_key(table, asked)
        if said is not None:
            asked.remove(said)
            name = said.name if said.name != "id" or len(self.tables) == 1 else "id"
            self._put(table, {"name": name, **self._key_short(said), "unique": True}, f'you said "{said.said}"')
            table.key = name
            return
        needed = any(wanted.name in other.links for other in self.tables.values())
        if self.request.is_exact and not needed:
            return
        natural = next((one for one in asked if one.meaning and one.meaning.name in _KEYS), None)
        table.key = kind.key if kind and kind.key else f"{wanted.singular}_id"
        if natural is not None and not needed and not (kind and kind.key):
            table.key = ""
            return
        if kind and kind.key:
            self._put(table, {"name": kind.key, **self._plain(kind.own[kind.key])}, "a key")
            return
        self._put(table, {"name": table.key, "type": "integer", "unique": True, "generator": "sequence"}, "a key")

    def _key_short(self, said: Asked) -> dict[str, Any]:
        """The short form of a key that was said."""
        kind = said.short.get("type")
        if said.is_bounded and kind in (None, "integer"):
            return {"type": "integer", "range": said.short["range"]}
        if kind == "uuid":
            return {"type": "uuid"}
        if said.meaning is not None and said.meaning.name != "id" and kind in (None, said.meaning.short.get("type")):
            return {**self._plain(said.meaning), **{key: said.short[key] for key in ("pattern",) if key in said.short}}
        if kind == "string" or said.phrase[-1] in ("code", "ref"):
            return {"type": "string", "pattern": said.short.get("pattern", "[A-Z]{2}[0-9]{6}")}
        if said.name.endswith("_number"):
            return {"type": "integer", "generator": {"name": "sequence", "start": 10001}}
        return {"type": "integer", "generator": "sequence"}

    def _put_refs(self, table: Table) -> None:
        for name, how in table.links.items():
            parent = self.tables[name]
            if not parent.key:
                continue
            is_lookup = self._is_lookup(parent)
            field_name = parent.wanted.singular if is_lookup else f"{parent.wanted.singular}_id"
            asked = next((one for one in table.wanted.asked if one.refers == name), None)
            said = asked.said if asked else ""
            if asked is not None and "_" in asked.said and not is_lookup:
                field_name = asked.name
            ref: Any = {"to": f"{name}.{parent.key}", **how} if how else f"{name}.{parent.key}"
            self._put(
                table,
                {"name": field_name, "ref": ref},
                f'you said "{said}"' if said else f"the {parent.wanted.singular} it belongs to",
            )

    def _put_asked(self, table: Table, asked: Asked) -> None:
        if asked.refers == table.wanted.name and table.key:
            ref = f"{table.wanted.name}.{table.key}"
            nullable = asked.short.get("nullable", True)
            self._put(table, {"name": asked.name, "ref": ref, "nullable": nullable}, f'you said "{asked.said}"')
            return
        parent = self.tables.get(asked.refers)
        if parent is not None and parent.key and asked.name != table.key:
            ref = f"{asked.refers}.{parent.key}"
            self._put(table, {"name": asked.name, "ref": ref}, f'you said "{asked.said}"')
            return
        short, why = self._short(table, asked)
        if asked.name == table.key:
            return
        if short.get("type") == "date" and asked.name.endswith(("_time", "_at")) and "range" not in asked.short:
            short |= timed(short)
        if asked.shares:
            weigh(short, asked.shares)
        notes = f"; {', '.join(asked.notes)}" if asked.notes else ""
        if asked.meaning is not None and table.wanted.kind and asked.meaning.name in table.wanted.kind.own:
            table.names[asked.meaning.name] = asked.name
        self._put(table, {"name": asked.name, **short}, f'you said "{asked.said}"{why}{notes}'[:160])

    def _short(self, table: Table, asked: Asked) -> tuple[dict[str, Any], str]:
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
            return over({"type": "string", "generator": {"name": "grammar", "rules": TITLES}}, asked.short), ""
        if asked.meaning is not None:
            return over(self._alone(wanted, asked), asked.short), ""
        if asked.short.get("type"):
            short = dict(asked.short)
            if short["type"] in ("integer", "number") and not short.keys() & {"range", "generator", "values"}:
                short |= {"range": [1, 1000]} | ({"decimals": 2} if short["type"] == "number" else {})
            tell_apart(short, asked.phrase)
            if short["type"] == "integer" and asked.name.endswith("_id") and (parent := self._sized(asked.name)):
                short["range"] = [1, parent]
            if short.get("values") == ["A", "B", "C", "D"]:
                self._unknown(wanted, asked, "values A, B, C, D")
            return short, ", by its last word"
        guessed = guess(list(asked.phrase))
        if guessed is not None:
            tell_apart(guessed, asked.phrase)
            return over(guessed, asked.short), ", by its last word"
        self._unknown(wanted, asked, "a word or two")
        return over(unknown(asked.said[:80]), asked.short), ", which nobody here knows"

    def _alone(self, wanted: Wanted, asked: Asked) -> dict[str, Any]:
        """What a field means here; one of another table is not made of fields that only that table has."""
        assert asked.meaning is not None
        short = self._plain(asked.meaning)
        if asked.meaning.of_things and _is_thing(wanted):
            short |= copy.deepcopy(dict(asked.meaning.of_things))
        if asked.meaning.needs and not (wanted.kind and asked.meaning.name in wanted.kind.own):
            short = {key: value for key, value in short.items() if key not in ("derive", "generator")}
            if short.get("type") in ("number", "integer") and "range" not in short:
                short["range"] = [1, 5000]
            elif short.get("type") == "string" and "values" not in short:
                other = meanings().get(asked.meaning.name)
                short = self._plain(other) if other else guess(list(asked.phrase)) or unknown(asked.said[:80])
        return short

    def _unknown(self, wanted: Wanted, asked: Asked, default: str) -> None:
        self.request.ask("term", f'What is "{asked.said}" like?', default, f"{wanted.name}.{asked.name}")

    def _sized(self, name: str) -> int:
        table = next((one for one in self.tables.values() if f"{one.wanted.singular}_id" == name), None)
        return (table.count or USUAL_ROWS) if table else max((self.tables[self.made.main].count or USUAL_ROWS) // 4, 10)

    def _name_of(self, table: Table) -> dict[str, Any] | None:
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
        if _PERSON.search(wanted.singular) or wanted.singular == "record":
            return None
        return {"type": "string", "generator": {"name": "ngram", "order": 2, "examples": list(NAMES)}}

    def _put_usual(self, table: Table, asked: list[Asked]) -> None:
        """What such a table usually has, where little was said."""
        wanted, kind = table.wanted, table.wanted.kind
        if kind is None:
            person = _PERSON.search(wanted.singular)
            if not asked:
                for name in ("full_name", "email", "city") if person else ("name", "created_at", "status"):
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

    def _is_parents(self, table: Table, name: str, meaning: Meaning) -> bool:
        """Whether a usual field is what a parent at hand says already: the author of a post, where users are there."""
        words = {(*self.tables[parent].wanted.singular.split("_"),) for parent in table.links}
        return any((*name.split("_"),) == one or one in meaning.phrases for one in words) and name not in ("name",)

    def _put_needs(self, table: Table) -> None:
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
            rename(one, table.names)

    def _plain(self, meaning: Meaning) -> dict[str, Any]:
        """The short form of a meaning, for this request: its goods, its steps."""
        short = copy.deepcopy(dict(meaning.short))
        goods = lexicon()["goods"]
        shop = goods[self.request.goods]
        shop = goods[shop] if isinstance(shop, str) else shop
        if (price := shop.get("price")) and meaning.name in ("price", "unit_price"):
            set_price(short, price)
        wanted = short.pop("goods", None)
        if wanted == "names":
            # Shops of one kind sell few things by name, and many of each.
            short["generator"] = {
                "name": "template",
                "text": "{adjective} {thing} {line}",
                "slots": {
                    "adjective": goods["adjectives"],
                    "thing": shop["items"],
                    "line": "100 200 300 500 X XL II Plus Go Max Lite One Edge Duo".split(),
                },
            }
        elif wanted:
            short["values"] = shop[wanted]
        if short.pop("words", None):
            short["generator"] = {"name": "grammar", "rules": TITLES}
        return short

    def _put(self, table: Table, short: dict[str, Any], why: str) -> None:
        name = short["name"]
        if any(one["name"] == name for one in table.fields):
            return
        generator = short.get("generator")
        if short.get("unique") and isinstance(generator, dict) and generator.get("name") == "series":
            # of a few devices in turn: never once each
            short = {"name": name, "type": "string", "unique": True, "pattern": "[A-Z]{2}[0-9]{6}"}
        table.fields.append(short)
        self.made.why[f"{table.wanted.name}.{name}"] = why


def _is_thing(wanted: Wanted) -> bool:
    """Whether a row is rather a thing than a person: it weighs, and is as high as, a thing."""
    if wanted.kind is not None:
        return not wanted.kind.has_people and wanted.kind.domain not in _OF_BODIES
    named = {one.meaning.name for one in wanted.asked if one.meaning}
    return not _PERSON.search(wanted.singular) and bool(named & _OF_THINGS)
