"""What a method of Faker with its parameters is as a field: one of ours where it fits, else `provider`."""

import datetime
import re
from collections.abc import Mapping
from typing import Any

from ffgen.draft.catalogue import by_phrase
from ffgen.draft.files import data
from ffgen.draft.guess import guess
from ffgen.draft.limits import AS_OF
from ffgen.draft.words import phrase_of
from ffgen.sample.catalogue import Method
from ffgen.spec.types import TYPES, Problem

_POSITIONS: dict[str, tuple[str, ...]] = {
    "random_int": ("min", "max", "step"),
    "pyint": ("min_value", "max_value"),
    "number.int": ("max",),
    "number.float": ("max",),
    "commerce.price": ("min", "max", "dec"),
    "finance.amount": ("min", "max", "dec"),
    "date.past": ("years",),
    "date.future": ("years",),
    "date.recent": ("days",),
    "date.soon": ("days",),
    "date.between": ("from", "to"),
    "date_of_birth": ("tzinfo", "minimum_age", "maximum_age"),
    "random_number": ("digits",),
    "pybool": ("truth_probability",),
    "boolean": ("chance_of_getting_true",),
    "text": ("max_nb_chars",),
    "sentence": ("nb_words",),
    "paragraph": ("nb_sentences",),
    "words": ("nb",),
    "lorem.words": ("wordCount",),
    "lorem.sentence": ("wordCount",),
    "lorem.paragraph": ("sentenceCount",),
    **{f"{name}_{end}": ("start_date", "end_date") for name in ("date", "date_time") for end in ("between",)},
    **{name: ("text",) for name in ("numerify", "bothify", "lexify", "hexify")},
}
"""What arguments without a name are."""
_NUMBERS = {"pyint", "random_int", "pyfloat", "pydecimal", "random_number", "random_digit", "random_digit_not_null"}
_MOMENTS = re.compile(r"(?:date|past_date|future_date|iso8601)")
_AGO = re.compile(r"([+-]?\d{1,4})\s*(y|years?|M|mo|months?|w|weeks?|d|days?|h|hours?|m|minutes?|s|seconds?)")
_DAYS = {"y": 365.25, "M": 30.4375, "mo": 30.4375, "w": 7.0, "d": 1.0, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400}
_LOW, _HIGH = ("min_value", "min", "low", "minimum", "ge"), ("max_value", "max", "high", "maximum", "le")
_DECIMALS = ("right_digits", "fractionDigits", "dec", "decimals", "precision")
_COUNTRIES = """
    Argentina, Australia, Austria, Belgium, Brazil, Canada, Chile, China, Colombia, Czechia, Denmark, Egypt, Finland,
    France, Germany, Ghana, Greece, India, Indonesia, Ireland, Israel, Italy, Japan, Kenya, Malaysia, Mexico, Morocco,
    Netherlands, New Zealand, Nigeria, Norway, Peru, Philippines, Poland, Portugal, Singapore, South Africa,
    South Korea, Spain, Sweden, Switzerland, Thailand, Turkey, Ukraine, United Kingdom, United States, Vietnam
"""
_CODES = (
    "AR AU AT BE BR CA CL CN CO CZ DK EG FI FR DE GH GR IN ID IE IL IT JP KE MY MX MA NL NZ NG NO PE PH PL PT SG ZA"
)
_ZONES = """
    America/New_York America/Chicago America/Los_Angeles America/Sao_Paulo America/Mexico_City Europe/London
    Europe/Berlin Europe/Paris Europe/Madrid Europe/Warsaw Africa/Cairo Africa/Lagos Asia/Dubai Asia/Kolkata
    Asia/Shanghai Asia/Tokyo Asia/Singapore Australia/Sydney Pacific/Auckland
"""
ALONE: dict[str, dict[str, Any]] = {
    "place.country": {"values": [one.strip() for one in _COUNTRIES.split(",")]},
    "place.country_code": {"values": [*_CODES.split(), "KR", "ES", "SE", "CH", "TH", "TR", "UA", "GB", "US", "VN"]},
    "place.time_zone": {"values": _ZONES.split()},
    "place.latitude": {"range": [-90, 90], "decimals": 5},
    "place.longitude": {"range": [-180, 180], "decimals": 5},
}
"""What a place's part is where the row has no place that it could belong to."""


def generator_of(field: Mapping[str, Any]) -> str:
    """The name of a field's generator."""
    generator = field.get("generator")
    return str(generator.get("name") if isinstance(generator, dict) else generator or "")


def short_of(name: str, known: str, method: Method, args: tuple[Any, ...], params: dict[str, Any]) -> dict[str, Any]:
    """The field of a method; `known` is its name as it was written, `name` the field's. Problem for what can't be."""
    params = _named(known, method, args, params)
    own = _own(name, known, method, params)
    if own is not None:
        return own
    generator: dict[str, Any] = {"name": "provider", "method": known}
    if params:
        generator["params"] = params
    return {"type": _type_of(method.name), "generator": generator}


