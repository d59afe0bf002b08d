"""differentiate: from a function to its value and gradients."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft.passes.graph.gradients.declared import fill_declarations
from weft.passes.graph.gradients.function import Wish, add_gradient
from weft.passes.graph.gradients.tables import tables_for


@dataclass(frozen=True)
class Differentiate(ModulePass):
    """Makes the function that gives the value of `function` and its gradients, by reverse-mode differentiation.

    The new function is called `@f.grad`, or as `gradient` says. It takes what `@f` takes and gives what `@f` gives,
    then the gradient of the first result (a float, or a tensor of rank 0) in each argument of floats, or in those that
    `wrt` counts, from 0. With `seed`, it takes one more argument for each result of floats, the cotangent of that
    result, and gives their product with the Jacobian; results may then have any shape.

    Calls become the body of what they call. An op without a rule of its own is differentiated as its equation in
    smaller ops. A loop saves what its steps start from and runs again backwards; a branch runs again. Where a function
    is not smooth, the gradient is JAX's: equal extremes share it, relu has 0 at 0.

    Without `function`, every declaration gets its body that says what it is the gradient of:
    `func.func private @g(...) -> (...) attributes {weft.gradient = @f}`, also with `weft.wrt = array<i64: 0, 1>` and
    the unit attribute `weft.seed`.

    **Before** `differentiate{function=f}`
    ```mlir
    func.func @f(%x: tensor<4xf32>) -> tensor<f32> {
      %0 = ml.sin %x : tensor<4xf32>
      %1 = ml.reduce add %0 : tensor<4xf32> to tensor<f32>
      func.return %1 : tensor<f32>
    }
    ```

    **After**
    ```mlir
    func.func @f(%x: tensor<4xf32>) -> tensor<f32> {
      %0 = ml.sin %x : tensor<4xf32>
      %1 = ml.reduce add %0 : tensor<4xf32> to tensor<f32>
      func.return %1 : tensor<f32>
    }
    func.func @f.grad(%x: tensor<4xf32>) -> (tensor<f32>, tensor<4xf32> {weft.name = "d_x"}) {
      %0 = ml.sin %x : tensor<4xf32>
      %1 = ml.reduce add %0 : tensor<4xf32> to tensor<f32>
      %g = ml.constant dense<1.0> : tensor<f32>
      %2 = ml.broadcast_in_dim %g, dims = [] : tensor<f32> to tensor<4xf32>
      %3 = ml.cos %x : tensor<4xf32>
      %4 = ml.mul %2, %3 : tensor<4xf32>
      func.return %1, %4 : tensor<f32>, tensor<4xf32>
    }
    ```

    **Needs** structured control flow (no `cf`) on tensors and scalars. **Leaves alone** every other function. Raises
    WeftError, with the place, for an op through which a gradient would have to pass and that has none.
    """

    name = "differentiate"

    function: str | None = None
    gradient: str | None = None
    wrt: tuple[int, ...] = ()
    seed: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        if self.function is None:
            fill_declarations(ctx, op)
            return
        wish = Wish(self.function, self.gradient or f"{self.function}.grad", self.wrt, self.seed)
        add_gradient(op, wish, tables_for(ctx, op))
