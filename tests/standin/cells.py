"""A JSON schema turned into functions that write: one 64-bit word in, one JSON text out.

Words are spread evenly, so a cell's texts are too; two words give two texts wherever the schema leaves room. What a
schema can't say (an e-mail that holds the name beside it) is not obeyed. An unknown type or a `$ref` is Unsupported.
"""

import json
import math
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import shake_128
from typing import Any

import orjson
from tests.standin import pattern
from tests.standin.pattern import Unsupported, remix

Schema = dict[str, Any]
Write = Callable[[int], str]

_SYLLABLES = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeio"]
# 1,024 of four letters: they stay in a processor's cache.
_LOW = [first + second for first in _SYLLABLES[::4] + _SYLLABLES[1::4] for second in _SYLLABLES[:32]]
_CAPITAL = [word.capitalize() for word in _LOW]
_DOMAINS = ("com", "org", "net", "com")
_DAYS = (date(1970, 1, 1), date(2030, 12, 31))


@dataclass(frozen=True, slots=True)
class Cell:
    """How one value is written. `wrong` writes one that the schema forbids and whose type fits, where there is one.

    `bits` is the logarithm of how many texts there are, 64 at most.
    """

    write: Write
    bits: float
    wrong: Write | None = None


def words(seed: int, count: int) -> Sequence[int]:
    """`count` 64-bit words that are a function of `seed`."""
    return struct.unpack(f"<{count}Q", shake_128(seed.to_bytes(8, "little")).digest(8 * count))


def cell(schema: Schema | bool) -> Cell:
    """The writer for any schema; Unsupported where there is none."""
    if isinstance(schema, bool):
        schema = {}
    if "$ref" in schema:
        raise Unsupported("$ref in a schema")
    if "const" in schema:
        return _choice([schema["const"]])
    if "enum" in schema:
        return _choice(schema["enum"])
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return _any_of(
            [cell(branch) for branch in branches if branch != {"type": "null"}], {"type": "null"} in branches
        )
    kind = schema.get("type") or _guess(schema)
    if isinstance(kind, list):
        return cell({"anyOf": [{"type": "null"} if one == "null" else schema | {"type": one} for one in kind]})
    if kind not in _KINDS:
        raise Unsupported(f"type {kind!r} in a schema")
    return _KINDS[kind](schema)


def _guess(schema: Schema) -> str:
    for kind, keys in (("object", ["properties"]), ("array", ["items", "prefixItems"]), ("number", ["minimum"])):
        if any(key in schema for key in keys):
            return kind
    return "string"


def _choice(values: list[Any]) -> Cell:
    texts = [orjson.dumps(value).decode() for value in values]
    size = len(texts)
    shown = [value for value in values if value is not None]
    is_numeric = bool(shown) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in shown)
    wrong = _always(str(max(shown) + 1) if is_numeric else '"no such value"')
    return Cell(lambda word: texts[word % size], math.log2(size), wrong)


def _any_of(cells: list[Cell], is_nullable: bool) -> Cell:
    """One of the branches, evenly; null one time in eight."""
    writes = [one.write for one in cells] or [lambda word: "null"]
    size = len(writes)

    def write(word: int) -> str:
        if is_nullable and word & 7 == 0:
            return "null"
        return writes[(word >> 3) % size](remix(word))

    wrongs = [one.wrong for one in cells if one.wrong]
    return Cell(write, max((one.bits for one in cells), default=0), wrongs[0] if wrongs and size == 1 else None)


def _integer(schema: Schema) -> Cell:
    low, high, step = _ends(schema, 0, 2**31 - 1, 1)
    size = (high - low) // step + 1

    def write(word: int) -> str:
        return str(low + word % size * step)

    wrong = _outside(schema, low - step, high + step, str)
    return Cell(write, min(64.0, math.log2(size)), wrong)


