"""Generators written by others, made into samplers: their values checked, their faults told as theirs."""

import os
import random
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar

import polars as pl

from ffgen.errors import FfgenError, ShortfallError, UsageError
from ffgen.rng import Stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.foreign import CONSTRAINTS, SCALARS, fitted
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType

ATTEMPTS = 100
"""Values that a generator is asked for, at most, before one fits."""

Verdict = bool | str
"""True, or False or a reason why something is refused."""

SAID = ("type", "range", "values", "weights", "pattern", "length", "decimals", "format", "unique", "nullable")


class OneAtATime(Sampler):
    """Wraps a class with `generate(rng, constraints)`: one value a call, 1 us and what the class takes.

    The class is made once, without arguments. `rng` is a `random.Random` of the draw; `constraints` is what the field
    asks for (see `constraints_of`) with the parameters of the spec, whatever they are. What comes back is brought
    into the field's type; what does not fit, or what the class's own `validate(value)` refuses, is asked for again.
    """

    serves = SCALARS
    holds = CONSTRAINTS
    target: ClassVar[type[Any]] = object
    label: ClassVar[str] = ""

    parameters: dict[str, Any] = {}

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        try:
            self.made = self.target()
        except Exception as error:
            raise Problem(
                "generator", f"`{self.label}` can't be made: {told(error)}.", "Correct the plugin."
            ) from error
        self.validate: Callable[[Any], Any] | None = getattr(self.made, "validate", None)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        chance = random.Random(int(rng.integers(0, 2**63)))
        constraints = {**constraints_of(self.kind), **self.parameters}
        values: list[Any] = [None] * n
        left = list(range(n))
        for _ in range(ATTEMPTS):
            raw = [called(self.label, self.made.generate, chance, constraints) for _ in left]
            settled, wrong = fitted(self.kind, raw)
            wrong |= self._refused(settled, wrong)
            for i, value in zip(left, settled, strict=True):
                values[i] = value
            if not wrong:
                return pl.Series(values, dtype=self.kind.value_dtype())
            left = [left[i] for i in sorted(wrong)]
        i, reason = min(wrong.items())
        what = f"`{self.label}` gave no value for {self.path} that fits ({reason}), e.g. {str(raw[i])[:40]!r}."
        raise ShortfallError(what, hint=f"{ATTEMPTS} were tried. Widen the field's constraints, or correct the plugin.")

    def _refused(self, values: Sequence[Any], wrong: Mapping[int, str]) -> dict[int, str]:
        if self.validate is None:
            return {}
        verdicts = {i: judged(self.label, self.validate, each) for i, each in enumerate(values) if i not in wrong}
        return {i: verdict or "validate" for i, verdict in verdicts.items() if verdict is not True}


def sampler_of(name: str, target: Any) -> type[Sampler]:
    """A sampler of this name made of what a plugin offers: a `Sampler`, or a class with `generate`. UsageError when it
    is neither."""
    if not isinstance(target, type):
        what = f"The plugin `{name}` is no class."
    elif issubclass(target, Sampler) and target.draw is not Sampler.draw:
        return derived(target, target, {"draw": guarded(name, target.draw)})
    elif callable(getattr(target, "generate", None)):
        gives = getattr(target, "type", "string")
        if gives in SCALARS:
            given = {"target": target, "label": name, "gives": gives, "example": getattr(target, "example", "")}
            return derived(OneAtATime, target, given)
        raise UsageError(f"The plugin `{name}` gives {gives!r}.", hint=f"Its `type` is one of {listed(SCALARS)}.")
    else:
        what = f"The plugin `{name}` draws nothing."
    raise UsageError(what, hint="Offer a Sampler with draw(rng, n, rows), or a class with generate(rng, constraints).")


def derived(base: type[Sampler], target: type[Any], own: Mapping[str, Any]) -> type[Sampler]:
    """A class under another, with the name and the manual page of the plugin's."""
    page = {"__doc__": target.__doc__, "__module__": target.__module__}
    maker: Any = type(base)
    kind: type[Sampler] = maker(target.__name__, (base,), {**page, **own})
    return kind


def guarded(name: str, draw: Any) -> Any:
    """A plugin's `draw`, whose faults are told as its own."""

    @wraps(draw)
    def checked(self: Sampler, rng: Stream, n: int, rows: Rows) -> Column:
        column: Column = called(name, draw, self, rng, n, rows)
        length = called(name, len, column)
        if length != n:
            raise UsageError(f"The plugin `{name}` drew {length} values, not {n}.", hint="Correct its `draw`.")
        return column

    return checked


def called(name: str, function: Callable[..., Any], *given: Any) -> Any:
    """What a plugin's function gives; UsageError, with the line that failed, where it raises something."""
    try:
        return function(*given)
    except FfgenError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise UsageError(f"The plugin `{name}` failed: {told(error)}.", hint="Correct it.") from error


def told(error: BaseException) -> str:
    """An exception on one line: what, and the last file and line that it passed."""
    last = next(reversed(list(traceback.extract_tb(error.__traceback__))), None)
    where = f" ({os.path.basename(last.filename)}:{last.lineno})" if last is not None else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}{where}"


def judged(name: str, validate: Callable[..., Any], *given: Any) -> Verdict:
    """True where a validator lets something pass; else its reason, or False when it gives none."""
    verdict = called(name, validate, *given)
    if isinstance(verdict, str):
        return verdict[:200] or False
    if not isinstance(verdict, bool):
        what = f"The validator `{name}` says {str(verdict)[:40]!r}."
        raise UsageError(what, hint="It returns True, False, or the reason as text.")
    return verdict


def constraints_of(kind: ValueType) -> dict[str, Any]:
    """What a field asks for, as far as the spec says it; the ends of `range` are values of the field's type, `length`
    is [low, high]."""
    said = dict(said_of(kind.field))
    if "range" in said:
        said["range"] = [getattr(kind, "low", None), getattr(kind, "high", None)]
    if isinstance(said.get("length"), int):
        said["length"] = [said["length"]] * 2
    return said


def said_of(field: Field) -> Iterator[tuple[str, Any]]:
    """The field's constraints that the spec says."""
    for key in SAID:
        value = getattr(field, key)
        if value is not None and value is not False:
            yield key, value


def listed(names: frozenset[str]) -> str:
    """Names in a message."""
    return ", ".join(sorted(names))
