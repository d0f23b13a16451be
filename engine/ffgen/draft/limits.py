"""What a sentence says of how much, how often and when: ranges, periods, shares, found among its tokens."""

import calendar
import datetime
import re
from dataclasses import dataclass
from typing import Any

from ffgen.draft.dates import MONTHS
from ffgen.draft.words import Token

AS_OF = datetime.date(2025, 1, 1)
"""What relative dates count from: a spec's `as_of` unless said."""

MOST = 1e12
"""Numbers beyond are no bounds of anything."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A range of numbers or dates, its place among the tokens, and what its unit says of the field it is for."""

    low: Any
    high: Any
    first: int
    last: int
    hint: str = ""
    is_period: bool = False
    is_swapped: bool = False


class Norm:
    """The tokens as one string for regular expressions, and the way back."""

    def __init__(self, found: list[Token]) -> None:
        self.starts: list[int] = []
        parts, at = [], 0
        for token in found:
            text = {"–": "-", "—": "-"}.get(token.text, token.word)
            text += "%" if token.is_share else ""
            text = f"${text}" if token.is_money else text
            self.starts.append(at)
            parts.append(text)
            at += len(text) + 1
        self.text = " ".join(parts) + " "

    def span(self, start: int, end: int) -> tuple[int, int]:
        """First and last token of a stretch of the string."""
        inside = [at for at, where in enumerate(self.starts) if start <= where < end]
        return (inside[0], inside[-1]) if inside else (0, -1)


_N = r"\$?-?\d+(?:\.\d+)?(?:e[+-]\d+)?%?"
_UNIT = (
    r"(?: (year old|year of age|year|month|day|hour|minute|second|dollar|euro|usd|eur|pound|gbp|kg"
    r"|kilo|gram|cm|meter|km"
    r"|mile|degree|celsius|c|f|percent|point|star|letter|character|old|inr|bhk|sqft|m2)\b)?"
)
_DATE = (
    r"(?:\d{4}-\d{2}-\d{2}|\d{4}-\d{2}|(?:MONTH) (?:\d{1,2} ?,? )?\d{4}|q[1-4] (?:of )?\d{4}|(?:19|20)\d{2})".replace(
        "MONTH", "|".join(MONTHS)
    )
)
_PERIODS = [
    (
        re.compile(
            rf"\b(?:between|from)? ?({_DATE}) (?:and|to|until|till|through|up to|-|\.\.+|…|bi|a"
            rf"|(?:and|to|through|until) (?:the )?(?:end|start|middle) of) ({_DATE})(?![\d%])"
        ),
        "span",
    ),
    (
        re.compile(
            rf"\b(?:in|during|of|for|from|either|over|throughout) (?:either )?({_DATE}) "
            rf"(?:or|/|&) ({_DATE})(?![\d%])"
        ),
        "span",
    ),
    (
        re.compile(
            rf"\b(?:since|from|after|starting in|starting|beginning in|no earlier than"
            rf"|not before) ({_DATE})(?! (?:to|and|-|until|up to) \$?\d)(?: on| onward| onwards| until now"
            rf"| to now| to today| to date)?(?![\d%])"
        ),
        "since",
    ),
    (re.compile(rf"\b(?:before|until|up to|till) ({_DATE})(?![\d%])"), "until"),
    (
        re.compile(
            rf"\b(?:in|during|of|for|throughout|within|only|for the year|over|year"
            rf"|en|im|em) ((?:the )?(?:year )?)({_DATE})(?![\d%])"
        ),
        "in",
    ),
    (
        re.compile(
            r"\b(?:last|past|previous|recent) (?:(\d+) )?(year|month|week|day|quarter|decade)"
            r"\b(?! (?:old|purchase|login))"
        ),
        "last",
    ),
    (
        re.compile(
            r"\b(\d+) (year|month|week|day) (?:of (?:data|history|record|reading|sale|transaction|order"
            r"|purchase)|period|worth|back|ago)"
        ),
        "last",
    ),
    (re.compile(r"\b(?:for|over|spanning|covering) (?:a )?(\d+) ?(year|month|week|day)\b(?! (?:old|of age))"), "last"),
    (re.compile(r"\b(this) year\b"), "this"),
    (re.compile(rf"(?<=[,(:] )()({_DATE}) (?=[,);.])"), "in"),
]
_RANGES = [
    (
        re.compile(
            rf"\b(?:at least|min|minimum(?: of)?|no less than|not less than|no fewer than"
            rf"|>=|>|> =) ({_N}){_UNIT} ?(?:,|and|or|/|;)? ?(?:but )?(?:at most|max|maximum(?: of)?|no more than"
            rf"|not more than|up to|below|under|<=|<|< =) ({_N}){_UNIT}"
        ),
        "both",
    ),
    (
        re.compile(
            rf"\b(?:between|from|ranging from|range|ranging between) ({_N}){_UNIT} (?:and|to|-|until|till"
            rf"|up to|bi|a|y|e|et) ({_N}){_UNIT}"
        ),
        "both",
    ),
    (re.compile(rf"(?<![\d.-])({_N}) ?(?:-|to|through|\.\.+|…) ?({_N}){_UNIT}"), "plain"),
    (
        re.compile(
            rf"\b(?:out of|on a scale of|scale of|up to|at most|max|maximum(?: of)?|no more than|not more than"
            rf"|less than|under|below|younger than|cheaper than|smaller than|fewer than|<|< =|<=) ({_N}){_UNIT}"
        ),
        "most",
    ),
    (
        re.compile(
            rf"\b(?:at least|min|minimum(?: of)?|no less than|not less than|more than|over|above|older than"
            rf"|greater than|larger than|exceeding|>|> =|>=) ({_N}){_UNIT}"
        ),
        "least",
    ),
    (re.compile(rf"(?<![\d.-])({_N}) or ({_N}) (?=per |for each|of them|of those|each)"), "plain"),
    (re.compile(rf"({_N}) ?(?:\+|or more|or older|and over|and above|or above|and older){_UNIT}"), "least"),
    (re.compile(rf"({_N}){_UNIT} (?:or less|or younger|and under|or below|and younger|max\b|at most)"), "most"),
]
_HINTS = {
    "age": ("year old", "year of age", "old"),
    "money": ("dollar", "euro", "usd", "eur", "pound", "gbp", "inr"),
    "weight": ("kg", "kilo", "gram"),
    "distance": ("km", "mile"),
    "temperature": ("degree", "celsius", "c", "f"),
    "rating": ("star",),
}


