"""Loop nests in short, to be read beside a schedule: labels, bounds, what is read and written."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, SSAValue

from weft.dialects.loop import (
    AccessOp,
    AllocOp,
    ForOp,
    IfOp,
    Linear,
    PrefetchOp,
    ReadOp,
    ReduceOp,
    WriteOp,
    buffer_name,
    loop_of,
)


def all_loops(kernel: FuncOp) -> list[ForOp]:
    """The loops of a kernel, inner ones too."""
    return [op for op in kernel.walk() if isinstance(op, ForOp)]


def vector_loops(kernel: FuncOp) -> list[str]:
    """A line that tells which loops run in vectors, if any: `jr (16 lanes), k (8 lanes)`."""
    vectors = [loop for loop in all_loops(kernel) if loop.kind() == "vector"]
    wide = dict.fromkeys(f"{loop.label.data.rstrip('~')} ({loop.number()} lanes)" for loop in vectors)
    return [", ".join(wide)] if wide else []


_REDUCED = {"add": "+=", "mul": "*=", "max": "max=", "min": "min="}


def nest_lines(kernel: FuncOp) -> list[str]:
    """The loops of a kernel, an indented line each.

    ```
    i to 64
      j to 512
        k to 784: t[i, j] += from x[i, k], w[k, j]
    ```
    """
    return list(_block(kernel.body.block, ""))


def _block(block: Block, indent: str) -> Iterator[str]:
    body = _body(block)
    for op in block.ops:
        if isinstance(op, ForOp):
            inner = _body(op.block)
            mark = "" if op.kind() == "seq" else f" {op.kind()}({op.number()})" if op.number() else f" {op.kind()}"
            bound = _bound(op)
            yield f"{indent}{op.label.data} to {bound}{mark}{': ' + inner if inner else ''}"
            yield from _block(op.block, indent + "  ")
        elif isinstance(op, IfOp):
            yield f"{indent}if {_form(op.condition())} >= 0"
            yield from _block(op.then.block, indent + "  ")
            if op.other.block.first_op is not None:
                yield f"{indent}else"
                yield from _block(op.other.block, indent + "  ")
        elif isinstance(op, AllocOp):
            yield f"{indent}{buffer_name(op.result)} in {op.space.data}: {op.result.type}"
    if body and not indent:
        yield body


def _bound(loop: ForOp) -> str:
    forms = [_form(form) for form in loop.forms()]
    return forms[0] if len(forms) == 1 else f"min({', '.join(forms)})"


def _body(block: Block) -> str:
    """What the ops of a block that are no loops write and read."""
    writes = [op for op in block.ops if isinstance(op, WriteOp)]
    reads = [op for op in block.ops if isinstance(op, ReadOp) and not isinstance(op, PrefetchOp)]
    if not writes and not reads:
        return ""
    sources = ", ".join(dict.fromkeys(_access(op) for op in reads))
    parts: list[str] = []
    for op in writes:
        sign = _REDUCED.get(op.kind.data, f"{op.kind.data}=") if isinstance(op, ReduceOp) else "="
        parts.append(f"{_access(op)} {sign}")
    return f"{', '.join(parts)} from {sources}" if sources else ", ".join(parts)


def _access(op: AccessOp) -> str:
    return f"{buffer_name(op.target) or '?'}[{', '.join(_form(form) for form in op.index())}]"


def _form(form: Linear) -> str:
    """A linear form by the labels of its loops."""
    text = ""
    for value, factor in form.terms:
        size = "" if abs(factor) == 1 else f"{abs(factor)}*"
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        text += f"{sign}{size}{_name(value)}"
    if form.constant or not text:
        sign = ("-" if form.constant < 0 else "") if not text else (" - " if form.constant < 0 else " + ")
        text += f"{sign}{abs(form.constant)}"
    return text


def _name(value: SSAValue) -> str:
    """A loop's counter by its label, a size by the buffer that has it, any other value as `%n`."""
    if (loop := loop_of(value)) is not None:
        return loop.label.data
    if isinstance(size := value.owner, memref.DimOp):
        place = size.index.owner
        if isinstance(place, arith.ConstantOp) and isinstance(place.value, IntegerAttr):
            return f"dim({buffer_name(size.source) or '?'}, {place.value.value.data})"
    return f"%{value.name_hint or 'n'}"
