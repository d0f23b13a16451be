"""Sentences about fields: leave out, rename, unique, optional, which values, which range, which share, what it is.

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
    meaning_of,
    stem,
    table_at,
    table_called,
    value_called,
)  # fmt: skip
from ffgen.chat.heard import LEAVE, Heard, clash, fullmatch
from ffgen.chat.standing import Standing, tables_of
from ffgen.draft.answers import shape_of
from ffgen.draft.flat import finest_of
from ffgen.draft.limits import Norm, periods
from ffgen.draft.words import tokens

_FIELD = r"(?P<field>[\w.][\w. -]*?)"
_NO = (
    r"(?:no|without(?: any)?|drop|remove|delete|leave out|leave off|skip|omit|forget(?: about)?|get rid of|take out|"
    r"take away|lose|(?:i |we )?(?:don't|do not|doesn't|does not) (?:need|want|have|use|include)|exclude|minus)"
)
_MUST = r"(?:must(?: all)?|should(?: all)?|has to|have to|needs? to|is|are|to) ?(?:all )?(?:be )?"
_NUMBER = r"[-+]?\$?\d+(?:\.\d+)?"
_UNIT = r"(?:%|\$| ?(?:euros?|dollars?|usd|eur|years?(?: old)?|kg|km|cm|m|points?|stars?|degrees?))?"
_SPOILS = {"duplicate": "duplicates", "typo": "typos", "outlier": "outliers", "missing value": "nulls", "null": "nulls",
           "imperfection": "", "error": ""}  # fmt: skip
_SHAPES = re.compile(r"(?:an? )?(?:whole number|number|date|yes or no|sentence|code|word or two)", re.IGNORECASE)
_STATUS = ("status", "state", "outcome", "result")


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
            notes.append(f"There is no {bare(words)} to leave out.")
            continue
        if taken.ask is not None:
            return taken
        now, notes = taken.now, [*notes, *taken.notes]
    return Heard(now=now, notes=tuple(notes))


def renamed(now: Standing, said: str) -> Heard | None:
    """`rename phone to mobile`, `call customers clients`."""
    match = fullmatch(
        r"(?:rename|call|name|change) (?:the )?(.+?) (?:to|as|into) (?:be called )?['\"]?([\w -]+)['\"]?", said
    )  # noqa: E501
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
        fullmatch(rf"(?:make )?(?:the |each |every |all )?{_FIELD} (?:{_MUST})?(?:unique|distinct|all different)", said)
        or fullmatch(rf"(?:with )?(?:unique|distinct) {_FIELD}", said)
        or fullmatch(
            rf"no (?:two|2) .+? (?:may |can |should |must )?(?:share|have) (?:the same |an? |the )?{_FIELD}", said
        )
    )
    no = fullmatch(
        rf"(?:the )?{_FIELD} (?:(?:need not|needn't|do not need to|don't need to|don't have to|doesn't have to|"
        rf"must not|should not|is not|isn't|are not|aren't) (?:be )?(?:unique|distinct)|(?:may|can) (?:repeat|be the same|"
        rf"occur twice|be shared))", said,
    )  # fmt: skip
    match = no or yes
    places = _one_of(now, match["field"], said) if match is not None else None
    if not isinstance(places, list):
        return places
    keys = {"unique": None if no else True}
    return _put(now, places, keys)


def optional(now: Standing, said: str) -> Heard | None:
    """`phone is optional`, `30% have no phone`, `phone is required`."""
    share: float | bool = True
    never = fullmatch(
        rf"(?:make )?(?:the )?{_FIELD} (?:{_MUST})?(?:required|mandatory|always (?:there|present|set)|never (?:missing|empty)|not optional)",
        said,
    )  # noqa: E501
    match = fullmatch(
        rf"(?:make )?(?:the )?{_FIELD} (?:(?:is|are|can|may|should|could) ?(?:be )?)?(?:sometimes )?(?:optional|nullable|missing|empty|left out|blank|null)(?: (?:for|in) (?P<share>[\d.]+)%.*)?",
        said,
    )  # noqa: E501
    match = match or fullmatch(
        rf"(?P<share>[\d.]+)% (?:of (?:the )?)?(?:[\w ]+? )?(?:(?:have|has|with|are|is) no|without|lack|miss|are missing|have an empty|(?:are|is) without) (?:an? |the |any )?{_FIELD}",
        said,
    )  # noqa: E501
    match = match or fullmatch(
        rf"(?P<share>[\d.]+)% of (?:the |all )?{_FIELD} (?:are|is|should be|may be) (?:missing|empty|null|blank)", said
    )  # noqa: E501
    match = match or fullmatch(rf"optional {_FIELD}", said)
    if never is None and match is None:
        return None
    if match is not None and match.groupdict().get("share"):
        share = float(match["share"]) / 100
        if not 0 < share < 1:
            return None
    places = _one_of(now, (never or match)["field"], said)  # type: ignore[index]
    if not isinstance(places, list):
        return places
    return _put(now, places, {"nullable": None if never is not None else share})


def values(now: Standing, said: str) -> Heard | None:
    """`status is one of open, closed`, `status: 70% open, 30% closed`."""
    match = fullmatch(
        rf"(?:the )?{_FIELD} ?(?:(?:is|are|can be|should be|may be|must be|has the values|has values|=|:) ?)(?:either |one of |any of |1 of )?:? ?(?P<list>.+)",
        said,
    )  # noqa: E501
    if match is None:
        return None
    found = list_of_values(match["list"])
    places = fields_called(now.spec, match["field"])
    if found is None or len(places) != 1:
        return None
    return _put(now, places, _with_values(found), clear=("range", "generator", "pattern", "decimals", "length"))


def between(now: Standing, said: str) -> Heard | None:
    """`age between 18 and 65`, `price up to 500`: where the field is there."""
    ends = rf"(?:between |from |in )?(?P<low>{_NUMBER}){_UNIT} ?(?:and|to|-|–|\.\.+) ?(?P<high>{_NUMBER}){_UNIT}"
    top = rf"(?:up to|at most|no more than|under|below|less than|max(?:imum)?(?: of)?|<=?) (?P<top>{_NUMBER}){_UNIT}"
    bottom = (
        rf"(?:at least|no less than|over|above|more than|from|min(?:imum)?(?: of)?|>=?) (?P<bottom>{_NUMBER}){_UNIT}"
    )
    verb = r"(?:(?:is|are|goes|go|ranges?|lies?|lie|must be|should be|should go|runs?|varies|vary|:|=) ?)?"
    match = fullmatch(rf"(?:the |make )?(?:{_FIELD}) {verb}(?:{ends}|{top}|{bottom})", said)
    if match is None:
        return _dates_between(now, said)
    places = _one_of(now, match["field"], said)
    if not isinstance(places, list):
        return places
    field = field_at(now.spec, places[0])
    if field is None or field.get("type") not in ("integer", "number"):
        return None
    low, high = (_number(match[name]) for name in ("low", "high"))
    usual = field.get("range") or [0, 100]
    if low is None or high is None:
        low = _number(match["bottom"]) if match["bottom"] else min(usual[0], _number(match["top"]) or 0)
        high = _number(match["top"]) if match["top"] else max(usual[1], (low or 0) * 10 + 10)
    if low > high:  # type: ignore[operator]
        name = places[0][1]
        choices = [(f"{high} to {low}", f"{'.'.join(places[0])} between {high} and {low}"), (LEAVE, "")]
        return Heard(now=now, ask=clash(f"{name}: {low} is above {high}.", choices, choices[0][0]))
    keys: dict[str, Any] = {"range": [low, high], "values": None, "weights": None}
    if isinstance(low, float) or isinstance(high, float):
        keys["type"] = "number"
        keys["decimals"] = field.get("decimals", 2)
    return _put(now, places, keys)


def shared(now: Standing, said: str) -> Heard | None:
    """`5% of orders are refunded`, `70% active`, `the share of refunds is 5%`: a value of an enum, or a yes or no."""
    match = fullmatch(
        r"(?:about |around )?(?P<share>[\d.]+)% (?:of (?:the |all |them )?(?P<of>[\w ]+?) )?(?:(?:are|is|should be|get|gets|have been|were|was|be|of them are) )?(?P<value>[\w -]+)",
        said,
    )  # noqa: E501
    match = match or fullmatch(
        r"(?:the )?(?:share|rate|part|percentage) of (?P<value>[\w -]+) (?:is|are|should be|=|:) ?(?P<share>[\d.]+)%",
        said,
    )  # noqa: E501
    if match is None:
        return None
    share = float(match["share"]) / 100
    of = match.groupdict().get("of") or ""
    if not 0 <= share <= 1:
        return None
    owner = table_called(now.spec, of)
    for table in [table for table in now.tables if owner in ("", table["name"])]:
        for field in table["fields"]:
            place = (str(table["name"]), str(field["name"]))
            if field.get("type") == "enum" and (value := value_called(field, match["value"])) is not None:
                return _put(now, [place], edit.with_share(field, value, share))
            if field.get("type") == "boolean" and stem(match["value"]) == stem(field["name"].removeprefix("is_")):
                return _put(now, [place], {"generator": {"name": "boolean", "share": share}})
    return _new_value(now, owner, match["value"], share) if owner or len(now.tables) == 1 else None


def shaped(now: Standing, said: str) -> Heard | None:
    """`make age a whole number`, `code is a code`, `price with 2 decimals`."""
    if match := fullmatch(
        rf"(?:the )?{_FIELD} (?:with|has|have|to) (?P<places>[0-9]) (?:decimals?|decimal places|digits after the point)",
        said,
    ):  # noqa: E501
        places = _one_of(now, match["field"], said)
        if not isinstance(places, list):
            return places
        return _put(now, places, {"type": "number", "decimals": int(match["places"])})
    match = fullmatch(
        rf"(?:make |turn )?(?:the )?{_FIELD} (?:(?:is|are|should be|must be|as|into|:) ?)?(?P<shape>.+)", said
    )
    if match is None:
        return None
    shape = match["shape"].lower()
    if not _SHAPES.fullmatch(shape):
        return None
    if not shape.startswith(("a ", "an ", "yes")):
        shape = f"a {shape}"
    made, found = shape_of(shape), fields_called(now.spec, match["field"])
    if made is None or len(found) != 1:
        return None
    kept = {key: None for key in ("values", "weights", "range", "generator", "pattern", "decimals", "length")}
    return _put(now, found, {**kept, **made})


def listed(text: str) -> list[str]:
    """The parts of a list of names."""
    return [part for one in re.split(r",|;|/|\band\b|\bor\b|\bnor\b|\bno\b|&|\+", text) if (part := one.strip())]


def list_of_values(text: str) -> list[tuple[str, float | None]] | None:
    """Values with their shares, where any has one; None for what is no list of at least two."""
    found: list[tuple[str, float | None]] = []
    for part in re.split(r",|;|/|\bor\b|\band\b(?= ?[\d.]+%)|\|", text.strip(" ()[]")):
        one = part.strip(" '\"").removeprefix("and ").strip()
        match = re.fullmatch(r"(?:([\d.]+) ?% (.+?)|(.+?) \(?([\d.]+) ?%\)?)", one)
        name = (match[2] or match[3] if match else one).strip(" '\"")
        if not name or len(name) > 60 or not any(letter.isalnum() for letter in name):
            return None
        found.append((name, float(match[1] or match[4]) if match else None))
    if len(found) == 1 and len(parts := [one.strip() for one in re.split(r"\band\b", found[0][0])]) == 2:
        found = [(one, None) for one in parts if one]
    return found if len(found) > 1 else None


def _with_values(found: list[tuple[str, float | None]]) -> dict[str, Any]:
    """Values as keys of a field; numbers where all are."""
    names = list(dict.fromkeys(name for name, _ in found))
    shares = dict(found)
    numbers = [_number(name) if re.fullmatch(_NUMBER, name) else None for name in names]
    whole: list[Any] = names if None in numbers else numbers
    kind = "enum" if whole is names else "integer" if all(isinstance(one, int) for one in whole) else "number"
    keys: dict[str, Any] = {"type": kind, "values": whole, "weights": None}
    told = [share for share in shares.values() if share is not None]
    if told:
        rest = max(100 - sum(told), 0) / max(len(names) - len(told), 1)
        weights = [edit.short(rest if shares[name] is None else shares[name] or 0) for name in names]
        kept = [(one, weight) for one, weight in zip(whole, weights, strict=True) if weight > 0]
        keys |= {"values": [one for one, _ in kept], "weights": [weight for _, weight in kept]}
    return keys


def _taken_out(now: Standing, words: str, said: str) -> Heard | None:
    """One thing less."""
    if (spoiled := _SPOILS.get(stem_of(words))) is not None and not fields_called(now.spec, words):
        return _unspoiled(now, spoiled)
    table = table_called(now.spec, words)
    if table and len(now.tables) > 1 and not any(field["name"] == bare(words) for field in _all(now)):
        main = now.main if now.main != table else str(next(t for t in now.tables if t["name"] != table)["name"])
        why = {path: told for path, told in now.why.items() if not path.startswith(f"{table}.")}
        return Heard(now=structs.replace(now, spec=edit.without_table(now.spec, table), main=main, why=why))
    found = _one_of(now, words, said, many=True)
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
                return _put(now, [(str(table["name"]), str(field["name"]))], edit.with_share(field, value, 0))
    return None


def _unspoiled(now: Standing, key: str) -> Heard:
    spec = edit.copied(now.spec)
    for table in tables_of(spec):
        spoiled = table.get("imperfections", {})
        spoiled.pop(key, None)
        if not key or not spoiled:
            table.pop("imperfections", None)
    return Heard(now=structs.replace(now, spec=spec))


def _new_value(now: Standing, owner: str, words: str, share: float) -> Heard | None:
    """A share of what no field has yet: one more value of a status, else a new yes or no."""
    meaning = meaning_of(owner or now.main, words)
    value = bare(words)
    if len(value.split()) > 2 or (
        meaning is not None and meaning.short.get("type") not in (None, "boolean", "datetime", "date")
    ):  # noqa: E501
        return None
    table = owner or str(finest_of(now.tables))
    place = next(((table, str(field["name"])) for field in (table_at(now.spec, table) or {"fields": []})["fields"]
                  if field.get("type") == "enum" and str(field["name"]).endswith(_STATUS)), None)  # fmt: skip
    if not value.lower().endswith("ed"):
        return None
    if place is not None:
        field = field_at(now.spec, place)
        assert field is not None
        return _put(now, [place], edit.with_share(field, value.lower(), share))
    made = {
        "name": re.sub(r"\W+", "_", value.lower()),
        "type": "boolean",
        "generator": {"name": "boolean", "share": share},
    }
    why = {**now.why, f"{table}.{made['name']}": f'you said "{value}"'}
    return Heard(now=structs.replace(now, spec=edit.with_field(now.spec, table, made), why=why))


def _dates_between(now: Standing, said: str) -> Heard | None:
    """`birth dates from 1950 to 2000`."""
    match = fullmatch(
        rf"(?:the )?{_FIELD} (?:is |are |must be |should be )?(?P<when>(?:between|from|in|since|last|after|before) .+)",
        said,
    )  # noqa: E501
    places = fields_called(now.spec, match["field"]) if match else []
    if match is None or len(places) != 1:
        return None
    field = field_at(now.spec, places[0])
    spans = periods(Norm(tokens(match["when"])))
    if field is None or field.get("type") not in ("date", "datetime") or len(spans) != 1:
        return None
    spec = edit.with_period(now.spec, places, spans[0].low, spans[0].high)
    return Heard(now=structs.replace(now, spec=spec))


def _put(now: Standing, places: list[Place], keys: Mapping[str, Any], clear: tuple[str, ...] = ()) -> Heard:
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


def _one_of(now: Standing, words: str, said: str, many: bool = False) -> list[Place] | Heard | None:
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


def _number(text: str | None) -> int | float | None:
    if not text:
        return None
    plain = text.replace("$", "")
    return float(plain) if "." in plain else int(plain)
