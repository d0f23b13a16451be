"""One shard, made: the inner loop of a worker. A pure function of plan, index, attempt and reply."""

from typing import Any

from ffgen.ask.dialect import Dialect
from ffgen.ask.ollama import Ollama
from ffgen.ask.openai import OpenAI
from ffgen.ask.prompt import CHARS_PER_TOKEN, Prompts, without_patterns
from ffgen.ask.reply import Reader
from ffgen.plan.compile import Plan
from ffgen.plan.strata import Steer, Strata
from ffgen.plan.tail import Tail, is_pool
from ffgen.shard.made import Made
from ffgen.spec.record import RecordType


class Maker:
    """Makes the shards of one plan: what to send, and rows from what came back. Built once a process."""

    def __init__(self, plan: Plan, api: str, model: str) -> None:
        self.plan = plan
        self.record = RecordType(plan.dataset)
        self.prompts = Prompts(plan.dataset, self.record.types, plan.model.reply, plan.model.max_tokens)
        self.reader = Reader(self.record, plan.model.reply)
        self.dialect = dialect_of(plan, api, model)
        self.strata = strata_of(plan, self.record)
        self.tail: Tail | None = None
        if is_pool(plan.dataset):
            self.tail = Tail(self.record.types, plan.shards.base, plan.shards.seed_of(0, 0))

    def body(self, index: int, attempt: int, plain: bool = False, steer: Steer | None = None) -> bytes:
        """The request's body for one ask. `plain` leaves patterns out of the schema, for servers that refuse them;
        `steer` is what the verdicts on shards before say, see `run.steering`."""
        shards, strata = self.plan.shards, self.strata
        steer = steer or Steer(shards.size(index), 0, strata.picks(index))
        slices, voice = self.slices(index, steer), strata.voice(index, steer.step)
        taken = "; ".join(steer.avoid)
        # No more room than for a shard of the usual size: the context is the same for all requests of a run. Rooms
        # are for the longest rows, so twice as many usual ones fit; what is cut off gives its complete rows.
        room = self.prompts.room(min(steer.rows, shards.batch_size)) - int(len(taken) / CHARS_PER_TOKEN)
        prompt = self.prompts.prompt(steer.rows, slices, voice, taken, max(room, 1))
        if plain:
            prompt = type(prompt)(prompt.messages, without_patterns(prompt.schema), prompt.max_tokens)
        return self.dialect.body(prompt, shards.seed_of(index, attempt))

    def slices(self, index: int, steer: Steer) -> str:
        """The part of the space that a request is for, in words."""
        return self.tail.slices(index, steer.step) if self.tail is not None else self.strata.slices(index, steer)

    def make(self, index: int, reply: bytes, rows_asked: int = 0) -> Made:
        """The rows of a reply, at most as many as were asked for, which is the shard's usual size unless said. Never
        raises: a bad reply is an empty `Made`."""
        answer = self.dialect.read(reply)
        rows = self.reader.read(answer.text, answer.truncated, rows_asked or self.plan.shards.size(index))
        checked = self.record.check(rows.cells)
        refused = rows.refused + checked.refused
        return Made(
            batch=checked.batch,
            refused=[(field, reason, count) for (field, reason), count in sorted(refused.items())],
            converted=rows.converted + checked.converted,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            broken=rows.broken,
            problem=answer.problem or ("" if checked.batch.rows else "no valid row in the reply"),
        )


def strata_of(plan: Plan, record: RecordType) -> Strata:
    """The slices of the plan's asked table."""
    tied = [expression.columns for expression in record.requires]
    return Strata(record.types, plan.shards, plan.dataset.personas, tied)


def dialect_of(plan: Plan, api: str, model: str) -> Dialect:
    """How the plan's model is spoken to."""
    asked = plan.model
    common: dict[str, Any] = {"temperature": asked.temperature, "top_p": asked.top_p, "options": asked.options}
    if api == "ollama":
        return Ollama(model=model, context=plan.context, **common)
    return OpenAI(model=model, **common)
