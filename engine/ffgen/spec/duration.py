"""Lengths of time and sizes as people write them."""

import re

from ffgen.errors import UsageError

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST = 10 * 365 * 86_400.0
BYTES = {"": 1, "b": 1, "k": 2**10, "kb": 2**10, "kib": 2**10, "m": 2**20, "mb": 2**20, "mib": 2**20}
BYTES |= {"g": 2**30, "gb": 2**30, "gib": 2**30}


def seconds(text: str | float) -> float:
    """Seconds of `90`, `90s`, `15m`, `2h`, `1h30m`; raises UsageError.

    >>> seconds("1h30m"), seconds(90), seconds("250ms")
    (5400.0, 90.0, 0.25)
    """
    if not isinstance(text, str):
        if not 0 < text < LONGEST:
            raise UsageError(f"A duration must be above 0 and below 10 years, got {text:g} s.")
        return float(text)
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return seconds(float(text))
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|min|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"`{text}` is not a duration.", hint="Say it like 90s, 15m, 2h or 1h30m.")
    return seconds(sum(float(number) * SECONDS[unit] for number, unit in parts))


def size(text: str | int) -> int:
    """Bytes of `64MiB`, `1g`, `4096`; raises UsageError. Units are powers of 1024.

    >>> size("64MiB"), size("4096")
    (67108864, 4096)
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", str(text).strip())
    unit = BYTES.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise UsageError(f"`{text}` is not a size.", hint="Say it like 64MiB or 1GiB.")
    return min(int(float(match[1][:20]) * unit), 2**62)
