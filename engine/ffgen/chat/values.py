"""Sentences about what a field holds: which values, which range, which share, what kind of thing.

Each rule takes where the conversation stands and a plain sentence; None where it is about something else.
"""

import re
from typing import Any

from msgspec import structs

from ffgen.chat import edit
from ffgen.chat.fields import FIELD, one_of, put
from ffgen.chat.find import bare, field_at, fields_called, meaning_of, stem, table_at, table_called, value_called
from ffgen.chat.heard import LEAVE, Heard, clash, fullmatch
from ffgen.chat.standing import Standing
from ffgen.draft.answers import shape_of
from ffgen.draft.flat import finest_of
from ffgen.draft.limits import Norm, periods
from ffgen.draft.words import tokens

_NUMBER = r"[-+]?\$?\d+(?:\.\d+)?"
_UNIT = r"(?:%|\$| ?(?:euros?|dollars?|usd|eur|years?(?: old)?|kg|km|cm|m|points?|stars?|degrees?))?"
_SHAPE = r"(?P<shape>(?:an? )?(?:whole number|number|date|yes or no|sentence|code|word or two))"
_STATUS = ("status", "state", "outcome", "result")


def values(now: Standing, said: str) -> Heard | None:
    """`status is one of open, closed`, `status: 70% open, 30% closed`."""
    match = fullmatch(
        rf"(?:the )?{FIELD} ?(?:(?:is|are|can be|should be|may be|must be|has the values|has values|=|"
        rf":) ?)(?:either |one of |any of |1 of )?:? ?(?P<list>.+)",
        said,
    )
    if match is None:
        return None
    found = list_of_values(match["list"])
    places = fields_called(now.spec, match["field"])
    if found is None or len(places) != 1:
        return None
    return put(now, places, _with_values(found), clear=("range", "generator", "pattern", "decimals", "length"))


def between(now: Standing, said: str) -> Heard | None:
    """`age between 18 and 65`, `price up to 500`: where the field is there."""
    ends = rf"(?:between |from |in )?(?P<low>{_NUMBER}){_UNIT} ?(?:and|to|-|–|\.\.+) ?(?P<high>{_NUMBER}){_UNIT}"
    top = rf"(?:up to|at most|no more than|under|below|less than|max(?:imum)?(?: of)?|<=?) (?P<top>{_NUMBER}){_UNIT}"
    bottom = (
        rf"(?:at least|no less than|over|above|more than|from|min(?:imum)?(?: of)?|>=?) (?P<bottom>{_NUMBER}){_UNIT}"
    )
    verb = r"(?:(?:is|are|goes|go|ranges?|lies?|lie|must be|should be|should go|runs?|varies|vary|:|=) ?)?"
    match = fullmatch(rf"(?:the |make )?(?:{FIELD}) {verb}(?:{ends}|{top}|{bottom})", said)
    if match is None:
        return _dates_between(now, said)
    words = match["field"]
    if table := table_called(now.spec, words):
        words = f"{table}.age" if re.search(r"years? old|of age", said, re.IGNORECASE) else ""
    places = one_of(now, words, said)
    if not isinstance(places, list):
        return places
    field = field_at(now.spec, places[0])
    if field is None or field.get("type") not in ("integer", "number"):
        return None
    low, high = (number_of(match[name]) for name in ("low", "high"))
    usual = field.get("range") or [0, 100]
    if low is None or high is None:
        low = number_of(match["bottom"]) if match["bottom"] else min(usual[0], number_of(match["top"]) or 0)
        high = number_of(match["top"]) if match["top"] else max(usual[1], (low or 0) * 10 + 10)
    if low > high:  # type: ignore[operator]
        name = places[0][1]
        choices = [(f"{high} to {low}", f"{'.'.join(places[0])} between {high} and {low}"), (LEAVE, "")]
        return Heard(now=now, ask=clash(f"{name}: {low} is above {high}.", choices, choices[0][0]))
    keys: dict[str, Any] = {"range": [low, high], "values": None, "weights": None}
    if isinstance(low, float) or isinstance(high, float):
        keys["type"] = "number"
        keys["decimals"] = field.get("decimals", 2)
    return put(now, places, keys)