def periods(norm: Norm) -> list[Limit]:
    """Every stretch of time, as dates."""
    found: list[Limit] = []
    for pattern, kind in _PERIODS:
        for match in pattern.finditer(norm.text):
            ends = _period(match, kind)
            first, last = norm.span(match.start(), match.end())
            if ends and not any(first <= other.last and last >= other.first for other in found):
                low, high = sorted(ends)
                found.append(Limit(low, high, first, last, is_period=True, is_swapped=(low, high) != tuple(ends)))
    return found


def _period(match: re.Match[str], kind: str) -> tuple[datetime.date, datetime.date] | None:
    if kind == "span":
        return _day(match[1], False), _day(match[2], True)
    if kind == "since":
        start = _day(match[1], False)
        return start, max(AS_OF - datetime.timedelta(1), start)
    if kind == "until":
        end = _day(match[1], False)
        return end.replace(year=end.year - 3, day=1), end
    if kind == "in":
        return _day(match[2], False), _day(match[2], True)
    if kind == "this":
        return datetime.date(AS_OF.year - 1, 1, 1), AS_OF - datetime.timedelta(1)
    many = int(match[1]) if match[1] else 1
    return (_back(min(many, 200), match[2]), AS_OF - datetime.timedelta(1)) if many else None


def _back(many: int, unit: str) -> datetime.date:
    if unit in ("day", "week"):
        return AS_OF - datetime.timedelta(many * (7 if unit == "week" else 1))
    months = many * {"year": 12, "month": 1, "quarter": 3, "decade": 120}[unit]
    year, month = divmod(AS_OF.year * 12 + AS_OF.month - 1 - months, 12)
    return datetime.date(max(year, 1), month + 1, 1)


def _day(text: str, is_end: bool) -> datetime.date:
    """The first or last day of what a text names."""
    if match := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text):
        year, month, day = (int(part) for part in match.groups())
        month = min(max(month, 1), 12)
        return datetime.date(max(year, 1000), month, min(max(day, 1), calendar.monthrange(max(year, 1000), month)[1]))
    year = max(int(re.findall(r"\d{4}", text)[-1]), 1000)
    if match := re.match(r"q([1-4])", text):
        first, last = int(match[1]) * 3 - 2, int(match[1]) * 3
    elif match := re.match(r"\d{4}-(\d{2})", text):
        first = last = min(max(int(match[1]), 1), 12)
    elif (name := text.split()[0]) in MONTHS:
        first = last = MONTHS[name]
        if said := re.match(r"[a-z]+ (\d{1,2}) ?,? \d{4}", text):
            return datetime.date(year, first, min(max(int(said[1]), 1), calendar.monthrange(year, first)[1]))
    else:
        first, last = 1, 12
    month = last if is_end else first
    return datetime.date(year, month, calendar.monthrange(year, month)[1] if is_end else 1)


def ranges(norm: Norm, taken: list[Limit]) -> list[Limit]:
    """Every range of numbers that is no period."""
    found: list[Limit] = []
    for pattern, kind in _RANGES:
        for match in pattern.finditer(norm.text):
            first, last = norm.span(match.start(), match.end())
            if last < first or any(first <= other.last and last >= other.first for other in [*taken, *found]):
                continue
            groups = match.groups()
            unit = next((one for one in groups[1 if kind != "plain" else 2 :] if one and not re.fullmatch(_N, one)), "")
            money = "$" in match[0]
            hint = next((name for name, words in _HINTS.items() if unit in words), "money" if money else "")
            numbers = [_number(one) for one in groups if one and re.fullmatch(_N, one)]
            if re.search(r"\b(?:older|younger)\b", match[0]):
                hint = hint or "age"
            if any(abs(number) > MOST for number in numbers):
                continue
            if kind in ("both", "plain"):
                low, high = sorted(numbers[:2])
                found.append(Limit(low, high, first, last, hint, is_swapped=[low, high] != numbers[:2]))
            elif kind == "most":
                found.append(Limit(None, numbers[0], first, last, hint))
            else:
                found.append(Limit(numbers[0], None, first, last, hint))
    return sorted(found, key=lambda limit: limit.first)


