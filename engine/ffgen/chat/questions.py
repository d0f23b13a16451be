"""What is asked: what the draft leaves open, and what matters in most data; and what an answer to it says."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ffgen.chat import rows
from ffgen.chat.edit import short
from ffgen.chat.find import kind_of, parent_of
from ffgen.chat.plain import in_digits, places_in
from ffgen.chat.standing import Asking, Standing
from ffgen.draft.answers import ONE_TABLE, shape_of
from ffgen.draft.drafting import Draft
from ffgen.draft.limits import Norm, periods
from ffgen.draft.request import Question
from ffgen.draft.words import singular, tokens

MOST_ASKED = 5
"""Questions of one conversation, contradictions not counted."""
ORDER = ("clash", "range", "grain", "count", "each", "term", "period", "locale", "share", "unique")
_NOTABLE = (
    "refunded",
    "returned",
    "fraud",
    "churned",
    "cancelled",
    "no-show",
    "failed",
    "rejected",
    "overdue",
    "error",
)
_KEYED = ("email", "phone", "username", "sku")
_YES = {"y", "yes", "sure", "ok", "true", "yep", "j", "ja"}
_NO = {"n", "no", "nope", "false", "nein", "nothing", "none"}


def of_draft(draft: Draft) -> list[Asking]:
    """The questions of a draft. A count takes any number, so it has no numbered choices."""
    found = []
    for one in draft.questions:
        choices = () if one.about == "count" else one.choices
        text = one.text if one.text.endswith("?") else f"{one.text.rstrip('.')}. What is meant?"
        found.append(
            Asking(id=one.id, about=one.about, text=text, default=one.default, path=one.path, choices=choices)  # type: ignore[arg-type]
        )
    return found


def asked_of(draft: Draft, now: Standing) -> tuple[Asking, ...]:
    """All that is open after the first draft, the most important first."""
    found = [*of_draft(draft), *_each(now), *_period(draft, now), *_locale(draft, now), *_share(now), *_unique(now)]
    return in_order(found)


def of_new_tables(before: Standing, now: Standing) -> list[Asking]:
    """What new tables leave open."""
    known = {table["name"] for table in before.tables} | {*now.names.values()}
    fresh = {str(table["name"]) for table in now.tables if table["name"] not in known}
    ids = {one.id for one in now.open} | {*now.settled}
    asked = [*_each(now), *_share(now)] if fresh else []
    return [one for one in asked if one.path.partition(".")[0] in fresh and one.id not in ids]


def in_order(found: list[Asking]) -> tuple[Asking, ...]:
    """The most important first."""
    return tuple(sorted(found, key=lambda one: ORDER.index(one.about)))


def question_of(asking: Asking) -> Question:
    """The draft's question that is asked."""
    about = asking.about if asking.about in ("count", "grain", "range", "term") else "term"
    return Question(about, asking.text, asking.default, asking.path, asking.choices, asking.id)


def is_still_open(asking: Asking, now: Standing) -> bool:
    """Whether a question has not been overtaken by what was said since."""
    if asking.about == "clash":
        return True
    if asking.id in now.settled:
        return False
    if asking.about in ("locale", "period"):
        return asking.about not in now.said
    if asking.about == "grain":
        return "tables" in now.spec
    paths = {str(table["name"]) for table in now.tables}
    paths |= {f"{table['name']}.{field['name']}" for table in now.tables for field in table["fields"]}
    if asking.path in paths or not asking.path:
        return asking.path not in now.said or asking.about not in ("count", "share", "unique", "each")
    return asking.about == "range" and "." not in asking.path


def chosen(asking: Asking, said: str) -> str | None:
    """The choice that an answer means: by its number, or by its words; None for neither."""
    if not said:
        return asking.default
    if re.fullmatch(r"\d{1,2}\.?\)?", said) and asking.choices:
        number = int(re.sub(r"\D", "", said))
        return asking.choices[number - 1] if 1 <= number <= len(asking.choices) else None
    words = said.casefold().strip(" .!")
    known = [one for one in (*asking.choices, asking.default) if one.casefold() == words]
    close = [one for one in asking.choices if one.casefold().startswith(words) and len(words) > 2]
    if known or len(close) == 1:
        return (known or close)[0]
    if {*asking.choices} >= {"yes", "no"} and words in _YES | _NO:
        return "yes" if words in _YES else "no"
    return None


