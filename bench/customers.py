"""The spec that the whole runs make, and a check of what they wrote that shares no code with ffgen."""

import json
import re
from pathlib import Path

SPEC = Path(__file__).with_name("customers.yaml")
ROWS = 32
"""Records a reply."""

_EMAIL = re.compile(r"[^@\s]+@(gmail|yahoo|outlook)\.com")


class WrongOutput(Exception):
    """A run ended well and left something else than it promised: its speed means nothing."""


def check(path: Path, count: int) -> None:
    """Raises WrongOutput unless the file holds exactly `count` valid records, all different."""
    seen, number = set(), 0
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            record = json.loads(line)
            if not _is_valid(record):
                raise WrongOutput(f"line {number} is not valid: {line.strip()}")
            seen.add(tuple(record.values()))
    if number != count or len(seen) != count:
        raise WrongOutput(f"{count} records were asked for; {number} came, {len(seen)} of them distinct")


def _is_valid(record: dict[str, object]) -> bool:
    match record:
        case {"full_name": str(name), "email": str(email), "age": int(age), "status": str(status), "city": str(city)}:
            sizes = 4 <= len(name) <= 40 and 2 <= len(city) <= 40 and 18 <= age <= 80
            known = status in ("active", "inactive", "pending")
            return len(record) == 5 and sizes and known and _EMAIL.fullmatch(email) is not None
        case _:
            return False
