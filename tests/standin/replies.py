"""The text that the model would have written: a function of the request's body and the settings, of nothing else.

With a schema of the form {"rows": [...]}: one array or object a row, as many as minItems..maxItems allow.
With any other schema: one document that fits it. With `format: "json"` and no schema: {"text": "..."}.

Without a schema, CSV, under this contract: the last user message says `N rows` (the first such number counts) and some
message has a line `Columns: a,b,c`. The answer is N lines of CSV with those cells and no header. A line of any message
that starts with a column's name and a colon (a number or a bullet before it is fine) says what its cells are, read in
this order: `one of a, b, c` to the line's end · `the regular expression ^...$`, without spaces · `N to M characters` ·
`A to B` with two numbers or two ISO dates · the words phone, time of day, e-mail, uuid, boolean,
date and time, date, URL, IPv4, whole number, integer, number. Else: a made-up name.

Uniqueness. Each row takes its words from the body's hash, so rows of different bodies differ in every field that has
room (50 bits or so for a name or an open pattern, less for a range). `pool` K: only records 0..K-1 of the row's
schema, whatever the body. `duplicates` d: that share of rows is one of 64 records of the row's schema. `ready`: one
field (the roomiest) is fresh in each row, with that same guarantee, and all others come from a ring of 1024 prepared
rows; where no field has 48 bits of room, rows are made in full. Row counts don't enter a record, so a make-up request
for fewer rows draws from the same pool.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import orjson
import xxhash
from tests.standin.cells import Cell, Schema, Write, cell, fixed_items, template, tuple_cell, words
from tests.standin.settings import Settings

SHARED = 64
_RING = 1024
_READY_BITS = 48


class Order(NamedTuple):
    """What a reply's text depends on, body apart. `schema` is JSON text or empty; `prompt` all messages, `last` one."""

    schema: bytes
    prompt: str
    last: str
    is_json: bool


class Rows:
    """Writes rows of one schema. Records of the pool are kept, all else is made anew each time."""

    def __init__(self, schema: Schema, key: bytes) -> None:
        nested = list(schema.get("properties", {}).values()) or fixed_items(schema)
        self._template = template(schema) if nested else "%s"
        self._cells = [cell(one) for one in nested] if nested else [cell(schema)]
        self._writes = [one.write for one in self._cells]
        self._key = xxhash.xxh3_64_intdigest(key)
        self._records: dict[int, str] = {}
        self._ring: list[tuple[str, str]] = []
        self._carrier: Write | None = None

    @property
    def width(self) -> int:
        return len(self._cells)

    def cells(self, parts: Sequence[int]) -> list[str]:
        """The cells of one row."""
        return [write(part) for write, part in zip(self._writes, parts, strict=True)]

    def join(self, cells: Sequence[str]) -> str:
        """One row of these cells."""
        return self._template % tuple(cells)

    def row(self, parts: Sequence[int]) -> str:
        """One row; a word for each cell."""
        return self._template % tuple([write(part) for write, part in zip(self._writes, parts, strict=True)])

    def wrong(self, parts: Sequence[int]) -> str:
        """One row with one cell that the schema forbids; null in the first where it forbids nothing of the type."""
        texts = [write(part) for write, part in zip(self._writes, parts, strict=True)]
        able = [(number, one.wrong) for number, one in enumerate(self._cells) if one.wrong]
        if able:
            number, spoil = able[parts[0] % len(able)]
            texts[number] = spoil(parts[number])
        else:
            texts[0] = "null"
        return self._template % tuple(texts)

    def record(self, index: int) -> str:
        """Record `index` of the pool: a function of the row's schema and the index."""
        text = self._records.get(index)
        if text is None:
            text = self._records[index] = self.row(words(self._key ^ index, self.width))
        return text

    def ready(self) -> tuple[list[tuple[str, str]], Write] | None:
        """The ring of (text before, text after) and the writer of what stands between; None where nothing has room."""
        if not self._ring:
            self._prepare()
        return (self._ring, self._carrier) if self._carrier else None

    def _prepare(self) -> None:
        number, roomiest = max(enumerate(self._cells), key=lambda pair: (pair[1].bits >= _READY_BITS, pair[1].bits))
        self._carrier = roomiest.write if roomiest.bits >= _READY_BITS else None
        for index in range(_RING):
            texts = [
                write(part) for write, part in zip(self._writes, words(self._key + index, self.width), strict=True)
            ]
            texts[number] = "\0"
            before, _, after = (self._template % tuple(texts)).partition("\0")
            self._ring.append((before, after))


