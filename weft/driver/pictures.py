"""Arrays as picture files: PNG, and the formats of Netpbm, PGM (grey) and PPM (colours)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.diagnostics import WeftError

Pixels = NDArray[np.uint8]


def is_picture(shape: tuple[int, ...]) -> bool:
    """Whether an array of that shape can be a picture: `[height, width]`, or that with 1 or 3 colours; not empty."""
    return (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))) and 0 not in shape


def encoded(name: str, array: NDArray[Any]) -> bytes:
    """A picture file of the kind that its name says.

    `ui8` elements are written as they are, floats from 0 (black) to 1 as 0 to 255, held to that range (NaN is 0),
    `i1` as 0 or 255. Raises :class:`WeftError` for another name, shape or element type.
    """
    suffix = PurePath(name).suffix
    if suffix not in ENCODERS:
        message = f"'{name}' is not the name of a picture: it must end in {', '.join(ENCODERS)}"
        raise WeftError(message, code=codes.CANNOT_WRITE)
    if not is_picture(array.shape):
        shape = "x".join(map(str, array.shape)) or "no dimension"
        hint = "a picture is [height, width], or [height, width, 3] with red, green and blue"
        raise WeftError(f"'{name}': a result of {shape} is not a picture", hint=hint, code=codes.CANNOT_WRITE)
    return ENCODERS[suffix](_pixels(name, array).reshape(*array.shape[:2], -1))


def _pixels(name: str, array: NDArray[Any]) -> Pixels:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind in "iu":
        hint = "convert it to ui8, or to a float from 0 to 1"
        raise WeftError(f"'{name}': a result of {array.dtype} is not a picture", hint=hint, code=codes.CANNOT_WRITE)
    wide = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(255 * np.clip(wide, 0.0, 1.0)).astype(np.uint8)


def _png(pixels: Pixels) -> bytes:
    """PNG (ISO/IEC 15948): 8 bits a sample, rows without a filter."""
    height, width, samples = pixels.shape
    rows = np.zeros((height, 1 + width * samples), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if samples == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pgm(pixels: Pixels) -> bytes:
    """Portable grey map; colours by their brightness, as ITU-R BT.601 weighs them."""
    if pixels.shape[2] == 3:
        pixels = np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return b"P5\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()


def _ppm(pixels: Pixels) -> bytes:
    """Portable pixel map; grey as three equal colours."""
    colours = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return b"P6\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + colours.tobytes()


ENCODERS: Mapping[str, Callable[[Pixels], bytes]] = {".png": _png, ".pgm": _pgm, ".ppm": _ppm}
"""By the end of the file's name."""