def of_type(known: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The field of one of ffgen's own types; None where it has parameters that the type can't have."""
    params = dict(params)
    short: dict[str, Any] = {"type": known}
    if (
        listed := next((params.pop(key) for key in ("values", "choices", "options") if key in params), None)
    ) is not None:
        short["values"] = listed
    low, high = _taken(params, _LOW), _taken(params, _HIGH)
    decimals = _taken(params, _DECIMALS)
    if low is not None or high is not None:
        short["range"] = [0 if low is None else low, (low or 0) + 1000 if high is None else high]
    if decimals is not None:
        short["decimals"] = decimals
    rest = {key: params.pop(key) for key in TYPES[known].keys & params.keys()}
    if "start_date" in params or "end_date" in params:
        short["range"] = _period(params.pop("start_date", "-1y"), params.pop("end_date", "now"), known)
    return None if params else short | rest


def _own(name: str, known: str, method: Method, params: dict[str, Any]) -> dict[str, Any] | None:
    """The field as ours; None where something said would be lost."""
    if method.name in _NUMBERS:
        return _number(name, method, params)
    if method.name == "date_of_birth" and params.keys() <= {"minimum_age", "maximum_age", "min", "max", "mode"}:
        return _birth(params)
    if _MOMENTS.match(method.name):
        return _moment(known, method, params)
    if method.name in ("pybool", "boolean"):
        return _boolean(params)
    listed = data("methods")
    said = listed.get(known) or (None if method.gives or method.words else listed.get(method.name))
    if said is None:
        return None
    if method.name == "text" and {*params} == {"max_nb_chars"}:
        most = min(max(int(params["max_nb_chars"]), 20), 5000)
        return {"type": "text", "length": [max(most // 3, 10), most], "generator": "sentences"}
    if method.name == "paragraph" and params.keys() == {"nb_sentences"}:
        return {"type": "text", "generator": {"name": "sentences", "sentences": params["nb_sentences"]}}
    if method.name == "words" and params.keys() == {"nb"}:
        return {"type": "string", "generator": {"name": "words", "count": params["nb"]}}
    if params.keys() - {"firstName", "lastName", "safe", "domain", "style", "format"}:
        return None
    return _like(said["like"]) if "like" in said else {**said}


def _like(phrase: str) -> dict[str, Any] | None:
    meaning = by_phrase().get(phrase_of(phrase))
    if meaning is None or "goods" in meaning.short:
        return None
    return {key: value for key, value in meaning.short.items() if key != "description"}


def _named(known: str, method: Method, args: tuple[Any, ...], params: dict[str, Any]) -> dict[str, Any]:
    """All parameters by name; those that say nothing go."""
    names = _POSITIONS.get(known) or _POSITIONS.get(method.name) or tuple(method.takes)
    if len(args) > len(names):
        raise Problem("", f"`{known}` takes no such arguments here.", "Name them: {min: 1, max: 6}.")
    given = {**dict(zip(names, args, strict=False)), **params}
    if known == "number.int" and len(args) == 2:
        given = {"min": args[0], "max": args[1]} | params
    return {key: value for key, value in given.items() if value is not None}


def _number(name: str, method: Method, params: dict[str, Any]) -> dict[str, Any]:
    rest = dict(params)
    is_whole = method.name not in ("pyfloat", "pydecimal")
    if method.name.startswith("random_digit"):
        return {"type": "integer", "range": [0 if method.name == "random_digit" else 1, 9]}
    low, high, decimals = _taken(rest, _LOW), _taken(rest, _HIGH), _taken(rest, _DECIMALS)
    if (digits := rest.pop("digits", None)) is not None:
        low, high = 0, 10 ** min(max(int(digits), 1), 15) - 1
    step = rest.pop("step", rest.pop("multipleOf", None))
    is_positive = bool(rest.pop("positive", False))
    rest.pop("left_digits", None)
    if rest:
        raise Problem("", f"`{min(rest)}` means nothing here.", "It takes min, max and decimals.")
    if low is None and high is None and step is None:
        usual = _usual(name, is_whole)
        if usual is not None:
            return usual | ({"decimals": decimals} if decimals is not None and not is_whole else {})
    given = method.gives
    low = given.get("min_value", 0) if low is None else low
    usual_high = given.get("max_value", 9999)
    high = max(usual_high if usual_high < 2**53 - 1 else 1000, low + 1 if low else 0) if high is None else high
    short: dict[str, Any] = {"type": "integer" if is_whole else "number", "range": [low, high]}
    if is_positive and low == 0:
        short["range"] = [1 if is_whole else 0.01, high]
    if not is_whole:
        short["decimals"] = given.get("right_digits", 2) if decimals is None else decimals
    if step is not None and step != 1:
        short["generator"] = {"name": "uniform", "step": step}
    return short


def _usual(name: str, is_whole: bool) -> dict[str, Any] | None:
    """What a number of this name usually is."""
    phrase = phrase_of(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
    meaning = by_phrase().get(phrase)
    short = dict(meaning.short) if meaning and not meaning.needs else guess(list(phrase))
    if not short or short.get("type") not in (("integer",) if is_whole else ("number", "integer")) or "derive" in short:
        return None
    if generator_of(short).startswith(("person", "sequence")):
        short.pop("generator")
    return {key: value for key, value in short.items() if key != "description"}


def _birth(params: Mapping[str, Any]) -> dict[str, Any]:
    least = params.get("minimum_age", params.get("min", 18))
    most = params.get("maximum_age", params.get("max", 80))
    if not (isinstance(least, int) and isinstance(most, int) and 0 <= least <= most <= 150):
        raise Problem("", "the ages are no whole numbers, the least first.", "Write {min: 18, max: 80}.")
    low, high = AS_OF.replace(year=AS_OF.year - most - 1), AS_OF.replace(year=AS_OF.year - least)
    days = [str(low + datetime.timedelta(1)), str(high)]
    return {"type": "date", "range": days, "generator": "person.birth_date"}


def _moment(known: str, method: Method, params: dict[str, Any]) -> dict[str, Any] | None:
    """Dates and moments, counted from the day that the data's `now` is."""
    kind = "datetime" if "time" in method.name or method.name == "iso8601" else "date"
    rest = dict(params)
    start = rest.pop("start_date", rest.pop("from", rest.pop("datetime_start", None)))
    end = rest.pop("end_date", rest.pop("to", rest.pop("datetime_end", None)))
    for key, letter in (("years", "y"), ("days", "d")):
        if (many := rest.pop(key, None)) is not None:
            start, end = (None, f"+{many}{letter}") if _is_ahead(known, method) else (f"-{many}{letter}", None)
    for old in ("refDate", "tzinfo", "pattern", "end_datetime"):
        rest.pop(old, None)
    if rest:
        return None
    if match := re.search(r"this_(year|month|decade|century)$", known):
        start = {"year": "-1y", "month": "-1mo", "decade": "-10y", "century": "-25y"}[match[1]]
    elif start is None and end is None:
        start, end = method.gives.get("start_date"), method.gives.get("end_date")
        if start is None and end is None:
            start, end = (
                ("now", "+30d") if _is_ahead(known, method) else ("-30d" if "past" in method.name else "-20y", "now")
            )
    return {"type": kind, "range": _period(start or "now", end or "now", kind)}


def _is_ahead(known: str, method: Method) -> bool:
    return "future" in method.name or known in ("date.future", "date.soon")


def _period(start: Any, end: Any, kind: str) -> list[str]:
    low, high = _day(start), _day(end)
    if low > high:
        raise Problem("", f"the first date ({low}) is after the last ({high}).", "Swap them.")
    if high == AS_OF and low < high:
        high -= datetime.timedelta(1)
    return [str(low), f"{high}T23:59:59Z" if kind == "datetime" else str(high)]


def _day(said: Any) -> datetime.date:
    text = str(said).strip()
    if text in ("now", "today"):
        return AS_OF
    try:
        if match := _AGO.fullmatch(text):
            unit = match[2] if match[2] in _DAYS else match[2][0]
            return AS_OF + datetime.timedelta(round(int(match[1]) * _DAYS[unit]))
        return datetime.date.fromisoformat(text[:10])
    except (ValueError, OverflowError):
        what = f"`{text[:40]}` is no date."
        raise Problem("", what, "Write it as 2024-12-31, or from now as -30d or +1y.") from None


def _boolean(params: dict[str, Any]) -> dict[str, Any] | None:
    share = next(
        (params[key] for key in ("probability", "truth_probability", "chance_of_getting_true") if key in params), None
    )
    if share is None:
        return {"type": "boolean"} if not params else None
    part = float(share) / (100 if "probability" not in params and share > 1 else 1)
    return {"type": "boolean", "generator": {"name": "boolean", "share": part}}


def _taken(params: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first of some parameters, which all go."""
    found = [params.pop(name) for name in names if name in params]
    for one in found[:1]:
        if isinstance(one, bool) or not isinstance(one, int | float):
            raise Problem("", f"`{str(one)[:40]}` is no number.", "Write a number.")
    return found[0] if found else None


def _type_of(name: str) -> str:
    """The type of what a method of Faker gives."""
    if name in ("latitude", "longitude", "coordinate"):
        return "number"
    return "integer" if name in ("unix_time", "port_number", "http_status_code", "random_digit_above_two") else "string"
