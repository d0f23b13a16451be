"""Shares, put to the field that they are of: 70% active, 10% missing, 2% fraud."""

import re

from ffgen.draft import terms
from ffgen.draft.catalogue import by_phrase, meanings
from ffgen.draft.guess import by_unit, guess
from ffgen.draft.links import mentions, spoken_of
from ffgen.draft.near import added_field, all_fields, field_before, short_form
from ffgen.draft.request import Asked, Wanted
from ffgen.draft.values import Share, ValueReader
from ffgen.draft.words import fold, phrase_of, singular

_HAVING = {"has", "have", "offer", "include", "own", "hold", "contain", "come", "carry", "get", "with"}


def place_shares(reader: ValueReader) -> None:
    """Every share to the field that it is of: rows that have none, spoiled ones, values."""
    for share in reader.shares:
        if {*share.words} & (terms.MISSING | {"optional", "nullable"}):
            _set_missing(reader, share)
        elif spoiled := next((terms.SPOILED[word] for word in share.words if word in terms.SPOILED), ""):
            reader.request.imperfections[spoiled] = min(share.part, 0.9)
            reader.request.understood.append(f'"{share.text}"')
        else:
            _set_share(reader, share)
    for table, asked in all_fields(reader):
        if sum(asked.shares.values()) > 1.0001:
            total = sum(asked.shares.values())
            reader.request.ask(
                "range",
                f"the shares of {asked.said} add up to {total:.0%}",
                "kept in proportion",
                f"{table.name}.{asked.name}",
            )


def share_heads(reader: ValueReader) -> None:
    """`pickup and return dates`: what a field that nobody knows is called after the next one's last word."""
    for table in reader.request.tables:
        for one, other in zip(table.asked, table.asked[1:], strict=False):
            head = other.phrase[-1]
            is_next = other.first == one.last + 2 and reader.word(one.last + 1) in ("and", ",", "or")
            known = one.meaning is not None or one.short.get("type") or guess([*one.phrase])
            if not is_next or known or len(other.phrase) < 2 or head not in terms.HEADS:
                continue
            if reader.tokens[other.last].is_plural:
                one.phrase = (*one.phrase, head)
                one.name, one.meaning = f"{one.name}_{head}", reader.meaning_of(one.phrase)
                one.short |= {} if one.meaning else guess([*one.phrase]) or {}


def place_units(reader: ValueReader) -> None:
    """`allowance in GB`: a field that nobody knows is a number. `recurring yes/no` is so or not."""
    for _, asked in all_fields(reader):
        if any(first == asked.last + 1 for first, _ in reader.yes_or_no):
            asked.short = {"type": "boolean"}
            continue
        after = reader.word(asked.last + 1)
        if asked.meaning is not None or asked.short.get("type") or after not in ("in", "(") or guess([*asked.phrase]):
            continue
        unit = by_unit(reader.word(asked.last + 2)) or by_unit(
            reader.word(asked.last + 2) + reader.word(asked.last + 3)
        )
        asked.short |= unit or {}


def _set_missing(reader: ValueReader, share: Share) -> None:
    for _, asked in all_fields(reader):
        if {*asked.phrase} & {*share.words} - terms.MISSING - {"optional", "nullable"} or asked.first in range(
            share.first, share.last + 1
        ):
            asked.short["nullable"] = share.part
            asked.notes.append(share.text)
            return
    rest = tuple(word for word in share.words if word not in terms.MISSING | {"optional", "nullable"})
    for size in range(len(rest), 0, -1):
        meaning = by_phrase().get(rest[:size])
        if meaning:
            table = reader.request.tables[0]
            table.asked.append(
                Asked(
                    "_".join(rest[:size]),
                    share.text,
                    rest[:size],
                    meaning,
                    share.first,
                    share.last,
                    {"nullable": share.part},
                )
            )
            return
    pair = field_before(reader, share.first)
    if pair is not None and not rest:
        pair[1].short["nullable"] = share.part
        pair[1].notes.append(share.text)
        return
    reader.request.imperfections["nulls"] = share.part
    reader.request.understood.append(f'"{share.text}"')


def _set_share(reader: ValueReader, share: Share) -> None:
    found = _whose(reader, share)
    if found is None:
        reader.request.ignored.append(share.text)
        return
    asked, value = found
    asked.shares[value] = share.part
    asked.notes.append(share.text)


