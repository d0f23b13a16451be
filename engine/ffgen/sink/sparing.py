"""A shard's block made with less memory than at once: the same bytes, in a quarter more time."""

from collections.abc import Mapping

import polars as pl

from ffgen.sink.block import FRAME, MEMBER, Block, Schema, encoder, packer

ROWS = 4096
_SIZES = {"gzip": MEMBER, "zstd": FRAME}


def encode_sparingly(
    format: str, schema: Schema, formats: Mapping[str, str], compression: str, frame: pl.DataFrame
) -> Block:
    """What the encoder of a format makes of a frame. Text is made for 4,096 rows at a time and compressed as it comes,
    so beside the frame there is hardly more than the block itself. A Parquet row group can only be made whole."""
    if format == "parquet":
        return encoder(format, schema, formats, compression).encode(frame)
    plain = encoder(format, schema, formats, "none")
    size, pack = _SIZES.get(compression, 0), packer(compression)
    pieces, held = [], bytearray()
    for part in frame.iter_slices(ROWS):
        if not size:
            pieces.append(plain.encode(part).data)
            continue
        held += plain.encode(part).data
        while len(held) >= size:
            pieces.append(pack(bytes(held[:size])))
            del held[:size]
    if held:
        pieces.append(pack(bytes(held)))
    return Block(tuple(pieces), len(frame))
