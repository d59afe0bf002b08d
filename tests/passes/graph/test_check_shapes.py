"""Run-time sizes are checked once, before they do harm, with a clear message."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects import cf
from xdsl.dialects.builtin import ModuleOp

from tests.passes.loops.watch import parse
from weft.backends.reference import run
from weft.diagnostics import WeftError
from weft.passes.graph.check_shapes import CheckShapes
from weft.registry import context


def checked(text: str) -> ModuleOp:
    module = parse(text)
    CheckShapes().apply(context(), module)
    module.verify()
    return module


def messages(module: ModuleOp) -> list[str]:
    return [op.msg.data for op in module.walk() if isinstance(op, cf.AssertOp)]


def vector(n: int) -> np.ndarray:
    return np.ones(n, np.float32)


ADD = """func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.add %x, %y : tensor<?xf32>
  %1 = ml.mul %0, %y : tensor<?xf32>
  %2 = ml.add %1, %x : tensor<?xf32>
  func.return %2 : tensor<?xf32>
}"""


def test_equal_sizes_of_arguments_are_asserted_once() -> None:
    module = checked(ADD)
    assert len(messages(module)) == 1
    run(module, "main", [vector(3), vector(3)])
    with pytest.raises(WeftError, match=r"ml\.add"):
        run(module, "main", [vector(3), vector(2)])


def test_static_sizes_need_no_check() -> None:
    module = checked(ADD.replace("?", "4"))
    assert messages(module) == []


def test_a_check_in_a_branch_does_not_speak_for_what_follows() -> None:
    module = checked(
        """func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>, %p: i1) -> tensor<?xf32> {
          %0 = scf.if %p -> (tensor<?xf32>) {
            %1 = ml.add %x, %y : tensor<?xf32>
            scf.yield %1 : tensor<?xf32>
          } else {
            scf.yield %x : tensor<?xf32>
          }
          %2 = ml.mul %x, %y : tensor<?xf32>
          %3 = ml.sub %x, %y : tensor<?xf32>
          func.return %2 : tensor<?xf32>
        }"""
    )
    assert len(messages(module)) == 2


def test_a_check_before_a_branch_speaks_for_it() -> None:
    module = checked(
        """func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>, %p: i1) -> tensor<?xf32> {
          %2 = ml.mul %x, %y : tensor<?xf32>
          %0 = scf.if %p -> (tensor<?xf32>) {
            %1 = ml.add %x, %y : tensor<?xf32>
            scf.yield %1 : tensor<?xf32>
          } else {
            scf.yield %x : tensor<?xf32>
          }
          func.return %2 : tensor<?xf32>
        }"""
    )
    assert len(messages(module)) == 1


def test_negative_sizes_and_false_claims_are_refused() -> None:
    text = """func.func @main(%x: tensor<?xf32>, %n: index) -> tensor<?x4xf32> {
      %0 = ml.broadcast_in_dim %x, dims = [1], sizes(%n) : tensor<?xf32> to tensor<?x4xf32>
      func.return %0 : tensor<?x4xf32>
    }"""
    module = checked(text)
    run(module, "main", [vector(4), 2])
    with pytest.raises(WeftError, match="negative"):
        run(module, "main", [vector(4), -1])
    with pytest.raises(WeftError, match=r"ml\.broadcast_in_dim"):
        run(module, "main", [vector(3), 2])


def test_a_reshape_that_only_splits_a_static_dimension_needs_no_check() -> None:
    module = checked(
        """func.func @main(%x: tensor<?x6xf32>) -> tensor<?x2x3xf32> {
          %0 = ml.reshape %x : tensor<?x6xf32> to tensor<?x2x3xf32>
          func.return %0 : tensor<?x2x3xf32>
        }"""
    )
    assert messages(module) == []


INDEXED = {
    "extract": ("%0 = tensor.extract %x[%i, %i] : tensor<2x?xf32>", "i", 2, 2),
    "insert": ("%0 = tensor.insert %f into %x[%i, %i] : tensor<2x?xf32>", "i", 2, 2),
    "extract_slice offset": (
        "%0 = tensor.extract_slice %x[%i, 0] [1, 2] [1, 1] : tensor<2x?xf32> to tensor<1x2xf32>",
        "i",
        2,
        2,
    ),
    "extract_slice size": (
        "%0 = tensor.extract_slice %x[0, 1] [1, %i] [1, 1] : tensor<2x?xf32> to tensor<1x?xf32>",
        "i",
        3,
        3,
    ),
    "extract_slice stride": (
        "%0 = tensor.extract_slice %x[0, 0] [1, 2] [1, %i] : tensor<2x?xf32> to tensor<1x2xf32>",
        "i",
        3,
        2**62,
    ),
    "insert_slice": (
        "%s = tensor.empty() : tensor<1x2xf32>\n"
        "%0 = tensor.insert_slice %s into %x[0, %i] [1, 2] [1, 1] : tensor<1x2xf32> into tensor<2x?xf32>",
        "i",
        2,
        2,
    ),
}


@pytest.mark.parametrize(("body", "name", "first_bad", "bad"), INDEXED.values(), ids=INDEXED)
def test_run_time_indices_are_kept_inside(body: str, name: str, first_bad: int, bad: int) -> None:
    module = checked(
        f"""func.func @main(%x: tensor<2x?xf32>, %i: index, %f: f32) {{
          {body}
          func.return
        }}"""
    )
    x = np.ones((2, 3), np.float32)
    run(module, "main", [x, first_bad - 1, 0.5])
    for index in (first_bad, bad, -1, -(2**62), 2**63 - 1):
        with pytest.raises(WeftError, match=r"tensor\.\w+: .* must"):
            run(module, "main", [x, index, 0.5])


def test_a_slice_may_be_empty_at_the_end() -> None:
    module = checked(
        """func.func @main(%x: tensor<?xf32>, %i: index, %n: index) -> tensor<?xf32> {
          %0 = tensor.extract_slice %x[%i] [%n] [2] : tensor<?xf32> to tensor<?xf32>
          func.return %0 : tensor<?xf32>
        }"""
    )
    assert run(module, "main", [vector(3), 3, 0])[0].shape == (0,)
    assert run(module, "main", [vector(0), 0, 0])[0].shape == (0,)
    with pytest.raises(WeftError, match="inside the tensor"):
        run(module, "main", [vector(3), 3, 1])


def test_indices_that_a_loop_keeps_inside_need_no_check() -> None:
    text = """func.func @main(%x: tensor<4xf32>) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant {end} : index
      scf.for %i = %c0 to %c4 step %c1 {{
        %0 = tensor.extract %x[%i] : tensor<4xf32>
      }}
      func.return
    }}"""
    assert messages(checked(text.format(end=4))) == []
    assert len(messages(checked(text.format(end=5)))) == 1


def test_shape_changes_of_upstream_are_checked() -> None:
    module = checked(
        """func.func @main(%x: tensor<?xf32>, %n: index) -> tensor<?x2xf32> {
          %0 = tensor.expand_shape %x [[0, 1]] output_shape [%n, 2] : tensor<?xf32> into tensor<?x2xf32>
          %1 = tensor.cast %0 : tensor<?x2xf32> to tensor<3x2xf32>
          %2 = tensor.concat dim(1) %0, %0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x4xf32>
          func.return %0 : tensor<?x2xf32>
        }"""
    )
    run(module, "main", [vector(6), 3])
    with pytest.raises(WeftError, match=r"tensor\.expand_shape"):
        run(module, "main", [vector(6), 2])
    with pytest.raises(WeftError, match=r"tensor\.cast"):
        run(module, "main", [vector(4), 2])


def test_elementwise_ops_of_arith_are_checked() -> None:
    module = checked(
        """func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
          %0 = arith.addf %x, %y : tensor<?xf32>
          func.return %0 : tensor<?xf32>
        }"""
    )
    assert len(messages(module)) == 1


def test_the_size_of_a_kernels_result_is_found_without_calling_it() -> None:
    module = checked(
        """func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
          %0 = func.call @k(%x) : (tensor<?xf32>) -> tensor<?xf32>
          %1 = ml.add %0, %y : tensor<?xf32>
          func.return %1 : tensor<?xf32>
        }
        func.func private @k(%x: tensor<?xf32>) -> tensor<?xf32> attributes {ml.kernel} {
          %0 = ml.concatenate(%x, %x), dim = 0 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
          func.return %0 : tensor<?xf32>
        }"""
    )
    assert "tensor.dim %0" not in str(module)
    run(module, "main", [vector(2), vector(4)])
    with pytest.raises(WeftError, match=r"ml\.add"):
        run(module, "main", [vector(2), vector(3)])
