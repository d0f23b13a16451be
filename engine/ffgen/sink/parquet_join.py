"""Parquet row groups that were written apart, as one file.

polars writes whole files only. A worker writes a file of one row group into memory; of that file's bytes the pages
go into the output as they are, and its description of the row group follows in the output's own footer, every
offset moved by as much as the pages were. Thrift's compact protocol (thrift-compact-protocol.md in apache/thrift)
and parquet.thrift (apache/parquet-format) say where the offsets stand.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ffgen.errors import InternalError

MAGIC = b"PAR1"
I16, I64, LIST, STRUCT = 4, 6, 9, 12

Part = tuple[int, bytes, int]
"""Where a row group's pages begin in the output, its `Group` as bytes, its rows."""


class Group(msgspec.Struct, frozen=True, array_like=True):
    """The description of one row group, cut where offsets belong: `pieces` is one longer than `offsets`.

    An offset counts from the first byte of the pages.
    """

    pieces: list[bytes]
    offsets: list[int]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Group).decode


class Frame:
    """What surrounds the row groups in a footer, the same for all files of one schema. Made from one without rows."""

    def __init__(self, empty: bytes) -> None:
        footer = footer_of(empty)
        reader = Reader(footer)
        for number, kind, began in reader.fields():
            if number == 3:
                self.before = footer[:began]
            reader.skip(kind)
            if number == 4:
                self.after = footer[reader.at :]

    def split(self, file: bytes) -> tuple[bytes, bytes]:
        """The pages of a file of one row group, and its `Group`."""
        footer = footer_of(file)
        if not (footer.startswith(self.before) and footer.endswith(self.after)):
            raise InternalError("A Parquet row group has another schema than its file.")
        reader = Reader(footer, len(self.before))
        for number, kind, _ in reader.fields(2):
            if number == 3:
                reader.skip(kind)
            elif reader.size() != 1:
                raise InternalError("A shard was written as several Parquet row groups.")
            else:
                break
        cut = Cut(reader)
        end = min(cut.indexes, default=len(file) - len(footer) - 8)
        return file[len(MAGIC) : end], cut.group()

    def join(self, parts: Sequence[Part]) -> bytes:
        """The end of a file, from the footer on."""
        groups = [(offset, _decode(group)) for offset, group, rows in parts if rows]
        head = b"\x16" + zigzag(sum(rows for _, _, rows in parts)) + b"\x19" + list_head(len(groups))
        made = (described(group, offset, ordinal) for ordinal, (offset, group) in enumerate(groups))
        footer = b"".join([self.before, head, *made, self.after])
        return footer + len(footer).to_bytes(4, "little") + MAGIC