def _whose(reader: ValueReader, share: Share) -> tuple[Asked, str] | None:
    """The field and the value that a share is of."""
    words = share.words
    near = field_before(reader, share.first)
    if (
        near is not None
        and short_form(near[1]).get("type") == "boolean"
        and {*words} & {"positive", "true", "yes", "po"}
        or near is not None
        and {*words} <= {"true", "yes"}
    ):
        if short_form(near[1]).get("type") != "boolean":
            near[1].short, near[1].meaning = {"type": "boolean"}, None
        return near[1], "true"
    if near is not None and short_form(near[1]).get("type") == "boolean" and {*words} & {*near[1].phrase}:
        return near[1], "true"
    for size in range(len(words), 0, -1):
        for start in range(len(words) - size + 1):
            phrase = words[start : start + size]
            if found := _value_of(reader, phrase, is_whole=size == len(words)):
                return found
    left = field_before(reader, share.first)
    if left is not None and short_form(left[1]).get("type") in ("enum", "string") and _is_closed(left[1]):
        value = " ".join(words)
        left[1].short.setdefault("values", [])
        if left[1].short["values"] is not None and value not in left[1].short["values"]:
            left[1].short["values"] = [*left[1].short["values"], value]
            left[1].short["type"] = "enum"
        return left[1], value
    return _new_flag(reader, share)


def _is_closed(asked: Asked) -> bool:
    """Whether a field is one of a few values, or may become that."""
    return "generator" not in short_form(asked) or "values" in short_form(asked)


def _value_of(reader: ValueReader, phrase: tuple[str, ...], is_whole: bool = True) -> tuple[Asked, str] | None:
    said = [(table, asked) for table, asked in all_fields(reader)]
    for _, asked in said:
        short = short_form(asked)
        for value in short.get("values") or []:
            if _same(str(value), phrase):
                return asked, str(value)
        if short.get("type") == "boolean" and (
            phrase == asked.phrase
            or {*phrase} <= {*asked.phrase}
            or (asked.meaning and phrase in (*asked.meaning.phrases, phrase_of(asked.meaning.name)))
            or _same(asked.name.removeprefix("is_"), phrase)
        ):
            return asked, "true"
    for table in reader.request.tables:
        for name in [*(table.kind.own if table.kind else ()), *(table.kind.fields if table.kind else ())]:
            meaning = table.kind.meaning(name) if table.kind else None
            if meaning is None or table.field(name):
                continue
            for value in meaning.short.get("values") or []:
                if _same(str(value), phrase):
                    return added_field(reader, table, name), str(value)
            if meaning.short.get("type") == "boolean" and (
                phrase in meaning.phrases or _same(name.removeprefix("is_"), phrase)
            ):
                return added_field(reader, table, name), "true"
    if phrase[-1] in terms.NAMED or not is_whole:
        return None
    for name, meaning in meanings().items():
        if meaning.short.get("type") == "boolean" and (
            phrase in meaning.phrases or _same(name.removeprefix("is_"), phrase)
        ):
            return added_field(
                reader, reader.request.tables[-1 if len(reader.request.tables) == 1 else 0], name
            ), "true"
    first = ("gender", "status", "plan", "loyalty_tier", "marital_status", "employment_type", "device_type")
    for name in (*first, *meanings()):
        for value in meanings()[name].short.get("values") or []:
            if meanings()[name].short["type"] == "enum" and _same(str(value), phrase):
                return added_field(reader, reader.request.tables[0], name), str(value)
    return None


def _table_of(reader: ValueReader, share: Share) -> Wanted:
    """The table that a share is of: `60% of the listings`."""
    named = [one.table for one in mentions(reader) if share.first <= one.first <= share.last]
    name = named[0] if named else spoken_of(reader, share.first)
    return next((one for one in reader.request.tables if one.name == name), reader.request.tables[0])


def _new_flag(reader: ValueReader, share: Share) -> tuple[Asked, str]:
    table = _table_of(reader, share)
    words = share.words[1:] if len(share.words) > 1 and share.words[0] in _HAVING else share.words
    word = " ".join(words)
    key = share.words[-1] if share.words[-1] in terms.NAMED else share.words[0]
    if key in terms.NAMED or word in terms.OPPOSITES:
        name = terms.NAMED.get(key, "status")
        asked = table.field(name)
        if asked is None:
            other = terms.OPPOSITES.get(key, "other")
            asked = Asked(
                name, share.text, (name,), None, share.first, share.last, {"type": "enum", "values": [key, other]}
            )
            table.asked.append(asked)
        elif key not in asked.short.get("values", []):
            asked.short["values"] = [*asked.short.get("values", []), key]
        return asked, key
    is_had = any(reader.word(at) in _HAVING for at in range(share.first, share.last + 1))
    name = re.sub(r"[^a-z0-9]+", "_", f"{'has' if is_had else 'is'}_{word}").strip("_")[:40]
    asked = table.field(name) or Asked(
        name, share.text, share.words, None, share.first, share.last, {"type": "boolean"}
    )
    if asked not in table.asked:
        table.asked.append(asked)
    return asked, "true"


def _same(value: str, phrase: tuple[str, ...]) -> bool:
    words = tuple(singular(word) for word in re.findall(r"[^\W_]+", fold(value)))
    if words == phrase:
        return True
    return len(words) == len(phrase) == 1 and len(words[0]) > 4 and (_stem(words[0]) == _stem(phrase[0]))


def _stem(word: str) -> str:
    return re.sub(r"(?:ed|ing|er|e|d|ment|ion|ation)$", "", word)
