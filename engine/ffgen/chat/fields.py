"""Sentences about fields as a whole: leave out, rename, unique, optional.

Each rule takes where the conversation stands and a plain sentence; None where it is about something else.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ffgen.chat import edit
from ffgen.chat.find import (
    Place,
    bare,
    field_at,
    fields_called,
    table_at,
    table_called,
    value_called,
)  # fmt: skip
from ffgen.chat.heard import Heard, clash, fullmatch
from ffgen.chat.standing import Standing, tables_of

FIELD = r"(?P<field>[\w.][\w. -]*?)"
_NO = (
    r"(?:no|without(?: any)?|drop|remove|delete|leave out|leave off|skip|omit|forget(?: about)?|get rid of|take out|"
    r"take away|lose|(?:i |we )?(?:don't|do not|doesn't|does not) (?:need|want|have|use|include)|exclude|minus)"
)
_MUST = r"(?:must(?: all)?|should(?: all)?|has to|have to|needs? to|is|are|to) ?(?:all )?(?:be )?"
_SPOILS = {"duplicate": "duplicates", "typo": "typos", "outlier": "outliers", "missing value": "nulls", "null": "nulls",
           "imperfection": "", "error": ""}  # fmt: skip


def left_out(now: Standing, said: str) -> Heard | None:
    """`no e-mail`, `drop the phone and the city`, `no orders`, `no duplicates`."""
    match = fullmatch(rf"{_NO} (.+)", said)
    match = match or fullmatch(r"(.+?) (?:is|are) (?:not needed|unnecessary|not necessary)", said)
    if match is None:
        return None
    notes: list[str] = []
    for words in listed(match[1]):
        taken = _taken_out(now, words, said)
        if taken is None and (len(words.split()) > 3 or re.search(r"\d|\bmore\b|\bless\b|\bfewer\b", words)):
            return None
        if taken is None:
            notes.append(f"Nothing here is called {bare(words)}.")
            continue
        if taken.ask is not None:
            return taken
        now, notes = taken.now, [*notes, *taken.notes]
    return Heard(now=now, notes=tuple(notes))


def renamed(now: Standing, said: str) -> Heard | None:
    """`rename phone to mobile`, `call customers clients`."""
    match = fullmatch(
        r"(?:rename|call|name|change) (?:the )?(.+?) (?:to|as|into) (?:be called )?['\"]?([\w -]+)['\"]?", said
    )
    match = match or fullmatch(r"(?:rename|call|name) (?:the )?([\w.]+) ['\"]?(\w+)['\"]?", said)
    if match is None:
        return None
    to = re.sub(r"\W+", "_", match[2].strip()).strip("_")[:60]
    if table := table_called(now.spec, match[1]):
        if not to or table_at(now.spec, to) is not None:
            return None
        names = {**{path: name for path, name in now.names.items() if name != table}, _before(now, table): to}
        why = {_under(path, table, to): told for path, told in now.why.items()}
        main = to if now.main == table else now.main
        said_ = tuple(_under(path, table, to) if path.startswith(f"{table}.") else to if path == table else path
                      for path in now.said)  # fmt: skip
        spec = edit.renamed_table(now.spec, table, to)
        return Heard(now=structs.replace(now, spec=spec, names=names, why=why, main=main, said=said_))
    places = fields_called(now.spec, match[1])
    if len(places) != 1 or not to or field_at(now.spec, (places[0][0], to)) is not None:
        return None
    place = places[0]
    names = {**now.names, f"{_before(now, place[0])}.{_field_before(now, place)}": to}
    why = {f"{place[0]}.{to}" if path == ".".join(place) else path: told for path, told in now.why.items()}
    return Heard(now=structs.replace(now, spec=edit.renamed_field(now.spec, place, to), names=names, why=why))


def unique(now: Standing, said: str) -> Heard | None:
    """`emails must be unique`, `no two customers share a phone`, `phones may repeat`."""
    yes = (
        fullmatch(rf"(?:make )?(?:the |each |every |all )?{FIELD} (?:{_MUST})?(?:unique|distinct|all different)", said)
        or fullmatch(rf"(?:with )?(?:unique|distinct) {FIELD}", said)
        or fullmatch(
            rf"no (?:two|2) .+? (?:may |can |should |must )?(?:share|have) (?:the same |an? |the )?{FIELD}", said
        )
    )
    no = fullmatch(
        rf"(?:the )?{FIELD} (?:(?:need not|needn't|do not need to|don't need to|don't have to|doesn't have to|"
        rf"must not|should not|is not|isn't|are not|aren't) (?:be )?(?:unique|distinct)|(?:may|"
        rf"can) (?:repeat|be the same|"
        rf"occur twice|be shared))", said,
    )  # fmt: skip
    match = no or yes
    places = one_of(now, match["field"], said) if match is not None else None
    if not isinstance(places, list):
        return places
    keys = {"unique": None if no else True}
    return put(now, places, keys)


def optional(now: Standing, said: str) -> Heard | None:
    """`phone is optional`, `30% have no phone`, `phone is required`."""
    share: float | bool = True
    never = fullmatch(
        rf"(?:make )?(?:the )?{FIELD} (?:{_MUST})?(?:required|mandatory|always (?:there|present|set)|"
        rf"never (?:missing|empty)|not optional)",
        said,
    )
    match = fullmatch(
        rf"(?:make )?(?:the )?{FIELD} (?:(?:is|are|can|may|should|"
        rf"could) ?(?:be )?)?(?:sometimes )?(?:optional|nullable|missing|empty|left out|blank|"
        rf"null)(?: (?:for|in) (?P<share>[\d.]+)%.*)?",
        said,
    )
    match = match or fullmatch(
        rf"(?P<share>[\d.]+)% (?:of (?:the )?)?(?:[\w ]+? )?(?:(?:have|has|with|are|is) no|without|"
        rf"lack|miss|are missing|have an empty|(?:are|is) without) (?:an? |the |any )?{FIELD}",
        said,
    )
    match = match or fullmatch(
        rf"(?P<share>[\d.]+)% of (?:the |all )?{FIELD} (?:are|is|should be|may be) (?:missing|empty|null|blank)", said
    )
    match = match or fullmatch(rf"optional {FIELD}", said)
    match = match or fullmatch(
        rf"(?:some|many|a few|not all)(?: of (?:the |them)?)? ?(?:[\w ]+? )?(?:have|has|with|do not have|don't have) "
        rf"(?:no |an? )?{FIELD}",
        said,
    )
    if never is None and match is None:
        return None
    if match is not None and match.groupdict().get("share"):
        share = float(match["share"]) / 100
        if not 0 < share < 1:
            return None
    places = one_of(now, (never or match)["field"], said)  # type: ignore[index]
    if not isinstance(places, list):
        return places
    return put(now, places, {"nullable": None if never is not None else share})


def listed(text: str) -> list[str]:
    """The parts of a list of names."""
    return [part for one in re.split(r",|;|/|\band\b|\bor\b|\bnor\b|\bno\b|&|\+", text) if (part := one.strip())]


def _taken_out(now: Standing, words: str, said: str) -> Heard | None:
    """One thing less."""
    if (spoiled := _SPOILS.get(stem_of(words))) is not None and not fields_called(now.spec, words):
        return _unspoiled(now, spoiled)
    table = table_called(now.spec, words)
    if table and len(now.tables) > 1 and not any(field["name"] == bare(words) for field in _all(now)):
        main = now.main if now.main != table else str(next(t for t in now.tables if t["name"] != table)["name"])
        why = {path: told for path, told in now.why.items() if not path.startswith(f"{table}.")}
        return Heard(now=structs.replace(now, spec=edit.without_table(now.spec, table), main=main, why=why))
    found = one_of(now, words, said, many=True)
    if not isinstance(found, list):
        return found or _no_value(now, words)
    notes = []
    for place in found:
        spec, hidden = edit.without_field(now.spec, place)
        if hidden:
            notes.append(f"{place[1]} stays, but out of the data: other fields are made of it.")
        why = {path: told for path, told in now.why.items() if hidden or path != ".".join(place)}
        now = structs.replace(now, spec=spec, why=why)
    return Heard(now=now, notes=tuple(notes))


def _no_value(now: Standing, words: str) -> Heard | None:
    """`no refunds`: a value that there is."""
    for table in now.tables:
        for field in table["fields"]:
            if field.get("type") == "enum" and (value := value_called(field, words)) and len(field["values"]) > 2:
                return put(now, [(str(table["name"]), str(field["name"]))], edit.with_share(field, value, 0))
    return None


def _unspoiled(now: Standing, key: str) -> Heard:
    spec = edit.copied(now.spec)
    for table in tables_of(spec):
        spoiled = table.get("imperfections", {})
        spoiled.pop(key, None)
        if not key or not spoiled:
            table.pop("imperfections", None)
    return Heard(now=structs.replace(now, spec=spec))


def put(now: Standing, places: list[Place], keys: Mapping[str, Any], clear: tuple[str, ...] = ()) -> Heard:
    spec, why = now.spec, dict(now.why)
    for place in places:
        field = field_at(spec, place)
        assert field is not None
        gone = {key: None for key in clear if key not in keys}
        spec = edit.put(spec, place, {**gone, **keys})
        path = ".".join(place)
        if why.get(path, "").startswith("usual") and field_at(spec, place) != field:
            why[path] = "usual here, and you said more"
    said = tuple(dict.fromkeys([*now.said, *(".".join(place) for place in places)]))
    return Heard(now=structs.replace(now, spec=spec, why=why, said=said))


def one_of(now: Standing, words: str, said: str, many: bool = False) -> list[Place] | Heard | None:
    """The one field that is meant; a question where it may be several, unless `many` parts of one thing are fine."""
    places = fields_called(now.spec, words)
    if len(places) < 2:
        return places or None
    names = {place[1] for place in places}
    if len({place[0] for place in places}) == 1 and (many or names <= {"first_name", "last_name"}):
        return places
    shown = [".".join(place) for place in places[:5]]
    return Heard(
        now=now, ask=clash(f"Which {bare(words)}?", [(one, said.replace(words, one, 1)) for one in shown], shown[0])
    )


def _before(now: Standing, table: str) -> str:
    """What the drafter calls a table."""
    return next((old for old, new in now.names.items() if new == table and "." not in old), table)


def _field_before(now: Standing, place: Place) -> str:
    old = next((old for old, new in now.names.items() if new == place[1] and "." in old), f".{place[1]}")
    return old.partition(".")[2]


def _under(path: str, table: str, to: str) -> str:
    return f"{to}.{path.partition('.')[2]}" if path.startswith(f"{table}.") else path


def _all(now: Standing) -> list[dict[str, Any]]:
    return [field for table in now.tables for field in table["fields"]]


def stem_of(words: str) -> str:
    """Words in the singular, without articles."""
    return " ".join(re.sub(r"s$", "", word) for word in bare(words).lower().split())
