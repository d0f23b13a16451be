"""What an answer says of itself in its headers: type, file name, tables."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote

from ffgen.serve.prepare import Head
from ffgen.serve.wire import TablePlan

MEDIA = {
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}
EXPOSED = (
    *("Content-Disposition", "Location", "Retry-After", "X-Request-Id"),
    *(f"X-Ffgen-{name}" for name in ("Table", "Tables", "Rows", "Seed", "Spec-Hash", "Author")),
)
"""Headers that pages of allowed origins may read."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.IGNORECASE)
"""What Windows takes for a device."""


def headers_of(head: Head, format: str) -> dict[str, str]:
    """The headers of an answer, but for those of the connection."""
    tables = head.tables if format == "zip" else [one for one in head.tables if one.name == head.table]
    return {
        "Content-Type": MEDIA[format],
        "Content-Disposition": disposition(f"{head.name}.{format}"),
        "X-Ffgen-Table": token(head.table),
        "X-Ffgen-Tables": listed(head.tables),
        "X-Ffgen-Rows": str(sum(one.rows for one in tables)),
        "X-Ffgen-Seed": str(head.seed),
        "X-Ffgen-Spec-Hash": head.spec_hash,
        "X-Ffgen-Author": token(head.author or "ffgen"),
        "Cache-Control": "no-store",
    }


def listed(tables: Sequence[TablePlan]) -> str:
    """All tables with their rows, in the order in which they are made: `customers;rows=1000, orders;rows=2785`."""
    return ", ".join(f"{token(one.name)};rows={one.rows}" for one in tables)


def token(name: str) -> str:
    """A name in a header: percent-encoded where it holds more than letters, digits and `_.-`."""
    return quote(name, safe="")


def disposition(name: str) -> str:
    """`attachment`, with a name that any system takes, and where that lost something the real one (RFC 5987)."""
    safe = file_name(name)
    plain = ascii_name(safe)
    extended = f"; filename*=UTF-8''{quote(safe, safe='')}" if plain != safe else ""
    return f'attachment; filename="{plain}"{extended}'


def file_name(name: str) -> str:
    """A file's name by the rules of all systems: no separators, no controls, no device, at most 100 characters."""
    stem, dot, suffix = name.rpartition(".")
    clean = "".join("_" if _is_unfit(letter) else letter for letter in stem).strip(" ._")[:80] or "data"
    return f"{clean if not _RESERVED.match(clean) else f'{clean}_'}{dot}{suffix}"


def _is_unfit(letter: str) -> bool:
    return letter in '/\\:*?"<>|%;' or unicodedata.category(letter)[0] == "C" or letter.isspace()


def ascii_name(name: str) -> str:
    """The nearest name in ASCII: `cafés.csv` is `cafes.csv`."""
    stem, dot, suffix = name.rpartition(".")
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', plain).strip('.') or 'data'}{dot}{suffix}"