def sentence_of(asking: Asking, said: str, now: Standing) -> str | None:
    """What an answer in the user's own words says, as a sentence; None where it is no answer to this question."""
    text = in_digits(said.strip().rstrip(".!"))
    match asking.about:
        case "count":
            plain = re.fullmatch(r"(?:about |around |exactly )?(\d+)(?: \w+)?", text)
            return f"{plain[1]} {asking.path}" if plain and int(plain[1]) >= 1 else None
        case "each":
            ends = re.fullmatch(r"(?:from |between )?(\d+)(?: ?(?:to|-|–|and) ?(\d+))?(?: each| \w+)?", text)
            child, parent = asking.id.split(":")[1:3]
            return f"each {parent} has {ends[1]} to {ends[2] or ends[1]} {child}" if ends else None
        case "locale":
            locales, _ = places_in(text)
            return " and ".join(rows.COUNTRIES[one] for one in locales) if locales else None
        case "period":
            return text if len(periods(Norm(tokens(_year(text))))) == 1 else None
        case "share":
            plain = re.fullmatch(r"(?:about )?(\d+(?:\.\d+)?) ?%?", text)
            table, word = asking.path.partition(".")[0], asking.id.rpartition(":")[2]
            return f"{plain[1]}% of {table} are {word}" if plain and float(plain[1]) <= 100 else None
        case "grain":
            flat = re.fullmatch(
                r"(?:just |only )?(?:one|1|a|single|a single)?(?: ?flat)?(?: ?table)?", text, re.IGNORECASE
            )
            return ONE_TABLE if flat and text else None
        case "term":
            return f"={said}" if "." in asking.path and shape_of(said) else None
        case "range":
            return f"={text}" if re.search(r"\d\D+\d", text) else None
    return None


def says(asking: Asking, choice: str) -> str:
    """The sentence behind a choice; `=` begins an answer to the draft's own question."""
    if asking.about == "grain":
        return ONE_TABLE if choice == ONE_TABLE else ""
    if choice in asking.choices and asking.says:
        return asking.says[asking.choices.index(choice)]
    if choice == asking.default:
        return ""
    return f"={choice}"


def _year(text: str) -> str:
    if re.fullmatch(r"(?:19|20)\d\d", text):
        return f"in {text}"
    ends = re.fullmatch(r"((?:19|20)\d\d(?:-\d\d-\d\d)?) ?(?:to|-|–) ?((?:19|20)\d\d(?:-\d\d-\d\d)?)", text)
    return f"from {ends[1]} to {ends[2]}" if ends else text


def _each(now: Standing) -> list[Asking]:
    """How many children, where nobody said."""
    found = []
    for table in now.tables:
        for field in table["fields"]:
            how, parent = field.get("ref"), parent_of(field)
            if not isinstance(how, dict) or "mean" not in how or "count" in table and parent in now.said:
                continue
            child, one = str(table["name"]), singular(parent)
            low, high = how.get("min", 0), how.get("max", 0)
            default = f"{low} to {high}, {short(how['mean'])} on average"
            choices = (default, "exactly 1", "1 to 5", "0 to 3")
            told = (
                "",
                f"each {one} has 1 to 1 {child}",
                f"each {one} has 1 to 5 {child}",
                f"each {one} has 0 to 3 {child}",
            )
            found.append(
                Asking(
                    id=f"each:{child}:{parent}",
                    about="each",
                    text=f"How many {child} has each {one}?",
                    default=default,
                    path=child,
                    choices=choices,
                    says=told,
                )  # fmt: skip
            )
    return found[:1]


