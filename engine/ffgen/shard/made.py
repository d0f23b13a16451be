"""What became of a shard's reply."""

from msgspec import Struct

from ffgen.batch import Batch


class Made(Struct, frozen=True, gc=False):
    """A shard's rows, encoded, and the story of its reply.

    `batch` holds the rows that are valid here; `refused` lists (field, reason, count) of those that are not.
    `problem` says why a reply brought no row at all; `broken` that rows were salvaged from half a document.
    """

    batch: Batch
    refused: list[tuple[str, str, int]]
    converted: int
    tokens_in: int
    tokens_out: int
    broken: bool
    problem: str
