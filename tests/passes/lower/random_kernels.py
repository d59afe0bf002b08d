"""Random kernels of loops, as text: sizes that hurt, all marks, all element types, index maps of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

SIZES = (0, 1, 2, 7, 16, 17, 31, 33, 64, 129)
SMALL = (0, 1, 2, 3, 7, 16, 17)
WIDTHS = (2, 4, 8, 16)
FLOATS = ("f32", "f64")
INTEGERS = ("i8", "i16", "i32", "i64")
CONVERSIONS = {
    ("f16", "f32"): "arith.extf",
    ("bf16", "f32"): "arith.extf",
    ("f32", "f64"): "arith.extf",
    ("i8", "f32"): "arith.sitofp",
    ("i16", "f64"): "arith.sitofp",
    ("i1", "i32"): "arith.extui",
    ("i8", "i32"): "arith.extsi",
    ("i16", "i64"): "arith.extsi",
    ("i32", "i64"): "arith.extui",
    ("i64", "i8"): "arith.trunci",
    ("i32", "i16"): "arith.trunci",
    ("index", "i64"): "arith.index_cast",
}
OPS = {
    "float": ("arith.addf", "arith.mulf", "arith.maximumf", "arith.subf", "arith.divf"),
    "integer": ("arith.addi", "arith.muli", "arith.maxsi", "arith.minui", "arith.divsi", "arith.shli"),
    "truth": ("arith.andi", "arith.ori", "arith.xori"),
}
KINDS = {
    "float": ("add", "max", "min", "mul"),
    "integer": ("add", "mul", "max", "min", "umax", "umin", "and", "or", "xor"),
    "truth": ("and", "or", "xor"),
}


def family(dtype: str) -> str:
    """Which ops compute on a type."""
    if dtype == "i1":
        return "truth"
    return "float" if "f" in dtype else "integer"


@dataclass
class Kernel:
    """A kernel's text (marks included) and the shapes and types of its arguments; `outputs` are written."""

    text: str
    arguments: list[tuple[str, tuple[int, ...]]]
    note: str = ""
    outputs: list[int] = field(default_factory=lambda: [-1])


def argument(name: str, dtype: str, shape: tuple[int, ...], dynamic: tuple[bool, ...]) -> str:
    """`%A: memref<...> {loop.name = "A"}`."""
    return f'%{name}: {memref(dtype, shape, dynamic)} {{loop.name = "{name}"}}'


def memref(dtype: str, shape: tuple[int, ...], dynamic: tuple[bool, ...]) -> str:
    """The type of a buffer, some sizes of which only the run knows."""
    sizes = [("?" if d else str(s)) + "x" for s, d in zip(shape, dynamic, strict=True)]
    return f"memref<{''.join(sizes)}{dtype}>"


def function(arguments: list[str], symbols: str, body: str) -> str:
    """The kernel around a body."""
    return f"func.func @k({', '.join(arguments)}) attributes {{loop.kernel}} {{\n{symbols}{body}  func.return\n}}\n"


@dataclass(frozen=True)
class Loop:
    """One dimension's loops: opening lines, the index in terms of the counters, and how many lines to close."""

    opening: tuple[str, ...]
    index: str
    symbols: str = ""


