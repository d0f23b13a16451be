"""Text of a YAML scalar to its value: the core schema of YAML 1.2, so that `no` and `1:30` stay text."""

import math
import re

from ffgen.spec.document import MAX_DIGITS, Refused, quoted

Scalar = str | int | float | bool | None

_CORE = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PADDED = re.compile(r"[-+]?0[0-9]+")
_QUOTE = 'Quote it if it is text: "...".'


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar without a tag. Raises Refused for numbers no spec may hold."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _BASED.fullmatch(text):
        _check_digits(len(text) - 2)
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _NOT_FINITE.fullmatch(text):
        raise Refused(f"{quoted(text)} is not a finite number.", _QUOTE)
    return text


def tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with an explicit tag. Raises Refused for any tag but the core ones."""
    kind = tag.removeprefix(_CORE)
    if kind == tag or kind not in ("str", "int", "float", "bool", "null"):
        raise refused_tag(tag)
    if kind == "str":
        return text
    value = plain(text)
    if kind == "float" and type(value) is int:
        value = float(value)
    if kind != {int: "int", float: "float", bool: "bool", type(None): "null"}.get(type(value)):
        raise Refused(f"{quoted(text)} can't be read as `!!{kind}`.", "Drop the tag, or correct the value.")
    return value


def refused_tag(tag: str) -> Refused:
    """What to say of a tag that a spec can't have."""
    name = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
    return Refused(f"the tag {quoted(name)} is not taken.", "Drop the tag: a spec holds plain values only.")


def collection_tag(tag: str, kind: str) -> None:
    """Raises Refused unless `tag` is the core tag of this kind of collection, `seq` or `map`."""
    if tag != _CORE + kind:
        raise refused_tag(tag)


def check_number(value: int | float) -> None:
    """Raises Refused for an integer of too many digits, an infinity or NaN."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refused(f"{value} is not a finite number.")
    elif abs(value) >= 10**MAX_DIGITS:
        raise Refused(f"an integer has at most {MAX_DIGITS} digits.", "Write it as text.")


def _integer(text: str) -> int:
    if _PADDED.fullmatch(text):
        # Eight to YAML 1.1, ten to YAML 1.2, forbidden in JSON, and mostly a postcode: 010 is not for us to guess.
        raise Refused(f"{quoted(text)} starts with a zero.", "Quote it if it is text, else drop the zero.")
    _check_digits(len(text.lstrip("+-")))
    return int(text)


def _float(text: str) -> float:
    if len(text) > 100:
        raise Refused(f"a number has at most 100 characters, got {len(text)}.", _QUOTE)
    value = float(text)
    if not math.isfinite(value):
        raise Refused(f"{quoted(text)} is too large for a number.", _QUOTE)
    return value


def _check_digits(count: int) -> None:
    if count > MAX_DIGITS:
        raise Refused(f"an integer has at most {MAX_DIGITS} digits, got {count}.", _QUOTE)
