"""What is noted of a field, put to it: its type, that it is unique, that it may be empty; and spoiled data."""

import re
from typing import Any

from ffgen.draft import terms
from ffgen.draft.guess import guess, unknown
from ffgen.draft.near import all_fields, field_after, field_before, field_right_after, short_form
from ffgen.draft.request import Asked
from ffgen.draft.values import ValueReader
from ffgen.draft.words import fold

_TEXTS = {"string", "text", "enum", "email", "phone", "url", "uuid", "ipv4", "time"}


def place_types(reader: ValueReader) -> None:
    """Types that were said, to their fields."""
    for _, asked in all_fields(reader):
        for at, said in reader.types.items():
            if any(first <= at <= last for first, last in [(asked.first, asked.last), *asked.mentions]):
                _set_type(asked, said["type"], said)
                if asked.name.endswith("_count") and len(asked.phrase) == 1:
                    asked.name = re.sub(r"\W+", "_", fold(asked.said))


def place_singles(reader: ValueReader) -> None:
    """`no two the same`, `primary key`."""
    for first, _ in reader.singles:
        pair = field_before(reader, first - 1 if reader.word(first - 1) in (",", "and") else first)
        if pair is not None:
            pair[1].short["unique"] = True
            pair[1].notes.append("unique")


def place_runs(reader: ValueReader) -> None:
    """What is said of the last of several names, `each an integer from 1 to 5`, holds for the others."""
    for heads in reader.runs:
        members = [asked for head in heads for _, asked in all_fields(reader) if asked.first <= head <= asked.last]
        if len(members) < 2:
            continue
        said = {
            key: value for key, value in members[0].short.items() if key in ("type", "range", "decimals", "nullable")
        }
        for one in members[1:]:
            if said.get("type") not in (None, short_form(one).get("type")):
                one.meaning, one.short = None, {}
            one.short |= said
            one.notes.append("as said of all")


def place_blanks(reader: ValueReader) -> None:
    """`which may be empty for new ones`, `if known`, `some have no phone`."""
    for first, last, is_right in reader.blanks:
        joined = reader.word(first - 1) in (",", "and") and reader.word(first) != "only"
        pair = (
            field_after(reader, last)
            if is_right
            else field_before(reader, first) or (field_before(reader, first - 1) if joined else None)
        )
        if pair is None and not is_right and {reader.word(first - 1), reader.word(first)} & {"it", "they", "but"}:
            pair = field_before(reader, first, loose=True)
        if pair is not None:
            pair[1].short.setdefault("nullable", True)
            pair[1].notes.append(reader.text_of(first, last)[:40])


def place_flags(reader: ValueReader) -> None:
    """unique, optional, may be missing."""
    for at, token in enumerate(reader.tokens):
        if token.word in ("unique", "distinct"):
            ends = reader.word(at + 1) in (",", ";", ".", ")", "/", "", "and", "|")
            pair = (
                (field_before(reader, at) if ends else None)
                or field_right_after(reader, at)
                or field_before(reader, at)
                or field_after(reader, at)
            )
            if pair:
                pair[1].short["unique"] = True
                pair[1].notes.append("unique")
                reader.use(at, at, "modifier")
        elif token.word in ("optional", "nullable") or (token.word in terms.MISSING and reader.used[at] == "modifier"):
            _set_optional(reader, at, token.word)
    for match in re.finditer(
        r"\bnot (?:all|every|each|everyone|everybody) (?:\w+ ){0,2}?(?:has|have|with) (?:a |an |any )?",
        reader.norm.text,
    ):
        pair = field_after(reader, reader.norm.span(match.start(), match.end())[1])
        if pair:
            pair[1].short["nullable"] = True


def place_spoiled(reader: ValueReader) -> None:
    """What is wrong with the data on purpose: duplicates, outliers, typing errors."""
    text = reader.norm.text
    if re.search(r"\b(?:messy|dirty|noisy|unclean|low quality|real world mess|with error|imperfect)\b", text):
        reader.request.imperfections.setdefault("quality", "medium")
    for word, key, part in (
        ("duplicate", "duplicates", 0.02),
        ("outlier", "outliers", 0.01),
        ("typo", "typos", 0.02),
    ):
        if (
            re.search(rf"(?<!no )(?<!without )(?<!any )\b{word}\b", text)
            and key not in reader.request.imperfections
            and "no duplicate" not in text
        ):
            reader.request.imperfections[key] = part
            reader.request.understood.append(f'"{word}s": {part:.0%}')


def _set_type(asked: Asked, kind: str, said: dict[str, Any]) -> None:
    """A type that was said, over what the catalogue says, where the two can't both hold."""
    short = short_form(asked) or guess([*asked.phrase]) or {}
    have = short.get("type", "")
    if kind == "time" and asked.phrase[-1] in ("at", "on"):
        return
    if kind == have or (kind in ("string", "text", "enum") and have in _TEXTS) or (kind == "email" and have):
        made = dict(asked.short)
    elif kind in ("integer", "number") and have in ("integer", "number"):
        made = {**asked.short, "type": kind}
    elif kind == "date" and have == "datetime":
        made = {
            "type": "date",
            "range": [str(end)[:10] for end in short.get("range", ["2023-01-01", "2024-12-31"])],
        }
    elif kind in ("date", "datetime"):
        made = guess(["date" if kind == "date" else "timestamp"]) or {}
        made |= {"range": short["range"]} if have == "date" and "range" in short else {}
    elif kind in ("string", "text", "enum"):
        is_key = asked.phrase[-1] in ("id", "key", "code", "number", "no", "ref", "reference")
        made = {"type": "string", "pattern": "[A-Z]{2}[0-9]{6}"} if is_key else unknown(asked.said[:80])
    elif kind in ("integer", "number"):
        made = {"type": kind}
    else:
        made = {"type": kind}
    if kind == "number" and "decimals" in said:
        made["decimals"] = said["decimals"]
    if made.get("type", have) != have or not have:
        if {made.get("type"), have} != {"integer", "number"}:
            asked.meaning = None
    asked.short = {**made, **{key: asked.short[key] for key in ("unique", "nullable") if key in asked.short}}
    asked.notes.append(f"as {kind}")


def _set_optional(reader: ValueReader, at: int, word: str) -> None:
    part = next((one for one in reader.shares if one.first <= at <= one.last), None)
    if part is not None:
        return
    if word in terms.MISSING and reader.word(at + 1) in ("value", "data", "entry", "field", "cell"):
        pair = field_before(reader, at) if reader.word(at - 1) in ("be", "have", "has") else None
        if pair is None:
            reader.request.imperfections.setdefault("nulls", 0.05)
            reader.request.understood.append('"missing values": a twentieth')
            return
    pair = (
        (field_right_after(reader, at) if word in ("optional", "nullable") else None)
        or field_before(reader, at)
        or (field_after(reader, at) if word not in terms.MISSING else None)
    )
    if pair is None or reader.word(at - 1) in ("not", "no", "never"):
        return
    pair[1].short.setdefault("nullable", True)
    pair[1].notes.append(word)
    reader.use(at, at, "modifier")
