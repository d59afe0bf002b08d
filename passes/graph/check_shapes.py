"""What must hold between run-time sizes becomes `cf.assert`."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from weft.dialects.ml.base import MlOp
from weft.passes.graph.checker import Checker
from weft.passes.graph.tensor_checks import RULES, elementwise
from weft.passes.loops.reify import KERNELS


@dataclass(frozen=True)
class CheckShapes(ModulePass):
    """Assert before each op what its sizes must fulfil, where only the run can tell.

    For an ml op these are its `requirements`; ops of `tensor` want their indices and slices inside. The
    message says what should be; the place is that of the op. A check that stands on every path to an op is
    not said again, and what constants or loop bounds decide is not said at all.

    **Before**
    ```mlir
    func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
      %0 = ml.add %x, %y : tensor<?xf32>
      func.return %0 : tensor<?xf32>
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
      %c0 = arith.constant 0 : index
      %m = tensor.dim %x, %c0 : tensor<?xf32>
      %n = tensor.dim %y, %c0 : tensor<?xf32>
      %p = arith.cmpi eq, %m, %n : index
      cf.assert %p, "ml.add: dimension 0 of the operands must be equal"
      %0 = ml.add %x, %y : tensor<?xf32>
      func.return %0 : tensor<?xf32>
    }
    ```

    **Needs** nothing; run it while ml ops stand in host functions, after `infer-shapes`.

    **Leaves alone** kernel functions. The static sizes of arguments are checked by who calls from outside.
    """

    name = "check-shapes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Insert the checks of every host function."""
        for function in op.walk():
            if isinstance(function, func.FuncOp) and not any(name in function.attributes for name in KERNELS):
                checker = Checker()
                for inner in list(function.walk()):
                    check_op(checker, inner)


def check_op(checker: Checker, op: Operation) -> None:
    """Insert the checks of one op before it."""
    if isinstance(op, MlOp):
        needs = op.requirements()
        sizes = checker.sizes(op) if needs else None
        for need in needs:
            assert sizes is not None
            left, right = sizes.size(need.left, op), sizes.size(need.right, op)
            checker.require(op, left, need.relation, right, need.message)
    elif (rule := RULES.get(type(op))) is not None:
        rule(checker, op)
    else:
        elementwise(checker, op)
