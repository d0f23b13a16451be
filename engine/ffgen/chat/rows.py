"""Sentences about whole tables: how many, for each, which country, which period, one table, what it is called.

Each rule takes where the conversation stands and a plain sentence; None where it is about something else.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ffgen.chat import edit
from ffgen.chat.find import Place, parent_of, root_of, table_at, table_called
from ffgen.chat.heard import LEAVE, Heard, clash, fullmatch
from ffgen.chat.plain import number_tokens, places_in
from ffgen.chat.standing import Asking, Standing
from ffgen.draft import terms
from ffgen.draft.flat import flattened
from ffgen.draft.limits import Norm, periods

MOST_ROWS = 10**12
COUNTRIES = {
    "en_US": "the United States", "en_GB": "the United Kingdom", "de_DE": "Germany", "fr_FR": "France",
    "es_ES": "Spain", "it_IT": "Italy", "pt_BR": "Brazil", "nl_NL": "the Netherlands", "pl_PL": "Poland",
    "sv_SE": "Sweden", "da_DK": "Denmark", "ja_JP": "Japan",
}  # fmt: skip
FORMATS = {
    "csv": "csv",
    "json": "jsonl",
    "jsonl": "jsonl",
    "json lines": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
}
_COUNTING = set(
    """make it that them give me i want need a of only just exactly about total in all to be there should have rather
    say around set count number the how many is are row generate create please much more few line piece
    increase decrease raise lower reduce bring up down""".split()
)
_WHERE = set(
    """only in from all of make them it to people just use address name number living based are is be and or the
    instead switch change locale everyone everybody live come with for customer person country phone person's set should
    data also as well too""".split()
)
_WHEN = set(
    """only in from all of make them it to just use date be and or the change period should data during time between
    with happen are is set limit within dated placed for row time range""".split()
)


def how_many(now: Standing, said: str) -> Heard | None:
    """`make it 5000`, `200 customers`, `twice as many`."""
    if match := fullmatch(
        r"(?:make it |make that |i want )?(?:(\d+(?:\.\d+)?) times|twice|half|double)(?: (?:as many|"
        r"it|that|the rows|the number))*(?: (.+))?",
        said,
    ):
        factor = float(match[1]) if match[1] else 0.5 if "half" in said.lower() else 2.0
        table = table_called(now.spec, match[2]) if match[2] else _counted_table(now)
        one = table_at(now.spec, table) if table else None
        if one is None or "count" not in one:
            return None
        return _count(now, table, max(1, round(one["count"] * factor)))
    found = number_tokens(said)
    numbers = [token for token in found if token.kind == "number"]
    if len(numbers) != 1 or numbers[0].is_share or numbers[0].is_money:
        return None
    rest = [token for token in found if token is not numbers[0] and token.kind == "word"]
    other = [token.text for token in rest if token.word not in _COUNTING | terms.ROWS]
    if len(other) < len(found) - 1 - len(rest) or numbers[0].number != int(numbers[0].number):
        return None
    table = table_called(now.spec, " ".join(other)) if other else _counted_table(now)
    return _count(now, table, int(numbers[0].number)) if table else None


def each_has(now: Standing, said: str) -> Heard | None:
    """`each customer has 1 to 5 orders`, `3 orders per customer`: where both tables are there."""
    ends = (
        r"(?:(?:between |from )?(?P<low>\d+) ?(?:to|-|–|and|or) ?(?P<high>\d+)|(?P<bound>at least|up to|"
        r"at most|exactly|about)? ?(?P<one>\d+))"
    )
    match = fullmatch(
        rf"(?:each|every|per|a|one|1) (?P<parent>[\w -]+?) (?:can |should |must |may )?"
        rf"(?:(?:has|have|with|gets?|makes?|places?|made|owns?|writes?|does) )?{ends} (?P<child>[\w -]+)", said
    ) or fullmatch(
        rf"{ends} (?P<child>[\w -]+?) (?:per|for each|for every|for a|each) (?P<parent>[\w -]+)", said)  # fmt: skip
    if match is None:
        return None
    parent, child = table_called(now.spec, match["parent"]), table_called(now.spec, match["child"])
    table = table_at(now.spec, child)
    if not parent or table is None or not any(parent_of(field) == parent for field in table["fields"]):
        return None
    if match["one"]:
        many = int(match["one"])
        low, high = {"at least": (many, many + 5), "up to": (0, many), "at most": (0, many)}.get(
            (match["bound"] or "").lower(), (many, many)
        )
    else:
        low, high = sorted((int(match["low"]), int(match["high"])))
    return Heard(now=_said(now, child, spec=edit.each(now.spec, child, parent, low, high)))


def where(now: Standing, said: str) -> Heard | None:
    """`only Germany`, `from France and Spain`, `German names`."""
    locales, left = places_in(said)
    words = {token.word for token in number_tokens(left) if token.kind != "mark"}
    tables = {token.word for table in now.tables for token in number_tokens(str(table["name"]))}
    if not locales or words - _WHERE - tables:
        return None
    earlier = locales_of(now)
    if "locale" in now.said and earlier != locales:
        if words & {"also", "too", "well"} or left.startswith("and"):
            locales = list(dict.fromkeys([*earlier, *locales]))
        elif not words & {"only", "just", "instead", "switch", "change"} and not set(earlier) & set(locales):
            new, both, old = (" and ".join(COUNTRIES[one] for one in some)
                              for some in (locales, [*earlier, *locales], earlier))  # fmt: skip
            text = f"You said {old} before. {new[:1].upper()}{new[1:]} instead?"
            choices = [(f"only {new}", f"only {new}"), (f"{both}", f"only {both}"), (LEAVE, "")]
            return Heard(now=now, ask=clash(text, choices, choices[0][0]))
    return Heard(now=_said(now, "locale", spec=edit.with_locales(now.spec, locales)))


def when(now: Standing, said: str) -> Heard | None:
    """`last two years`, `orders from 2022 to 2024`, `only 2023`."""
    if match := fullmatch(r"(?:only|just|all|during|for|the year|year|:|\s)*((?:19|20)\d\d)", said):
        if not re.search(r"only|just|year|during|for", said, re.IGNORECASE):
            return None
        said = f"in {match[1]}"
    if match := fullmatch(r"((?:19|20)\d\d|\d{4}-\d\d-\d\d) ?(?:to|-|–|until) ?((?:19|20)\d\d|\d{4}-\d\d-\d\d)", said):
        said = f"from {match[1]} to {match[2]}"
    found = number_tokens(said)
    spans = periods(Norm(found))
    if len(spans) != 1:
        return None
    limit = spans[0]
    left = [
        token.word for at, token in enumerate(found) if not limit.first <= at <= limit.last and token.kind != "mark"
    ]
    other = [word for word in left if word not in _WHEN]
    table = table_called(now.spec, " ".join(other)) if other else ""
    if other and not table:
        return None
    places = moments(now, table)
    if not places:
        return None
    return Heard(now=_said(now, "period", spec=edit.with_period(now.spec, places, limit.low, limit.high)))


def one_table(now: Standing, said: str) -> Heard | None:
    """`one table`, `flatten it`."""
    if not fullmatch(
        r"(?:make it |make |as |into |in |all in |use |"
        r"(?:put|merge|combine|join|have) (?:it|all|them|everything|the tables)(?: all)? (?:in(?:to)?|as) )?"
        r"(?:just |only )?(?:(?:one|1|a single|a)(?: flat)? (?:table|file)|"
        r"flat(?:ten)?(?: it| this| all| everything| table)*)",
        said,
    ):
        return None
    if "tables" not in now.spec:
        return Heard(now=now)
    spec = flattened(now.spec)
    main = str(spec["dataset"]["name"])
    reasons = {path.partition(".")[2]: why for path, why in now.why.items()}
    why = {f"{main}.{one['name']}": reasons.get(one["name"], "of a linked table") for one in spec["dataset"]["fields"]}
    return Heard(now=structs.replace(now, spec=spec, main=main, why=why, is_flat=True))


def called(now: Standing, said: str) -> Heard | None:
    """`call it bikes`: the name of the files."""
    match = fullmatch(
        r"(?:call|name) (?:it|this|that|all of it|the (?:data|dataset|data set|file|files|spec|result)) (.+)", said
    )
    match = match or fullmatch(r"(?:the )?(?:name|file name|file) (?:is|should be|=) (.+)", said)
    name = re.sub(r"[^a-z0-9]+", "-", match[1].lower()).strip("-")[:40].strip("-") if match else ""
    return Heard(now=structs.replace(now, name=name)) if name else None


def written_as(now: Standing, said: str) -> Heard | None:
    """`as parquet`: the format of the files."""
    match = fullmatch(
        r"(?:as|in|into|save (?:it )?as|write (?:it )?as|make it|output|format)? ?(?:a |an )?(csv|"
        r"json ?lines|jsonl?|ndjson|parquet)(?: files?| format)?",
        said,
    )
    if match is None:
        return None
    return Heard(now=structs.replace(now, format=FORMATS[re.sub(r"jsonlines", "json lines", match[1].lower())]))


def seeded(now: Standing, said: str) -> Heard | None:
    """`seed 7`, `another seed`."""
    match = fullmatch(r"(?:with |use |set )?(?:the |a )?seed (?:to |is |of |= ?)?(\d{1,18})", said)
    if match:
        seed = int(match[1])
    elif fullmatch(r"(?:with |use )?(?:an)?other (?:seed|data|values|rows)|shuffle(?: it)?", said):
        seed = int(now.spec.get("seed", 0)) + 1
    else:
        return None
    spec = {**now.spec, "seed": seed} if seed else {key: one for key, one in now.spec.items() if key != "seed"}
    return Heard(now=structs.replace(now, spec=spec))


def moments(now: Standing, table: str = "") -> list[Place]:
    """The fields that say when rows happened: of a table, else of those that belong to others, else of the main one."""
    links = [str(one["name"]) for one in now.tables if any("ref" in field for field in one["fields"])]
    for names in ([table],) if table else (links, [now.main], [str(one["name"]) for one in now.tables]):
        found = [(name, str(field["name"])) for name in names for field in _fields(now, name) if _is_moment(field)]
        if found:
            return found
    return []


def locales_of(now: Standing) -> list[str]:
    """The locales of people and places, the first one that of the table."""
    for table in now.tables:
        for field in table["fields"]:
            generator = field.get("generator")
            if isinstance(generator, dict) and isinstance(generator.get("locale"), list):
                return [str(one) for one in generator["locale"]]
    return [next((str(table["locale"]) for table in now.tables if "locale" in table), "en_US")]


def _count(now: Standing, table: str, rows: int) -> Heard | None:
    one = table_at(now.spec, table)
    if not 1 <= rows <= MOST_ROWS or one is None or "rows" in one:
        return None
    for field in one["fields"]:
        parent, how = table_at(now.spec, parent_of(field)), field.get("ref")
        if parent is None or not isinstance(how, dict) or "min" not in how or "count" not in parent:
            continue
        if str(parent["name"]) not in now.said:
            return Heard(now=_said(now, table, spec=edit.scaled(now.spec, table, rows)))
        low, high = how["min"], how.get("max")
        mean = rows / parent["count"]
        if mean < low or (high is not None and mean > high):
            return Heard(now=now, ask=_too_many(one, parent, rows, how))
    return Heard(now=_said(now, table, spec=edit.count(now.spec, table, rows)))


def _too_many(child: Mapping[str, Any], parent: Mapping[str, Any], rows: int, how: Mapping[str, Any]) -> Asking:
    """A count that the parents, as many as they are, can't have."""
    low, high = how["min"], how.get("max", how["min"] + 4)
    mean = rows / parent["count"]
    wanted = max(1, round(rows / max((low + high) / 2, 0.1)))
    wide = (int(mean // 2), max(1, int(mean * 2)))
    text = (
        f"{parent['count']:,} {parent['name']} of {low} to {high} {child['name']} each can't have {rows:,}. What gives?"
    )
    one = str(parent["name"])
    choices = [
        (f"{wanted:,} {one}", f"{wanted} {one}"),
        (f"{wide[0]} to {wide[1]} {child['name']} each", f"each {one} has {wide[0]} to {wide[1]} {child['name']}"),
        (LEAVE, ""),
    ]
    return clash(text, choices, choices[0][0])


def _counted_table(now: Standing) -> str:
    """The table that a bare number is about."""
    main = table_at(now.spec, now.main)
    return now.main if main is not None and "count" in main else root_of(now.spec)


def _said(now: Standing, path: str, **changed: Any) -> Standing:
    made: Standing = structs.replace(now, said=tuple(dict.fromkeys([*now.said, path])), **changed)
    return made


def _fields(now: Standing, name: str) -> list[dict[str, Any]]:
    table = table_at(now.spec, name)
    return table["fields"] if table is not None else []


def _is_moment(field: Mapping[str, Any]) -> bool:
    generator = field.get("generator")
    series = isinstance(generator, dict) and generator.get("name") == "series"
    birth = "birth" in str(field["name"]) or "born" in str(field["name"])
    return field.get("type") in ("date", "datetime") and not birth and not series and "derive" not in field