def _number(schema: Schema) -> Cell:
    """Two decimals, six where the range is below 1, those of `multipleOf` where it says so."""
    multiple = Decimal(str(schema["multipleOf"])) if "multipleOf" in schema else None
    least, most = schema.get("minimum"), schema.get("maximum")
    decimals = 6 if least is not None and most is not None and most - least < 1 else 2
    if multiple is not None:
        decimals = max(0, -int(multiple.normalize().as_tuple().exponent))
    scale = 10**decimals
    low, high, step = _ends(schema, 0, 10**6, scale)
    if multiple is not None:
        step = int(multiple * scale)
        low, high = -(-low // step) * step, high // step * step
    size = (high - low) // step + 1

    def text(value: int) -> str:
        return f"{value / scale:.{decimals}f}"

    wrong = _outside(schema, low - scale, high + scale, text)
    return Cell(lambda word: text(low + word % size * step), min(64.0, math.log2(size)), wrong)


def _outside(schema: Schema, below: int, above: int, text: Callable[[int], str]) -> Write | None:
    """A number past an end that the schema has."""
    if schema.get("maximum", schema.get("exclusiveMaximum")) is not None:
        return lambda word: text(above + word % 1000)
    if schema.get("minimum", schema.get("exclusiveMinimum")) is not None:
        return lambda word: text(below - word % 1000)
    return None


def _ends(schema: Schema, low: int, high: int, scale: int) -> tuple[int, int, int]:
    """The smallest and largest allowed value and the step, all times `scale`, inside what the schema says."""
    asked_low, asked_high = schema.get("minimum"), schema.get("maximum")
    least = low if asked_low is None else Decimal(str(asked_low))
    most = high if asked_high is None else Decimal(str(asked_high))
    if asked_low is None and most <= low:
        least = most - high
    if asked_high is None and least >= high:
        most = least + high
    first, last = math.ceil(least * scale), math.floor(most * scale)
    if schema.get("exclusiveMinimum") is not None:
        first = max(first, math.floor(Decimal(str(schema["exclusiveMinimum"])) * scale) + 1)
    if schema.get("exclusiveMaximum") is not None:
        last = min(last, math.ceil(Decimal(str(schema["exclusiveMaximum"])) * scale) - 1)
    step = int(schema.get("multipleOf") or 1) if scale == 1 else 1
    if scale == 1 and step > 1:
        first, last = -(-first // step) * step, last // step * step
    if first > last:
        raise Unsupported(f"no number between {least} and {most}")
    return first, last, step


def _boolean(schema: Schema) -> Cell:
    return Cell(lambda word: "true" if word & 1 else "false", 1)


def _string(schema: Schema) -> Cell:
    low, high = schema.get("minLength") or 0, schema.get("maxLength")
    if schema.get("pattern"):
        write, bits = pattern.writer(schema["pattern"], low, high)
        return Cell(write, bits, _unfit(schema["pattern"]))
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]](schema)
    wrong: Write | None = None
    if low > 0:
        wrong = _always('""')
    elif high is not None and high < 4096:
        wrong = _always('"' + "x" * (high + 1) + '"')
    if low <= 21 and (high is None or high >= 21):
        return Cell(_name, 50, wrong)
    count = -(-(low + 1) // 9)
    if high is None or count * 9 - 1 <= high:
        return Cell(lambda word: _prose(word, count), 64, wrong)
    write, bits = pattern.writer(f"^[a-z]{{{low},{high}}}$", low, high)
    return Cell(write, bits, wrong)


def _unfit(shape: str) -> Write | None:
    texts = (text for text in ("?", "no match here", "") if not re.search(shape, text))
    return next((_always(json.dumps(text)) for text in texts), None)


def _always(text: str) -> Write:
    return lambda word: text


def _name(word: int) -> str:
    """`Bakotera Mulosikanero`: 20 letters and a space, 50 bits."""
    return (
        f'"{_CAPITAL[word & 1023]}{_LOW[word >> 10 & 1023]} '
        f'{_CAPITAL[word >> 20 & 1023]}{_LOW[word >> 30 & 1023]}{_LOW[word >> 40 & 1023]}"'
    )


def _prose(word: int, count: int) -> str:
    """`count` words of eight letters."""
    parts = []
    for _ in range(count):
        parts.append(_LOW[word & 1023] + _LOW[word >> 10 & 1023])
        word = remix(word)
    return '"' + " ".join(parts) + '"'


def _date(schema: Schema) -> Cell:
    low, high = _days(schema)
    size = high - low + 1
    return Cell(lambda word: f'"{date.fromordinal(low + word % size)}"', math.log2(size), _always('"2024-02-31"'))


def _datetime(schema: Schema) -> Cell:
    low, high = _days(schema)
    size = high - low + 1

    def write(word: int) -> str:
        rest, seconds = divmod(word >> 20, 86_400)
        return f'"{date.fromordinal(low + rest % size)}T{_clock(seconds)}.{(word & 0xFFFFF) % 1_000_000:06d}Z"'

    return Cell(write, math.log2(size * 86_400) + 19, _always('"2024-02-31T25:00:00Z"'))


def _days(schema: Schema) -> tuple[int, int]:
    """The range in days; `formatMinimum` and `formatMaximum`, which no server enforces, are obeyed."""
    ends = [schema.get(name) for name in ("formatMinimum", "formatMaximum")]
    low, high = (date.fromisoformat(end[:10]) if end else day for end, day in zip(ends, _DAYS, strict=True))
    return low.toordinal(), high.toordinal()


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _time(schema: Schema) -> Cell:
    return Cell(lambda word: f'"{_clock(word % 86_400)}Z"', math.log2(86_400), _always('"25:61:00Z"'))


def _uuid(schema: Schema) -> Cell:
    def write(word: int) -> str:
        text = f"{word:016x}{remix(word):016x}"
        return f'"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"'

    return Cell(write, 60, _always('"not-a-uuid"'))


def _email(schema: Schema) -> Cell:
    def write(word: int) -> str:
        return (
            f'"{_LOW[word & 1023]}.{_LOW[word >> 10 & 1023]}{_LOW[word >> 20 & 1023]}'
            f'{word >> 30 & 0xFFFFFFF}@example.{_DOMAINS[word >> 62]}"'
        )

    return Cell(write, 60, _always('"no at sign"'))


def _ipv4(schema: Schema) -> Cell:
    def write(word: int) -> str:
        return f'"{1 + word % 223}.{word >> 8 & 255}.{word >> 16 & 255}.{word >> 24 & 255}"'

    return Cell(write, 31, _always('"256.1.1.1"'))


def _uri(schema: Schema) -> Cell:
    def write(word: int) -> str:
        return f'"https://example.{_DOMAINS[word & 3]}/{_LOW[word >> 10 & 1023]}/{word >> 20:x}"'

    return Cell(write, 54, _always('"no scheme"'))


def _array(schema: Schema) -> Cell:
    fixed = [cell(one) for one in fixed_items(schema)]
    if fixed:
        return tuple_cell(template(schema), fixed)
    items = cell(schema.get("items") or {})
    low = schema.get("minItems") or 0
    high = schema.get("maxItems")
    high = max(low, 3) if high is None else high

    def write(word: int) -> str:
        parts = words(word, high + 1)
        return "[" + ",".join([items.write(one) for one in parts[1 : 1 + low + parts[0] % (high - low + 1)]]) + "]"

    return Cell(write, 64 if items.bits * low >= 64 else items.bits * low)


def _object(schema: Schema) -> Cell:
    return tuple_cell(template(schema), [cell(one) for one in schema.get("properties", {}).values()])


def tuple_cell(shape: str, cells: list[Cell]) -> Cell:
    """A cell of cells, each with a word of its own."""
    count = len(cells)
    writes = [one.write for one in cells]

    def write(word: int) -> str:
        return shape % tuple([one(part) for one, part in zip(writes, words(word, count), strict=True)])

    return Cell(write, min(64.0, sum(one.bits for one in cells)))


def fixed_items(schema: Schema) -> list[Schema]:
    """The schemas of an array with a fixed place for each; `items` as a list is how drafts before 2020 said it."""
    listed = schema.get("prefixItems") or schema.get("items")
    return listed if isinstance(listed, list) else []


def template(schema: Schema) -> str:
    """A %-template of an object or a fixed array: one %s a value."""
    if "properties" in schema:
        keys = [json.dumps(name, ensure_ascii=False).replace("%", "%%") for name in schema["properties"]]
        return "{" + ",".join(f"{key}:%s" for key in keys) + "}"
    return "[" + ",".join(["%s"] * len(fixed_items(schema))) + "]"


_KINDS: dict[str, Callable[[Schema], Cell]] = {
    "array": _array,
    "boolean": _boolean,
    "integer": _integer,
    "null": lambda schema: Cell(lambda word: "null", 0),
    "number": _number,
    "object": _object,
    "string": _string,
}
_FORMATS: dict[str, Callable[[Schema], Cell]] = {
    "date": _date,
    "date-time": _datetime,
    "email": _email,
    "idn-email": _email,
    "ipv4": _ipv4,
    "time": _time,
    "uri": _uri,
    "url": _uri,
    "uuid": _uuid,
}
