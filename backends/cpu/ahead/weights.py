"""Constants in a file beside the code: a safetensors file that the code maps into memory.

The file begins with its digest, in the metadata of its header, by which the code knows it again. Source of the format:
https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weft.backends.cpu.ahead.interface import WEIGHTS
from weft.backends.cpu.ahead.record import Weights
from weft.backends.llvm.names import escaped, symbol_text

BASE = "weft.weights"
"""The global that holds the address of the data, null before it is loaded."""

ALIGNMENT = 64
"""Data starts where a cache line does, in the file and in memory."""

_DTYPES = {
    "f16": "F16",
    "bf16": "BF16",
    "f32": "F32",
    "f64": "F64",
    "i1": "BOOL",
    "index": "I64",
    **{f"i{width}": f"I{width}" for width in (8, 16, 32, 64)},
}


@dataclass(frozen=True)
class Weight:
    """A constant: its name in the program, its element type, its shape, its bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes


def in_order(weights: Iterable[Weight]) -> list[Weight]:
    """The order of a file: whole cache lines first, then by the size of elements, so that all are aligned without gaps.

    The format knows no gaps.
    """

    def place(weight: Weight) -> tuple[bool, int]:
        size = len(weight.data)
        return size % ALIGNMENT != 0, -(size & -size)

    return sorted(weights, key=place)


@dataclass(frozen=True)
class WeightsFile:
    """A file of constants: what is in it, and where in the data each constant starts."""

    data: bytes
    offsets: dict[str, int]
    facts: Weights


def weights_file(weights: Sequence[Weight], name: str) -> WeightsFile:
    """The file `name` that holds constants."""
    entries: dict[str, object] = {}
    offsets: dict[str, int] = {}
    digest, place = hashlib.sha256(), 0
    ordered = in_order(weights)
    for weight in ordered:
        offsets[weight.name] = place
        end = place + len(weight.data)
        entry = {"dtype": _DTYPES[weight.dtype], "shape": weight.shape, "data_offsets": [place, end]}
        entries[weight.name] = entry
        digest.update(json.dumps([weight.name, entry]).encode())
        digest.update(weight.data)
        place = end
    told = digest.hexdigest()
    head = json.dumps({"__metadata__": {"weft": told}, **entries}).encode()
    head += b" " * (-(8 + len(head)) % ALIGNMENT)
    data = b"".join([len(head).to_bytes(8, "little"), head, *(weight.data for weight in ordered)])
    return WeightsFile(data, offsets, Weights(name, len(data), told, data.index(told.encode()), 8 + len(head)))


PROBLEMS = (
    "the file of weights cannot be opened",
    "the file of weights has not the size that it was written with",
    "the file of weights is not the one that was written with this code",
    "the weights are not loaded",
)
"""The messages of loading, and of a call before it."""


def loader_ir(facts: Weights, prefix: str, status: int) -> str:
    """`int PREFIXload_weights(const char *file)` in LLVM IR; `status` is that of the first of :data:`PROBLEMS`."""
    digest = facts.digest.encode()
    return f"""
@{BASE} = global ptr null
@weft.digest = internal constant [{len(digest)} x i8] c"{escaped(digest)}"
declare i32 @open(ptr, i32, ...)
declare i64 @lseek(i32, i64, i32)
declare i32 @close(i32)
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare i32 @munmap(ptr, i64)
declare i32 @memcmp(ptr, ptr, i64)

define signext i32 {symbol_text(prefix + WEIGHTS)}(ptr %path) {{
  %before = load atomic ptr, ptr @{BASE} acquire, align 8
  %loaded = icmp ne ptr %before, null
  br i1 %loaded, label %good, label %open
open:
  %file = call i32 (ptr, i32, ...) @open(ptr %path, i32 524288)            ; O_RDONLY | O_CLOEXEC
  %none = icmp slt i32 %file, 0
  br i1 %none, label %unopened, label %opened
unopened:
  ret i32 {status}
opened:
  %size = call i64 @lseek(i32 %file, i64 0, i32 2)                         ; SEEK_END
  %fits = icmp eq i64 %size, {facts.size}
  br i1 %fits, label %map, label %other
other:
  %c = call i32 @close(i32 %file)
  ret i32 {status + 1}
map:
  %base = call ptr @mmap(ptr null, i64 %size, i32 1, i32 2, i32 %file, i64 0)   ; PROT_READ, MAP_PRIVATE
  %d = call i32 @close(i32 %file)
  %refused = icmp eq ptr %base, inttoptr (i64 -1 to ptr)
  br i1 %refused, label %unopened, label %look
look:
  %place = getelementptr i8, ptr %base, i64 {facts.digest_place}
  %differs = call i32 @memcmp(ptr %place, ptr @weft.digest, i64 {len(digest)})
  %same = icmp eq i32 %differs, 0
  br i1 %same, label %publish, label %strange
strange:
  %u = call i32 @munmap(ptr %base, i64 %size)
  ret i32 {status + 2}
publish:
  %data = getelementptr i8, ptr %base, i64 {facts.data_place}
  %pair = cmpxchg ptr @{BASE}, ptr null, ptr %data acq_rel acquire
  %first = extractvalue {{ ptr, i1 }} %pair, 1
  br i1 %first, label %good, label %late
late:
  %v = call i32 @munmap(ptr %base, i64 %size)                              ; another thread was faster
  br label %good
good:
  ret i32 0
}}
"""
