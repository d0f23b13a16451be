"""JSON Lines."""

from typing import Any, BinaryIO

from ffgen.sink.compress import Output


class Jsonl:
    """JSON Lines (`.jsonl`, `.ndjson`): one JSON object a line, UTF-8, fields in the spec's order.

    Nested objects and arrays stay as they are, null is `null`, dates and times are ISO 8601 text. With gzip or
    zstd the file is a row of independent members or frames, which zcat, zstdcat, polars and duckdb read as one.
    On standard output every write arrives at once, or in blocks of 1 MiB when compressed. Costs one copy a row.
    """

    def __init__(self, target: BinaryIO | str, schema: dict[str, Any] | None, compression: str) -> None:
        self._target, self._compression = target, compression

    def open(self) -> None:
        self._output = Output(self._target, self._compression)

    def write(self, lines: bytes, rows: int) -> None:
        self._output.write(lines)

    def close(self, *, complete: bool = True) -> None:
        self._output.close(complete=complete)
