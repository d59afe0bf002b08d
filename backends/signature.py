"""What a compiled function takes and gives: enough to check a call and make its results; small enough for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from weft.dialects.dtype_names import numpy_dtype

ENTRY = "_mlir_ciface_"
"""What MLIR puts before the name of a function that follows its C interface."""

Kind = Literal["tensor", "memref", "scalar"]


@dataclass(frozen=True)
class ValueSpec:
    """One argument or result.

    `name` is the argument's name in the text, or the label of a result (`weft.name`). `dtype` is the element type as
    MLIR spells it (`f32`, `ui8`, `index`). A dim or stride of None is known at run time only; `strides` (in elements)
    is None for a contiguous layout. `default` is the example input that the program carries (`weft.input`), `output`
    the picture file that `weft run` writes a result to (`weft.output`).
    """

    name: str
    kind: Kind
    dtype: str
    dims: tuple[int | None, ...] = ()
    strides: tuple[int | None, ...] | None = None
    default: str | None = None
    output: str | None = None

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the elements."""
        return numpy_dtype(self.dtype)

    @property
    def static(self) -> bool:
        """Whether every dim is known before the run."""
        return None not in self.dims

    @property
    def is_out(self) -> bool:
        """Whether the caller brings the memory of this result."""
        return self.kind == "tensor" and self.static

    def __str__(self) -> str:
        if self.kind == "scalar":
            return self.dtype
        dims = "".join("?x" if dim is None else f"{dim}x" for dim in self.dims)
        return f"{self.kind}<{dims}{self.dtype}>"


@dataclass(frozen=True)
class Signature:
    """A function: its name, arguments and results, as the program's text declares them (before any lowering)."""

    name: str
    arguments: tuple[ValueSpec, ...]
    results: tuple[ValueSpec, ...]

    def __str__(self) -> str:
        given = ", ".join(f"%{spec.name}: {spec}" for spec in self.arguments)
        return f"@{self.name}({given})" + (f" -> ({', '.join(map(str, self.results))})" if self.results else "")

    def to_json(self) -> dict[str, Any]:
        """Plain lists, dicts and strings."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Signature:
        """The inverse of :meth:`to_json`."""
        return Signature(data["name"], _specs(data["arguments"]), _specs(data["results"]))


def _specs(data: Sequence[dict[str, Any]]) -> tuple[ValueSpec, ...]:
    return tuple(_spec(**spec) for spec in data)


def _spec(
    name: str,
    kind: Kind,
    dtype: str,
    dims: Sequence[int | None],
    strides: Sequence[int | None] | None,
    default: str | None,
    output: str | None = None,
) -> ValueSpec:
    """A spec from JSON, which has no tuples."""
    return ValueSpec(name, kind, dtype, tuple(dims), None if strides is None else tuple(strides), default, output)
