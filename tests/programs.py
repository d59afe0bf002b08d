"""Random ml programs: seeded, over all element types, on sizes that hurt, with `?`, loops, branches and calls.

`random_program(rng)` makes one, with arguments to run it on; `special=False` leaves NaN, infinities and great
numbers out of the arguments, for comparisons with a tolerance. Every op has a location of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
from xdsl.dialects import arith, func, scf, tensor
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    FileLineColLoc,
    IndexType,
    IntAttr,
    ModuleOp,
    StringAttr,
    TensorType,
    UnknownLoc,
    f32,
    f64,
    i1,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from tests.dialects.ml.places import random_places
from weft.dialects import ml
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Kind, dtype_of, is_float, kind_of, width_of

SIZES = (0, 1, 2, 3, 5, 7, 8, 17)
MAX_ELEMENTS = 2048
ELEMENTS = tuple(ELEMENT_TYPES)
FLOATS = tuple(e for e in ELEMENTS if kind_of(e) is Kind.FLOAT)


@dataclass(frozen=True)
class Program:
    """A module with a function `@main`, and arguments for it."""

    module: ModuleOp
    args: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Node:
    """A tensor of the program, with its sizes at run time."""

    value: SSAValue
    element: Attribute
    shape: tuple[int, ...]

    @property
    def static(self) -> tuple[int, ...]:
        """The shape in its type."""
        return self.value.type.get_shape()


def random_array(rng: random.Random, element: Attribute, shape: Sequence[int], special: bool = True) -> np.ndarray:
    """An array of small numbers, and some that hurt where `special`."""
    dtype = dtype_of(element)
    if is_float(dtype):
        odd = [float("nan"), float("inf"), -float("inf"), -0.0, 0.0, 1e30, -1e-30] if special else [0.0, 1.0]
        numbers = [rng.choice(odd) if rng.random() < 0.1 else round(rng.uniform(-4, 4), 3) for _ in range(prod(shape))]
        with np.errstate(over="ignore"):
            return np.array(numbers, np.float64).astype(dtype).reshape(shape)
    if dtype == np.bool_:
        return np.array([rng.random() < 0.5 for _ in range(prod(shape))], np.bool_).reshape(shape)
    info = np.iinfo(dtype)
    odd = [int(info.min), int(info.max), 0, 1] if special else [0, 1]
    numbers = [rng.choice(odd) if rng.random() < 0.2 else rng.randint(max(info.min, -9), 9) for _ in range(prod(shape))]
    return np.array(numbers, dtype).reshape(shape)


@dataclass
class Generator:
    """Grows a function op by op. `pool` holds the tensors that later ops may use."""

    rng: random.Random
    special: bool = True
    dynamic: bool = True
    elements: Sequence[Attribute] = ELEMENTS
    pool: list[Node] = field(default_factory=list)
    args: list[np.ndarray] = field(default_factory=list)
    block: Block = field(default_factory=Block)
    entry: Block = field(default_factory=Block)
    functions: list[func.FuncOp] = field(default_factory=list)
    line: int = 0

    def emit(self, op: Operation) -> Operation:
        """Put an op at the end of the block, with a place of its own."""
        for inner in op.walk():
            if isinstance(inner.location, UnknownLoc):
                self.line += 1
                inner.location = FileLineColLoc(StringAttr("program.mlir"), IntAttr(self.line), IntAttr(1))
        self.block.add_op(op)
        return op

    def keep(self, op: Operation, shape: Sequence[int], result: int = 0) -> Node:
        """Put a tensor op at the end; its result joins the pool."""
        self.emit(op)
        value = op.results[result]
        node = Node(value, value.type.element_type, tuple(shape))
        self.pool.append(node)
        return node

    def shape(self, rank: int | None = None) -> tuple[int, ...]:
        """A random shape of few elements."""
        rank = self.rng.randint(0, 3) if rank is None else rank
        while True:
            shape = tuple(self.rng.choice(SIZES) for _ in range(rank))
            if prod(shape) <= MAX_ELEMENTS:
                return shape

    def argument(self, element: Attribute, shape: Sequence[int], static: Sequence[int] | None = None) -> Node:
        """A new argument of `@main`; `static` is the shape in its type."""
        if static is None:
            hide = self.dynamic and self.rng.random() < 0.4
            static = [DYNAMIC_INDEX if hide and self.rng.random() < 0.6 else n for n in shape]
        arg = self.entry.insert_arg(TensorType(element, static), len(self.entry.args))
        self.args.append(random_array(self.rng, element, shape, self.special))
        node = Node(arg, element, tuple(shape))
        self.pool.append(node)
        return node

    def constant(self, element: Attribute, shape: Sequence[int]) -> Node:
        """A new constant: a splat, or any numbers."""
        array = random_array(self.rng, element, shape, self.special)
        if self.rng.random() < 0.5 and array.size:
            array = np.full(shape, array.reshape(-1)[0])
        return self.keep(ml.ConstantOp.of(array), shape)

    def tensor_like(self, node: Node) -> Node:
        """A tensor of the type of another one: from the pool if possible."""
        same = [n for n in self.pool if n.value.type == node.value.type and n.shape == node.shape]
        if same and self.rng.random() < 0.7:
            return self.rng.choice(same)
        if DYNAMIC_INDEX in node.static:
            return self.argument(node.element, node.shape, node.static) if self.block is self.entry else node
        return self.of(node.element, node.shape)

    def of(self, element: Attribute, shape: Sequence[int]) -> Node:
        """A new tensor of static sizes."""
        if self.block is self.entry and self.rng.random() < 0.5:
            return self.argument(element, shape, shape)
        return self.constant(element, shape)

    def pick(self, wanted: Kind = Kind.ANY, min_rank: int = 0) -> Node:
        """A tensor of the pool of some kind and rank, or a new one."""
        fits = [n for n in self.pool if kind_of(n.element) in wanted and len(n.shape) >= min_rank]
        if fits:
            return self.rng.choice(fits[-8:])
        elements = [e for e in self.elements if kind_of(e) in wanted]
        elements = elements or [e for e in ELEMENTS if kind_of(e) in wanted]
        return self.of(self.rng.choice(elements), self.shape(self.rng.randint(min_rank, max(min_rank, 3))))

    def size_operands(self, node: Node) -> list[SSAValue]:
        """The run-time sizes of a tensor, one for each `?`."""
        found: list[SSAValue] = []
        for axis, n in enumerate(node.static):
            if n == DYNAMIC_INDEX:
                index = self.emit(arith.ConstantOp.from_int_and_width(axis, IndexType()))
                found.append(self.emit(tensor.DimOp(node.value, index.results[0])).results[0])
        return found

    def scalar_condition(self) -> SSAValue:
        """An `i1` that the compiler may or may not know."""
        if self.rng.random() < 0.3:
            return self.emit(arith.ConstantOp.from_int_and_width(self.rng.randint(0, 1), 1)).results[0]
        node = self.of(i1, ())
        return self.emit(tensor.ExtractOp(node.value, [], i1)).results[0]


def unary(g: Generator) -> None:
    op = g.rng.choice([c for c in ml.ML.operations if issubclass(c, ml.UnaryOp) and c.TAKES & Kind.ANY])
    x = g.pick(op.TAKES)
    g.keep(op(x.value), x.shape)


def binary(g: Generator) -> None:
    op = g.rng.choice([c for c in ml.ML.operations if issubclass(c, ml.BinaryOp)])
    x = g.pick(op.TAKES)
    pair = [x, g.tensor_like(x)]
    g.rng.shuffle(pair)
    g.keep(op(pair[0].value, pair[1].value), x.shape)


NEUTRAL = ((ml.AddOp, 0), (ml.AddOp, -0.0), (ml.SubOp, 0), (ml.MulOp, 1), (ml.DivOp, 1), (ml.MulOp, 0))


def with_identity(g: Generator) -> None:
    """An op with a constant that may be its neutral element."""
    op, number = g.rng.choice(
        [(ml.AddOp, 0), (ml.AddOp, -0.0), (ml.SubOp, 0), (ml.MulOp, 1), (ml.DivOp, 1), (ml.MulOp, 0)]
    )
    x = g.pick(op.TAKES & Kind.NUMBER)
    if DYNAMIC_INDEX in x.static:
        return
    number = g.keep(ml.ConstantOp.of(np.full(x.shape, number).astype(dtype_of(x.element))), x.shape)
    pair = [x, number]
    if g.rng.random() < 0.3:
        pair.reverse()
    g.keep(op(pair[0].value, pair[1].value), x.shape)


def twice(g: Generator) -> None:
    op = g.rng.choice([ml.NegOp, ml.NotOp, ml.AbsOp, ml.ReluOp, ml.FloorOp])
    x = g.pick(op.TAKES)
    g.keep(op(g.keep(op(x.value), x.shape).value), x.shape)


def compare_and_select(g: Generator) -> None:
    x = g.pick()
    y = g.tensor_like(x)
    pred = g.keep(ml.CompareOp(g.rng.choice(["EQ", "NE", "LT", "LE", "GT", "GE"]), x.value, y.value), x.shape)
    if g.rng.random() < 0.3:
        pred = g.of(i1, ())
    g.keep(ml.SelectOp(pred.value, x.value, y.value), x.shape)


def clamp(g: Generator) -> None:
    x = g.pick(Kind.NUMBER)
    low, high = g.of(x.element, ()), g.of(x.element, ())
    g.keep(ml.ClampOp(low.value, x.value, high.value), x.shape)


def convert(g: Generator) -> None:
    x = g.pick()
    g.keep(ml.ConvertOp(x.value, g.rng.choice([*g.elements, x.element])), x.shape)


def broadcast(g: Generator) -> None:
    x = g.pick()
    rank = len(x.shape)
    added = g.rng.randint(0, max(0, 3 - rank))
    dims = sorted(g.rng.sample(range(rank + added), rank))
    shape = [g.rng.choice((1, 2, 3)) for _ in range(rank + added)]
    static = list(shape)
    for axis, dim in enumerate(dims):
        if x.static[axis] != 1 or g.rng.random() < 0.3:
            shape[dim], static[dim] = x.shape[axis], x.static[axis]
    if prod(shape) <= MAX_ELEMENTS:
        g.keep(ml.BroadcastInDimOp(x.value, dims, TensorType(x.element, static)), shape)


def reshape(g: Generator) -> None:
    x = g.pick()
    shape = [prod(x.shape)]
    if DYNAMIC_INDEX in x.static:
        target = TensorType(x.element, [DYNAMIC_INDEX])
    else:
        for factor in (2, 3, 5):
            if shape[-1] and shape[-1] % factor == 0 and g.rng.random() < 0.6:
                shape[-1:] = [factor, shape[-1] // factor]
        if prod(x.shape) == 1 and g.rng.random() < 0.5:
            shape = []
        if g.rng.random() < 0.3:
            shape = list(x.shape)
        target = TensorType(x.element, shape)
    g.keep(ml.ReshapeOp(x.value, target), shape)


def transpose(g: Generator) -> None:
    x = g.pick()
    perm = list(range(len(x.shape)))
    if g.rng.random() < 0.8:
        g.rng.shuffle(perm)
    y = g.keep(ml.TransposeOp(x.value, perm), [x.shape[axis] for axis in perm])
    if g.rng.random() < 0.3:
        inverse = sorted(range(len(perm)), key=perm.__getitem__)
        g.keep(ml.TransposeOp(y.value, inverse), x.shape)


def slice_(g: Generator) -> None:
    x = g.pick(min_rank=1)
    starts, limits, steps = [], [], []
    for n, static in zip(x.shape, x.static, strict=True):
        whole = static == DYNAMIC_INDEX or g.rng.random() < 0.3
        first = 0 if whole else g.rng.randint(0, n)
        starts.append(first)
        limits.append((-1 if static == DYNAMIC_INDEX else n) if whole else g.rng.randint(first, n))
        steps.append(1 if whole else g.rng.choice((1, 1, 2, 3)))
    ends = [n if limit == -1 else limit for n, limit in zip(x.shape, limits, strict=True)]
    shape = [-(-(e - s) // t) for s, e, t in zip(starts, ends, steps, strict=True)]
    g.keep(ml.SliceOp(x.value, starts, limits, steps), shape)


def concatenate(g: Generator) -> None:
    x = g.pick(min_rank=1)
    if DYNAMIC_INDEX in x.static:
        return
    parts = [x] + [g.tensor_like(x) for _ in range(g.rng.randint(0, 2))]
    dim = g.rng.randrange(len(x.shape))
    shape = list(x.shape)
    shape[dim] *= len(parts)
    if prod(shape) <= MAX_ELEMENTS:
        g.keep(ml.ConcatenateOp([p.value for p in parts], dim), shape)


def iota(g: Generator) -> None:
    shape = g.shape(g.rng.randint(1, 3))
    element = g.rng.choice([e for e in ELEMENTS if e in g.elements and kind_of(e) in Kind.NUMBER] or FLOATS)
    g.keep(ml.IotaOp(g.rng.randrange(len(shape)), TensorType(element, shape)), shape)


def size_of(g: Generator) -> None:
    x = g.pick(min_rank=1)
    g.keep(ml.GetDimensionSizeOp(x.value, g.rng.randrange(len(x.shape))), ())


def matmul(g: Generator) -> None:
    x = g.pick(min_rank=2)
    if DYNAMIC_INDEX in (*x.static[:-2], x.static[-1]):
        return
    n = g.rng.choice(SIZES)
    y = g.of(x.element, (*x.shape[:-2], x.shape[-1], n))
    if prod(x.shape) * n <= 8 * MAX_ELEMENTS:
        g.keep(ml.MatmulOp(x.value, y.value), (*x.shape[:-1], n))


def dot_general(g: Generator) -> None:
    x = g.pick(min_rank=1)
    if DYNAMIC_INDEX in x.static:
        return
    axis = g.rng.randrange(len(x.shape))
    n = g.rng.choice(SIZES)
    y = g.of(x.element, (n, x.shape[axis]))
    if prod(x.shape) * n <= 8 * MAX_ELEMENTS:
        kept = [size for i, size in enumerate(x.shape) if i != axis]
        g.keep(ml.DotGeneralOp(x.value, y.value, contract=([axis], [1])), (*kept, n))


def reduce(g: Generator) -> None:
    kind = g.rng.choice(["add", "mul", "max", "min", "and", "or"])
    x = g.pick(Kind.BITS if kind in ("and", "or") else Kind.ANY)
    dims = sorted(g.rng.sample(range(len(x.shape)), g.rng.randint(0, len(x.shape))))
    init = g.of(x.element, ()).value if g.rng.random() < 0.3 else None
    shape = [n for axis, n in enumerate(x.shape) if axis not in dims]
    g.keep(ml.ReduceOp.of(kind, x.value, dims, init), shape)


def argmax(g: Generator) -> None:
    x = g.pick(min_rank=1)
    dim = g.rng.randrange(len(x.shape))
    op = g.rng.choice([ml.ArgmaxOp, ml.ArgminOp])
    g.keep(op(x.value, dim), [n for axis, n in enumerate(x.shape) if axis != dim])


def is_finite(g: Generator) -> None:
    x = g.pick(Kind.FLOAT)
    g.keep(ml.IsFiniteOp(x.value), x.shape)


def bitcast(g: Generator) -> None:
    x = g.pick(Kind.NUMBER)
    same = [e for e in ELEMENTS if kind_of(e) in Kind.NUMBER and width_of(e) == width_of(x.element)]
    g.keep(ml.BitcastConvertOp(x.value, g.rng.choice(same)), x.shape)


def pad(g: Generator) -> None:
    x = g.pick()
    low, high, inner = (tuple(g.rng.randint(first, 2) for _ in x.shape) for first in (-1, -1, 0))
    if DYNAMIC_INDEX in x.static:
        low, high, inner = tuple(map(abs, low)), tuple(map(abs, high)), (0,) * len(x.shape)
    sizes = [n + max(n - 1, 0) * k + a + b for n, a, b, k in zip(x.shape, low, high, inner, strict=True)]
    if min(sizes, default=0) >= 0 and prod(sizes) <= MAX_ELEMENTS:
        g.keep(ml.PadOp(x.value, g.of(x.element, ()).value, low, high, inner), sizes)


def convolution(g: Generator) -> None:
    x = g.pick(min_rank=3)
    spatial = len(x.shape) - 2
    labels = tuple(map(str, range(spatial)))
    dims = ml.ConvDims(("b", *labels, "f"), (*labels, "i", "o"), ("b", *labels, "f"))
    steps = tuple(g.rng.choice((1, 1, 2)) for _ in range(spatial))
    window = ml.Window(dims, steps, ((1, 1),) * spatial, (), (), tuple(g.rng.random() < 0.2 for _ in labels))
    outputs, size = g.rng.choice((1, 2, 5)), g.rng.choice((1, 2, 3))
    if DYNAMIC_INDEX in x.static[1:] or prod(x.shape) * outputs > MAX_ELEMENTS:
        return
    w = g.of(x.element, (*(size,) * spatial, x.shape[-1], outputs))
    sizes = [(n + 2 - size) // step + 1 if n + 2 >= size else 0 for n, step in zip(x.shape[1:-1], steps, strict=True)]
    shape = (x.shape[0], *sizes, outputs)
    if kind_of(x.element) is Kind.BOOL or g.rng.random() < 0.7:
        g.keep(ml.ConvolutionOp(x.value, w.value, window), shape)
    else:
        g.keep(ml.ConvolutionBiasOp(x.value, w.value, g.of(x.element, (outputs,)).value, window), shape)


def _window(g: Generator, x: Node) -> ml.Sliding | None:
    """A window that fits a tensor, or none; and no padding and dilation where sizes are `?` and may be empty."""
    rank = len(x.shape)
    window, strides, dilation = (tuple(g.rng.choice((1, 1, 2, 3)) for _ in range(rank)) for _ in range(3))
    pads = tuple((g.rng.randint(0, 2), g.rng.randint(0, 1)) for _ in range(rank))
    sliding = ml.Sliding(window, strides, (), dilation, pads)
    fits = all(n + sum(pad) >= reach for n, pad, reach in zip(x.shape, pads, sliding.reach, strict=True))
    small = prod(x.shape) * prod(window) <= 4 * MAX_ELEMENTS
    return sliding if small and (fits or DYNAMIC_INDEX not in x.static) else None


def reduce_window(g: Generator) -> None:
    kind = g.rng.choice(["add", "max", "min"])
    x = g.pick()
    sliding = _window(g, x)
    if sliding is not None:
        init = g.of(x.element, ()).value if g.rng.random() < 0.3 else None
        g.keep(ml.ReduceWindowOp.of(kind, x.value, sliding, init), sliding.result_dims(x.shape))


def pool(g: Generator) -> None:
    op = g.rng.choice([ml.MaxPoolOp, ml.AvgPoolOp])
    x = g.pick(op.TAKES, min_rank=1)
    whole = _window(g, x)
    if whole is None:
        return
    dims = g.rng.sample(range(len(x.shape)), g.rng.randint(1, len(x.shape)))
    options = [[values[axis] for axis in dims] for values in (whole.window, whole.stride, whole.pad, whole.window_step)]
    made = op(x.value, dims, *options)
    g.keep(made, made.sliding.result_dims(x.shape))


def dynamic_slice(g: Generator) -> None:
    x = g.pick()
    element = g.rng.choice([e for e in ELEMENTS if kind_of(e) in Kind.INTEGER])
    starts = [g.of(element, ()).value for _ in x.shape]
    shape = tuple(n if s == DYNAMIC_INDEX else g.rng.randint(0, n) for n, s in zip(x.shape, x.static, strict=True))
    sizes = [-1 if s == DYNAMIC_INDEX else n for n, s in zip(shape, x.static, strict=True)]
    y = g.keep(ml.DynamicSliceOp(x.value, starts, sizes), shape)
    if g.rng.random() < 0.5:
        g.keep(ml.DynamicUpdateSliceOp(x.value, y.value, starts[::-1]), x.shape)


def reverse(g: Generator) -> None:
    x = g.pick()
    g.keep(ml.ReverseOp(x.value, g.rng.sample(range(len(x.shape)), g.rng.randint(0, len(x.shape)))), x.shape)


def select_and_scatter(g: Generator) -> None:
    x = g.pick(min_rank=1)
    window, strides = (tuple(g.rng.choice((1, 1, 2, 3)) for _ in x.shape) for _ in range(2))
    sliding = ml.Sliding(window, strides, pads=tuple((g.rng.randint(0, 1), 0) for _ in x.shape))
    places = sliding.result_dims(x.shape)
    if DYNAMIC_INDEX not in x.static and prod(x.shape) * prod(window) <= MAX_ELEMENTS:
        source, init = g.of(x.element, places), g.of(x.element, ())
        g.keep(ml.SelectAndScatterOp.of("GE", "max", x.value, source.value, init.value, sliding), x.shape)


def scan(g: Generator) -> None:
    x = g.pick(min_rank=1)
    op = g.rng.choice([ml.CumsumOp, ml.CumprodOp, ml.CummaxOp, ml.CumminOp])
    options = {"exclusive": g.rng.random() < 0.3, "reverse": g.rng.random() < 0.3}
    g.keep(op(x.value, g.rng.randrange(-len(x.shape), len(x.shape)), **options), x.shape)


def resize(g: Generator) -> None:
    mode = g.rng.choice(["nearest", "linear"])
    x = g.pick(Kind.FLOAT if mode == "linear" else Kind.ANY, min_rank=1)
    dims = g.rng.sample(range(len(x.shape)), g.rng.randint(0, len(x.shape)))
    shape = tuple(g.rng.choice(SIZES) if axis in dims else n for axis, n in enumerate(x.shape))
    static = [n if axis in dims else claim for axis, (n, claim) in enumerate(zip(shape, x.static, strict=True))]
    if prod(shape) <= MAX_ELEMENTS and all(x.shape[axis] for axis in dims):
        coordinates = g.rng.choice(["half_pixel", "align_corners", "asymmetric"])
        g.keep(ml.ResizeOp(x.value, TensorType(x.element, static), dims, mode, coordinates), shape)


SLIDES = (reduce_window, pool, dynamic_slice, reverse, select_and_scatter, scan, resize)


def softmax(g: Generator) -> None:
    x = g.pick(Kind.FLOAT, min_rank=1)
    g.keep(ml.SoftmaxOp(x.value, g.rng.randrange(len(x.shape))), x.shape)


def fresh(g: Generator) -> None:
    element = g.rng.choice(g.elements)
    if g.block is g.entry and g.rng.random() < 0.7:
        g.argument(element, g.shape())
    else:
        g.constant(element, g.shape())


SIMPLE: tuple[Callable[[Generator], None], ...] = (
    unary,
    unary,
    binary,
    binary,
    with_identity,
    twice,
    compare_and_select,
    clamp,
    convert,
    broadcast,
    reshape,
    transpose,
    slice_,
    concatenate,
    iota,
    size_of,
    matmul,
    dot_general,
    reduce,
    argmax,
    softmax,
    fresh,
)


def take(g: Generator) -> None:
    x, ids = g.pick(min_rank=1), g.pick(Kind.INTEGER)
    axis = g.rng.randrange(len(x.shape))
    shape = (*x.shape[:axis], *ids.shape, *x.shape[axis + 1 :])
    if x.static[axis] > 0 and prod(shape) <= MAX_ELEMENTS:
        g.keep(ml.TakeOp(x.value, ids.value, axis), shape)


def gather(g: Generator) -> None:
    x = g.pick()
    if DYNAMIC_INDEX in x.static:
        return
    places = random_places(g.rng, x.shape)
    element = g.rng.choice([e for e in ELEMENTS if kind_of(e) in Kind.INTEGER])
    if prod(places.result) <= MAX_ELEMENTS:
        ids = g.keep(ml.ConstantOp.of(places.random_indices(g.rng, element)), places.indices)
        g.keep(places.gather(x.value, ids.value), places.result)


def scatter(g: Generator) -> None:
    x = g.pick()
    if DYNAMIC_INDEX in x.static:
        return
    places = random_places(g.rng, x.shape)
    element = g.rng.choice([e for e in ELEMENTS if kind_of(e) in Kind.INTEGER])
    if prod(places.result) <= MAX_ELEMENTS:
        ids = g.keep(ml.ConstantOp.of(places.random_indices(g.rng, element)), places.indices)
        kind = g.rng.choice(("add", "max", "set"))
        g.keep(places.scatter([x.value], ids.value, [g.of(x.element, places.result).value], kind), x.shape)


def sort(g: Generator) -> None:
    x = g.pick(min_rank=1)
    more = [g.tensor_like(x) for _ in range(g.rng.randint(0, 1))]
    dim = g.rng.randrange(len(x.shape))
    op = g.emit(ml.SortOp([x.value, *(node.value for node in more)], g.rng.choice(("ascending", "descending")), dim))
    g.pool += [Node(result, result.type.element_type, x.shape) for result in op.results]


def top_k(g: Generator) -> None:
    x = g.pick(min_rank=1)
    if x.static[-1] != DYNAMIC_INDEX:
        k = g.rng.randint(0, x.shape[-1])
        op = ml.TopKOp(x.value, k)
        g.keep(op, (*x.shape[:-1], k), g.rng.randint(0, 1))


def random_bits(g: Generator) -> None:
    algorithm = g.rng.choice(("DEFAULT", "THREE_FRY", "PHILOX"))
    state = [g.rng.getrandbits(64) for _ in range(3 if algorithm == "PHILOX" else 2)]
    element, shape = g.rng.choice([e for e in ELEMENTS if kind_of(e) in Kind.INTEGER]), g.shape()
    if prod(shape) <= 256:
        state = g.keep(ml.ConstantOp.of(np.array(state, np.uint64)), (len(state),))
        g.keep(ml.RngBitGeneratorOp(algorithm, state.value, TensorType(element, shape)), shape, 1)
        make = g.rng.choice((ml.RandomUniformOp, ml.RandomNormalOp))
        g.keep(make(algorithm, state.value, TensorType(g.rng.choice(FLOATS), shape)), shape, 1)


def reduce_precision(g: Generator) -> None:
    x = g.pick(Kind.FLOAT)
    g.keep(ml.ReducePrecisionOp(x.value, g.rng.randint(1, 11), g.rng.randint(0, 23)), x.shape)


def one_hot(g: Generator) -> None:
    ids = g.pick(Kind.INTEGER)
    dim, depth = g.rng.randint(0, len(ids.shape)), g.rng.choice((0, 1, 3))
    shape, static = ((*s[:dim], depth, *s[dim:]) for s in (ids.shape, ids.static))
    if prod(shape) <= MAX_ELEMENTS:
        g.keep(ml.OneHotOp(ids.value, TensorType(g.rng.choice(g.elements), static), dim), shape)


def triangle(g: Generator) -> None:
    x = g.pick(min_rank=2)
    op = g.rng.choice([ml.TrilOp, ml.TriuOp])
    g.keep(op(x.value, g.rng.randint(-2, 2)), x.shape)
    shape = g.shape(g.rng.randint(2, 3))
    g.keep(ml.TriOp(TensorType(g.rng.choice(g.elements), shape), g.rng.randint(-2, 2)), shape)


def norm(g: Generator) -> None:
    x = g.pick(Kind.FLOAT, min_rank=1)
    bounded = g.keep(ml.TanhOp(x.value), x.shape)  # squares of greater numbers overflow
    axis = g.rng.randrange(len(x.shape))
    scale = g.of(x.element, (x.shape[axis],)).value if g.rng.random() < 0.5 else None
    kind = g.rng.choice([ml.LayerNormOp, ml.RmsNormOp, ml.LogSoftmaxOp, ml.GroupNormOp])
    if kind is ml.LogSoftmaxOp:
        g.keep(ml.LogSoftmaxOp(bounded.value, axis), x.shape)
    elif kind is not ml.GroupNormOp:
        g.keep(kind(bounded.value, scale, axes=[axis]), x.shape)
    elif axis > 0 and x.static[axis] != DYNAMIC_INDEX:
        groups = g.rng.choice([n for n in (1, 2, 3, 5, 7) if x.shape[axis] % n == 0])
        g.keep(ml.GroupNormOp(bounded.value, groups, scale, feature_index=axis), x.shape)


def loss(g: Generator) -> None:
    x = g.pick(Kind.FLOAT, min_rank=1)
    axis, reduction = g.rng.randrange(len(x.shape)), g.rng.choice(["none", "sum", "mean"])
    lines = [n for i, n in enumerate(x.shape) if i != axis]
    labels = g.of(g.rng.choice([e for e in ELEMENTS if kind_of(e) in Kind.INTEGER]), lines)
    shape = lines if reduction == "none" else ()
    g.keep(ml.CrossEntropyOp(x.value, labels.value, axis=axis, reduction=reduction), shape)


def attend(g: Generator) -> None:
    q = g.pick(Kind.FLOAT, min_rank=2)
    *lead, rows, size = q.shape
    keys, width = g.rng.choice((0, 1, 3, 5)), g.rng.choice((1, 2, 7))
    key, value = g.of(q.element, (*lead, keys, size)), g.of(q.element, (*lead, keys, width))
    mask = g.rng.choice([None, g.of(i1, (rows, keys)), g.of(q.element, (rows, 1))])
    scores = ml.AttentionOp(
        g.keep(ml.TanhOp(q.value), q.shape).value,
        g.keep(ml.TanhOp(key.value), key.shape).value,
        value.value,
        None if mask is None else mask.value,
        causal=g.rng.random() < 0.5,
    )
    g.keep(scores, (*lead, rows, width))


def normalize_features(g: Generator) -> None:
    x = g.pick(Kind.FLOAT, min_rank=1)
    axis = g.rng.randrange(len(x.shape))
    scale, offset, mean, spread = (g.of(x.element, (x.shape[axis],)) for _ in range(4))
    variance = g.keep(ml.AbsOp(spread.value), spread.shape)
    parameters = [n.value for n in (scale, offset, mean, variance)]
    g.keep(ml.BatchNormInferenceOp(x.value, *parameters, feature_index=axis, epsilon=0.5), x.shape)


def quantize(g: Generator) -> None:
    x = g.pick(Kind.FLOAT)
    axis = g.rng.randrange(len(x.shape)) if x.shape and g.rng.random() < 0.5 else None
    shape = () if axis is None else (x.shape[axis],)
    element = g.rng.choice([e for e in ELEMENTS if kind_of(e) in Kind.INTEGER and width_of(e) <= 32])
    step = 2.0 ** g.rng.randint(-3, 3)  # a power of two, so that no quotient is rounded otherwise elsewhere
    scale = g.keep(ml.ConstantOp.of(np.full(shape, step).astype(dtype_of(x.element))), shape)
    zero = g.of(element, shape).value if g.rng.random() < 0.5 else None
    y = g.keep(ml.QuantizeOp(x.value, scale.value, zero, element=element, axis=axis), x.shape)
    g.keep(ml.DequantizeOp(y.value, scale.value, zero, element=x.element, axis=axis), x.shape)


def complex_numbers(g: Generator) -> None:
    """Parts, put together and taken apart: nothing is rounded."""
    x = g.pick(Kind.FLOAT)
    if x.element not in (f32, f64):
        return
    z = g.emit(ml.ComplexOp(x.value, g.tensor_like(x).value))
    if g.rng.random() < 0.5:
        z = g.emit(ml.ConjOp(z))
    part = g.rng.choice([ml.RealOp, ml.ImagOp])
    g.keep(part(g.emit(ml.NegOp(z))), x.shape)


NETWORKS: tuple[Callable[[Generator], None], ...] = (norm, loss, attend, normalize_features, quantize)

WINDOWS: tuple[Callable[[Generator], None], ...] = (
    is_finite,
    bitcast,
    pad,
    convolution,
    take,
    gather,
    scatter,
    sort,
    top_k,
    random_bits,
    reduce_precision,
    one_hot,
    triangle,
    complex_numbers,
    *SLIDES,
    *NETWORKS,
)


def _nested(g: Generator, block: Block, model: Node, steps: int) -> SSAValue:
    """Grow `block` by some ops; a tensor of the type of `model` that stands at its end."""
    outer, g.block = g.block, block
    known = len(g.pool)
    for _ in range(steps):
        g.rng.choice(SIMPLE)(g)
    same = [n for n in g.pool if n.value.type == model.value.type and n.shape == model.shape]
    result = g.rng.choice(same[-3:]).value
    del g.pool[known:]
    g.emit(scf.YieldOp(result))
    g.block = outer
    return result


def branch(g: Generator) -> None:
    model = g.pick()
    condition = g.scalar_condition()
    regions = [Region(Block()), Region(Block())]
    for region in regions:
        _nested(g, region.block, model, g.rng.randint(1, 3))
    g.keep(scf.IfOp(condition, [model.value.type], *regions), model.shape)


def loop(g: Generator) -> None:
    model = g.pick()
    numbers = [0, g.rng.randint(0, 3), 1]
    low, high, step = (g.emit(arith.ConstantOp.from_int_and_width(n, IndexType())).results[0] for n in numbers)
    body = Block(arg_types=[IndexType(), model.value.type])
    known = len(g.pool)
    g.pool.append(Node(body.args[1], model.element, model.shape))
    _nested(g, body, model, g.rng.randint(1, 3))
    del g.pool[known:]
    g.keep(scf.ForOp(low, high, step, [model.value], body), model.shape)


def call(g: Generator) -> None:
    x = g.pick()
    name = f"helper_{len(g.functions)}"
    inner = Generator(g.rng, g.special, dynamic=False, elements=g.elements)
    inner.line = 1000 * (1 + len(g.functions))
    inner.block = inner.entry = Block(arg_types=[x.value.type])
    inner.pool.append(Node(inner.entry.args[0], x.element, x.shape))
    inner.entry, entry = Block(), inner.entry
    for _ in range(g.rng.randint(1, 3)):
        g.rng.choice(SIMPLE)(inner)
    last = inner.pool[-1]
    inner.emit(func.ReturnOp(last.value))
    types = ([x.value.type], [last.value.type])
    g.functions.append(func.FuncOp(name, types, Region(entry), visibility="private"))
    g.keep(func.CallOp(name, [x.value], [last.value.type]), last.shape)


def random_program(
    rng: random.Random,
    *,
    steps: int = 10,
    special: bool = True,
    dynamic: bool = True,
    control: bool = True,
    windows: bool = False,
    elements: Sequence[Attribute] = ELEMENTS,
) -> Program:
    """A program of about `steps` ops with one to four results.

    `dynamic` allows `?`, `control` loops, branches and calls, `windows` the ops that came later: convolution,
    pad, bitcast_convert, is_finite, lookups, windows, slices. `elements` are the element types to prefer.
    """
    g = Generator(rng, special, dynamic, elements)
    g.block = g.entry
    makers = (*SIMPLE, *(WINDOWS if windows else ()), *((branch, loop, call) if control else ()))
    g.argument(rng.choice(elements), g.shape())
    for _ in range(steps):
        rng.choice(makers)(g)
    results = [n.value for n in rng.sample(g.pool[-6:], min(len(g.pool[-6:]), rng.randint(1, 4)))]
    g.emit(func.ReturnOp(*results))
    types = ([arg.type for arg in g.entry.args], [value.type for value in results])
    main = func.FuncOp("main", types, Region(g.entry))
    module = ModuleOp([main, *g.functions])
    for op in (module, main, *g.functions):
        op.location = FileLineColLoc(StringAttr("program.mlir"), IntAttr(1), IntAttr(1))
    module.verify()
    return Program(module, tuple(g.args))


def assert_same(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    """Equal dtypes, shapes and elements: NaN equals NaN, and a zero has its sign."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if is_float(a.dtype):
            a, b = a.astype(np.float64), b.astype(np.float64)
            np.testing.assert_array_equal(np.signbit(a) & ~np.isnan(a), np.signbit(b) & ~np.isnan(b))
        np.testing.assert_array_equal(a, b)
