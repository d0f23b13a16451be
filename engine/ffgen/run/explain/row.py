"""A row of an output, explained: what stands there, who made each value, and whether it is made so again."""

import os

from ffgen import __version__
from ffgen.errors import UsageError
from ffgen.plan.compile import Plan, chosen
from ffgen.run.desk import Gone
from ffgen.run.explain.asked import tell_asked
from ffgen.run.explain.drawn import tell_drawn
from ffgen.run.explain.standing import Standing, format_of
from ffgen.run.explain.story import Explanation
from ffgen.run.origin import Known, cache_of
from ffgen.run.outputs import file_name


def explain_row(
    path: str, line: int, known: Known, plan: Plan, table: str | None, cache_dir: str | None
) -> Explanation:
    """One row of a file, by its line. See `ffgen.explain`."""
    name = table_of(path, known, plan, table)
    format = format_of(path, known.format)
    dataset = next(each for each in plan.spec.datasets if each.name == name)
    here = Standing.read(path, format, line, name, dataset.fields)
    cache = cache_dir or cache_of(plan)
    notes = list(doubts(path, known, plan))
    try:
        tell = tell_drawn if plan.is_drawn else tell_asked
        return tell(here, known, plan, cache, notes)
    except Gone as gone:
        notes.append(f"{gone.what}, so the row can't be made again")
    return here.untold(known, plan, notes)


def table_of(path: str, known: Known, plan: Plan, said: str | None) -> str:
    """The table that a file holds: as the run noted, as the caller says, or by the file's name."""
    names = chosen(plan.spec, said)
    if known.by and known.table in names:
        return known.table
    if known.by and said is not None:
        raise UsageError(f"{path} holds {known.table}, not {said}.", hint="Leave --table out.")
    parts = os.path.basename(path).split(".")
    named = [name for name in names if file_name(name) in parts]
    if len(names) > 1 and len(named) != 1:
        raise UsageError(f"Which of the {len(names)} tables is in {path}?", hint=f"Say it: --table {names[0]}.")
    return named[0] if len(named) == 1 else names[0]


def doubts(path: str, known: Known, plan: Plan) -> list[str]:
    """What speaks against the row being made the same way again."""
    if not known.by:
        return [f"no run is known that made {path}: it is explained as if this spec had"]
    found = []
    if known.spec_hash != plan.spec_hash:
        made = f"{known.spec_hash[:12]} with seed {known.seed}"
        found.append(f"{path} was made from spec {made}, and this is {plan.spec_hash[:12]} with seed {plan.spec.seed}")
    if known.version != __version__:
        found.append(f"it was made by ffgen {known.version}, and this is {__version__}")
    return found