def _period(draft: Draft, now: Standing) -> list[Asking]:
    if any(re.match(r'".*": \d{4}-', one) for one in draft.understood):
        return []
    for table, name in rows.moments(now):
        field = next(one for t in now.tables if t["name"] == table for one in t["fields"] if one["name"] == name)
        if "range" not in field:
            continue
        default = " to ".join(str(end)[:10] for end in field["range"])
        choices = (default, "the last year", "the last 2 years", "the last 5 years")
        told = ("", "last year", "last 2 years", "last 5 years")
        text = f"Which period do the {table} cover ({name})?"
        return [Asking(id="period", about="period", text=text, default=default, choices=choices,
                       says=told, hint="or any other: 2022 to 2024")]  # fmt: skip
    return []


def _locale(draft: Draft, now: Standing) -> list[Asking]:
    if any("people and places of" in one for one in draft.understood) or rows.locales_of(now) != ["en_US"]:
        return []
    fields = [field for table in now.tables for field in table["fields"] if "rows" not in table]
    if not any(_is_local(field) for field in fields):
        return []
    choices = tuple(_title(rows.COUNTRIES[one]) for one in ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES"))
    told = ("", *(f"only {one}" for one in choices[1:]))
    return [Asking(id="locale", about="locale", text="Which country are people and places of?", default=choices[0],
                   choices=choices, says=told, hint="or any of: " + ", ".join(
                       _title(one) for one in list(rows.COUNTRIES.values())[5:]))]  # fmt: skip


def _share(now: Standing) -> list[Asking]:
    """Which share of refunds, or of what else matters in such data."""
    for word in _NOTABLE:
        for table in now.tables:
            for field in table["fields"]:
                values = [str(one) for one in field.get("values", ())]
                if field.get("type") != "enum" or word not in values or "weights" not in field:
                    continue
                path = f"{table['name']}.{field['name']}"
                part = 100 * field["weights"][values.index(word)] / sum(field["weights"])
                default = f"{short(round(part, 1))}%"
                text = f"Which share of {table['name']} is {word}?"
                return [Asking(id=f"share:{path}:{word}", about="share", text=text, default=default, path=path,
                               hint="a percentage")]  # fmt: skip
    return []


def _unique(now: Standing) -> list[Asking]:
    """What is unique, where there is a choice."""
    table = next((table for table in now.tables if _people(table) or len(now.tables) == 1), None)
    if table is None:
        return []
    keyed = [
        field for field in table["fields"] if any(one in str(field["name"]) for one in _KEYED) and "derive" not in field
    ]
    loose = [str(field["name"]) for field in keyed if not field.get("unique")]
    firm = [str(field["name"]) for field in keyed if field.get("unique")]
    name = str(table["name"])
    if loose:
        text = f"Must {_listed(loose)} be unique among {name}" + (f", as {_listed(firm)} is?" if firm else "?")
        told = (" and ".join(f"{name}.{one} must be unique" for one in loose), "")
        return [Asking(id="unique", about="unique", text=text, default="no", path=f"{name}.{loose[0]}",
                       choices=("yes", "no"), says=told)]  # fmt: skip
    if firm:
        text = f"Is each {_listed(firm)} there only once?"
        told = ("", " and ".join(f"{name}.{one} need not be unique" for one in firm))
        return [Asking(id="unique", about="unique", text=text, default="yes", path=f"{name}.{firm[0]}",
                       choices=("yes", "no"), says=told)]  # fmt: skip
    return []


def settled(now: Standing, asking: Asking) -> Standing:
    """The standing without a question."""
    left = tuple(one for one in now.open if one.id != asking.id)
    if asking.about == "clash":
        return structs.replace(now, open=left)
    return structs.replace(now, open=left, settled=(*now.settled, asking.id), asked=now.asked + 1)


def _is_local(field: Mapping[str, Any]) -> bool:
    generator = field.get("generator")
    name = str(generator.get("name") if isinstance(generator, dict) else generator or "")
    return name.startswith(("person.", "place.")) or field.get("type") == "phone"


def _people(table: Mapping[str, Any]) -> bool:
    kind = kind_of(str(table["name"]))
    return kind is not None and kind.has_people


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _title(text: str) -> str:
    return text.removeprefix("the ")
