"""object and array: values made of values."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
import polars as pl
from msgspec import Meta

from ffgen.spec.model import Field
from ffgen.spec.types.base import Problem, Unfit, ValueType, lengths, span


class Object(ValueType):
    """Named fields inside a field. `build` is the table of types, given so that nesting can recurse."""

    keys = frozenset({"fields"})
    meaning = "a JSON object"

    def __init__(self, field: Field, build: Any) -> None:
        super().__init__(field)
        if not field.fields:
            raise Problem("fields", "an object needs `fields`.", "List them as under `dataset`.")
        self.names = [inner.name for inner in field.fields]
        self.types: list[ValueType] = build(field.fields)
        self.annotation = struct_of("object", self.names, self.types)

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        present = [value for value in values if value is not None]
        columns, converted = self.columns(present), 0
        for i, kind in enumerate(self.types):
            settled, changed = kind.settle(columns[i])
            columns[i] = list(settled)
            converted += changed
        made = iter([self.annotation(*cells) for cells in zip(*columns, strict=True)])
        return [None if value is None else next(made) for value in values], converted

    def columns(self, values: Sequence[Any]) -> list[list[Any]]:
        """The values of each inner field, as columns."""
        rows = [msgspec.structs.astuple(value) for value in values]
        return [[row[i] for row in rows] for i in range(len(self.types))]

    def value_dtype(self) -> Any:
        return pl.Struct({name: kind.value_dtype() for name, kind in zip(self.names, self.types, strict=True)})

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        present = [i for i, value in enumerate(values) if value is not None]
        columns = self.columns([values[i] for i in present])
        for name, kind, column in zip(self.names, self.types, columns, strict=True):
            yield from ((present[i], f"{name}: {reason}") for i, reason in kind.refuse(column, making))

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise Unfit("type")
        if not value.keys() <= set(self.names):
            raise Unfit("unknown key")
        cells = []
        for name, kind in zip(self.names, self.types, strict=True):
            try:
                cells.append(coerce_cell(kind, value.get(name)))
            except Unfit as unfit:
                raise Unfit(f"{name}: {unfit.reason}") from None
        return self.annotation(*cells)

    def conversions(self, raw: Any, value: Any) -> int:
        cells = zip(self.names, self.types, msgspec.structs.astuple(value), strict=True)
        return sum(kind.conversions(raw.get(name), cell) for name, kind, cell in cells if cell is not None)

    def render(self, value: Any) -> Any:
        if value is None:
            return None
        cells = zip(self.names, self.types, msgspec.structs.astuple(value), strict=True)
        return {name: kind.render(cell) for name, kind, cell in cells}

    @property
    def renders(self) -> bool:
        return any(kind.renders for kind in self.types)

    def schema(self, making: bool = True) -> dict[str, Any]:
        parts = zip(self.names, self.types, strict=True)
        return {
            "type": "object",
            "properties": {name: nullable_schema(kind, making) for name, kind in parts},
            "required": self.names,
            "additionalProperties": False,
        }

    def dtype(self) -> Any:
        return pl.Struct({name: kind.dtype() for name, kind in zip(self.names, self.types, strict=True)})

    def widths(self) -> tuple[int, int]:
        inner = [kind.widths() for kind in self.types]
        names = sum(len(name) + 4 for name in self.names) + 2
        return names + sum(usual for usual, _ in inner), names + sum(most for _, most in inner)

    def capacity(self) -> int | None:
        return product(room(kind) for kind in self.types)

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is not None:
            return shown
        cells = {name: kind.sample(index) for name, kind in zip(self.names, self.types, strict=True)}
        return None if any(cell is None for cell in cells.values()) else cells

    def words(self) -> str:
        parts = (f'"{name}": {describe(kind)}' for name, kind in zip(self.names, self.types, strict=True))
        return f"{self.meaning} {{{'; '.join(parts)}}}"


class Array(ValueType):
    """A list of `items`; `length` counts its elements (0 to 10 unless said)."""

    keys = frozenset({"items", "length"})
    meaning = "a JSON array"

    def __init__(self, field: Field, build: Any) -> None:
        super().__init__(field)
        if field.items is None:
            raise Problem("items", "an array needs `items`.", "E.g. items: {type: string}.")
        self.low, self.high = lengths(field)
        if self.low is None:
            self.low, self.high = 0, 10
        self.item: ValueType = build([field.items])[0]
        inner = self.item.annotation | None if field.items.may_be_null else self.item.annotation
        self.annotation = Annotated[list[inner], Meta(min_length=self.low, max_length=self.high)]  # type: ignore[valid-type]

    def flat(self, values: Sequence[Any]) -> tuple[list[int], list[Any]]:
        """Every element, and the index of the value that holds it."""
        pairs = [(i, item) for i, value in enumerate(values) if value is not None for item in value]
        return [i for i, _ in pairs], [item for _, item in pairs]

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        owners, items = self.flat(values)
        settled, converted = self.item.settle(items)
        rebuilt: list[Any] = [None if value is None else [] for value in values]
        for owner, item in zip(owners, settled, strict=True):
            rebuilt[owner].append(item)
        return rebuilt, converted

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        low, high = self.low or 0, self.high if self.high is not None else 10
        yield from ((i, "length") for i, v in enumerate(values) if v is not None and not low <= len(v) <= high)
        owners, items = self.flat(values)
        yield from ((owners[i], f"items: {reason}") for i, reason in self.item.refuse(items, making))

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise Unfit("type")
        if not (self.low or 0) <= len(value) <= (self.high or 0):
            raise Unfit("length")
        try:
            return [coerce_cell(self.item, item) for item in value]
        except Unfit as unfit:
            raise Unfit(f"items: {unfit.reason}") from None

    def conversions(self, raw: Any, value: Any) -> int:
        pairs = zip(raw, value, strict=True)
        return sum(self.item.conversions(old, cell) for old, cell in pairs if cell is not None)

    def render(self, value: Any) -> Any:
        return None if value is None else [self.item.render(item) for item in value]

    @property
    def renders(self) -> bool:
        return self.item.renders

    def schema(self, making: bool = True) -> dict[str, Any]:
        items = nullable_schema(self.item, making)
        return {"type": "array", "items": items, "minItems": self.low, "maxItems": self.high}

    def dtype(self) -> Any:
        return pl.List(self.item.dtype())

    def value_dtype(self) -> Any:
        return pl.List(self.item.value_dtype())

    def widths(self) -> tuple[int, int]:
        low, high = self.low or 0, self.high or 0
        usual, most = self.item.widths()
        return 2 + (low + high + 1) // 2 * (usual + 1), 2 + high * (most + 1)

    def capacity(self) -> int | None:
        each = room(self.item)
        if each is None or (self.high or 0) > 64:
            return None
        return sum(int(each**length) for length in range(self.low or 0, (self.high or 0) + 1))

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is not None:
            return shown
        cells = [self.item.sample(index + i) for i in range(max(self.low or 0, min(2, self.high or 0)))]
        return None if any(cell is None for cell in cells) else cells

    def words(self) -> str:
        return f"{self.meaning} of {span(self.low, self.high)} items, each {describe(self.item)}"


def struct_of(name: str, names: Sequence[str], types: Sequence[ValueType], **options: Any) -> type[msgspec.Struct]:
    """A struct whose attributes are f0, f1, ... and whose JSON names are the field names; None where nullable."""
    cells = (kind.annotation | None if kind.field.may_be_null else kind.annotation for kind in types)
    fields = [(f"f{i}", cell) for i, cell in enumerate(cells)]
    rename = {f"f{i}": field for i, field in enumerate(names)}
    return msgspec.defstruct(name, fields, rename=rename, gc=False, forbid_unknown_fields=True, **options)


def coerce_cell(kind: ValueType, value: Any, making: bool = False) -> Any:
    """One cell of a raw row: null where allowed, else by its type, held against its constraints; raises `Unfit`."""
    if value is None:
        if kind.field.may_be_null:
            return None
        raise Unfit("null")
    coerced = kind.coerce(value)
    for _, reason in kind.refuse(kind.settle([coerced])[0], making):
        raise Unfit(reason)
    return coerced


def nullable_schema(kind: ValueType, making: bool = True) -> dict[str, Any]:
    """JSON Schema of a cell, null included where the field allows it."""
    schema = kind.schema(making)
    if not kind.field.may_be_null:
        return schema
    return {"enum": [*schema["enum"], None]} if "enum" in schema else {"anyOf": [schema, {"type": "null"}]}


def describe(kind: ValueType) -> str:
    """One field in words, on one line: type, constraints, meaning."""
    words = kind.words() + ", or null" * kind.field.may_be_null + ", never the same twice" * bool(kind.field.unique)
    field = kind.field
    words += ", nor nearly the same" * (field.near is not None)
    if field.forbidden_words:
        words += f", without the words {', '.join(map(one_line, field.forbidden_words))}"
    parts = [one_line(field.description or ""), f"style: {one_line(field.style)}" if field.style else ""]
    said = "; ".join(part for part in parts if part)
    return f"{words} ({said})" if said else words


def one_line(text: str) -> str:
    """Text with its line breaks and runs of space made single spaces."""
    return " ".join(text.split())


def room(kind: ValueType) -> int | None:
    """Distinct cells: the type's capacity, and null where the field allows it."""
    capacity = kind.capacity()
    return None if capacity is None else capacity + kind.field.may_be_null


def product(rooms: Any) -> int | None:
    """The product of capacities; None as soon as one is unknown, unless another is zero."""
    total: int | None = 1
    for each in rooms:
        if each == 0:
            return 0
        total = None if each is None or total is None else total * each
    return total
