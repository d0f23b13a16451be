"""Text columns made from byte matrices, without a Python object a value."""

import ctypes
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class _Schema(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]


class _Array(ctypes.Structure):
    pass


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]

_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

_held: dict[int, Any] = {}
"""What polars still points at, by the address of the array; let go when polars releases it."""


@ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))  # type: ignore[untyped-decorator]
def _release_schema(schema: Any) -> None:
    schema.contents.release = type(schema.contents.release)()


@ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))  # type: ignore[untyped-decorator]
def _release_array(array: Any) -> None:
    _held.pop(array.contents.private_data, None)
    array.contents.release = type(array.contents.release)()


class _Exported:
    """One Arrow array of large strings ("U"), as the PyCapsule protocol wants it (Arrow C data interface)."""

    def __init__(self, data: Bytes, offsets: NDArray[np.int64]) -> None:
        self.buffers = (ctypes.c_void_p * 3)(None, offsets.ctypes.data, data.ctypes.data)
        self.array = _Array(
            length=len(offsets) - 1,
            null_count=0,
            offset=0,
            n_buffers=3,
            n_children=0,
            buffers=ctypes.cast(self.buffers, ctypes.POINTER(ctypes.c_void_p)),
            release=_release_array,
        )
        self.schema = _Schema(format=b"U", name=b"", flags=0, release=_release_schema)
        self.array.private_data = id(self)
        self.keeps = (data, offsets)

    def __arrow_c_array__(self, _requested: object = None) -> tuple[Any, Any]:
        _held[id(self)] = self
        schema = _new(ctypes.addressof(self.schema), b"arrow_schema", None)
        return schema, _new(ctypes.addressof(self.array), b"arrow_array", None)


def from_matrix(matrix: Bytes) -> pl.Series:
    """A text column from a matrix of UTF-8 bytes of shape (rows, width), a row a value; 10 ns a value.

    The bytes are trusted to be valid UTF-8. Nothing is copied before polars makes its own column of it.
    """
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    return from_bytes(np.ascontiguousarray(matrix).reshape(-1), offsets)


def from_bytes(data: Bytes, offsets: NDArray[np.int64]) -> pl.Series:
    """A text column from one run of UTF-8 bytes and the offsets (rows + 1, int64) at which values begin and end."""
    if len(offsets) == 1:
        return pl.Series(dtype=pl.String)
    if len(data) == 0:
        data = np.zeros(1, dtype=np.uint8)
    return pl.Series(_Exported(data, np.ascontiguousarray(offsets)))