class Reader:
    """A cursor over Thrift's compact protocol."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def fields(self, number: int = 0) -> Iterator[tuple[int, int, int]]:
        """Number, type and beginning of each field of a struct, after the one given. Before the next is asked for,
        its value must have been passed."""
        while head := self.data[self.at]:
            began = self.at
            self.at += 1
            number = number + (head >> 4) if head >> 4 else self.integer()
            yield number, head & 15, began
        self.at += 1

    def natural(self) -> int:
        """An unsigned varint."""
        value = shift = 0
        while (byte := self.data[self.at]) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            self.at += 1
        self.at += 1
        return value | byte << shift

    def integer(self) -> int:
        """A signed one, in zigzag."""
        value = self.natural()
        return value >> 1 ^ -(value & 1)

    def size(self) -> int:
        """The head of a list of structs; its length."""
        head = self.data[self.at]
        self.at += 1
        if head & 15 != STRUCT:
            raise InternalError("A Parquet footer is not as expected: a list of other things than structs.")
        return head >> 4 if head >> 4 != 15 else self.natural()

    def skip(self, kind: int) -> None:
        """Passes a value."""
        if kind in (1, 2):
            return
        if kind in (3, 7):
            self.at += 1 if kind == 3 else 8
        elif kind in (4, 5, 6):
            self.natural()
        elif kind == 8:
            length = self.natural()
            self.at += length
        elif kind == STRUCT:
            for _, inner, _ in self.fields():
                self.skip(inner)
        elif kind in (LIST, 10):
            self._skip_list()
        else:
            raise InternalError(f"A Parquet footer is not as expected: type {kind}.")

    def _skip_list(self) -> None:
        head = self.data[self.at]
        self.at += 1
        for _ in range(head >> 4 if head >> 4 != 15 else self.natural()):
            if head & 15 in (1, 2):
                self.at += 1
            else:
                self.skip(head & 15)


class Cut:
    """One RowGroup, read to its end and cut at its offsets.

    Page indexes are left out, for they have offsets of their own, and readers want all of a file's in one place:
    at 65,536 rows a group there is little that they could skip. So is the ordinal, which `described` adds, and
    the place of the metadata's copy beside a column, which the format wants to be 0.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._part: list[bytes] = []
        self._from = reader.at
        self.pieces: list[bytes] = []
        self.offsets: list[int] = []
        self.indexes: list[int] = []
        self._row_group()

    def group(self) -> bytes:
        """The pieces as bytes."""
        return _encode(Group([*self.pieces, b"".join(self._part)], self.offsets))

    def _row_group(self) -> None:
        reader, last = self._reader, 0
        for number, kind, began in reader.fields():
            if number == 1:
                for _ in range(reader.size()):
                    self._column()
            elif number == 5:
                self._offset()
            elif number == 7:
                self._drop(began, kind)
            else:
                reader.skip(kind)
            last = number
        if last != 7:
            raise InternalError("A Parquet footer is not as expected: a row group does not end with its ordinal.")
        self._keep(reader.at - 1)  # `described` ends the struct

    def _column(self) -> None:
        reader, dropped = self._reader, False
        for number, kind, began in reader.fields():
            if number in (4, 5, 6, 7):
                at = reader.at
                if number in (4, 6):
                    self.indexes.append(reader.integer())
                    reader.at = at
                self._drop(began, kind)
                dropped = True
                continue
            if dropped:
                raise InternalError(f"A Parquet footer is not as expected: field {number} of a column chunk.")
            if number == 2:
                self._keep(reader.at)
                reader.skip(kind)
                self._part.append(b"\0")
                self._from = reader.at
            elif number == 3:
                self._metadata()
            else:
                reader.skip(kind)

    def _metadata(self) -> None:
        """ColumnMetaData: the offsets of data, index and dictionary pages and of the Bloom filter."""
        for number, kind, _ in self._reader.fields():
            if number in (9, 10, 11, 14):
                self._offset()
            else:
                self._reader.skip(kind)

    def _offset(self) -> None:
        self._keep(self._reader.at)
        self.pieces.append(b"".join(self._part))
        self._part.clear()
        self.offsets.append(self._reader.integer() - len(MAGIC))
        self._from = self._reader.at

    def _drop(self, began: int, kind: int) -> None:
        self._keep(began)
        self._reader.skip(kind)
        self._from = self._reader.at

    def _keep(self, until: int) -> None:
        self._part.append(self._reader.data[self._from : until])
        self._from = until


def footer_of(file: bytes) -> bytes:
    """The FileMetaData of a whole file."""
    size = int.from_bytes(file[-8:-4], "little")
    return file[-8 - size : -8]


def described(group: Group, offset: int, ordinal: int) -> bytes:
    """A RowGroup whose pages begin at `offset`."""
    return b"".join(_described(group, offset, ordinal))


def _described(group: Group, offset: int, ordinal: int) -> Iterable[bytes]:
    for piece, place in zip(group.pieces, group.offsets, strict=False):
        yield piece
        yield zigzag(place + offset)
    yield group.pieces[-1]
    yield bytes([1 << 4 | I16]) + zigzag(ordinal) + b"\0"


def list_head(size: int) -> bytes:
    """The head of a list of structs."""
    return bytes([size << 4 | STRUCT]) if size < 15 else bytes([0xF0 | STRUCT]) + varint(size)


def zigzag(value: int) -> bytes:
    """A signed integer of 64 bits."""
    return varint(value << 1 ^ value >> 63)


def varint(value: int) -> bytes:
    """An unsigned integer, seven bits a byte, the low ones first."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
