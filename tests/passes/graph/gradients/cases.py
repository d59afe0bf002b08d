"""Programs of one op, on shapes that hurt. Each line: arguments; the op; the result; the sizes of the arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """A function `@main` of one op, and the shapes of its arguments."""

    arguments: str
    op: str
    result: str
    shapes: tuple[tuple[int, ...], ...] = ()

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
    if type_.endswith(("i32", "i64")):
        return rng.integers(0, 3, shape).astype("int32" if type_.endswith("i32") else "int64")
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

CASES = (*CHOICE, *SHAPES, *SLICES, *CONTRACTION, *REDUCTION)
