"""Which fault strikes a request, and what a broken text looks like: functions of the body's hash and the try."""

import xxhash
from tests.standin.settings import Settings

SLIPS = ("drop", "swap", "repeat")
"""Faults that are part of the reply to a request: the same at each try of it."""


def pick(settings: Settings, seed: int, attempt: int, has_pattern: bool) -> str | None:
    """The fault of this body's try (0 is the first), or None. Each fault has a draw of its own.

    `has_pattern`: whether the request's schema holds one, which `noschema` needs.
    """
    spared = settings.fault_tries and attempt >= settings.fault_tries
    for name, share in settings.faults():
        if name in SLIPS:
            if share_of(seed, name) < share:
                return name
        elif not spared and share_of(seed, f"{attempt}:{name}") < share and (has_pattern or name != "noschema"):
            return name
    return None


def share_of(seed: int, salt: str) -> float:
    """A number in 0..1, evenly spread, from a body's hash and what it is for."""
    return xxhash.xxh3_64_intdigest(salt.encode(), seed) / 2**64


def mangle(text: str, seed: int) -> str:
    """Text that is not one JSON document: prose around it, a lost end, a lost quote, or trailing garbage."""
    variant = seed % 4
    middle = len(text) // 4 + (seed >> 8) % max(1, len(text) // 2)
    if variant == 0:
        return f"Sure! Here are the rows you asked for:\n```json\n{text}\n```\nLet me know if you need more."
    if variant == 1:
        return text.rstrip("}]\n")[:-1]
    if variant == 2:
        quote = text.find('"', middle)
        return text[:quote] + text[quote + 1 :] if quote >= 0 else text[:middle]
    return text[:middle] + "}}]\n" + text[middle:] + ",]"


def cut(text: str, seed: int) -> str:
    """The first quarter to nine tenths of a text, as when the limit of tokens ends it."""
    return text[: max(1, int(len(text) * (0.25 + 0.65 * share_of(seed, "cut"))))]
