"""Kernels on tensors become loop nests on buffers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.ml.base import MlOp
from weft.dialects.ml.binary import BinaryOp
from weft.dialects.ml.elementwise import UnaryOp
from weft.passes.loops.ml_to_loop.contraction import contraction
from weft.passes.loops.ml_to_loop.convolution import convolution
from weft.passes.loops.ml_to_loop.dynamic_slices import MOVES
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.lookups import LOOKUPS
from weft.passes.loops.ml_to_loop.random_bits import rng_bit_generator
from weft.passes.loops.ml_to_loop.reduce_window import reduce_window
from weft.passes.loops.ml_to_loop.reduction import argument_reduction, reduction
from weft.passes.loops.ml_to_loop.repeats import Repeats
from weft.passes.loops.ml_to_loop.scans import scan
from weft.passes.loops.ml_to_loop.scatter import scatter
from weft.passes.loops.ml_to_loop.select_and_scatter import select_and_scatter
from weft.passes.loops.ml_to_loop.shapes import concatenate, dynamic_update_slice, pad
from weft.passes.loops.ml_to_loop.softmax import softmax
from weft.passes.loops.ml_to_loop.sort import sort, top_k
from weft.passes.loops.ml_to_loop.values import materialize, settle, write_outputs
from weft.passes.loops.reify import Size

NESTS: Mapping[type[MlOp], Callable[[Kernel, MlOp], None]] = {
    ml.MatmulOp: contraction,
    ml.DotGeneralOp: contraction,
    ml.ReduceOp: reduction,
    ml.ReduceWindowOp: reduce_window,
    ml.SelectAndScatterOp: select_and_scatter,
    ml.CumsumOp: scan,
    ml.CumprodOp: scan,
    ml.CummaxOp: scan,
    ml.CumminOp: scan,
    ml.ArgmaxOp: argument_reduction,
    ml.ArgminOp: argument_reduction,
    ml.SoftmaxOp: softmax,
    ml.ConcatenateOp: concatenate,
    ml.PadOp: pad,
    ml.DynamicUpdateSliceOp: dynamic_update_slice,
    ml.ConvolutionOp: convolution,
    ml.ScatterOp: scatter,
    ml.SortOp: sort,
    ml.RngBitGeneratorOp: rng_bit_generator,
    ml.TopKOp: top_k,
}
"""Ops with nests of their own."""

INLINE = (
    UnaryOp,
    BinaryOp,
    ml.CompareOp,
    ml.SelectOp,
    ml.ClampOp,
    ml.ConvertOp,
    ml.BitcastConvertOp,
    ml.IsFiniteOp,
    ml.IotaOp,
    ml.ConstantOp,
    ml.BroadcastInDimOp,
    ml.TransposeOp,
    ml.SliceOp,
    *LOOKUPS,
    *MOVES,
)
"""Ops that are computed where an element of them is needed."""

DEEPEST = 150
"""How many ops may be computed one from another before a value is put into memory."""


def has_loops(kind: type[MlOp]) -> bool:
    """Whether ops of a class may stand in a kernel."""
    return kind in NESTS or issubclass(kind, INLINE)


@dataclass(frozen=True)
class ConvertMlToLoop(ModulePass):
    """Turn the body of every kernel into loop nests with scalar bodies.

    A chain of elementwise ops is one scalar body, but for what costs much and several nests need: that is put into
    memory once; transposes, broadcasts and slices are index maps. An op with
    a nest of its own (a contraction, a reduction, ...) writes into the kernel's output, or into a `loop.alloc`
    that a later nest reads. All results of one shape are written by one nest.

    **Before**
    ```mlir
    func.func private @k(%x: memref<4x8xf32>, %b: memref<8xf32>, %y: memref<4x8xf32>) attributes {ml.kernel} {
      %0 = bufferization.to_tensor %x : memref<4x8xf32> to tensor<4x8xf32>
      %1 = bufferization.to_tensor %b : memref<8xf32> to tensor<8xf32>
      %2 = ml.broadcast_in_dim %1, dims = [1] : tensor<8xf32> to tensor<4x8xf32>
      %3 = ml.add %0, %2 : tensor<4x8xf32>
      bufferization.materialize_in_destination %3 in writable %y : (tensor<4x8xf32>, memref<4x8xf32>) -> ()
      func.return
    }
    ```

    **After**
    ```mlir
    func.func private @k(%x: memref<4x8xf32> {loop.name = "x"}, %b: memref<8xf32> {loop.name = "b"},
                         %y: memref<4x8xf32> {loop.name = "y"}) attributes {loop.kernel} {
      loop.for "i" %i to 4 {
        loop.for "j" %j to 8 {
          %0 = loop.load %x[%i, %j] : memref<4x8xf32>
          %1 = loop.load %b[%j] : memref<8xf32>
          %2 = arith.addf %0, %1 : f32
          loop.store %2, %y[%i, %j] : memref<4x8xf32>
        }
      }
      func.return
    }
    ```

    **Needs** `bufferize`: arguments are buffers. `ml.reshape` and constants that are no splats stay in the host.

    **Leaves alone** functions without `ml.kernel`.
    """

    name = "convert-ml-to-loop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Convert every kernel of the module. Raises :class:`WeftError` for an op that has no loops."""
        for function in op.ops:
            if isinstance(function, func.FuncOp) and "ml.kernel" in function.attributes:
                convert_kernel(function)


def convert_kernel(function: func.FuncOp) -> None:
    """Convert one kernel in place."""
    kernel = Kernel(function)
    depths: dict[SSAValue, int] = {}
    repeats = Repeats(kernel.old, NESTS)
    for op in kernel.old:
        if not isinstance(op, MlOp):
            continue
        kernel.at(op)
        if (nest := NESTS.get(type(op))) is not None:
            nest(kernel, op)
        elif isinstance(op, INLINE):
            if isinstance(op, ml.GatherOp | ml.TakeOp):
                settle(kernel, op.operand, repeats=_reads(kernel.dims(op.result), kernel.dims(op.operand)))
            _bound_depth(kernel, op, depths, keep=repeats.is_worth_keeping(op, kernel.held))
        else:
            raise error_at(op, f"{op.name} cannot stand in a kernel", _hint(op), code=codes.CANNOT_LOWER)
    write_outputs(kernel)
    kernel.finish()
    del function.attributes["ml.kernel"]
    function.attributes["loop.kernel"] = UnitAttr()


def _reads(result: Sequence[Size], table: Sequence[Size]) -> Sequence[Size]:
    """How often a lookup reads an element of its table, on average; where that is not known, often."""
    if all(isinstance(size, int) for size in (*result, *table)):
        reads, elements = (prod(size for size in dims if isinstance(size, int)) for dims in (result, table))
        return [reads // max(elements, 1)]
    return result


def _bound_depth(kernel: Kernel, op: MlOp, depths: dict[SSAValue, int], *, keep: bool) -> None:
    """Put a value into memory to `keep` it, or where too many ops were computed one from another to get it."""
    (result,) = op.results
    depths[result] = 1 + max((depths.get(operand, 0) for operand in op.operands), default=0)
    if keep or depths[result] > DEEPEST:
        materialize(kernel, result)
        depths[result] = 0


def _hint(op: Operation) -> str | None:
    return "outline-kernels leaves it in the host" if isinstance(op, ml.ReshapeOp) else None