class Form(NamedTuple):
    """How a whole reply is written: `fewest` to `most` rows between `before` and `after`, joined by `between`."""

    before: str
    after: str
    between: str
    fewest: int
    most: int
    rows: Rows
    finish: Callable[[str], str] | None = None


def write(order: Order, seed: int, fault: str | None, settings: Settings) -> str:
    """The reply's text. `fault` changes its rows where it is `wrong`, `empty` or `few`. Unsupported for odd schemas."""
    if order.schema and (given := _given_form(order.schema)):
        return _write_given(given, seed, fault, settings)
    form = _schema_form(order.schema) if order.schema else _plain_form(order.prompt, order.last, order.is_json)
    if isinstance(form, Cell):
        return form.write(seed)
    count = form.fewest + seed % (form.most - form.fewest + 1)
    if fault == "empty":
        count = 0
    elif fault == "few":
        count //= 2
    rows = _some_rows(form.rows, order.last, seed, count, settings)
    if fault == "wrong":
        spoilt = words(seed ^ 1, form.rows.width * count)
        width = form.rows.width
        for number in range(0, count, 2):
            rows[number] = form.rows.wrong(spoilt[number * width : (number + 1) * width])
    if form.finish:
        rows = [form.finish(row) for row in rows]
    return form.before + form.between.join(rows) + form.after


def _given_form(text: bytes) -> tuple[Rows, ...]:
    """The writers of given rows, each with a schema of its own; none where rows are not given."""
    return _given(text) if b'"const"' in text else ()


@lru_cache(maxsize=64)
def _given(text: bytes) -> tuple[Rows, ...]:
    table = orjson.loads(text).get("properties", {}).get("rows", {})
    return tuple(Rows(one, b"given") for one in table.get("prefixItems", []))


