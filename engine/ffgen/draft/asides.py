"""Tables that are only spoken of, taken out again."""

from ffgen.draft.links import mentions
from ffgen.draft.read import Reader
from ffgen.draft.relations import Mention


def leave_out_asides(reader: Reader) -> None:
    """Takes out tables that are only spoken of, where others are described: neither counted, nor with fields of
    their own, nor said to belong to anything."""
    tables = reader.request.tables
    opened = {one.table for one in mentions(reader) if _opens(reader, one)}
    told = {one.name for one in tables if one.count is not None} | opened
    linked = {parent for one in tables for parent in [*one.children, *one.belongs]}
    linked |= {one.name for one in tables if one.children or one.belongs}
    if not told & {one.name for one in tables if one.asked or one.count is not None}:
        return
    kept = []
    for one in tables:
        near = {
            parent for other in tables if other.kind and other.name in told | linked for parent in other.kind.parents
        }
        is_many = any(mention.is_plural and mention.table == one.name for mention in mentions(reader))
        of_others = one.name in near or bool(one.kind and (told | {tables[0].name}) & {*one.kind.parents})
        is_first = one is tables[0] and is_many
        is_listed = any(_is_listed(reader, mention) for mention in mentions(reader) if mention.table == one.name)
        if (
            is_listed
            or one.name in told
            or one.name in linked
            or is_first
            or (is_many and of_others)
            or (len(one.asked) > 2 and len(told) < 2)
        ):
            kept.append(one)
        else:
            reader.request.ignored.append(one.said[:80])
    if kept:
        reader.request.tables = kept


def _is_listed(reader: Reader, one: Mention) -> bool:
    """Whether a table stands alone in a list: `authors, books and loans`."""
    before, after = reader.word(one.first - 1), reader.word(one.last + 1)
    return (
        one.is_plural and before in (",", "and", ":", "&", "+") and after in (",", "and", ".", "", ")", ";", "&", "+")
    )


def _opens(reader: Reader, one: Mention) -> bool:
    """Whether a table's fields or its number follow its name, or each of its rows is spoken of."""
    after, before = reader.word(one.last + 1), reader.word(one.first - 1)
    if before in ("each", "every", "per") or one.first in reader.heads:
        return True
    return after in (":", "(", "with", "has", "have", "including", "containing", "-", "[", "who", "each", "table")