def _number(text: str) -> int | float:
    number = float(text.strip("$%"))
    return int(number) if number == int(number) else number


_STEPS = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d", "week": "7d", "month": "30d"}
_RHYTHMS: list[tuple[re.Pattern[str], dict[str, Any]]] = [
    (
        re.compile(
            r"\b(?:more|mostly|busier|busy|peak\w*|higher|increase\w*|heavier|extra|spike\w*|surge\w*"
            r"|particularly) (?:\w+ ){0,3}?(?:on |at |during |over )?(?:the )?weekend"
        ),
        {"weekdays": {"mon-fri": 1, "sat": 2.5, "sun": 2.2}},
    ),
    (
        re.compile(r"\b(?:weekend) (?:\w+ ){0,2}?(?:busier|busy|peak|spike|more)"),
        {"weekdays": {"mon-fri": 1, "sat": 2.5, "sun": 2.2}},
    ),
    (
        re.compile(
            r"\b(?:more|mostly|busier|busy|peak|only|less on weekend) ?(?:\w+ ){0,3}?"
            r"(?:on |at |during )?(?:the )?(?:weekday|workday|working day)"
        ),
        {"weekdays": {"mon-fri": 5, "other": 1}},
    ),
    (
        re.compile(r"\b(?:fewer|less|quieter|lower) (?:\w+ ){0,3}?(?:on |at |during )?(?:the )?weekend"),
        {"weekdays": {"mon-fri": 3, "other": 1}},
    ),
    (re.compile(r"\b(?:business|office|working|opening) hour"), {"hours": "office"}),
    (
        re.compile(
            r"\b(?:more|mostly|busier|peak\w*|mainly) (?:\w+ ){0,3}?(?:in |at |during )?"
            r"(?:the )?(?:evening|night)"
        ),
        {"hours": "evening"},
    ),
    (
        re.compile(
            r"\b(?:more|mostly|busier|peak\w*|higher|increase\w*|spike\w*) (?:\w+ ){0,3}?"
            r"(?:in |at |during |around )?(?:the )?summer"
        ),
        {"months": {"jun-aug": 2.5}},
    ),
    (
        re.compile(
            r"\b(?:more|mostly|busier|peak\w*|higher|increase\w*|spike\w*) (?:\w+ ){0,3}?"
            r"(?:in |at |during |around )?(?:the )?winter"
        ),
        {"months": {"dec": 2.5, "jan-feb": 2.5}},
    ),
    (
        re.compile(
            r"\b(?:more|mostly|busier|peak\w*|higher|increase\w*|spike\w*|surge\w*) (?:\w+ ){0,4}?"
            r"(?:in |at |during |around |before |for )?(?:the )?(?:december|christma\w*|holiday season|xmas|holiday)"
        ),
        {"months": {"dec": 2.5}},
    ),
    (re.compile(r"\bblack friday"), {"events": [{"from": "11-24", "to": "11-30", "factor": 4}]}),
    (
        re.compile(
            r"\b(?:growing|growth(?= over| of| per| rate of| year| trend)|increasing|rising|upward trend"
            r"|grow)(?: over time| steadily| of| by| each year| per year| every year| trend)?\b"
        ),
        {"trend": 0.3},
    ),
]


def rhythm(norm: Norm) -> tuple[dict[str, Any], list[tuple[int, int]]]:
    """When things happen more often, as parameters of `rhythm`; and the tokens that say so."""
    found: dict[str, Any] = {}
    spans = []
    for pattern, says in _RHYTHMS:
        if match := pattern.search(norm.text):
            found |= {key: value for key, value in says.items() if key not in found}
            spans.append(norm.span(match.start(), match.end()))
            if "trend" in says and (
                share := re.search(r"(\d+(?:\.\d+)?)%", norm.text[match.start() : match.end() + 12])
            ):
                found["trend"] = min(float(share[1]) / 100, 5)
    return found, spans


def step(norm: Norm) -> tuple[str, tuple[int, int]] | None:
    """How far apart the rows of a series are: hourly, every 15 minutes."""
    if match := re.search(r"\bevery (\d+)? ?(second|minute|hour|day|week|month)\b", norm.text):
        many, unit = match[1] or "1", match[2]
    elif match := re.search(
        r"\b(hourly|daily|weekly|monthly|per minute|per second|per hour|minutely|each hour)\b", norm.text
    ):
        many, word = "1", match[1].split()[-1]
        unit = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "minutely": "minute"}.get(
            word, word
        )
    else:
        return None
    base = _STEPS[unit]
    return f"{int(many) * int(base[:-1])}{base[-1]}", norm.span(match.start(), match.end())