def shared(now: Standing, said: str) -> Heard | None:
    """`5% of orders are refunded`, `70% active`, `the share of refunds is 5%`: a value of an enum, or a yes or no."""
    match = fullmatch(
        r"(?:about |around )?(?P<share>[\d.]+)% (?:of (?:the |all |them )?(?P<of>[\w ]+?) )?(?:(?:are|"
        r"is|should be|get|gets|have been|were|was|be|of them are) )?(?P<value>[\w -]+)",
        said,
    )
    match = match or fullmatch(
        r"(?:the )?(?:share|rate|part|percentage) of (?P<value>[\w -]+) (?:is|are|should be|=|:) ?(?P<share>[\d.]+)%",
        said,
    )
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
                return put(now, [place], edit.with_share(field, value, share))
            if field.get("type") == "boolean" and stem(match["value"]) == stem(field["name"].removeprefix("is_")):
                return put(now, [place], {"generator": {"name": "boolean", "share": share}})
    return _new_value(now, owner, match["value"], share) if owner or len(now.tables) == 1 else None


def shaped(now: Standing, said: str) -> Heard | None:
    """`make age a whole number`, `code is a code`, `price with 2 decimals`."""
    if match := fullmatch(
        rf"(?:the )?{FIELD} (?:with|has|have|to) (?P<places>[0-9]) (?:decimals?|decimal places|"
        rf"digits after the point)",
        said,
    ):
        places = one_of(now, match["field"], said)
        if not isinstance(places, list):
            return places
        return put(now, places, {"type": "number", "decimals": int(match["places"])})
    match = fullmatch(rf"(?:make |turn )?(?:the )?{FIELD} (?:(?:is|are|should be|must be|as|into|:) ?)?{_SHAPE}", said)
    if match is None:
        return None
    shape = match["shape"].lower()
    if not shape.startswith(("a ", "an ", "yes")):
        shape = f"a {shape}"
    made, found = shape_of(shape), fields_called(now.spec, match["field"])
    if made is None or len(found) != 1:
        return None
    kept = {key: None for key in ("values", "weights", "range", "generator", "pattern", "decimals", "length")}
    return put(now, found, {**kept, **made})


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
    numbers = [number_of(name) if re.fullmatch(_NUMBER, name) else None for name in names]
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


def _new_value(now: Standing, owner: str, words: str, share: float) -> Heard | None:
    """A share of what no field has yet: one more value of a status, else a new yes or no."""
    meaning = meaning_of(owner or now.main, words)
    value = bare(words)
    if len(value.split()) > 2 or (
        meaning is not None and meaning.short.get("type") not in (None, "boolean", "datetime", "date")
    ):
        return None
    table = owner or str(finest_of(now.tables))
    place = next(((table, str(field["name"])) for field in (table_at(now.spec, table) or {"fields": []})["fields"]
                  if field.get("type") == "enum" and str(field["name"]).endswith(_STATUS)), None)  # fmt: skip
    if not value.lower().endswith("ed"):
        return None
    if place is not None:
        field = field_at(now.spec, place)
        assert field is not None
        return put(now, [place], edit.with_share(field, value.lower(), share))
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
        rf"(?:the )?{FIELD} (?:is |are |must be |should be )?(?P<when>(?:between|from|in|since|last|after|before) .+)",
        said,
    )
    places = fields_called(now.spec, match["field"]) if match else []
    if match is None or len(places) != 1:
        return None
    field = field_at(now.spec, places[0])
    when = re.sub(r"^after ((?:19|20)\d\d)$", lambda year: f"since {int(year[1]) + 1}", match["when"])
    spans = periods(Norm(tokens(when)))
    if field is None or field.get("type") not in ("date", "datetime") or len(spans) != 1:
        return None
    spec = edit.with_period(now.spec, places, spans[0].low, spans[0].high)
    return Heard(now=structs.replace(now, spec=spec))


def number_of(text: str | None) -> int | float | None:
    if not text:
        return None
    plain = text.replace("$", "")
    return float(plain) if "." in plain else int(plain)
