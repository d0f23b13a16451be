"""SQL-like conditions and formulas over the fields of one record.

    age BETWEEN 18 AND 99 AND email LIKE '%@example.com'
    CONTAINS(UNACCENT(LOWER(email)), UNACCENT(LOWER(last_name)))
    CASE WHEN country = 'DE' THEN LENGTH(address.zip) = 5 ELSE TRUE END

What there is: numbers, 'text', TRUE, FALSE, NULL, DATE '2025-01-31', TIMESTAMP '2025-01-31 10:00:00', TIME '10:00';
fields, nested ones as `address.city`, odd names in double quotes; parentheses; + - * / %; = <> < <= > >=; AND, OR, NOT;
IS [NOT] NULL, [NOT] IN (...), [NOT] BETWEEN, [NOT] LIKE and ILIKE [ESCAPE]; CASE; CAST(x AS INT, FLOAT, TEXT, DATE,
TIMESTAMP or BOOLEAN); || and the functions of `functions.py`. Nothing looks beyond the row, at the clock or at chance.

Meaning, where SQL dialects differ:

- Field names are case-sensitive, keywords and functions are not.
- `/` always gives a fraction; `%` takes the sign of its left side; ROUND takes halves away from zero.
- Division by zero, overflow, infinity and NaN count as NULL; so does a CAST that fails.
- Dates: `date - date` is a number of days, `date + 7` a date. DATE_DIFF('day' or 'month', 'year', 'hour', from, to)
  counts the boundaries crossed. WEEKDAY is 1 for Monday to 7 for Sunday. Timestamps with a zone are read as UTC.
- A text literal beside a date, timestamp or time is read as one; nothing else is converted unasked.
- Decimals are taken as floating point; enumerations as text.
"""

from ffgen.expr.error import ExpressionError
from ffgen.expr.expression import Expression, check_types, first_failure, parse

__all__ = ["Expression", "ExpressionError", "check_types", "first_failure", "parse"]
