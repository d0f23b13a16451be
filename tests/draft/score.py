"""Points of a drafter over a table of descriptions: `python -m tests.draft.score tests/draft/developing.yaml`.

A description wants tables, fields by role, types, ranges, values, shares, refs, counts, a locale, a question, or to be
refused. Every key of every want is a point. Names are compared without case, underscores and plural; `a|b` is either.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Drafted = tuple[Mapping[str, Any], list[str]] | None
"""A spec and what its questions are about; None for a refusal."""
Drafter = Callable[[str], Drafted]

KINDS = {
    "string": {"string", "enum", "text", "uuid", "phone", "email", "url", "ipv4"},
    "text": {"text", "string"},
    "enum": {"enum", "string", "boolean", "integer"},
    "number": {"number", "integer"},
    "integer": {"integer"},
    "date": {"date", "datetime"},
    "datetime": {"datetime", "date"},
    "boolean": {"boolean"},
}


@dataclass
class Score:
    """Points got and points there are, by domain, and what was missed."""

    got: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of all points, those got."""
        return sum(self.got.values()) / max(sum(self.most.values()), 1)


def score(cases: list[dict[str, Any]], drafter: Drafter) -> Score:
    """The points of a drafter over all cases."""
    made = Score()
    for case in cases:
        drafted = drafter(case["description"])
        for want in case["wants"]:
            for point, is_met in judge(want, drafted):
                domain = case["domain"]
                made.most[domain] = made.most.get(domain, 0) + 1
                made.got[domain] = made.got.get(domain, 0) + is_met
                if not is_met:
                    made.misses.append(f"{case['id']}: {point} of {want}")
    return made


def judge(want: Mapping[str, Any], drafted: Drafted) -> Iterator[tuple[str, bool]]:
    """The points of one want: what each is for, and whether it is met."""
    if "refuses" in want:
        yield "refuses", (drafted is None) == bool(want["refuses"])
        return
    tables = tables_of(drafted[0]) if drafted else []
    if "field" in want:
        found = fields_of(tables, want["field"])
        yield "field", bool(found)
        for key in want.keys() - {"field"}:
            yield key, any(CHECKS[key](one, want[key], table, tables) for table, one in found)
    elif "table" in want:
        yield "table", any(same(table["name"], want["table"]) for table in tables)
    elif "ref" in want:
        yield from refers(tables, want)
    elif "rows" in want:
        yield "rows", counts(tables, want["rows"])
    elif "locale" in want:
        yield "locale", any(speaks(table, want["locale"]) for table in tables)
    elif "question" in want:
        yield "question", drafted is not None and any(kind in drafted[1] for kind in str(want["question"]).split("|"))


def plain(name: str) -> str:
    """A name as it is compared: without case, accents, marks and plural."""
    folded = "".join(one for one in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(one))
    text = re.sub(r"[^a-z0-9]", "", folded.replace("ł", "l").replace("ø", "o").replace("ß", "ss"))
    for end, one in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("s", "")):
        if text.endswith(end) and not text.endswith("ss"):
            return text.removesuffix(end) + one
    return text


def same(name: str, wanted: str) -> bool:
    """Whether a name is one of `a|b`, or anything may be wanted with `*`."""
    return wanted.strip() == "*" or plain(name) in {plain(one) for one in wanted.split("|")}