def loop_over(draw: st.DrawFn, name: str, size: int, symbol: str | None, *, vector: bool) -> Loop:
    """A way to run over `size` elements: plain, unrolled, tiled; in lanes if `vector`."""
    extent = symbol or str(size)
    if not vector:
        mark = draw(st.sampled_from(["", " unroll(2)", " unroll(3)", " parallel"]))
        if mark == "" and symbol is None and size <= 7 and draw(st.booleans()):
            mark = " unroll"
        return Loop((f'loop.for "{name}" %{name} to {extent}{mark} {{',), f"%{name}")
    width = draw(st.sampled_from(WIDTHS))
    if symbol is None and draw(st.booleans()):
        return Loop((f'loop.for "{name}" %{name} to {extent} vector({width}) {{',), f"%{name}")
    tile = width * draw(st.sampled_from([1, 2, 3]))
    tiles, symbols = str(-(-size // tile)), ""
    if symbol is not None:
        tiles = f"%{name}_tiles"
        symbols = (
            f"  %{name}_t = arith.constant {tile} : index\n  {tiles} = arith.ceildivsi {symbol}, %{name}_t : index\n"
        )
    return Loop(
        (
            f'loop.for "{name}o" %{name}o to {tiles} {{',
            f'loop.for "{name}v" %{name}v to min({tile}, {extent} - {tile}*%{name}o) vector({width}) {{',
        ),
        f"{tile}*%{name}o + %{name}v",
        symbols,
    )


def nest(loops: list[Loop], body: str) -> str:
    """Loops around a body."""
    lines = [line for loop in loops for line in loop.opening]
    return "\n".join(lines) + "\n" + body + "}\n" * len(lines)


def _negated(index: str) -> str:
    return " - ".join(["", *index.split(" + ")])


@st.composite
def elementwise(draw: st.DrawFn) -> Kernel:
    """A chain of ops on inputs that are read straight, transposed, broadcast, backwards or with gaps."""
    rank = draw(st.integers(1, 3))
    sizes = SIZES if rank == 1 else SMALL
    shape = tuple(draw(st.sampled_from(sizes)) for _ in range(rank))
    dynamic = tuple(draw(st.booleans()) for _ in range(rank))
    dtype = draw(st.sampled_from([*FLOATS, *INTEGERS, "i1"]))
    lane = draw(st.integers(0, rank - 1))
    loops = [
        loop_over(draw, "abc"[d], shape[d], f"%n{d}" if dynamic[d] else None, vector=d == lane) for d in range(rank)
    ]
    index = [loop.index for loop in loops]
    arguments, types, body, last = [], [], "", None
    for number in range(draw(st.integers(1, 3))):
        source = draw(st.sampled_from([dtype, *[a for a, b in CONVERSIONS if b == dtype]]))
        where, place = _map(draw, shape, index)
        flags = tuple(False for _ in where)
        name = f"x{number}"
        arguments.append(argument(name, source, where, flags))
        types.append((source, where))
        body += f"  %l{number} = loop.load %{name}[{', '.join(place)}] : {memref(source, where, flags)}\n"
        value = f"%l{number}"
        if source != dtype:
            body += f"  %v{number} = {CONVERSIONS[source, dtype]} {value} : {source} to {dtype}\n"
            value = f"%v{number}"
        if last is not None:
            body += f"  %s{number} = {draw(st.sampled_from(OPS[family(dtype)]))} {last}, {value} : {dtype}\n"
            value = f"%s{number}"
        last = value
    out = memref(dtype, shape, dynamic)
    body += f"  loop.store {last}, %y[{', '.join(index)}] : {out}\n"
    arguments.append(argument("y", dtype, shape, dynamic))
    types.append((dtype, shape))
    symbols = _symbols("y", out, dynamic) + "".join(loop.symbols for loop in loops)
    order = [d for d in range(rank) if d != lane]
    nested = [loops[d] for d in draw(st.permutations(order))]
    return Kernel(function(arguments, symbols, nest([*nested, loops[lane]], body)), types)


def _symbols(name: str, type_: str, dynamic: tuple[bool, ...]) -> str:
    return "".join(
        f"  %c{d} = arith.constant {d} : index\n  %n{d} = memref.dim %{name}, %c{d} : {type_}\n"
        for d, flag in enumerate(dynamic)
        if flag
    )


def _map(draw: st.DrawFn, shape: tuple[int, ...], index: list[str]) -> tuple[tuple[int, ...], list[str]]:
    """The shape of an input, and the index with which it is read."""
    how = draw(st.sampled_from(["straight", "turned", "dropped", "gaps", "window", "last"]))
    rank = len(shape)
    if how == "turned":
        return shape[::-1], index[::-1]
    if how == "dropped":
        kept = [d for d in range(rank) if draw(st.booleans())]
        return tuple(shape[d] for d in kept), [index[d] for d in kept]
    if how == "gaps":
        twice = " + ".join("2*" + term if "*" not in term else _doubled(term) for term in index[-1].split(" + "))
        return (*shape[:-1], 2 * shape[-1] + 1), [*index[:-1], twice + " + 1"]
    if how == "window" and rank > 1:
        return (*shape[:-2], shape[-2] + shape[-1]), [*index[:-2], f"{index[-2]} + {index[-1]}"]
    if how == "last":
        return (*shape[:-1], max(shape[-1], 1)), [*index[:-1], f"{max(shape[-1], 1) - 1}{_negated(index[-1])}"]
    return shape, index


def _doubled(term: str) -> str:
    factor, _, name = term.partition("*")
    return f"{2 * int(factor)}*{name}"


@st.composite
def reduction(draw: st.DrawFn) -> Kernel:
    """Rows reduced by any kind, in lanes along the row or along the column, in one piece or in tiles."""
    rows, columns = draw(st.sampled_from(SMALL)), draw(st.sampled_from([s for s in SIZES if s]))
    dtype = draw(st.sampled_from([*FLOATS, *INTEGERS, "i1", "f16", "bf16"]))
    kind = draw(st.sampled_from(KINDS[family(dtype)]))
    moving = draw(st.booleans())
    lanes_in_row = draw(st.booleans())
    across = draw(st.booleans())
    i = loop_over(draw, "a", rows, None, vector=not lanes_in_row and across)
    j = loop_over(draw, "b", columns, "%n1" if moving else None, vector=lanes_in_row and across)
    x, y = memref(dtype, (rows, columns), (False, moving)), memref(dtype, (rows,), (False,))
    over = ", ".join(term.split("*")[-1] for term in j.index.split(" + "))
    body = f"  %l = loop.load %x[{i.index}, {j.index}] : {x}\n"
    value = "%l"
    if family(dtype) == "float" and dtype in FLOATS and draw(st.booleans()):
        body += f"  %p = arith.mulf %l, %l : {dtype}\n"
        value = "%p"
    how = draw(st.sampled_from(["over", "always"]))
    end = f" over ({over})" if how == "over" else ""
    body += f"  loop.reduce {kind} {value} into %y[{i.index}]{end} : {y}\n"
    loops = [i, j] if lanes_in_row or not across else [j, i]
    if any("parallel" in line for line in j.opening):
        loops = [i, Loop(tuple(line.replace(" parallel", "") for line in j.opening), j.index, j.symbols)]
    if not lanes_in_row and across:
        loops = [loops[1], loops[0]] if loops[0] is i else loops
    arguments = [argument("x", dtype, (rows, columns), (False, moving)), argument("y", dtype, (rows,), (False,))]
    symbols = _symbols("x", x, (False, moving)) + i.symbols + j.symbols
    return Kernel(function(arguments, symbols, nest(loops, body)), [(dtype, (rows, columns)), (dtype, (rows,))])


@st.composite
def tile_in_registers(draw: st.DrawFn) -> Kernel:
    """A tile copied into registers by rows, then read by rows or by columns, in lanes or not."""
    dtype = draw(st.sampled_from([*FLOATS, *INTEGERS, "i1", "f16", "bf16"]))
    rows, columns = draw(st.sampled_from([1, 2, 5, 8, 16, 17])), draw(st.sampled_from([1, 3, 8, 16, 20]))
    width = draw(st.sampled_from(WIDTHS))
    other = draw(st.sampled_from([width, *WIDTHS]))
    lanes_in, lanes_out = (
        draw(st.sampled_from(["row", "column", "none"])),
        draw(st.sampled_from(["row", "column", "none"])),
    )
    x, y = memref(dtype, (rows, columns), (False, False)), memref(dtype, (columns, rows), (False, False))

    def pair(tag: str, lanes: str, width: int) -> tuple[str, str]:
        r = f'loop.for "r{tag}" %r{tag} to {rows} ' + (f"vector({width})" if lanes == "column" else "unroll") + " {"
        c = f'loop.for "c{tag}" %c{tag} to {columns} ' + (f"vector({width})" if lanes == "row" else "unroll") + " {"
        return (c, r) if lanes == "column" else (r, c)

    t = f"memref<{rows}x{columns}x{dtype}>"
    copy_in = "\n".join(pair("0", lanes_in, width)) + (
        f"\n%a = loop.load %x[%r0, %c0] : {x}\nloop.store %a, %t[%r0, %c0] : {t}\n}}}}\n"
    )
    copy_out = "\n".join(pair("1", lanes_out, other)) + (
        f"\n%b = loop.load %t[%r1, %c1] : {t}\nloop.store %b, %y[%c1, %r1] : {y}\n}}}}\n"
    )
    body = f'%t = loop.alloc reg "t" : {t}\n{copy_in}{copy_out}'
    arguments = [
        argument("x", dtype, (rows, columns), (False, False)),
        argument("y", dtype, (columns, rows), (False, False)),
    ]
    return Kernel(function(arguments, "", body), [(dtype, (rows, columns)), (dtype, (columns, rows))])


@st.composite
def running_sums(draw: st.DrawFn) -> Kernel:
    """Partial results in registers over a loop of the machine: one a lane or one a row, with or without a start."""
    dtype = draw(st.sampled_from([*FLOATS, "i32"]))
    steps, width = draw(st.sampled_from([1, 2, 5])), draw(st.sampled_from(WIDTHS))
    lanes = width * draw(st.sampled_from([1, 2])) - draw(st.sampled_from([0, 1]))
    moving = draw(st.booleans())
    extent = "%n0" if moving else str(steps)
    x, y = memref(dtype, (steps, lanes), (moving, False)), memref(dtype, (lanes,), (False,))
    t = f"memref<{lanes}x{dtype}>"
    start = draw(st.booleans())
    ops = "addf" if dtype in FLOATS else "addi"
    zero = "0.0" if dtype in FLOATS else "0"
    fill = f'loop.for "f" %f to {lanes} vector({width}) {{\n loop.store %z, %t[%f] : {t} }}\n' if start else ""
    over = "" if start else " over (%s)"
    mark = draw(st.sampled_from(["", " unroll(2)", " unroll(3)"]))
    body = f"""%z = arith.constant {zero} : {dtype}
  %t = loop.alloc reg "t" : {t}
  {fill}
  loop.for "s" %s to {extent}{mark} {{
    loop.for "l" %l to {lanes} vector({width}) {{
      %a = loop.load %x[%s, %l] : {x}
      loop.reduce add %a into %t[%l]{over} : {t}
    }}
  }}
  loop.for "o" %o to {lanes} {draw(st.sampled_from(["unroll", f"vector({width})"]))} {{
    %b = loop.load %t[%o] : {t}
    %c = arith.{ops} %b, %b : {dtype}
    loop.store %c, %y[%o] : {y}
  }}
"""
    arguments = [argument("x", dtype, (steps, lanes), (moving, False)), argument("y", dtype, (lanes,), (False,))]
    return Kernel(
        function(arguments, _symbols("x", x, (moving, False)), body), [(dtype, (steps, lanes)), (dtype, (lanes,))]
    )


TEMPLATES: tuple[Callable[[], st.SearchStrategy[Kernel]], ...] = (
    elementwise,
    reduction,
    tile_in_registers,
    running_sums,
)


def values(rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Values that make mistakes show: small numbers of both signs, no two alike in a row."""
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype.kind == "i":
        return np.asarray(rng.integers(-50, 50, shape)).astype(dtype)
    return np.asarray(rng.uniform(-2, 2, shape)).astype(dtype)
