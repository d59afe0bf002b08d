"""Ops with windows: loops compute what the tensors mean."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Attribute, Block, Region, SSAValue

from tests.passes.loops.kernels import check
from tests.passes.loops.test_ml_to_loop_nests import ELEMENTS, floats, ops, values
from weft.dialects import ml
from weft.dialects.ml.dtypes import Kind, dtype_of, kind_of
from weft.dialects.ml.sliding import Sliding

SLIDING = {
    "plain": (Sliding((2, 3)), (4, 7)),
    "strided": (Sliding((2, 3), (2, 2)), (5, 8)),
    "padded": (Sliding((2, 3), (1, 2), pads=((1, 0), (2, 1))), (3, 5)),
    "cropped": (Sliding((2, 2), pads=((-1, 0), (0, -2))), (4, 5)),
    "dilated": (Sliding((2, 3), (1, 1), (1, 2), (2, 1), ((0, 1), (1, 1))), (4, 5)),
    "both ways": (Sliding((3, 2), (2, 1), (3, 1), (2, 3), ((-2, 1), (0, 3))), (4, 5)),
    "one element": (Sliding((1, 1)), (3, 4)),
    "one place": (Sliding((3, 4)), (3, 4)),
    "no place": (Sliding((4, 1)), (3, 4)),
    "four dimensions": (Sliding((1, 2, 2, 1), (1, 2, 2, 1), (), (), ((0, 0), (1, 1), (1, 1), (0, 0))), (2, 5, 4, 3)),
    "no dimension": (Sliding(()), ()),
    "nothing": (Sliding((2, 2), pads=((1, 1), (1, 1))), (0, 3)),
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", list(SLIDING))
def test_windows_with_all_options(name: str, dynamic: bool) -> None:
    sliding, shape = SLIDING[name]
    if dynamic and name == "no place":
        return
    axes = range(len(shape)) if dynamic else ()
    check(
        lambda x: [ml.ReduceWindowOp.of(kind, x, sliding).results[0] for kind in ("add", "max")],
        floats(shape),
        dynamic=(axes,),
    )


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_windows_of_every_kind_and_type(element: Attribute) -> None:
    kinds = ["add", "mul", "max", "min", *(["and", "or"] if kind_of(element) is not Kind.FLOAT else [])]
    sliding = Sliding((3,), (2,), pads=((1, 1),))
    check(lambda x: [ml.ReduceWindowOp.of(kind, x, sliding).results[0] for kind in kinds], values((7,), element))


@pytest.mark.parametrize("kind", ["add", "mul", "min"])
def test_a_start_stands_around_too(kind: str) -> None:
    sliding = Sliding((3,), pads=((1, 2),))
    check(lambda x, z: ml.ReduceWindowOp.of(kind, x, sliding, z), floats((5,)), np.array(3, np.float32))


def test_a_window_over_places_without_padding_needs_no_copy() -> None:
    loops = check(lambda x: ml.ReduceWindowOp.of("max", x, Sliding((2, 2), (2, 2))), floats((6, 8)))
    assert ops(loops, "loop.alloc") == 0
    loops = check(lambda x: ml.ReduceWindowOp.of("max", x, Sliding((2,), pads=((1, 0),))), floats((6,)))
    assert ops(loops, "loop.alloc") == 1


def test_what_is_computed_is_stored_where_windows_overlap() -> None:
    apart = check(lambda x: ml.ReduceWindowOp.of("max", ml.ExpOp(x), Sliding((5,), (5,))), floats((25,)))
    assert ops(apart, "loop.alloc") == 0
    together = check(lambda x: ml.ReduceWindowOp.of("max", ml.ExpOp(x), Sliding((5,))), floats((25,)))
    assert ops(together, "loop.alloc") == 1


def test_nan_and_infinity_are_seen() -> None:
    x = np.array([1, np.nan, 2, np.inf, -np.inf, 0, -np.inf], np.float32)
    sliding = Sliding((2,), pads=((1, 1),))
    check(lambda x: [ml.ReduceWindowOp.of(kind, x, sliding).results[0] for kind in ("add", "max", "min")], x)


def _body() -> Region:
    """(sum of sizes, greatest difference to the first input)."""
    scalar = TensorType(f32, [])
    block = Block(arg_types=[scalar] * 4)
    total, best, a, b = block.args
    block.add_ops([size := ml.AbsOp(a), added := ml.AddOp(total, size), most := ml.MaxOp(best, b)])
    block.add_op(ml.ReturnOp(added, most))
    return Region(block)


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", [name for name in SLIDING if name != "no place"])
def test_any_body_sees_windows_of_several_tensors(name: str, dynamic: bool) -> None:
    sliding, shape = SLIDING[name]

    def build(x: SSAValue, y: SSAValue, zero: SSAValue, least: SSAValue) -> ml.ReduceWindowOp:
        return ml.ReduceWindowOp([x, ml.NegOp(y)], [zero, least], _body(), sliding)

    axes = range(len(shape)) if dynamic else ()
    starts = np.array(1.5, np.float32), np.array(-9, np.float32)
    check(build, floats(shape), floats(shape, 1), *starts, dynamic=(axes, axes))


@pytest.mark.parametrize("element", ELEMENTS, ids=str)
def test_a_body_of_every_type(element: Attribute) -> None:
    def build(x: SSAValue, start: SSAValue) -> ml.ReduceWindowOp:
        scalar = TensorType(element, [])
        block = Block(arg_types=[scalar, scalar])
        block.add_ops([most := ml.MaxOp(*block.args), twice := ml.MinOp(most, block.args[1]), ml.ReturnOp(twice)])
        return ml.ReduceWindowOp([x], [start], Region(block), Sliding((2, 2), pads=((1, 0), (0, 1))))

    check(build, values((3, 4), element), np.array(1, dtype_of(element)))
