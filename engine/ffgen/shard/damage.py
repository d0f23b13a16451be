"""How values are spoiled, a column of chosen ones at a time: each kind gives for every value another one.

Texts are spoiled by trying variants from a chosen one on, until one differs: a name without a capital can't lose it.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from ffgen.rng import Stream

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
"""Keys that lie side by side."""
DATES = ("%m/%d/%Y", "%d.%m.%Y", "%d %b %Y", "%Y%m%d")
DATETIMES = ("%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%dT%H%M%S", "%s")
TIMES = ("%I:%M %p", "%H.%M", "%H%M%S", "%Hh%M")
BOOLS = (("yes", "no"), ("Y", "N"), ("1", "0"), ("TRUE", "FALSE"))
FAR = (3.0, 10.0)
"""Quartile distances at which an outlier lies beyond its quartile: Tukey's outer fence and more."""
WHOLE = 2**53
"""Integers that every reader of JSON keeps."""
SAMPLE = 4096
"""Values, evenly spread over the column, from which quartiles are taken."""
HUGE = 1e290
"""Far from where rounding would overflow."""
DAY, SECOND = 86_400, 1_000_000
LAST_DAY, FIRST_DAY = 2_932_896, -719_162
"""9999-12-31 and 0001-01-01, in days since 1970."""


def typos(texts: pl.Series, rng: Stream) -> pl.Series:
    """Texts with one slip: a neighbouring key, two characters swapped, one left out or doubled."""
    places = (rng.random(len(texts)) * texts.str.len_chars().fill_null(0).to_numpy()).astype(np.int64)
    frame = pl.DataFrame({"text": texts, "at": places})
    text, at = pl.col("text"), pl.col("at")
    head, one, tail = text.str.slice(0, at), text.str.slice(at, 1), text.str.slice(at + 1)
    made = frame.select(
        left=pl.concat_str([head, one.replace_strict(*neighbours(-1), default=None, return_dtype=pl.String), tail]),
        right=pl.concat_str([head, one.replace_strict(*neighbours(1), default=None, return_dtype=pl.String), tail]),
        swapped=pl.concat_str([head, text.str.slice(at + 1, 1), one, text.str.slice(at + 2)]),
        dropped=pl.when(text.str.len_chars() > 1).then(pl.concat_str([head, tail])),
        doubled=pl.concat_str([head, one, one, tail]),
    )
    return another(texts, made.get_columns(), rng)


@cache
def neighbours(step: int) -> tuple[list[str], list[str]]:
    """Keys, and for each the one beside it, small and capital letters."""
    pairs = [(row[i], row[i + step]) for row in ROWS for i in range(len(row)) if 0 <= i + step < len(row)]
    pairs += [(key.upper(), other.upper()) for key, other in pairs if key.isalpha()]
    return [key for key, _ in pairs], [other for _, other in pairs]


def drift(values: pl.Series, texts: pl.Series, rng: Stream) -> pl.Series:
    """Texts in another form, by what the values are. `texts` are the values as they are written."""
    dtype = values.dtype
    if dtype == pl.Boolean:
        forms = [pl.select(pl.when(values).then(pl.lit(yes)).otherwise(pl.lit(no))).to_series() for yes, no in BOOLS]
    elif dtype == pl.String:
        forms = cases(texts)
    elif dtype.is_temporal():
        forms = [values.dt.strftime(form) for form in forms_of(dtype)]
    else:
        forms = numbers(texts)
    return another(texts, [*forms, *spaces(texts)] if dtype in (pl.String, pl.Int64, pl.Float64) else forms, rng)


def forms_of(dtype: Any) -> tuple[str, ...]:
    """strftime formats of dates, times or datetimes."""
    return DATES if dtype == pl.Date else TIMES if dtype == pl.Time else DATETIMES


def cases(texts: pl.Series) -> list[pl.Series]:
    """Texts in capitals, and without any."""
    return [texts.str.to_uppercase(), texts.str.to_lowercase()]


