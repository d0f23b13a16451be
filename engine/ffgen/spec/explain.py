"""Why a value does not fit its type, in words about the file: "expected an integer, got text `abc`".

msgspec is the judge; this is asked only for what it refused, and looks for the reason in the annotation itself,
not in msgspec's wording.
"""

import difflib
import re
from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from ffgen.spec.document import Path, quoted

_NAMES: dict[Any, tuple[str, str]] = {
    int: ("an integer", "integers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    bool: ("true or false", "booleans"),
    list: ("a list", "lists"),
    dict: ("a mapping", "mappings"),
    NoneType: ("nothing", "nothings"),
}
_NUMBER = re.compile(r"[-+]?[0-9]+([_ ,'][0-9]{3})*(\.[0-9]+)?")
_GROUPING = re.compile("[_ ,']")
_PAIR = re.compile(r"\s*(-?[0-9.]+)\s*(?:\.\.|\.\.\.|-|to|,)\s*(-?[0-9.]+)\s*")


class Arm(NamedTuple):
    """One of the shapes that a type allows."""

    base: Any  # int, float, str, bool, list, dict, NoneType, or Any
    literals: tuple[Any, ...] = ()
    metas: tuple[msgspec.Meta, ...] = ()
    item: Any = None
    struct: type[msgspec.Struct] | None = None

    @property
    def name(self) -> str:
        """What is expected: `an integer`, `rows, objects or csv`."""
        if self.literals:
            return ", ".join(str(value) for value in self.literals)
        name: str = _NAMES.get(self.base, ("a value", ""))[0]
        items = arms(self.item) if self.base is list and self.item is not None else ()
        of = " or ".join(dict.fromkeys(_NAMES[item.base][1] for item in items if item.base in _NAMES))
        return f"{name} of {of}" if of else name


@cache
def arms(kind: Any) -> tuple[Arm, ...]:
    """The shapes that an annotation allows, constraints beside them."""
    metas: list[msgspec.Meta] = []
    while get_origin(kind) is Annotated:
        metas += [meta for meta in kind.__metadata__ if isinstance(meta, msgspec.Meta)]
        kind = kind.__origin__
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return tuple(arm._replace(metas=(*arm.metas, *metas)) for part in args for arm in arms(part))
    if origin is Literal:
        return (Arm(type(args[0]), literals=args),)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return (Arm(dict, struct=kind),)
    if origin is tuple and Ellipsis not in args:
        exact = msgspec.Meta(min_length=len(args), max_length=len(args))
        return (Arm(list, metas=(*metas, exact), item=args[0]),)
    if kind is list or origin in (list, tuple):
        return (Arm(list, metas=tuple(metas), item=args[0] if args else Any),)
    if kind is dict or origin is dict:
        return (Arm(dict, metas=tuple(metas), item=args[1] if args else Any),)
    return (Arm(NoneType if kind is None else kind, metas=tuple(metas)),)


@cache
def holds_struct(kind: Any) -> bool:
    """Whether a struct stands anywhere in `kind`, so that its keys must be looked at one by one."""
    return any(arm.struct is not None or (arm.item is not None and holds_struct(arm.item)) for arm in arms(kind))


def fits(kind: Any, value: Any) -> bool:
    """Whether msgspec takes the value. As costly as converting it."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def of_base(arm: Arm, value: Any) -> bool:
    """Whether the value is of the arm's sort, constraints aside: any integer for `an integer of at least 1`."""
    if arm.base is float:
        return type(value) in (int, float)
    return arm.base is Any or type(value) is arm.base


def misfits(kind: Any, value: Any) -> Iterator[tuple[Path, Any, Any]]:
    """The smallest parts of a value that don't fit `kind`: where below it, what was asked there, what stands there."""
    arm = next((arm for arm in arms(kind) if arm.item is not None and of_base(arm, value)), None)
    found = False
    if arm is not None and not constraint(arm, value):
        for step, entry in value.items() if isinstance(value, dict) else enumerate(value):
            if not fits(arm.item, entry):
                found = True
                yield from (((step, *path), part, held) for path, part, held in misfits(arm.item, entry))
    if not found:
        yield (), kind, value


def explain(kind: Any, value: Any) -> tuple[str, str]:
    """What is wrong with a value that doesn't fit `kind`, and what to do."""
    for arm in arms(kind):
        broken = constraint(arm, value) if of_base(arm, value) and not arm.literals else ""
        if broken:
            return f"must {broken}.", ""
    return _unexpected(kind, value)


def constraint(arm: Arm, value: Any) -> str:
    """The first of the arm's constraints that the value of its sort breaks; empty when none."""
    for meta in arm.metas:
        sized = isinstance(value, str | list | dict)
        broken = _length(meta, len(value), value) if sized else _bounds(meta, value)
        if broken:
            return broken
        if meta.pattern is not None and isinstance(value, str) and not re.search(meta.pattern, value):
            return f"match {quoted(meta.pattern)}, got {quoted(value)}"
    return ""


def _bounds(meta: msgspec.Meta, value: Any) -> str:
    # Said the other way round, so that NaN breaks each of them.
    if meta.ge is not None and not value >= meta.ge:
        return f"be >= {meta.ge}, got {value}"
    if meta.gt is not None and not value > meta.gt:
        return f"be > {meta.gt}, got {value}"
    if meta.le is not None and not value <= meta.le:
        return f"be <= {meta.le}, got {value}"
    if meta.lt is not None and not value < meta.lt:
        return f"be < {meta.lt}, got {value}"
    if meta.multiple_of is not None and value % meta.multiple_of:
        return f"be a multiple of {meta.multiple_of}, got {value}"
    return ""


def _length(meta: msgspec.Meta, size: int, value: Any) -> str:
    low, high = meta.min_length or 0, meta.max_length
    if low <= size and (high is None or size <= high):
        return ""
    wanted = f"exactly {low}" if low == high else f"at least {low}" if size < low else f"at most {high}"
    one = (high if size > low else low) == 1
    unit = ("character" if one else "characters") if isinstance(value, str) else ("entry" if one else "entries")
    return f"have {wanted} {unit}, got {size}"


def _unexpected(kind: Any, value: Any) -> tuple[str, str]:
    expected = [arm for arm in arms(kind) if arm.base is not NoneType] or list(arms(kind))
    literals = [literal for arm in expected for literal in arm.literals]
    if len(expected) == 1 and literals:
        several = "one of " if len(literals) > 1 else ""
        what = f"expected {several}{expected[0].name}; got {described(value, bare=type(value) is type(literals[0]))}."
    else:
        what = f"expected {' or '.join(dict.fromkeys(arm.name for arm in expected))}, got {described(value)}."
    near = difflib.get_close_matches(value[:100].lower(), literals, n=1) if _are_texts(value, literals) else []
    return what, (f"Did you mean {quoted(near[0])}?" if near else _advice(expected, value))


def _are_texts(value: Any, literals: list[Any]) -> bool:
    return isinstance(value, str) and all(isinstance(literal, str) for literal in literals)


def described(value: Any, *, bare: bool = False) -> str:
    """A value for a message: its sort, and what it is as far as that is short; `bare` leaves the sort out."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | dict):
        return str(_NAMES[type(value)][0])
    if bare:
        return quoted(value)
    return f"{'text' if isinstance(value, str) else 'the number'} {quoted(value)}"


def _advice(expected: list[Arm], value: Any) -> str:
    bases = {arm.base for arm in expected if not arm.literals}
    items = [item for arm in expected if arm.base is list for item in arms(arm.item)]
    if value is None:
        return "Give it a value, or leave the key out."
    if list in bases and not isinstance(value, list):
        if any(item.struct for item in items):
            return "Write a list: start each entry with `- `."
        pair = _PAIR.fullmatch(value) if isinstance(value, str) else None
        if pair or any(of_base(item, value) for item in items):
            return f"Write a list: `[{', '.join(pair.groups()) if pair else quoted(_written(value))[1:-1]}]`."
    if isinstance(value, str):
        return _advice_on_text(bases, value)
    if str in bases:
        return (
            f'Quote it if it is text: `"{_written(value)}"`.'
            if isinstance(value, int | float)
            else "Quote it if it is text."
        )
    if int in bases and isinstance(value, float) and value.is_integer():
        return f"Write `{int(value)}`."
    return ""


def _advice_on_text(bases: set[Any], value: str) -> str:
    if bases & {int, float} and _NUMBER.fullmatch(value):
        return f"Write it as a number: `{_GROUPING.sub('', value)[:40]}`."
    if bool in bases and value.lower() in ("yes", "on", "y", "true"):
        return "Write `true`."
    if bool in bases and value.lower() in ("no", "off", "n", "false"):
        return "Write `false`."
    return "Write `key: value` lines below it." if dict in bases else ""


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
