"""Spec to plan."""

import difflib
from typing import Any

import orjson
import xxhash
from msgspec import Struct, structs, to_builtins

from ffgen.ask.prompt import CHARS_PER_TOKEN, Prompts
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.plan.settle import settle
from ffgen.plan.shards import BATCH_SIZE, Shards
from ffgen.plan.strata import Strata
from ffgen.plan.tables import SHARD_ROWS, Layout, layouts
from ffgen.plan.tail import is_pool, rows_a_request
from ffgen.sample.plugins import digest
from ffgen.spec.model import Dataset, Model, Spec
from ffgen.spec.types import build_types

EMBEDDED = "embedded"
ASKS_FACTOR = 5.0
"""Asks that a run may take, as a multiple of what a perfect model would need, unless the user says."""

MOST_ASKS = 1_000_000


class Plan(Struct, frozen=True):
    """What will be done. A value: the same spec and settings give the same plan in every process.

    `max_asks` bounds replies of the whole run, kept ones included; `context` is the model's context per request
    in tokens, one number for the whole run. A drawn plan has `layouts` instead, in the order in which tables are
    made; its `spec` has every count written out. What it asks for pools and for hybrid rows is bounded by `asks`, a
    multiple of what a perfect model would need. Once asked, `answers` is the folder in which the answers for hybrid
    rows are kept, and `digest` a hash of them.
    """

    spec: Spec
    shards: Shards
    max_asks: int
    context: int
    spec_hash: str
    layouts: list[Layout] = []
    asks: float = ASKS_FACTOR
    answers: str = ""
    digest: str = ""

    @property
    def is_drawn(self) -> bool:
        """Whether everything is drawn here and no model is asked."""
        return bool(self.layouts)

    @property
    def dataset(self) -> Dataset:
        """The dataset wanted; the first, where there are several tables."""
        return self.spec.datasets[0]

    def chosen(self, table: str | None) -> list[str]:
        """The tables of a run, in the order in which they are made: all, or the one that is named; UsageError when
        there is none of that name."""
        names = chosen(self.spec, table)
        return [layout.table for layout in self.layouts if layout.table in names] or names

    @property
    def model(self) -> Model:
        """The model that is asked."""
        assert self.spec.model is not None
        return self.spec.model

    @property
    def endpoints(self) -> list[str]:
        """The endpoints named, in order, each once: its `concurrency` is what it gets in all."""
        return list(dict.fromkeys(endpoints_of(self.model)))


def chosen(spec: Spec, table: str | None) -> list[str]:
    """The names of all tables, or the one that is named; UsageError when there is none of that name."""
    names = [each.name for each in spec.datasets]
    if table is None:
        return names
    if table not in names:
        near = difflib.get_close_matches(table, names, 1)
        hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(names)}."
        raise UsageError(f"The spec has no table {table}.", hint=hint)
    return [table]


def compile_plan(spec: Spec, max_asks: float = ASKS_FACTOR) -> Plan:
    """The plan for a spec without errors (see `inspect`)."""
    spec = settle(spec)
    if not 1 <= max_asks <= MOST_ASKS:
        what = f"--max-asks must be from 1 to {MOST_ASKS:,}, got {max_asks:g}."
        raise UsageError(what, hint="It is a multiple of the ideal number of requests.")
    if is_drawn(spec):
        spec, laid = lay_out(spec)
        dataset = spec.datasets[0]
        shards = Shards(dataset.count, SHARD_ROWS, spec.seed, dataset.name)
        return Plan(spec, shards, max_asks=0, context=0, spec_hash=hash_of(spec), layouts=laid, asks=max_asks)
    model = spec.model
    if model is None or not endpoints_of(model):
        raise SpecError([Finding("model", *NO_MODEL)])
    dataset = spec.datasets[0]
    prompts = Prompts(dataset, build_types(dataset.fields), model.reply, model.max_tokens)
    usual = rows_a_request(dataset.count, prompts.tokens_per_row()) if is_pool(dataset) else BATCH_SIZE
    batch_size = model.batch_size or usual
    shards = Shards(dataset.count, batch_size, spec.seed, dataset.name)
    steered = int(Strata(prompts.types, shards, dataset.personas).longest / CHARS_PER_TOKEN)
    largest = prompts.room(min(batch_size, dataset.count)) + prompts.tokens_of_prompt() + steered
    return Plan(
        spec=spec,
        shards=shards,
        max_asks=budget(shards, max_asks),
        context=-(-max(largest, 2048) // 1024) * 1024,
        spec_hash=hash_of(spec),
    )


def budget(shards: Shards, factor: float) -> int:
    """Asks that a run may take: `factor` times the ideal, in requests or in rows, whichever allows more.

    The make-up shards of a small table are smaller than a batch: in requests alone, a preview would give up too soon.
    """
    in_rows = shards.base + round((factor - 1) * shards.count / shards.makeup_size)
    return max(round(shards.base * factor), in_rows)


def endpoints_of(model: Model) -> list[str]:
    """The endpoints as the spec writes them."""
    return [model.endpoint] if isinstance(model.endpoint, str) else list(model.endpoint or [])


def hash_of(spec: Spec) -> str:
    """A name for what a spec asks for: 16 hex digits over dataset, seed and what of the model shapes replies."""
    plain = to_builtins(spec)
    for key in ("endpoint", "concurrency", "timeout", "patience", "price", "key"):
        (plain.get("model") or {}).pop(key, None)
    plain.pop("output")
    plain["plugins"] = digest(spec.plugins)
    return xxhash.xxh3_64_hexdigest(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS))


NO_MODEL = (
    "no model is named.",
    "Give `model: {endpoint: ..., name: ...}`, or --endpoint and --model, or FFGEN_LLM_BASE_URL; `embedded` "
    "runs a small model here. To draw every field without a model: --local, or `dataset.mode: local`.",
)


def lay_out(spec: Spec) -> tuple[Spec, list[Layout]]:
    """A settled spec with the counts of all tables, and their layouts in the order of making."""
    laid = layouts(spec.datasets, spec.seed)
    counted = [structs.replace(table, count=laid[table.name].count) for table in spec.datasets]
    changes: dict[str, Any] = {"tables": counted} if spec.tables else {"dataset": counted[0]}
    return structs.replace(spec, **changes), list(laid.values())


def is_asked(plan: Plan) -> bool:
    """Whether a model is asked for fields of drawn rows."""
    return any(field.source == "ask" for table in plan.spec.datasets for field in table.fields)


def is_drawn(spec: Spec) -> bool:
    """Whether a settled spec asks no model."""
    return bool(spec.tables) or spec.datasets[0].mode in ("local", "hybrid")