def spaces(texts: pl.Series) -> list[pl.Series]:
    """Texts with a space too many: before, behind, within."""
    text = pl.col("text")
    made = pl.DataFrame({"text": texts}).select(
        before=pl.lit(" ") + text, behind=text + pl.lit(" "), within=text.str.replace(" ", "  ", literal=True)
    )
    return made.get_columns()


def numbers(texts: pl.Series) -> list[pl.Series]:
    """Numbers with thousands apart, with a decimal comma, with both. Null for those in scientific notation."""
    parts = texts.str.extract_groups(r"^(-?)(\d+)(?:\.(\d+))?$").struct.unnest()
    sign, whole, fraction = (pl.col(name) for name in parts.columns)
    grouped = whole.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse().str.strip_prefix(",")
    dotted = grouped.str.replace_all(",", ".", literal=True)
    english = pl.when(fraction.is_null()).then(pl.lit("")).otherwise(pl.concat_str([pl.lit("."), fraction]))
    german = pl.when(fraction.is_null()).then(pl.lit("")).otherwise(pl.concat_str([pl.lit(","), fraction]))
    made = parts.select(
        english=pl.concat_str([sign, grouped, english]),
        german=pl.concat_str([sign, dotted, german]),
        comma=pl.concat_str([sign, whole, german]),
    )
    return made.get_columns()


def another(texts: pl.Series, variants: Sequence[pl.Series], rng: Stream) -> pl.Series:
    """For each text one of its variants that is not the text itself; the text where there is none."""
    count, n = len(variants), len(texts)
    good = np.stack([variant.ne(texts).fill_null(False).to_numpy() for variant in variants])
    first = rng.integers(0, count, n)
    chosen = np.full(n, count)
    for step in range(count):
        candidate = (first + step) % count
        chosen = np.where((chosen == count) & good[candidate, np.arange(n)], candidate, chosen)
    table = pl.concat([each.alias("text") for each in (*variants, texts)])
    return table.gather(chosen * n + np.arange(n)).alias(texts.name)


def outliers(values: pl.Series, column: pl.Series, decimals: int | None, rng: Stream) -> pl.Series:
    """Numbers or moments beyond the quartiles of the column by 3 to 10 times their distance, on either side."""
    dtype = column.dtype
    some = column.drop_nulls()
    some = some.gather_every(-(-len(some) // SAMPLE)).to_physical().cast(pl.Float64)
    low, middle, high = np.quantile(some.to_numpy().clip(-HUGE, HUGE), (0.25, 0.5, 0.75))
    spread = high - low or least_spread(dtype, float(middle))
    upward = rng.random(len(values)) < 0.5
    far = rng.uniform(*FAR, len(values)) * spread
    found = np.where(upward, high + far, low - far)
    if dtype == pl.Float64:
        found = np.clip(found, -HUGE, HUGE)
        return pl.Series(values.name, (found if decimals is None else np.round(found, decimals)) + 0.0)
    lowest, highest, step = limits(dtype)
    whole = np.floor(np.clip(found, lowest, highest) / step).astype(np.int64) * step
    # A Date is a number of 32 bits.
    return pl.Series(values.name, whole).cast(pl.Int32 if dtype == pl.Date else pl.Int64).cast(dtype)


def least_spread(dtype: Any, middle: float) -> float:
    """What counts as a distance in a column whose values are nearly all the same."""
    if dtype == pl.Date:
        return 3650.0
    return 3650.0 * DAY * SECOND if dtype.is_temporal() else max(abs(middle), 1.0)


def limits(dtype: Any) -> tuple[int, int, int]:
    """The least and greatest whole number of a type, and the step between two."""
    if dtype == pl.Date:
        return FIRST_DAY, LAST_DAY, 1
    if dtype.is_temporal():
        return FIRST_DAY * DAY * SECOND, (LAST_DAY + 1) * DAY * SECOND - SECOND, SECOND
    return -WHOLE, WHOLE, 1
