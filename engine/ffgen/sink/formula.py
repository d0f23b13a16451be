"""Text that a spreadsheet would take for a formula, and how it is kept from that.

A cell that starts with `=`, `@`, a tab or a carriage return is one, and so is one that starts with `+` or `-` unless
all of it is a number or an E.164 phone number. An apostrophe before it makes it text again.
"""

import re

import polars as pl

_STARTS = "^[=@\t\r+-]"
_NUMBER = r"^[+-](?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
"""An E.164 phone number, such as +15550100, is one of these."""
_FORMULA = re.compile(rf"(?!{_NUMBER[:-1]}\Z){_STARTS}")
MARK = "'"


def escaped(text: str) -> str:
    """The text with an apostrophe before it where it would be a formula."""
    return MARK + text if _FORMULA.match(text) else text


def escaped_column(column: pl.Series) -> pl.Series:
    """The same for a column: one of another type than text is as it was. 8 ns a cell that is no formula."""
    if column.dtype != pl.String:
        return column
    starts = column.str.contains(_STARTS)
    if not starts.any():
        return column
    formula = (starts & ~column.str.contains(_NUMBER)).fill_null(False)
    return column.zip_with(~formula, MARK + column)
