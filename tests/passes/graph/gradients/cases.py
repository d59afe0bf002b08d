"""Programs of one op, on shapes that hurt. Each line: arguments; the op; the result; the sizes of the arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """A function `@main` of one op, the shapes of its arguments, and how many times it has a gradient."""

    arguments: str
    op: str
    result: str
    shapes: tuple[tuple[int, ...], ...] = ()
    times: int = 2

    def __str__(self) -> str:
        return re.sub(r"\s+", " ", f"{self.op} ({self.arguments})")

    @property
    def text(self) -> str:
        """The function; `%n` and so on are sizes, made by what stands before the op."""
        return f"func.func @main({self.arguments}) -> {self.result} {{ {self.op}\n func.return %y : {self.result} }}"

    def values(self, seed: int) -> list[np.ndarray]:
        """Arguments: floats that differ from each other by 0.03 at least, or truth values."""
        rng = np.random.default_rng(seed)
        types = re.findall(r"%\w+: tensor<([^>]*)>", self.arguments)
        shapes = self.shapes or [tuple(int(n) for n in type_.split("x")[:-1]) for type_ in types]
        return [_value(rng, type_, shape) for type_, shape in zip(types, shapes, strict=True)]


def _value(rng: np.random.Generator, type_: str, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape))
    if type_.endswith("i1"):
        return rng.random(shape) < 0.5
    if type_.endswith(("i8", "i32", "i64")):
        return rng.integers(0, 3, shape).astype(f"int{type_.rpartition('i')[2]}")
    numbers = (np.arange(size) - size / 2 + 0.27) * 0.11 + rng.uniform(-0.04, 0.04, size)
    return np.asarray(rng.permutation(numbers).reshape(shape))


CHOICE = (
    Case(
        "%p: tensor<3x4xi1>, %a: tensor<3x4xf64>, %b: tensor<3x4xf64>",
        "%y = ml.select %p, %a, %b : tensor<3x4xi1>, tensor<3x4xf64>",
        "tensor<3x4xf64>",
    ),
    Case(
        "%p: tensor<i1>, %a: tensor<?xf64>, %b: tensor<?xf64>",
        "%y = ml.select %p, %a, %b : tensor<i1>, tensor<?xf64>",
        "tensor<?xf64>",
        ((), (5,), (5,)),
    ),
    Case(
        "%l: tensor<f64>, %x: tensor<?x3xf64>, %h: tensor<f64>",
        "%y = ml.clamp %l, %x, %h : tensor<f64>, tensor<?x3xf64>, tensor<f64>",
        "tensor<?x3xf64>",
        ((), (5, 3), ()),
    ),
    Case(
        "%l: tensor<7xf64>, %x: tensor<7xf64>, %h: tensor<f64>",
        "%y = ml.clamp %l, %x, %h : tensor<7xf64>, tensor<7xf64>, tensor<f64>",
        "tensor<7xf64>",
    ),
)

SIZE = "%c0 = arith.constant 0 : index\n %n = tensor.dim %x, %c0 : {}\n "

SHAPES = (
    Case(
        "%x: tensor<3xf64>",
        "%y = ml.broadcast_in_dim %x, dims = [1] : tensor<3xf64> to tensor<2x3x4xf64>",
        "tensor<2x3x4xf64>",
    ),
    Case(
        "%x: tensor<2x3xf64>",
        "%y = ml.broadcast_in_dim %x, dims = [2, 0] : tensor<2x3xf64> to tensor<3x4x2xf64>",
        "tensor<3x4x2xf64>",
    ),
    Case(
        "%x: tensor<1x3x1xf64>",
        "%y = ml.broadcast_in_dim %x, dims = [0, 1, 3] : tensor<1x3x1xf64> to tensor<5x3x0x1xf64>",
        "tensor<5x3x0x1xf64>",
    ),
    Case(
        "%x: tensor<f64>, %z: tensor<?xf64>",
        "%c0 = arith.constant 0 : index\n %n = tensor.dim %z, %c0 : tensor<?xf64>\n"
        "%y = ml.broadcast_in_dim %x, dims = [], sizes(%n) : tensor<f64> to tensor<?x2xf64>",
        "tensor<?x2xf64>",
        ((), (3,)),
    ),
    Case(
        "%x: tensor<?x1xf64>",
        SIZE.format("tensor<?x1xf64>")
        + "%y = ml.broadcast_in_dim %x, dims = [2, 1], sizes(%n, %n) : tensor<?x1xf64> to tensor<?x?x?xf64>",
        "tensor<?x?x?xf64>",
        ((3, 1),),
    ),
    Case(
        "%x: tensor<?xf64>",
        "%y = ml.broadcast_in_dim %x, dims = [0] : tensor<?xf64> to tensor<4x2xf64>",
        "tensor<4x2xf64>",
        ((4,),),
    ),
    Case("%x: tensor<4x6xf64>", "%y = ml.reshape %x : tensor<4x6xf64> to tensor<2x3x4xf64>", "tensor<2x3x4xf64>"),
    Case("%x: tensor<?x6xf64>", "%y = ml.reshape %x : tensor<?x6xf64> to tensor<?xf64>", "tensor<?xf64>", ((2, 6),)),
    Case("%x: tensor<?x?xf64>", "%y = ml.reshape %x : tensor<?x?xf64> to tensor<?xf64>", "tensor<?xf64>", ((0, 3),)),
    Case(
        "%x: tensor<2x3x4xf64>",
        "%y = ml.transpose %x, perm = [2, 0, 1] : tensor<2x3x4xf64> to tensor<4x2x3xf64>",
        "tensor<4x2x3xf64>",
    ),
    Case(
        "%x: tensor<8x9xf64>", "%y = ml.slice %x [1:4, 2:9:3] : tensor<8x9xf64> to tensor<3x3xf64>", "tensor<3x3xf64>"
    ),
    Case("%x: tensor<8xf64>", "%y = ml.slice %x [3:3] : tensor<8xf64> to tensor<0xf64>", "tensor<0xf64>"),
    Case(
        "%x: tensor<?x6xf64>",
        "%y = ml.slice %x [1:?, 0:6:5] : tensor<?x6xf64> to tensor<?x2xf64>",
        "tensor<?x2xf64>",
        ((4, 6),),
    ),
    Case(
        "%x: tensor<?x6xf64>",
        "%y = ml.slice %x [1:?:3, 2:3] : tensor<?x6xf64> to tensor<?x1xf64>",
        "tensor<?x1xf64>",
        ((6, 6),),
    ),
    Case("%x: tensor<?xf64>", "%y = ml.slice %x [1:3] : tensor<?xf64> to tensor<2xf64>", "tensor<2xf64>", ((6,),)),
    Case(
        "%x: tensor<3x4xf64>, %v: tensor<f64>",
        "%y = ml.pad %x, %v, low = [1, -1], high = [2, 0], interior = [1, 2] "
        ": tensor<3x4xf64>, tensor<f64> to tensor<8x9xf64>",
        "tensor<8x9xf64>",
    ),
    Case(
        "%x: tensor<?x2xf64>, %v: tensor<f64>",
        "%y = ml.pad %x, %v, low = [1, 0], high = [-1, 1] : tensor<?x2xf64>, tensor<f64> to tensor<?x3xf64>",
        "tensor<?x3xf64>",
        ((3, 2), ()),
    ),
    Case(
        "%x: tensor<?xf64>, %v: tensor<f64>",
        "%y = ml.pad %x, %v, low = [0], high = [0], interior = [2] : tensor<?xf64>, tensor<f64> to tensor<?xf64>",
        "tensor<?xf64>",
        ((4,), ()),
    ),
    Case(
        "%x: tensor<0xf64>, %v: tensor<f64>",
        "%y = ml.pad %x, %v, low = [2], high = [1] : tensor<0xf64>, tensor<f64> to tensor<3xf64>",
        "tensor<3xf64>",
    ),
    Case(
        "%a: tensor<2x3xf64>, %b: tensor<2x0xf64>, %c: tensor<2x1xf64>",
        "%y = ml.concatenate(%a, %b, %c), dim = 1 "
        ": (tensor<2x3xf64>, tensor<2x0xf64>, tensor<2x1xf64>) -> tensor<2x4xf64>",
        "tensor<2x4xf64>",
    ),
    Case(
        "%a: tensor<?x3xf64>, %b: tensor<2x3xf64>",
        "%y = ml.concatenate(%a, %b) : (tensor<?x3xf64>, tensor<2x3xf64>) -> tensor<?x3xf64>",
        "tensor<?x3xf64>",
        ((4, 3), (2, 3)),
    ),
    Case(
        "%a: tensor<?x3xf64>, %b: tensor<?x3xf64>",
        "%y = ml.concatenate(%a, %b, %a), dim = 1 "
        ": (tensor<?x3xf64>, tensor<?x3xf64>, tensor<?x3xf64>) -> tensor<?x9xf64>",
        "tensor<?x9xf64>",
        ((2, 3), (2, 3)),
    ),
    Case(
        "%x: tensor<?x3xf64>", "%y = tensor.cast %x : tensor<?x3xf64> to tensor<2x3xf64>", "tensor<2x3xf64>", ((2, 3),)
    ),
)

SLICES = (
    Case(
        "%x: tensor<5x6xf64>",
        "%y = tensor.extract_slice %x[1, 2] [1, 2] [1, 2] : tensor<5x6xf64> to tensor<2xf64>",
        "tensor<2xf64>",
    ),
    Case(
        "%x: tensor<?x6xf64>",
        SIZE.format("tensor<?x6xf64>")
        + "%y = tensor.extract_slice %x[0, 2] [%n, 3] [1, 1] : tensor<?x6xf64> to tensor<?x3xf64>",
        "tensor<?x3xf64>",
        ((2, 6),),
    ),
    Case(
        "%s: tensor<2xf64>, %x: tensor<5x6xf64>",
        "%y = tensor.insert_slice %s into %x[1, 2] [1, 2] [1, 3] : tensor<2xf64> into tensor<5x6xf64>",
        "tensor<5x6xf64>",
    ),
    Case(
        "%x: tensor<2x3xf64>",
        "%0 = arith.constant 1 : index\n %1 = tensor.extract %x[%0, %0] : tensor<2x3xf64>\n"
        "%2 = arith.mulf %1, %1 : f64\n %y = tensor.insert %2 into %x[%0, %0] : tensor<2x3xf64>",
        "tensor<2x3xf64>",
    ),
    Case(
        "%x: tensor<2xf64>",
        "%0 = arith.constant 1 : index\n %1 = tensor.extract %x[%0] : tensor<2xf64>\n %2 = math.exp %1 : f64\n"
        "%y = tensor.from_elements %2, %1, %1, %2 : tensor<2x2xf64>",
        "tensor<2x2xf64>",
    ),
    Case(
        "%x: tensor<3xf64>",
        "%0 = arith.constant 2 : index\n %1 = tensor.extract %x[%0] : tensor<3xf64>\n %2 = math.sin %1 : f64\n"
        "%y = tensor.splat %2[%0] : tensor<?x4xf64>",
        "tensor<?x4xf64>",
    ),
    Case(
        "%x: tensor<?x4xf64>",
        "%y = tensor.collapse_shape %x [[0, 1]] : tensor<?x4xf64> into tensor<?xf64>",
        "tensor<?xf64>",
        ((3, 4),),
    ),
    Case(
        "%x: tensor<6xf64>",
        "%y = tensor.expand_shape %x [[0, 1]] output_shape [2, 3] : tensor<6xf64> into tensor<2x3xf64>",
        "tensor<2x3xf64>",
    ),
    Case(
        "%a: tensor<?x2xf64>, %b: tensor<?x2xf64>",
        "%y = tensor.concat dim(0) %a, %b : (tensor<?x2xf64>, tensor<?x2xf64>) -> tensor<?x2xf64>",
        "tensor<?x2xf64>",
        ((3, 2), (0, 2)),
    ),
)

CONTRACTION = (
    Case(
        "%a: tensor<3x4xf64>, %b: tensor<4x5xf64>",
        "%y = ml.matmul %a, %b : (tensor<3x4xf64>, tensor<4x5xf64>) -> tensor<3x5xf64>",
        "tensor<3x5xf64>",
    ),
    Case(
        "%a: tensor<2x?x4xf64>, %b: tensor<2x4x?xf64>",
        "%y = ml.matmul %a, %b : (tensor<2x?x4xf64>, tensor<2x4x?xf64>) -> tensor<2x?x?xf64>",
        "tensor<2x?x?xf64>",
        ((2, 3, 4), (2, 4, 1)),
    ),
    Case(
        "%a: tensor<3x0xf64>, %b: tensor<0x5xf64>",
        "%y = ml.matmul %a, %b : (tensor<3x0xf64>, tensor<0x5xf64>) -> tensor<3x5xf64>",
        "tensor<3x5xf64>",
    ),
    Case(
        "%a: tensor<4x2x3x5xf64>, %b: tensor<5x6x4x3xf64>",
        "%y = ml.dot_general %a, %b, batch = [0] x [2], contract = [3, 2] x [0, 3]"
        ": (tensor<4x2x3x5xf64>, tensor<5x6x4x3xf64>) -> tensor<4x2x6xf64>",
        "tensor<4x2x6xf64>",
    ),
    Case(
        "%a: tensor<2x3xf64>, %b: tensor<4xf64>",
        "%y = ml.dot_general %a, %b : (tensor<2x3xf64>, tensor<4xf64>) -> tensor<2x3x4xf64>",
        "tensor<2x3x4xf64>",
    ),
    Case(
        "%a: tensor<3xf64>, %b: tensor<?xf64>",
        "%y = ml.dot_general %a, %b, contract = [0] x [0] : (tensor<3xf64>, tensor<?xf64>) -> tensor<f64>",
        "tensor<f64>",
        ((3,), (3,)),
    ),
    Case(
        "%a: tensor<2x3x4x5xf64>, %b: tensor<3x6x2x5xf64>",
        "%y = ml.dot_general %a, %b, batch = [1, 0] x [0, 2], contract = [3] x [3]"
        ": (tensor<2x3x4x5xf64>, tensor<3x6x2x5xf64>) -> tensor<3x2x4x6xf64>",
        "tensor<3x2x4x6xf64>",
    ),
)

REDUCTION = (
    *(
        Case(*one)
        for kind in ("add", "mul", "max", "min")
        for one in (
            (
                "%x: tensor<3x4x2xf64>",
                f"%y = ml.reduce {kind} %x, dims = [0, 2] : tensor<3x4x2xf64> to tensor<4xf64>",
                "tensor<4xf64>",
            ),
            (
                "%x: tensor<?x3xf64>, %z: tensor<f64>",
                f"%y = ml.reduce {kind} %x init %z, dims = [1] : tensor<?x3xf64> to tensor<?xf64>",
                "tensor<?xf64>",
                ((2, 3), ()),
            ),
            ("%x: tensor<?xf64>", f"%y = ml.reduce {kind} %x : tensor<?xf64> to tensor<f64>", "tensor<f64>", ((5,),)),
            (
                "%x: tensor<0x2xf64>, %z: tensor<f64>",
                f"%y = ml.reduce {kind} %x init %z, dims = [0] : tensor<0x2xf64> to tensor<2xf64>",
                "tensor<2xf64>",
            ),
            (
                "%x: tensor<2x3xf64>",
                f"%y = ml.reduce {kind} %x, dims = [] : tensor<2x3xf64> to tensor<2x3xf64>",
                "tensor<2x3xf64>",
            ),
        )
    ),
    Case("%x: tensor<3x?xf64>", "%y = ml.softmax %x : tensor<3x?xf64>", "tensor<3x?xf64>", ((3, 4),)),
    Case("%x: tensor<3x2xf64>", "%y = ml.softmax %x, axis = 0 : tensor<3x2xf64>", "tensor<3x2xf64>"),
)

ROWS = "offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1"
PAIRS = (
    "offset_dims = [1, 2], collapsed_slice_dims = [], start_index_map = [1, 0], index_vector_dim = 0, "
    "slice_sizes = [2, 2]"
)
LINES = (
    "offset_dims = [], collapsed_slice_dims = [1], start_index_map = [1], index_vector_dim = 2, slice_sizes = [1, 1], "
    "operand_batching_dims = [0], start_indices_batching_dims = [0]"
)
INTO_ROWS = (
    "update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1"
)
INTO_PAIRS = (
    "update_window_dims = [1, 2], inserted_window_dims = [], scatter_dims_to_operand_dims = [0, 1], "
    "index_vector_dim = 1"
)

INDEXING = (
    Case(
        "%x: tensor<5x6xf64>, %i: tensor<i32>, %j: tensor<i32>",
        "%y = ml.dynamic_slice %x[%i, %j], sizes = [2, 3]"
        " : (tensor<5x6xf64>, tensor<i32>, tensor<i32>) -> tensor<2x3xf64>",
        "tensor<2x3xf64>",
    ),
    Case(
        "%x: tensor<?x6xf64>, %u: tensor<2x3xf64>, %i: tensor<i64>, %j: tensor<i64>",
        "%y = ml.dynamic_update_slice %x[%i, %j], %u"
        " : (tensor<?x6xf64>, tensor<2x3xf64>, tensor<i64>, tensor<i64>) -> tensor<?x6xf64>",
        "tensor<?x6xf64>",
        ((3, 6), (2, 3), (), ()),
    ),
    *(
        Case(
            "%x: tensor<?x6xf64>, %u: tensor<?x?xf64>, %i: tensor<i32>, %j: tensor<i32>",
            "%y = ml.dynamic_update_slice %x[%i, %j], %u"
            " : (tensor<?x6xf64>, tensor<?x?xf64>, tensor<i32>, tensor<i32>) -> tensor<?x6xf64>",
            "tensor<?x6xf64>",
            ((3, 6), shape, (), ()),
        )
        for shape in ((3, 5), (1, 6), (0, 2))
    ),
    Case(
        "%x: tensor<2x4xf64>, %i: tensor<3x2xi32>",
        "%y = ml.take %x, %i, axis = 1 : tensor<2x4xf64>, tensor<3x2xi32> to tensor<2x3x2xf64>",
        "tensor<2x3x2xf64>",
    ),
    Case(
        "%x: tensor<?x4xf64>, %i: tensor<?xi64>",
        "%y = ml.take %x, %i : tensor<?x4xf64>, tensor<?xi64> to tensor<?x4xf64>",
        "tensor<?x4xf64>",
        ((2, 4), (7,)),
    ),
    Case(
        "%x: tensor<2x4xf64>, %i: tensor<i32>",
        "%y = ml.take %x, %i : tensor<2x4xf64>, tensor<i32> to tensor<4xf64>",
        "tensor<4xf64>",
    ),
    Case(
        "%x: tensor<?x4xf64>, %i: tensor<5x1xi32>",
        f"%y = ml.gather %x, %i, {ROWS}, slice_sizes = [1, 4] : tensor<?x4xf64>, tensor<5x1xi32> to tensor<5x4xf64>",
        "tensor<5x4xf64>",
        ((2, 4), (5, 1)),
    ),
    Case(
        "%x: tensor<3x4xf64>, %i: tensor<2x5xi32>",
        f"%y = ml.gather %x, %i, {PAIRS} : tensor<3x4xf64>, tensor<2x5xi32> to tensor<5x2x2xf64>",
        "tensor<5x2x2xf64>",
    ),
    Case(
        "%x: tensor<3x2xf64>, %i: tensor<3x4xi32>",
        f"%y = ml.gather %x, %i, {LINES} : tensor<3x2xf64>, tensor<3x4xi32> to tensor<3x4xf64>",
        "tensor<3x4xf64>",
    ),
    *(
        Case(
            "%x: tensor<2x3xf64>, %i: tensor<4x1xi32>, %u: tensor<4x3xf64>",
            f"%y = ml.scatter(%x, %i, %u), {INTO_ROWS}"
            f" : (tensor<2x3xf64>, tensor<4x1xi32>, tensor<4x3xf64>) -> tensor<2x3xf64> by {kind}",
            "tensor<2x3xf64>",
        )
        for kind in ("add", "set")
    ),
    *(
        Case(
            "%x: tensor<3x?xf64>, %i: tensor<?x2xi64>, %u: tensor<?x2x2xf64>",
            f"%y = ml.scatter(%x, %i, %u), {INTO_PAIRS}"
            f" : (tensor<3x?xf64>, tensor<?x2xi64>, tensor<?x2x2xf64>) -> tensor<3x?xf64> by {kind}",
            "tensor<3x?xf64>",
            ((3, 4), (5, 2), (5, 2, 2)),
        )
        for kind in ("add", "set")
    ),
    Case(
        "%x: tensor<2x3x4xf64>",
        "%y = ml.reverse %x, dims = [0, 2] : tensor<2x3x4xf64> to tensor<2x3x4xf64>",
        "tensor<2x3x4xf64>",
    ),
    Case("%x: tensor<3x4xf64>", "%y = ml.tril %x, diagonal = 1 : tensor<3x4xf64>", "tensor<3x4xf64>"),
    Case("%x: tensor<2x?x3xf64>", "%y = ml.triu %x : tensor<2x?x3xf64>", "tensor<2x?x3xf64>", ((2, 4, 3),)),
    Case(
        "%x: tensor<3x5xf64>",
        "%y = ml.sort(%x), dim = 0 : (tensor<3x5xf64>) -> tensor<3x5xf64> by descending",
        "tensor<3x5xf64>",
    ),
    Case(
        "%k: tensor<?xi32>, %x: tensor<?xf64>, %z: tensor<?xf64>",
        "%a, %b, %c = ml.sort(%k, %x, %z)"
        " : (tensor<?xi32>, tensor<?xf64>, tensor<?xf64>)"
        " -> (tensor<?xi32>, tensor<?xf64>, tensor<?xf64>) by ascending\n"
        "%y = ml.mul %b, %c : tensor<?xf64>",
        "tensor<?xf64>",
        ((6,), (6,), (6,)),
    ),
    Case(
        "%x: tensor<4xf64>, %z: tensor<4xf64>",
        "%b, %y = ml.sort(%x, %z) : (tensor<4xf64>, tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {\n"
        "^bb0(%p: tensor<f64>, %q: tensor<f64>, %r: tensor<f64>, %s: tensor<f64>):\n"
        "%t = ml.mul %p, %p : tensor<f64>\n%u = ml.mul %q, %q : tensor<f64>\n"
        "%v = ml.compare LT, %t, %u : tensor<f64>\nml.return %v : tensor<i1>\n}",
        "tensor<4xf64>",
    ),
    Case(
        "%x: tensor<2x?xf64>",
        "%y, %i = ml.top_k %x, k = 3 : tensor<2x?xf64> to tensor<2x3xf64>, tensor<2x3xi32>",
        "tensor<2x3xf64>",
        ((2, 5),),
    ),
)

SELECT = (
    "select {{\n^bb0(%a: tensor<f64>, %b: tensor<f64>):\n%c = ml.compare {}, %a, %b : tensor<f64>\n"
    "ml.return %c : tensor<i1>\n}} "
    "scatter {{\n^bb0(%d: tensor<f64>, %e: tensor<f64>):\n%f = ml.add %d, %e : tensor<f64>\n"
    "ml.return %f : tensor<f64>\n}}"
)

POOLS = (
    "window = [2, 3]",
    "window = [2, 2], stride = [2, 3]",
    "window = [3, 2], stride = [2, 1], pad = [[1, 2], [-1, 1]], window_dilate = [1, 2]",
    "window = [2, 2], stride = [3, 2], base_dilate = [2, 1], pad = [[0, 1], [1, 0]]",
)
POOLED = ("4x4", "2x2", "3x4", "3x3")

WINDOWS = (
    *(
        Case(
            "%x: tensor<5x6xf64>",
            f"%y = ml.reduce_window {kind} %x, {options} : tensor<5x6xf64> to tensor<{shape}xf64>",
            f"tensor<{shape}xf64>",
        )
        for kind in ("add", "max", "min")
        for options, shape in zip(POOLS, POOLED, strict=True)
    ),
    *(
        Case(
            "%x: tensor<?x?xf64>",
            f"%y = ml.reduce_window {kind} %x, {options} : tensor<?x?xf64> to tensor<?x?xf64>",
            "tensor<?x?xf64>",
            ((5, 6),),
        )
        for kind in ("add", "max")
        for options in POOLS
    ),
    *(
        Case(
            "%x: tensor<5x6xf64>, %s: tensor<3x3xf64>, %i: tensor<f64>",
            "%y = ml.select_and_scatter(%x, %s init %i), window = [2, 3], stride = [2, 2], pad = [[1, 0], [-1, 2]]"
            f" : (tensor<5x6xf64>, tensor<3x3xf64>, tensor<f64>) -> tensor<5x6xf64> {SELECT.format(direction)}",
            "tensor<5x6xf64>",
        )
        for direction in ("GE", "LE")
    ),
    Case(
        "%x: tensor<1x2x5x5xf64>",
        "%y = ml.max_pool %x, dims = [2, 3], window = [2, 2], stride = [2, 2]"
        " : tensor<1x2x5x5xf64> to tensor<1x2x2x2xf64>",
        "tensor<1x2x2x2xf64>",
    ),
    Case(
        "%x: tensor<1x5x?x2xf64>",
        "%y = ml.avg_pool %x, dims = [1, 2], window = [3, 2], stride = [2, 1], pad = [[1, 1], [0, 1]]"
        " : tensor<1x5x?x2xf64> to tensor<1x3x?x2xf64>",
        "tensor<1x3x?x2xf64>",
        ((1, 5, 4, 2),),
    ),
)

NCHW = "[b, f, 0, 1] x [o, i, 0, 1] -> [b, f, 0, 1]"
NHWC = "[b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f]"
MIXED = "[0, b, f, 1] x [i, 1, o, 0] -> [f, 1, b, 0]"

CONVOLUTION = (
    *(
        Case(
            f"%x: tensor<{lhs}xf64>, %w: tensor<{rhs}xf64>",
            f"%y = ml.convolution %x, %w, dims = {dims}{options}"
            f" : (tensor<{lhs}xf64>, tensor<{rhs}xf64>) -> tensor<{out}xf64>",
            f"tensor<{out}xf64>",
            tuple(shapes),
            # the gradient of one with run-time sizes has a window of run-time size
            times=1 if shapes else 2,
        )
        for lhs, rhs, out, dims, options, *shapes in (
            ("2x3x5x4", "4x3x2x3", "2x4x4x2", NCHW, ""),
            ("1x5x6x2", "2x3x2x3", "1x3x3x3", NHWC, ", stride = [2, 2], pad = [[1, 0], [0, 1]]"),
            ("1x7x6x2", "2x2x2x3", "1x5x2x3", NHWC, ", stride = [1, 3], rhs_dilate = [3, 2], pad = [[-1, 2], [2, -1]]"),
            ("1x4x3x2", "2x3x2x2", "1x6x2x2", NHWC, ", lhs_dilate = [2, 3], stride = [1, 4], pad = [[0, 0], [1, 1]]"),
            ("1x5x5x2", "2x3x2x2", "1x4x3x2", NHWC, ", reverse = [true, false]"),
            ("5x2x3x4", "3x2x2x2", "2x3x2x4", MIXED, ""),
            ("2x4x5x5", "6x2x2x2", "2x6x4x4", NCHW, ", feature_group_count = 2"),
            ("2x5x5x3", "2x2x1x6", "2x2x2x6", NHWC, ", feature_group_count = 3, stride = [2, 3]"),
            ("4x3x4x4", "6x3x2x2", "2x6x3x3", NCHW, ", batch_group_count = 2"),
            ("5x4x3x4", "3x2x6x2", "6x3x2x4", MIXED, ", batch_group_count = 2"),
            ("1x2x0x4", "3x2x1x1", "1x3x0x4", NCHW, ""),
            ("?x?x6x2", "2x3x2x3", "?x?x4x3", NHWC, "", (2, 5, 6, 2), (2, 3, 2, 3)),
            (
                "1x?x?x2",
                "2x3x2x3",
                "1x?x?x3",
                NHWC,
                ", stride = [2, 3], pad = [[1, 1], [0, 2]]",
                (1, 6, 6, 2),
                (2, 3, 2, 3),
            ),
        )
    ),
    Case(
        "%x: tensor<2x3x7xf64>, %w: tensor<4x3x3xf64>",
        "%y = ml.convolution %x, %w, dims = [b, f, 0] x [o, i, 0] -> [b, f, 0], stride = [2]"
        " : (tensor<2x3x7xf64>, tensor<4x3x3xf64>) -> tensor<2x4x3xf64>",
        "tensor<2x4x3xf64>",
    ),
    Case(
        "%x: tensor<1x2x5xf64>, %w: tensor<3x2x2xf64>, %b: tensor<3xf64>",
        "%y = ml.convolution_bias %x, %w, %b, dims = [b, f, 0] x [o, i, 0] -> [b, f, 0]"
        " : (tensor<1x2x5xf64>, tensor<3x2x2xf64>, tensor<3xf64>) -> tensor<1x3x4xf64>",
        "tensor<1x3x4xf64>",
    ),
    Case(
        "%x: tensor<2x3xf64>, %w: tensor<4x3xf64>",
        "%y = ml.convolution %x, %w, dims = [b, f] x [o, i] -> [b, f]"
        " : (tensor<2x3xf64>, tensor<4x3xf64>) -> tensor<2x4xf64>",
        "tensor<2x4xf64>",
    ),
)

M, V = "tensor<3x4xf64>", "tensor<4xf64>"
NN = (
    Case("%x: tensor<3x?xf64>", "%y = ml.log_softmax %x : tensor<3x?xf64>", "tensor<3x?xf64>", ((3, 4),)),
    Case(f"%x: {M}", f"%y = ml.log_softmax %x, axis = 0 : {M}", M),
    Case(f"%x: {M}, %i: tensor<3xi32>", f"%y = ml.cross_entropy %x, %i : ({M}, tensor<3xi32>) -> tensor<3xf64>",
         "tensor<3xf64>"),
    Case("%x: tensor<?x2xf64>, %i: tensor<?xi64>",
         "%y = ml.cross_entropy %x, %i, reduction = mean : (tensor<?x2xf64>, tensor<?xi64>) -> tensor<f64>",
         "tensor<f64>", ((4, 2), (4,))),
    Case(f"%x: {M}, %p: {M}", f"%y = ml.cross_entropy %x, %p, axis = 0, reduction = sum : ({M}, {M}) -> tensor<f64>",
         "tensor<f64>"),
    Case("%x: tensor<3x?xf64>", "%y = ml.layer_norm %x : tensor<3x?xf64>", "tensor<3x?xf64>", ((3, 4),)),
    Case(f"%x: {M}, %g: tensor<4xf64>, %b: tensor<4xf64>",
         f"%y = ml.layer_norm %x scale(%g : tensor<4xf64>) bias(%b : tensor<4xf64>), axes = [1] : {M}", M),
    Case(f"%x: {M}, %g: tensor<4xf64>", f"%y = ml.rms_norm %x scale(%g : tensor<4xf64>), axes = [1] : {M}", M),
    Case("%x: tensor<2x4x3xf64>", "%y = ml.group_norm %x, groups = 2 : tensor<2x4x3xf64>", "tensor<2x4x3xf64>"),
    Case(f"%x: {M}, %g: tensor<4xf64>, %b: tensor<4xf64>, %m: tensor<4xf64>, %w: tensor<4xf64>",
         "%a = ml.mul %w, %w : tensor<4xf64>\n"
         "%y = ml.batch_norm_inference %x, %g, %b, %m, %a, feature_index = 1, epsilon = 0.1"
         f" : ({M}, {V}, {V}, {V}, {V}) -> {M}", M),
    Case("%q: tensor<2x3x4xf64>, %k: tensor<2x5x4xf64>, %v: tensor<2x5x2xf64>",
         "%y = ml.attention %q, %k, %v, causal"
         " : (tensor<2x3x4xf64>, tensor<2x5x4xf64>, tensor<2x5x2xf64>) -> tensor<2x3x2xf64>", "tensor<2x3x2xf64>"),
    Case("%q: tensor<3x4xf64>, %k: tensor<?x4xf64>, %v: tensor<?x2xf64>",
         "%y = ml.attention %q, %k, %v : (tensor<3x4xf64>, tensor<?x4xf64>, tensor<?x2xf64>) -> tensor<3x2xf64>",
         "tensor<3x2xf64>", ((3, 4), (5, 4), (5, 2))),
    Case("%x: tensor<4xi8>, %s: tensor<f64>",
         "%y = ml.dequantize %x scale(%s : tensor<f64>) : tensor<4xi8> to tensor<4xf64>", "tensor<4xf64>"),
)  # fmt: skip

SCANS = (
    *(
        Case(
            f"%x: {M}",
            # the first of the greatest of none is -inf
            f"%0 = ml.{kind} %x{options} : {M}\n%z = ml.constant dense<0.0> : {M}\n"
            f"%1 = ml.is_finite %0 : {M}\n%y = ml.select %1, %0, %z : tensor<3x4xi1>, {M}",
            M,
        )
        for kind in ("cumsum", "cumprod", "cummax", "cummin")
        for options in ("", ", axis = 0, exclusive", ", reverse", ", axis = 1, exclusive, reverse")
    ),
    *(
        Case("%x: tensor<2x?xf64>", f"%y = ml.{kind} %x, {options} : tensor<2x?xf64>", "tensor<2x?xf64>", (shape,))
        for kind, options in (("cumprod", "exclusive"), ("cumprod", "reverse"), ("cummax", "reverse"))
        for shape in ((2, 5), (2, 0))
    ),
)

RESIZE = tuple(
    Case(
        "%x: tensor<2x3x4xf64>",
        f"%y = ml.resize %x, dims = [1, 2]{options} : tensor<2x3x4xf64> to tensor<2x5x3xf64>",
        "tensor<2x5x3xf64>",
    )
    for options in ("", ", mode = linear", ", mode = linear, coordinates = align_corners")
)

CASES = (*CHOICE, *SHAPES, *SLICES, *CONTRACTION, *REDUCTION, *INDEXING, *WINDOWS, *CONVOLUTION, *NN, *SCANS, *RESIZE)
