"""Arrays in files beside a program, mapped into memory: `weights.safetensors:layer0.w`, `weights.npz:w`, `w.npy`.

Nothing of a file is executed, and nothing is allocated on its word alone: sizes and offsets are checked against the
file first. The bytes are not copied, unless they lie where an array cannot (compressed, or not at a whole element).

safetensors: https://github.com/huggingface/safetensors#format. npy: NumPy's NEP 1.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.diagnostics import WeftError, did_you_mean

LARGEST_HEADER = 100_000_000
"""The longest header that safetensors allows, in bytes."""

LARGEST_NPY_HEADER = 10_000
"""The longest header of an `.npy` file that NumPy reads, in bytes."""

SAFETENSORS_TYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8),
    "I8": np.dtype(np.int8),
    "U16": np.dtype(np.uint16),
    "I16": np.dtype(np.int16),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "U32": np.dtype(np.uint32),
    "I32": np.dtype(np.int32),
    "F32": np.dtype(np.float32),
    "U64": np.dtype(np.uint64),
    "I64": np.dtype(np.int64),
    "F64": np.dtype(np.float64),
}

Array = NDArray[Any]


@dataclass(frozen=True)
class Place:
    """Where an array is: a file, and its name in the file (empty for `.npy`)."""

    file: Path
    key: str

    @staticmethod
    def of(text: str, folder: Path) -> Place:
        """The place that a text names; relative to `folder`. Raises :class:`WeftError` for a text that names none."""
        if text.endswith(".npy"):
            return Place(folder / text, "")
        file, colon, key = text.rpartition(":") if not text.endswith(tuple(_READERS)) else (text, "", "")
        for ending in _READERS:
            # a key may hold colons too
            head, found, rest = text.partition(f"{ending}:")
            if found:
                file, colon, key = head + ending, ":", rest
                break
        if not colon or not key or not file.endswith(tuple(_READERS)):
            raise WeftError(
                f"'{text}' names no array",
                hint="for example weights.safetensors:layer0.w, weights.npz:w or w.npy",
                code=codes.BAD_DATA,
            )
        return Place(folder / file, key)

    def __str__(self) -> str:
        return f"{self.file}:{self.key}" if self.key else str(self.file)


def load(place: Place) -> Array:
    """The array at a place, read-only, in row-major order, at a whole element.

    Raises :class:`WeftError` where there is none, or the file is not what it says.
    """
    try:
        # to open a pipe would wait for somebody who writes
        if not place.file.is_file() and place.file.exists():
            raise _wrong(place, "is no file with data, but a folder, a pipe or a device")
        with open(place.file, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            array = _READERS[place.file.suffix](file, size, place)
    except OSError as error:
        raise WeftError(
            f"cannot open data file '{place.file}': {error.strerror or error}", code=codes.CANNOT_READ
        ) from None
    array = np.ascontiguousarray(array) if array.ndim else array
    if not array.flags.aligned:
        array = array.copy()
    array.flags.writeable = False
    return array


def load_as(place: Place, dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
    """The array at a place, which must be of that type and shape. Raises :class:`WeftError` where it is not."""
    array = load(place)
    if array.dtype != dtype or array.shape != tuple(shape):
        raise WeftError(
            f"'{place}' is {_shown(array.dtype, array.shape)}, the program wants {_shown(dtype, shape)}",
            code=codes.BAD_DATA,
        )
    return array


def _shown(dtype: np.dtype[Any], shape: Sequence[int]) -> str:
    return f"{dtype.name}[{', '.join(map(str, shape))}]"


def _map(file: BinaryIO, offset: int, dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
    """Elements of a file as an array. The caller has checked that they lie in it."""
    if not prod(shape):
        return np.zeros(shape, dtype)
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.ndarray(shape, dtype, buffer=cast(Any, mapped), offset=offset)


def _wrong(place: Place, what: str, hint: str | None = None) -> WeftError:
    return WeftError(f"'{place.file}' {what}", hint=hint, code=codes.BAD_DATA)


def _no_such(place: Place, names: Sequence[str]) -> WeftError:
    listed = ", ".join(sorted(names)[:12]) + (", ..." if len(names) > 12 else "")
    hint = did_you_mean(place.key, names) or (f"it has: {listed}" if names else "it is empty")
    return WeftError(f"'{place.file}' has no array '{place.key}'", hint=hint, code=codes.BAD_DATA)


# ---------- safetensors


def _safetensors(file: BinaryIO, size: int, place: Place) -> Array:
    header, start = _safetensors_header(file, size, place)
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    spans = sorted((*_span(name, entry, size - start, place), name) for name, entry in entries.items())
    for (_, end, name), (begin, _, following) in pairwise(spans):
        if begin < end:
            raise _wrong(place, f"is corrupt: the arrays '{name}' and '{following}' overlap")
    if place.key not in entries:
        raise _no_such(place, list(entries))
    dtype, shape = _typed(place.key, entries[place.key], place)
    begin, _ = _span(place.key, entries[place.key], size - start, place)
    return _map(file, start + begin, dtype, shape)


def _safetensors_header(file: BinaryIO, size: int, place: Place) -> tuple[dict[str, Any], int]:
    """The header, and where the data begins."""
    first = file.read(8)
    if len(first) < 8:
        raise _wrong(place, f"is no safetensors file: it has {size} bytes")
    (length,) = struct.unpack("<Q", first)
    if length > min(LARGEST_HEADER, size - 8):
        raise _wrong(place, f"is corrupt: its header should have {length} bytes, the file has {size}")
    try:
        header = json.loads(file.read(length).decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _wrong(place, f"is corrupt: its header cannot be read: {error}") from None
    if not isinstance(header, dict):
        raise _wrong(place, "is corrupt: its header is no JSON object")
    return cast("dict[str, Any]", header), 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _typed(name: str, entry: Any, place: Place) -> tuple[np.dtype[Any], list[int]]:
    """The dtype and the shape of an entry."""
    fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    dtype, shape = fields.get("dtype"), fields.get("shape")
    if not isinstance(dtype, str) or dtype not in SAFETENSORS_TYPES:
        raise _wrong(place, f"has '{name}' in the element type {dtype!r}, which weft does not have")
    if not isinstance(shape, list) or not all(_is_size(n) for n in cast("list[object]", shape)):
        raise _wrong(place, f"is corrupt: the shape of '{name}' is {shape!r}")
    return SAFETENSORS_TYPES[dtype], cast("list[int]", shape)


def _is_size(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63


def _span(name: str, entry: Any, room: int, place: Place) -> tuple[int, int]:
    """Where the bytes of an entry begin and end, counted from the end of the header."""
    fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    offsets = fields.get("data_offsets")
    if not isinstance(offsets, list) or len(cast("list[object]", offsets)) != 2:
        raise _wrong(place, f"is corrupt: the offsets of '{name}' are {offsets!r}")
    begin, end = cast("list[object]", offsets)
    if not (_is_size(begin) and _is_size(end)) or not cast(int, begin) <= cast(int, end) <= room:
        raise _wrong(place, f"is corrupt: '{name}' is at bytes {begin} to {end} of {room}")
    if str(fields.get("dtype")) in SAFETENSORS_TYPES:
        dtype, shape = _typed(name, fields, place)
        if prod(shape) * dtype.itemsize != cast(int, end) - cast(int, begin):
            found = cast(int, end) - cast(int, begin)
            raise _wrong(place, f"is corrupt: '{name}' is {_shown(dtype, shape)} and has {found} bytes")
    return cast(int, begin), cast(int, end)


# ---------- npy and npz


def _npz(file: BinaryIO, size: int, place: Place) -> Array:
    try:
        with zipfile.ZipFile(file) as archive:
            names = {name.removesuffix(".npy"): name for name in archive.namelist()}
            if place.key not in names:
                raise _no_such(place, list(names))
            info = archive.getinfo(names[place.key])
            if info.compress_type == zipfile.ZIP_STORED:
                return _npy_at(file, _data_offset(file, info, size, place), info.file_size, place)
            with archive.open(info) as member:
                return _unpacked(cast(BinaryIO, member), info, place)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise _wrong(place, f"is no .npz file that can be read: {error}") from None


def _data_offset(file: BinaryIO, info: zipfile.ZipInfo, size: int, place: Place) -> int:
    """Where the bytes of a stored member begin: behind its local header."""
    file.seek(info.header_offset)
    local = file.read(30)
    if len(local) < 30 or local[:4] != b"PK\x03\x04":
        raise _wrong(place, f"is corrupt: '{place.key}' has no header")
    name, extra = struct.unpack_from("<HH", local, 26)
    offset = info.header_offset + 30 + name + extra
    if offset + info.file_size > size:
        raise _wrong(place, f"is corrupt: '{place.key}' ends at byte {offset + info.file_size} of {size}")
    return offset


def _npy(file: BinaryIO, size: int, place: Place) -> Array:
    return _npy_at(file, 0, size, place)


def _npy_at(file: BinaryIO, offset: int, length: int, place: Place) -> Array:
    """A `.npy` file that stands in another one."""
    file.seek(offset)
    dtype, shape, fortran = _npy_header(file, place)
    data = file.tell() - offset
    _check_length(place, dtype, shape, length - data)
    array = _map(file, offset + data, dtype, shape[::-1] if fortran else shape)
    return array.T if fortran else array


def _unpacked(member: BinaryIO, info: zipfile.ZipInfo, place: Place) -> Array:
    """A compressed member. What it says of its size is checked before anything of that size is made."""
    dtype, shape, fortran = _npy_header(member, place)
    wanted = prod(shape) * dtype.itemsize
    if wanted > info.file_size:
        raise _wrong(place, f"is corrupt: '{place.key}' is {_shown(dtype, shape)}, but has {info.file_size} bytes")
    data = member.read(wanted)
    _check_length(place, dtype, shape, len(data))
    array = np.frombuffer(data, dtype).reshape(shape[::-1] if fortran else shape)
    return array.T if fortran else array


_NPY_HEADERS = {
    (1, 0): (np.lib.format.read_array_header_1_0, 2),
    (2, 0): (np.lib.format.read_array_header_2_0, 4),
}
"""By version: what reads the header, and how many bytes say how long it is."""


def _npy_header(file: BinaryIO, place: Place) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        version = np.lib.format.read_magic(file)
        read, size = _NPY_HEADERS[version]
        length = file.read(size)
        if int.from_bytes(length, "little") > LARGEST_NPY_HEADER:
            # NumPy has the same limit, but only looks when it has read all of it
            raise ValueError(f"its header should have {int.from_bytes(length, 'little')} bytes")
        shape, fortran, dtype = read(BytesIO(length + file.read(int.from_bytes(length, "little"))))
    except Exception as error:  # NumPy reads the header with Python's own parser, which raises many kinds
        raise _wrong(place, f"holds '{place.key}' in no form that can be read: {error}") from None
    if dtype.hasobject or dtype.fields is not None or not dtype.isnative:
        raise _wrong(place, f"holds {dtype} objects in '{place.key}', not numbers in this machine's byte order")
    return dtype, shape, fortran


def _check_length(place: Place, dtype: np.dtype[Any], shape: Sequence[int], length: int) -> None:
    if prod(shape) * dtype.itemsize > length:
        what = f"'{place.key}' is" if place.key else "it is"
        raise _wrong(place, f"is truncated: {what} {_shown(dtype, shape)}, but has {length} bytes")


_READERS: Mapping[str, Callable[[BinaryIO, int, Place], Array]] = {
    ".safetensors": _safetensors,
    ".npz": _npz,
    ".npy": _npy,
}