def _write_given(given: Sequence[Rows], seed: int, fault: str | None, settings: Settings) -> str:
    """A reply about given rows: each begins with the constants of its schema."""
    rows = [one.cells(words(seed ^ number, one.width)) for number, one in enumerate(given)]
    if settings.mention:
        rows = [[mention(cells[1], cell) if place > 1 else cell for place, cell in enumerate(cells)] for cells in rows]
    if settings.pool:
        some = given[0].cells(words(seed % settings.pool, given[0].width))
        rows = [cells[:2] + some[2:] for cells in rows]
    if fault == "drop":
        rows = [cells for number, cells in enumerate(rows) if number % 3]
    elif fault == "swap":
        for first in range(0, len(rows) - 1, 2):
            here, there = rows[first], rows[first + 1]
            rows[first], rows[first + 1] = there[:1] + here[1:], here[:1] + there[1:]
    elif fault == "repeat":
        rows = [again for cells in rows for again in (cells, [*cells[:2], *cells[2:-1], '"said again"'])]
    elif fault == "wrong":
        rows = [[*cells[:-1], '""'] for cells in rows]
    elif fault in ("empty", "few"):
        rows = rows[: len(rows) // 2 if fault == "few" else 0]
    return '{"rows":[' + ",".join(given[0].join(cells) for cells in rows) + "]}"


def mention(mark: str, cell: str) -> str:
    """A text that names its row's mark."""
    return f'"{orjson.loads(mark)}: {orjson.loads(cell)}"' if cell.startswith('"') else cell


def _some_rows(rows: Rows, last: str, seed: int, count: int, settings: Settings) -> list[str]:
    if settings.pool and settings.habit:
        return _habitual(rows, last, seed, count, settings)
    if settings.pool:
        return [rows.record(word % settings.pool) for word in words(seed, count)]
    ready = rows.ready() if settings.ready else None
    if ready:
        texts = _ready_rows(*ready, seed, count)
    else:
        width = rows.width
        parts = words(seed, count * width)
        texts = [rows.row(parts[start : start + width]) for start in range(0, count * width, width)]
    if settings.duplicates:
        limit = int(settings.duplicates * 2**32)
        for number, word in enumerate(words(seed ^ 2, count)):
            if word >> 32 < limit:
                texts[number] = rows.record(word % SHARED)
    return texts


def _habitual(rows: Rows, last: str, seed: int, count: int, settings: Settings) -> list[str]:
    """Records as a model with favourites writes them. After many tries it says anything."""
    about, _, taken = last.partition("Taken already")
    names = [name for name in taken.partition(": ")[2].rstrip(".").split("; ") if name]
    turn = xxhash.xxh3_64_intdigest(about.partition("In these rows")[2].encode())
    found: list[str] = []
    for tries, word in enumerate(words(seed, count * 8)):
        rank = int(settings.pool * (word / 2**64) ** (1 + settings.habit))
        text = rows.record((rank + turn) % settings.pool)
        if tries >= count * 7 or (text not in found and not any(name in text for name in names)):
            found.append(text)
        if len(found) == count:
            break
    return found


def _ready_rows(ring: list[tuple[str, str]], carrier: Write, seed: int, count: int) -> list[str]:
    start = seed % _RING
    shelf = (ring[start : start + count] + ring * (1 + count // _RING))[:count]
    return [before + carrier(word) + after for (before, after), word in zip(shelf, words(seed, count), strict=True)]


@lru_cache(maxsize=256)
def _schema_form(text: bytes) -> Form | Cell:
    schema = orjson.loads(text)
    rows = schema.get("properties", {}).get("rows") if isinstance(schema, dict) else None
    if not isinstance(rows, dict) or rows.get("type") != "array" or len(schema["properties"]) != 1:
        return cell(schema)
    fewest = rows.get("minItems") or 0
    most = rows.get("maxItems")
    most = max(fewest, 8 if not fewest else fewest) if most is None else most
    return Form('{"rows":[', "]}", ",", fewest, most, _rows(orjson.dumps(rows.get("items") or {})))


@lru_cache(maxsize=256)
def _rows(text: bytes) -> Rows:
    return Rows(orjson.loads(text), text)


_COUNT = re.compile(r"(\d+)\s+rows")
_COLUMNS = re.compile(r"^\W*Columns:\s*(.+)$", re.MULTILINE)


@lru_cache(maxsize=256)
def _plain_form(prompt: str, last: str, is_json: bool) -> Form | Cell:
    columns = _COLUMNS.search(prompt)
    if is_json or columns is None:
        prose = cell({"type": "string", "minLength": 60})
        return tuple_cell('{"text":%s}', [prose]) if is_json else prose
    names = [name.strip() for name in columns[1].split(",")]
    schemas = [_hinted(name, prompt) for name in names]
    counts = _COUNT.search(last)
    count = int(counts[1]) if counts else 1
    rows = _rows(orjson.dumps({"prefixItems": schemas}))
    return Form("", "\n", "\n", count, count, rows, _csv_line)


def _csv_line(row: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(
        [value if isinstance(value, str) else orjson.dumps(value).decode() for value in orjson.loads(row)]
    )
    return line.getvalue()


_KIND_WORDS: tuple[tuple[str, Schema], ...] = (
    (r"phone", {"type": "string", "pattern": r"^\+1[2-9][0-9]{2}55501[0-9]{2}$"}),
    (r"time of day", {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"}),
    (r"e-?mail", {"type": "string", "format": "email"}),
    (r"uuid", {"type": "string", "format": "uuid"}),
    (r"boolean|true or false", {"type": "boolean"}),
    (r"date.{0,5}time|timestamp", {"type": "string", "format": "date-time"}),
    (r"date", {"type": "string", "format": "date"}),
    (r"url|web address", {"type": "string", "format": "uri"}),
    (r"ipv4", {"type": "string", "format": "ipv4"}),
    (r"whole number|integer", {"type": "integer"}),
    (r"number", {"type": "number"}),
)


def _hinted(name: str, prompt: str) -> Schema:
    """The schema of a CSV column, read from its line of the prompt or, without one, from its name."""
    line = re.search(rf"^[\W\d]*{re.escape(name)}\W*:(.*)$", prompt, re.MULTILINE)
    said = line[1] if line else name
    if found := re.search(r".*one of (.+)$", said):
        values = re.sub(r"\(.*?\)|, or null\b|, never the same twice", "", found[1])
        return {"enum": [value.strip() for value in values.split(",")]}
    if found := re.search(r"regular expression (\S+)", said):
        shape = found[1].rstrip(",;")
        return {"type": "string", "pattern": shape if shape.startswith("^") else f"^.*({shape}).*$"}
    if found := re.search(r"(\d+) to (\d+) characters", said):
        return {"type": "string", "minLength": int(found[1]), "maxLength": int(found[2])}
    if found := re.search(r"(\d{4}-\d\d-\d\d)\S* (?:to|and) (\d{4}-\d\d-\d\d)", said):
        kind = "date-time" if "T" in found[0] else "date"
        return {"type": "string", "format": kind, "formatMinimum": found[1], "formatMaximum": found[2]}
    if found := re.search(r"(-?\d+(?:\.\d+)?) (?:to|and) (-?\d+(?:\.\d+)?)", said):
        return _numeric(found[1], found[2])
    return next((schema for said_as, schema in _KIND_WORDS if re.search(said_as, said, re.IGNORECASE)), {})


def _numeric(low: str, high: str) -> Schema:
    if "." in low + high:
        return {"type": "number", "minimum": float(low), "maximum": float(high)}
    return {"type": "integer", "minimum": int(low), "maximum": int(high)}
