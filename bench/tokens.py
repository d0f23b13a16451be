"""How many output tokens does a record take, as a share of what the same record takes as a JSON object?

The embedded model really writes the replies of `specs/customers-model.yaml` (five fields), as ffgen asks for them; its
own tokenizer counts them, envelope and all, spaces that nobody asked for too, and then what `json.dumps` makes of the
same records as objects in the same envelope. What is saved is names and quotes, some 21 tokens a record here, so
longer values make it a smaller share: with names and cities that this model babbles freely (20 to 40 characters), 0.62
to 0.65 was measured. Only replies that are whole are counted: half a row has no object to compare with.
"""

import asyncio
import json
import sys
from pathlib import Path

import msgspec

import ffgen
from bench import rounds
from bench.compare import Figure
from bench.customers import WrongOutput
from ffgen.ask import embedded
from ffgen.ask.client import Client
from ffgen.shard.asked import Maker

SPEC = Path(__file__).parents[1] / "specs" / "customers-model.yaml"
ASKS = 12


def measure(folder: Path, quick: bool) -> list[Figure]:
    """The share; a minute or so of the model's time. EndpointError when the model is not installed."""
    return asyncio.run(compared(4 if quick else ASKS))


async def compared(asks: int) -> list[Figure]:
    """Asks the model, and counts."""
    plan = ffgen.plan(SPEC)
    maker = Maker(plan, "openai", embedded.MODEL_NAME)
    server = await embedded.start(1, plan.context)
    try:
        async with Client(1) as client:
            compact = plain = rows = 0
            for index in range(asks):
                reply = await client.send(server.url, maker.dialect.path, maker.body(index, 0), None, 120.0)
                text = maker.dialect.read(reply).text
                read = maker.reader.read(text)
                if read.broken or not read.cells:
                    continue
                objects = [dict(zip(maker.record.names, cells, strict=True)) for cells in read.cells]
                compact += await tokens(client, server.url, text)
                plain += await tokens(client, server.url, json.dumps({"rows": objects}, ensure_ascii=False))
                rows += len(objects)
    finally:
        server.stop()
    if not rows:
        raise WrongOutput(f"the embedded model gave no whole reply in {asks}")
    note = f"{compact / rows:.1f} tokens a record against {plain / rows:.1f}, over {rows} records"
    return [Figure(name="tokens.over_objects", value=compact / plain, better="lower", limit=0.6, note=note)]


async def tokens(client: Client, url: str, text: str) -> int:
    """What the model's own tokenizer makes of a text."""
    answer = await client.send(url, "/tokenize", msgspec.json.encode({"content": text}), None, 30.0)
    return len(msgspec.json.decode(answer)["tokens"])


if __name__ == "__main__":
    sys.exit(rounds.main({"tokens": measure}, about=__doc__))
