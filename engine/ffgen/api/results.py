"""The verbs about records that are there: do they keep to their spec, and where does a row come from."""

import os
from collections.abc import Mapping
from typing import Any

from ffgen.api.reading import Source, inspected
from ffgen.api.specs import plan
from ffgen.errors import SpecError, UsageError
from ffgen.plan.compile import Plan, chosen, lay_out
from ffgen.plan.settle import settle
from ffgen.run.explain.refused import refused_rows
from ffgen.run.explain.row import explain_row
from ffgen.run.explain.story import Explanation, RefusedRows
from ffgen.run.find import files_of
from ffgen.run.origin import Known, known_of, plan_of
from ffgen.run.validate import Validity, validate_data
from ffgen.spec.model import Spec


def validate(
    source: Source | Spec,
    data: str | os.PathLike[str],
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    table: str | None = None,
    allow_plugins: bool = False,
) -> Validity:
    """Holds the data at a path against a spec: count, uniqueness, constraints. Streams; memory stays flat.

    Of a spec with several tables, `data` is a folder with a file for each, or any other destination that `run` takes,
    and foreign keys must resolve; or `table` says whose data they are. The rules for invented data (reserved domains)
    are not applied: the data may be real. Needs no model. What hidden fields decide can't be seen, and is not checked.
    """
    if isinstance(source, Spec):
        return _validated(source, table, os.fspath(data))
    spec, findings = inspected(source, assign, origin, allow_plugins, making=False)
    errors = [finding for finding in findings if finding.severity == "error" and finding.path != "model"]
    if spec is None or errors:
        raise SpecError(errors or findings)
    return _validated(spec, table, os.fspath(data))


def _validated(spec: Spec, table: str | None, data: str) -> Validity:
    """Holds the data of all tables, or of one, against the spec with all its counts."""
    spec = settle(spec)
    tables = lay_out(spec)[0].datasets if spec.tables else spec.datasets
    names = chosen(spec, table)
    return validate_data([each for each in tables if each.name in names], files_of(names, data))


def explain(
    output: str | os.PathLike[str],
    line: int,
    *,
    spec: Source | Spec | None = None,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    table: str | None = None,
    allow_plugins: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Explanation:
    """Who made each value of one row of an output, and whether the row is made so again: `agrees` says no where the
    file was changed. Asks nobody.

    `line` counts from 1: lines of JSON, records of a CSV with the header as line 1, rows of Parquet. The spec is the
    one that the run noted, or `spec`, with `assign` over it; where its seed or count are not those of the run, these
    are put in. `table` is for an output that nothing is known of. `cache_dir` is where the run's replies are kept,
    unless it noted that.

    Costs what drawing the row's shard costs, where the gate keeps rows apart what drawing those before it does; of
    asked rows 10 us for each one before. Raises UsageError where no spec is known or the line is none.
    """
    path = os.fspath(output)
    known = known_of(path)
    made = _explained(path, known, spec, assign, origin, allow_plugins)
    return explain_row(path, line, known, made, table, None if cache_dir is None else os.fspath(cache_dir))


def explain_refused(
    output: str | os.PathLike[str],
    *,
    samples: int = 3,
    shards: int = 16,
    spec: Source | Spec | None = None,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    table: str | None = None,
    allow_plugins: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
) -> RefusedRows:
    """Why rows of an output were refused while it was made: each reason with its count and some of the rows.

    Of a drawn table the first `shards` are drawn again; of an asked one all kept replies are read. The rest as in
    `explain`.
    """
    path = os.fspath(output)
    known = known_of(path)
    made = _explained(path, known, spec, assign, origin, allow_plugins)
    cache = None if cache_dir is None else os.fspath(cache_dir)
    return refused_rows(path, known, made, table, cache, samples, shards)


def _explained(
    path: str,
    known: Known,
    source: Source | Spec | None,
    assigned: Mapping[str, Any] | None,
    origin: Mapping[str, str] | None,
    allow_plugins: bool,
) -> Plan:
    """The plan by which an output was made: the noted one, or that of a spec, as it is or with what the run changed
    in it as far as that is noted."""
    if source is None:
        if assigned:
            raise UsageError("`assign` needs a spec to be put over.", hint="Name it: --spec SPEC.")
        return plan_of(path, known, allow_plugins)
    made = plan(source, assign=assigned, origin=origin, allow_plugins=allow_plugins)
    if isinstance(source, Spec) or not known.by or made.spec_hash == known.spec_hash:
        return made
    noted = {"seed": known.seed} | ({} if made.spec.tables else {"dataset.count": known.records})
    for more in (noted, {**noted, "dataset.mode": "local"}):
        try:
            other = plan(source, assign={**more, **(assigned or {})}, origin=origin, allow_plugins=allow_plugins)
        except UsageError:
            continue
        if other.spec_hash == known.spec_hash:
            return other
    return made
