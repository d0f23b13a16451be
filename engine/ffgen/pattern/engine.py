"""The regular expression engine: the Rust one inside polars. Linear time; no look-around, no back-references."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import polars as pl
from pydantic_core import SchemaError, SchemaValidator, core_schema

from ffgen.errors import UsageError
from ffgen.pattern.chars import EVERY, CharSet

MAX_LENGTH = 1000
FEW = 1024
"""Values up to which asking pydantic-core first is cheaper than one polars call."""
NEAR = CharSet(((0, 0x7F), (0x17F, 0x17F), (0x212A, 0x212A)))
"""ASCII, and the two characters beyond it that fold to ASCII letters: long s and the Kelvin sign."""

_REFUSALS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
_ELSE = "Say it with `length`, `values` or a `require`."
_HINTS = {
    "look-around": ("uses look-around, which is not supported.", _ELSE),
    "backreferences": ("uses a back-reference, which is not supported.", _ELSE),
    "size limit": (
        "is too large once compiled.",
        r"Repeat less, or write [0-9] for \d and [A-Za-z0-9_] for \w: these cover all of Unicode.",
    ),
    "unrecognized escape": (
        "has an escape that is not known{place}.",
        r"Take the backslash away, or write $ where \Z is meant.",
    ),
    "nested": ("is nested too deeply.", "Use fewer groups inside groups."),
}


def problem(pattern: str) -> tuple[str, str] | None:
    """Why a pattern can't be used, as (what, hint); None if it can. Compiles it once: up to 0.1 s for a huge one."""
    if len(pattern) > MAX_LENGTH:
        return (
            f"the pattern has {len(pattern):,} characters; {MAX_LENGTH:,} is the most.",
            "Shorten it, or list `values`.",
        )
    if not _is_text(pattern):
        return "the pattern holds half of a surrogate pair.", r"Write the character itself, or \u{...}."
    try:
        pl.Series(["x"], dtype=pl.String).str.contains(pattern, strict=True)
    except _REFUSALS as error:
        return _explained(pattern, str(error))
    return None


def _explained(pattern: str, refusal: str) -> tuple[str, str]:
    shown = f"pattern `{pattern}`" if len(pattern) <= 60 else f"pattern `{pattern[:57]}...`"
    reasons = re.findall(r"^error: (.*)$", refusal, re.MULTILINE)
    reason = reasons[-1] if reasons else refusal.split("\n")[0].removeprefix("regex error: ").rstrip(".")
    caret = re.search(r"^    ( *)\^+ *$", refusal, re.MULTILINE) if "\n" not in pattern else None
    place = f" at character {len(caret[1]) + 1}" if caret else ""
    for sign, (what, hint) in _HINTS.items():
        if sign in reason:
            return f"{shown} {what.format(place=place)}", hint
    return (
        f"{shown} is not a valid regular expression: {reason}{place}.",
        r"Put a backslash before a special character that is meant literally, such as \. or \[.",
    )


def matches(pattern: str, values: Sequence[str | None]) -> list[bool]:
    """Whether each value has the pattern somewhere in it; None counts as a match, for nulls are judged elsewhere.

    Linear in the text; 2 microseconds for 32 short values that all match. Raises UsageError where `problem` says why.
    """
    try:
        return _contains(pattern, values)
    except UnicodeEncodeError:
        return [value is None or (_is_text(value) and _contains(pattern, [value])[0]) for value in values]
    except _REFUSALS as error:
        what, hint = _explained(pattern, str(error))
        raise UsageError(what, hint=hint) from error


def _contains(pattern: str, values: Sequence[str | None]) -> list[bool]:
    if len(values) <= FEW and (known := _validator(pattern)) is not None and known.isinstance_python(list(values)):
        return [True] * len(values)
    found = pl.Series(values, dtype=pl.String).str.contains(pattern, strict=True)
    answers: list[bool] = (found.fill_null(True) if found.null_count() else found).to_list()
    return answers


@lru_cache(maxsize=512)
def _validator(pattern: str) -> SchemaValidator | None:
    """The same crate behind pydantic-core says for 32 values in 2 microseconds that all match; polars takes 150."""
    text = core_schema.nullable_schema(core_schema.str_schema(pattern=pattern, strict=True))
    try:
        return SchemaValidator(core_schema.list_schema(text))
    except SchemaError:
        return None


def _is_text(value: str) -> bool:
    """False for half of a surrogate pair: JSON can spell it, UTF-8 can't, so no pattern finds anything there."""
    return not any("\ud800" <= char <= "\udfff" for char in value)


@lru_cache(maxsize=1)
def _everything() -> pl.Series:
    return pl.Series([_text(EVERY)])


@lru_cache(maxsize=1)
def _nearby() -> pl.Series:
    return pl.Series([_text(NEAR)])


def _text(chars: CharSet) -> str:
    codes = np.concatenate([np.arange(low, high + 1, dtype="<u4") for low, high in chars.ranges])
    return codes.tobytes().decode("utf-32-le")


@lru_cache(maxsize=256)
def members(expression: str, *, wide: bool) -> CharSet | None:
    """The characters that a one-character expression matches, asked of the engine itself, so that there is no
    second opinion; None if it refuses. `wide` looks at all of Unicode (10-40 ms, then cached), else at `NEAR`."""
    try:
        runs = (_everything() if wide else _nearby()).str.extract_all(f"(?:{expression})+")[0]
    except _REFUSALS:
        return None
    if not wide:
        return CharSet.of((ord(char), ord(char)) for run in runs for char in run)
    return CharSet.of((ord(run[0]), ord(run[-1])) for run in runs) & EVERY
