"""Specs from Python values, and single values put over a spec: `--count 5` is `dataset.count`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ffgen.errors import Finding, SpecError
from ffgen.spec.document import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_FINDINGS,
    MAX_NODES,
    Document,
    Override,
    Path,
    Refused,
    Text,
    dotted,
    quoted,
)
from ffgen.spec.scalar import check_number

_STEP = re.compile(r'(?:\A|\.)([^.\[\]"]+)|(?:\[([0-9]{1,9})\])|(?:\[("(?:[^"\\]|\\.)*")\])')


def of_value(value: Mapping[str, Any]) -> Document:
    """A document of a Python mapping, copied. Raises SpecError with every value that YAML couldn't hold either."""
    copy = _Copy("")
    plain = copy.of(value, ())
    if copy.findings:
        raise SpecError(copy.findings)
    return Document(plain, Text("", ""))


def assign(document: Document, assignments: Mapping[str, Any], origin: Mapping[str, str]) -> Document:
    """A new document with `assignments` (dotted path to value) put over the file's values, in their order.

    Missing mappings are made; an entry of a list is addressed by index or by its `name`. `origin` says of a path who
    asked for it, for findings (`--count`); the path itself unless given. Raises SpecError with every path that can't
    be reached, and every value that YAML couldn't hold.
    """
    findings: list[Finding] = []
    for written, value in assignments.items():
        source = origin.get(written, written)
        copy = _Copy(source)
        try:
            steps = _steps(written)
            plain = copy.of(value, steps)
            path: list[str | int] = []
            overrides = dict(document.overrides)
            changed = _put(document.value, steps, plain, path, overrides, source)
        except Refused as refused:
            findings.append(Finding(written, refused.what, refused.hint, file=source))
            continue
        findings += copy.findings
        # What lay below the path came from someone who has just been overruled.
        overrides = {kept: by for kept, by in overrides.items() if kept[: len(path)] != tuple(path)}
        overrides[tuple(path)] = Override(source)
        document = document.replaced(changed, overrides)
    if findings:
        raise SpecError(findings[:MAX_FINDINGS])
    return document


def _steps(written: str) -> Path:
    steps: list[str | int] = []
    position = 0
    while position < len(written):
        found = _STEP.match(written, position)
        if found is None or (position == 0 and found[1] is None):
            raise Refused(f"{quoted(written)} is no path.", "Write it like `dataset.fields[2].range`.")
        steps.append(found[1] if found[1] is not None else int(found[2]) if found[2] else json.loads(found[3]))
        position = found.end()
    if not 0 < len(steps) <= MAX_DEPTH:
        raise Refused(f"{quoted(written)} is no path.", "Write it like `dataset.count`.")
    return tuple(steps)


def _put(
    holder: Any, steps: Path, value: Any, path: list[str | int], overrides: dict[Path, Override], origin: str
) -> Any:
    """`holder` with `value` at `steps`, copied only along the way, since aliases share the rest. Fills `path`."""
    if not steps:
        return value
    if isinstance(holder, list):
        index = _index(holder, steps[0], tuple(path))
        path.append(index)
        changed = _put(holder[index], steps[1:], value, path, overrides, origin)
        return [*holder[:index], changed, *holder[index + 1 :]]
    if holder is None and path:
        overrides.setdefault(tuple(path), Override(origin, created=True))
        holder = {}
    if not isinstance(holder, dict) or isinstance(steps[0], int):
        held = "mapping" if isinstance(holder, dict) else "single value"
        step = quoted(dotted(steps[:1]))
        raise Refused(f"{dotted(tuple(path)) or 'the spec'} is a {held}: it has no {step}.", "Shorten the path.")
    path.append(steps[0])
    return {**holder, steps[0]: _put(holder.get(steps[0]), steps[1:], value, path, overrides, origin)}


def _index(entries: list[Any], step: str | int, path: Path) -> int:
    if isinstance(step, int):
        if step < len(entries):
            return step
        raise Refused(f"{dotted(path)} has {len(entries)} entries: there is no [{step}].", "Indices count from 0.")
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if names.count(step) == 1:
        return names.index(step)
    if step in names:
        first = dotted((*path, names.index(step)))
        raise Refused(f"{dotted(path)} has several entries named {quoted(step)}.", f"Say which, such as `{first}`.")
    known = ", ".join(quoted(name) for name in names[:10] if isinstance(name, str))
    raise Refused(f"{dotted(path)} has no entry named {quoted(step)}.", f"It has {known}." if known else "")


class _Copy:
    """A deep copy within a spec's limits. Counts shared parts each time, so no value is larger than it looks."""

    def __init__(self, origin: str) -> None:
        self.findings: list[Finding] = []
        self._origin = origin
        self._nodes = 0
        self._characters = 0

    def of(self, value: Any, path: Path) -> Any:
        """The copy of `value`; what can't be copied is a finding, and None in its place."""
        try:
            self._count(path)
            if value is None or isinstance(value, bool):
                return value
            if isinstance(value, Mapping):
                return {self._key(key, path): self.of(inner, (*path, str(key))) for key, inner in value.items()}
            if isinstance(value, list | tuple):
                return [self.of(inner, (*path, index)) for index, inner in enumerate(value)]
            return self._scalar(value)
        except Refused as refused:
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(Finding(dotted(path), refused.what, refused.hint, file=self._origin))
            return None

    def _count(self, path: Path) -> None:
        self._nodes += 1
        if len(path) > MAX_DEPTH:
            raise Refused(f"a spec is at most {MAX_DEPTH} levels deep.", "Nest less.")
        if self._nodes > MAX_NODES:
            raise SpecError([Finding("", f"a spec has at most {MAX_NODES} values.", file=self._origin)])

    def _key(self, key: object, path: Path) -> str:
        if not isinstance(key, str):
            raise Refused(f"a key must be text, {quoted(key)} is not.", "Write it as text.")
        return self._text(key)

    def _scalar(self, value: Any) -> str | int | float:
        if isinstance(value, str):
            return self._text(value)
        if type(value) is int or type(value) is float:
            check_number(value)
            return value
        name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        hint = (
            "A date is text: use .isoformat()." if hasattr(value, "isoformat") else "Use text, numbers, lists or dicts."
        )
        raise Refused(f"a spec can't hold a {quoted(name)}.", hint)

    def _text(self, value: str) -> str:
        self._characters += len(value)
        if self._characters > MAX_BYTES:
            raise SpecError([Finding("", "a spec has at most 1 MiB of text.", file=self._origin)])
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise Refused("half of a surrogate pair is no character.", "Join it with its other half.") from error
        return str.__str__(value)