def tables_of(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables of a spec."""
    return list(spec["tables"]) if spec.get("tables") else [spec["dataset"]]


def pairs(wanted: str) -> list[tuple[str, str]]:
    """Tables and fields that `a|b.x|y`, `a.x|b.y` or `x|y` stand for."""
    if wanted.count(".") == 1:
        left, _, right = wanted.partition(".")
        return [(table, one) for table in left.split("|") for one in right.split("|")]
    found, last = [], "*"
    for one in wanted.split("|"):
        table, dot, name = one.rpartition(".")
        last = table if dot else last
        found.append((last, name))
    return found


def fields_of(tables: list[dict[str, Any]], wanted: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """All fields that a want may mean."""
    return [
        (table, one)
        for where, name in pairs(wanted)
        for table in tables
        if same(table["name"], where)
        for one in table["fields"]
        if same(one["name"], name) and not one.get("hidden")
    ]


def type_of(one: Mapping[str, Any], tables: list[dict[str, Any]]) -> str:
    """A field's type; of a key, that of the field it refers to."""
    if "ref" in one:
        to = one["ref"] if isinstance(one["ref"], str) else one["ref"]["to"]
        table, _, name = to.partition(".")
        return next(
            (
                type_of(other, tables)
                for each in tables
                if each["name"] == table
                for other in each["fields"]
                if other["name"] == name
            ),
            "",
        )
    return str(one.get("type") or "string")


def has_type(one: Any, wanted: Any, table: Any, tables: Any) -> bool:
    return any(type_of(one, tables) in KINDS.get(kind, {kind}) for kind in str(wanted).split("|"))


def has_range(one: Any, wanted: Any, table: Any, tables: Any) -> bool:
    said = one.get("range")
    if said is None and one.get("values") and all(isinstance(value, int | float) for value in one["values"]):
        said = [min(one["values"]), max(one["values"])]
    if said is None:
        return False
    return all(_alike(got, want) for got, want in zip(said, wanted, strict=True))


def _alike(got: Any, want: Any) -> bool:
    if want is None:
        return True
    if isinstance(want, int | float) and isinstance(got, int | float):
        return abs(got - want) < 1e-6
    return bool(str(got)[:10] == str(want)[:10] or str(got)[:4] == str(want))


def choices(one: Mapping[str, Any]) -> dict[str, float]:
    """The values of a field by share."""
    generator = one.get("generator")
    if isinstance(generator, dict) and generator.get("name") == "boolean":
        return {"true": generator.get("share", 0.5), "false": 1 - generator.get("share", 0.5)}
    values = [str(value).lower() for value in one.get("values") or []]
    weights = one.get("weights") or [1] * len(values)
    return {value: weight / sum(weights) for value, weight in zip(values, weights, strict=True)}


def has_values(one: Any, wanted: Any, table: Any, tables: Any) -> bool:
    return {plain(str(value)) for value in wanted} <= {plain(value) for value in choices(one)}


def has_share(one: Any, wanted: Any, table: Any, tables: Any) -> bool:
    got = {plain(value): share for value, share in choices(one).items()}
    return all(abs(got.get(plain(str(value)), -1) - share) < 0.006 for value, share in wanted.items())


def is_unique(one: Any, wanted: Any, table: Any, tables: Any) -> bool:
    return bool(one.get("unique")) == bool(wanted)


def is_nullable(one: Any, wanted: Any, table: Any, tables: Any) -> bool:
    said = one.get("nullable", False)
    if isinstance(wanted, float):
        return bool(said == wanted)
    return bool(said) == bool(wanted)


CHECKS: dict[str, Callable[[Any, Any, Any, Any], bool]] = {
    "type": has_type,
    "range": has_range,
    "values": has_values,
    "share": has_share,
    "unique": is_unique,
    "nullable": is_nullable,
}


def refers(tables: list[dict[str, Any]], want: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """A foreign key `child -> parent`, and the number of children."""
    child, _, parent = str(want["ref"]).partition("->")
    refs = [
        one["ref"] if isinstance(one["ref"], dict) else {"to": one["ref"]}
        for table in tables
        if same(table["name"], child)
        for one in table["fields"]
        if "ref" in one
        and same(str(one["ref"]["to"] if isinstance(one["ref"], dict) else one["ref"]).partition(".")[0], parent)
    ]
    yield "ref", bool(refs)
    if "children" in want:
        yield (
            "children",
            any(
                all(
                    w is None or g == w for g, w in zip((ref.get("min"), ref.get("max")), want["children"], strict=True)
                )
                for ref in refs
            ),
        )


def counts(tables: list[dict[str, Any]], wanted: Any) -> bool:
    """Whether a table has that many rows; of `{orders: 5000}`, those."""
    if isinstance(wanted, dict):
        return all(
            any(same(table["name"], name) and table.get("count") == count for table in tables)
            for name, count in wanted.items()
        )
    return any(table.get("count", 0) == wanted for table in tables)


def speaks(table: Mapping[str, Any], wanted: str) -> bool:
    """Whether a table's people and places are of a locale."""
    inner = [one["generator"].get("locale") for one in table["fields"] if isinstance(one.get("generator"), dict)]
    said = {
        table.get("locale", "en_US"),
        *(name for one in inner if one for name in ([one] if isinstance(one, str) else one)),
    }
    return bool(said & {*wanted.split("|")})


def built_in(description: str) -> Drafted:
    """The drafter that needs no model."""
    import ffgen
    from ffgen.errors import FfgenError

    try:
        made = ffgen.draft(description)
    except FfgenError:
        return None
    return made.spec, [question.about for question in made.questions]


def load(path: str | Path) -> list[dict[str, Any]]:
    """The cases of a file."""
    cases: list[dict[str, Any]] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    return cases


def main() -> None:
    """Prints points by domain, then the misses."""
    made = score(load(sys.argv[1]), built_in)
    for domain, most in made.most.items():
        print(f"{domain:<16}{made.got[domain]:>5} of {most:>4}  {made.got[domain] / most:>4.0%}")
    print(f"{'all':<16}{sum(made.got.values()):>5} of {sum(made.most.values()):>4}  {made.share:>5.1%}")
    print(*made.misses, sep="\n")


if __name__ == "__main__":
    main()
