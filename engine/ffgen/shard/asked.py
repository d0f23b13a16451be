"""One shard, made: the inner loop of a worker. A pure function of plan, index, attempt and reply."""

from typing import Any

from ffgen.ask.dialect import Dialect
from ffgen.ask.ollama import Ollama
from ffgen.ask.openai import OpenAI
from ffgen.ask.prompt import Prompts, without_patterns
from ffgen.ask.reply import Reader
from ffgen.plan.compile import Plan
from ffgen.plan.shards import slice_words
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

    def body(self, index: int, attempt: int, plain: bool = False) -> bytes:
        """The request's body for one ask. `plain` leaves patterns out of the schema, for servers that refuse them."""
        shards = self.plan.shards
        prompt = self.prompts.prompt(shards.size(index), slice_words(self.record.types, shards, index))
        if plain:
            prompt = type(prompt)(prompt.messages, without_patterns(prompt.schema), prompt.max_tokens)
        return self.dialect.body(prompt, shards.seed_of(index, attempt))

    def make(self, index: int, reply: bytes) -> Made:
        """The rows of a reply, at most as many as were asked for. Never raises: a bad reply is an empty `Made`."""
        answer = self.dialect.read(reply)
        rows = self.reader.read(answer.text, answer.truncated, self.plan.shards.size(index))
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


def dialect_of(plan: Plan, api: str, model: str) -> Dialect:
    """How the plan's model is spoken to."""
    asked = plan.model
    common: dict[str, Any] = {"temperature": asked.temperature, "top_p": asked.top_p, "options": asked.options}
    if api == "ollama":
        return Ollama(model=model, context=plan.context, **common)
    return OpenAI(model=model, **common)
