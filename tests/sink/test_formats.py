"""Formats of dates and times, for schemas that name a type by its class as for those that have an instance."""

from datetime import date, time
from typing import Any

import polars as pl
import pytest

from ffgen.sink.block import encoder


@pytest.mark.parametrize(
    ("dtype", "value", "format", "text"),
    [
        (pl.Date, date(2024, 3, 7), "%d.%m.%Y", "07.03.2024"),
        (pl.Date(), date(2024, 3, 7), "%d.%m.%Y", "07.03.2024"),
        (pl.Date, date(2024, 3, 7), "", "2024-03-07"),
        (pl.Time, time(9, 5), "%H.%M", "09.05"),
        (pl.Time, time(9, 5), "", "09:05:00"),
    ],
)
def test_a_moment_is_written_by_its_format(dtype: Any, value: Any, format: str, text: str) -> None:
    formats = {"at": format} if format else {}
    block = encoder("csv", {"at": dtype}, formats, "none").encode(pl.DataFrame({"at": [value]}, schema={"at": dtype}))
    assert block.data == f"{text}\n".encode()
