"""How the tables of a request hang together, and how many rows each has."""

from dataclasses import dataclass, field
from typing import Any

from ffgen.draft.catalogue import domains, every_kind
from ffgen.draft.request import Request, Wanted
from ffgen.errors import UsageError

USUAL_ROWS = 1000
KEY_WORDS = ("id", "key", "no", "code", "ref")
"""What the name of a key ends with."""


@dataclass(slots=True)
class Made:
    """A spec as plain values, and why each field is in it, by `table.field`."""

    spec: dict[str, Any]
    why: dict[str, str] = field(default_factory=dict)
    main: str = ""


@dataclass(slots=True)
class Table:
    wanted: Wanted
    fields: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Own names of the catalogue to the names that they got."""
    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    count: int | None = None
    key: str = ""


class Layout:
    """Tables in order, their links and counts."""

    def __init__(self, request: Request, rows: int | dict[str, int] | None, seed: int) -> None:
        self.request, self.seed = request, seed
        self.made = Made({})
        self.rows = rows
        self.tables: dict[str, Table] = {}

    def _complete_tables(self) -> None:
        """A domain that is named alone stands for its usual tables."""
        if self.request.tables or not self.request.domain:
            return
        domain = domains()[self.request.domain]
        for at, name in enumerate(domain.default):
            kind = domain.kinds.get(name) or next(one for one in every_kind() if one.name == name)
            self.request.tables.append(Wanted(name, kind.singular, kind, at, name))
        names = ", ".join(domain.default)
        self.request.understood.append(f"{self.request.domain}: its usual tables, {names}")
        self.request.ask(
            "grain", f"Linked tables ({names}), or one flat table?", "linked tables", "", ("linked tables", "one table")
        )

    def _parents(self, wanted: Wanted) -> dict[str, dict[str, Any]]:
        """The tables at hand that a table refers to: said ones first, then those of the catalogue."""
        names = {one.name for one in self.request.tables if one is not wanted}
        found: dict[str, dict[str, Any]] = {name: {} for name in wanted.children if name in names}
        for name, how in (wanted.kind.parents if wanted.kind else {}).items():
            if name in names:
                found[name] = dict(how)
        for name, how in (wanted.kind.parents if wanted.kind else {}).items():
            person = next((one for one in every_kind() if one.name == name and one.has_people), None)
            other = next((one for one in self.request.tables if one.kind and one.kind.has_people), None)
            if person is not None and other is not None and other is not wanted and not found and name not in names:
                found[other.name] = dict(how)
        for other in self.request.tables:
            if other is not wanted and wanted.name not in other.children and self._keys(wanted, other):
                found.setdefault(other.name, {})
        for name in wanted.belongs:
            if name in names:
                found.setdefault(name, {})
        for other in self.request.tables:
            if (
                other.kind is None
                and other is not wanted
                and wanted.kind
                and wanted.kind.called((*other.singular.split("_"),))
            ):
                if {other.singular} & {*wanted.kind.fields, *wanted.kind.own}:
                    found.setdefault(other.name, {})
        return found

    def _keys(self, wanted: Wanted, other: Wanted) -> bool:
        """Whether a table has a field that is another's key by name: `teacher_id`."""
        singulars = {other.singular, other.kind.singular if other.kind else other.singular} - {wanted.singular}
        if other.kind and wanted.name in other.kind.parents:
            return False
        return any(
            len(one.phrase) > 1 and one.phrase[-1] in KEY_WORDS and "_".join(one.phrase[:-1]) in singulars
            for one in wanted.asked
        )

    def _ordered(self) -> list[Wanted]:
        """Parents before children; a circle is cut where it closes."""
        done: list[Wanted] = []
        waiting = list(self.request.tables)
        while waiting:
            names = {one.name for one in waiting}
            free = next((one for one in waiting if not ({*self._parents(one)} & names - {one.name})), waiting[0])
            waiting.remove(free)
            done.append(free)
        return done

    def _link(self, table: Table) -> None:
        """The refs of a table: the first parent has its rows laid out under it, others are picked."""
        wanted = table.wanted
        before = [name for name in self.tables if list(self.tables).index(name) < list(self.tables).index(wanted.name)]
        laid = False
        for name, usual in self._parents(wanted).items():
            if name not in before or (name not in wanted.children and self._is_above(name, table)):
                continue
            how: dict[str, Any] = {}
            said = wanted.children.get(name)
            if said is not None and not laid:
                low, high = said
                how = {"min": 0 if low is None and high is not None else (1 if low is None else low)}
                if high is not None:
                    how["max"] = max(high, how["min"])
                else:
                    how["mean"] = max(3.0, how["min"] + 2.0)
                laid = True
            elif usual and "min" in usual and not laid and not wanted.children:
                how, laid = dict(usual), True
            elif "skew" in usual:
                how = {"skew": usual["skew"]}
            table.links[name] = how
        if not table.links and self.request.tables[0] is not wanted and wanted.kind is None and wanted.children:
            return

    def _is_above(self, name: str, table: Table) -> bool:
        """Whether a parent of a table has that parent itself: its rows say whose they are already."""
        return any(
            name in self.tables[parent].links or self._is_above(name, self.tables[parent]) for parent in table.links
        )

    def _count_rows(self) -> None:
        """Counts as said, else 1000 of the table that the sentence is about, and what follows from that."""
        said = self.rows if isinstance(self.rows, dict) else {}
        for name, count in said.items():
            found = next((one for one in self.tables.values() if name in (one.wanted.name, one.wanted.shown)), None)
            if found is None:
                names = ", ".join(one.wanted.shown or one.wanted.name for one in self.tables.values())
                raise UsageError(f"The description makes no table {name}.", hint=f"It makes {names}.")
            found.wanted.count = count
        main = self.tables[self.request.tables[0].name]
        if isinstance(self.rows, int):
            main.wanted.count = self.rows
        nobody = all(table.wanted.count is None for table in self.tables.values())
        if nobody:
            main.wanted.count = USUAL_ROWS
            self.request.ask("count", f"How many {main.wanted.name}?", str(USUAL_ROWS), main.wanted.name)
        self.made.main = main.wanted.name
        for table in self.tables.values():
            table.count = table.wanted.count
        for table in reversed(self.tables.values()):
            self._count_parent(table)
        for table in self.tables.values():
            kind = table.wanted.kind
            if kind is not None and kind.rows and self._is_lookup(table):
                table.count = None
            elif table.count is None and not self._is_laid(table):
                table.count = (kind.count if kind and kind.count and table is not main else 0) or USUAL_ROWS

    def _count_parent(self, table: Table) -> None:
        """As many parents as the children that were asked for need."""
        for name, how in table.links.items():
            parent = self.tables[name]
            if "min" not in how or table.count is None:
                continue
            low, high = how.get("min", 0), how.get("max")
            mean = how.get("mean") or ((low + high) / 2 if high is not None else low + 2.0)
            if parent.count is None:
                if not self._is_lookup(parent):
                    parent.count = max(1, round(table.count / max(mean, 0.1)))
                    if high is not None and not low <= table.count / parent.count <= high:
                        each = table.count // parent.count
                        how |= {"min": each, "max": each + 1}
            else:
                self._meet(table, parent, how)

    def _meet(self, table: Table, parent: Table, how: dict[str, Any]) -> None:
        """Both counts are said: the mean follows, and bounds that can't hold are asked about."""
        assert parent.count is not None and table.count is not None
        mean = table.count / parent.count
        low, high = how.get("min", 0), how.get("max")
        said = parent.wanted.name in table.wanted.children
        if said and (mean < low or (high is not None and mean > high)):
            self.request.ask(
                "range",
                f"{parent.count} {parent.wanted.name} can't have {table.count} {table.wanted.name} of {low} to {high}",
                f"{table.count} {table.wanted.name}",
                table.wanted.name,
            )
        if not said or mean < low or (high is not None and mean > high):
            how["min"] = min(low, int(mean))
            if high is not None:
                how["max"] = max(high, int(mean * 2) + 1)
            how.pop("mean", None)
            if how.get("min") != how.get("max"):
                how["mean"] = round(max(mean, 0.01), 2)

    def _is_lookup(self, table: Table) -> bool:
        kind = table.wanted.kind
        return bool(kind and kind.rows and not table.wanted.count)

    def _is_laid(self, table: Table) -> bool:
        return any("min" in how for how in table.links.values())
