"""`collapse-loops`: loops over neighbouring dimensions that always go together become one."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, FunctionType, IndexType, IntegerAttr, ModuleOp, NoneAttr
from xdsl.ir import BlockArgument, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from weft.dialects.loop import AccessOp, AllocOp, ForOp, ReduceOp, linear, loop_of
from weft.dialects.loop.buffers import memref_of
from weft.passes.loops.buffers.types import Buffer
from weft.passes.loops.buffers.views import reshape
from weft.passes.loops.kernels import erase, private_kernels
from weft.passes.loops.reify import Reifier, constant_index
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class CollapseLoops(ModulePass):
    """Makes one loop of two that stand directly in each other, where all accesses go through the same two dimensions.

    The dimensions of the buffers become one too; a caller passes a view. What is one long row has no ragged ends.

    **Before**
    ```mlir
    func.func @main(%x: memref<8x7xf32>) {
      func.call @k(%x) : (memref<8x7xf32>) -> ()
      func.return
    }
    func.func private @k(%x: memref<8x7xf32> {loop.name = "x"}) attributes {loop.kernel} {
      %c = arith.constant 1.0 : f32
      loop.for "i" %i to 8 {
        loop.for "j" %j to 7 {
          loop.store %c, %x[%i, %j] : memref<8x7xf32>
        }
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: memref<8x7xf32>) {
      %row = memref.reinterpret_cast %x to offset: [0], sizes: [56], strides: [1] : memref<8x7xf32> to memref<56xf32>
      func.call @k(%row) : (memref<56xf32>) -> ()
      func.return
    }
    func.func private @k(%x: memref<56xf32> {loop.name = "x"}) attributes {loop.kernel} {
      %c = arith.constant 1.0 : f32
      loop.for "i" %i to 56 {
        loop.store %c, %x[%i] : memref<56xf32>
      }
      func.return
    }
    ```
    **Needs** private kernels of naive nests; inner dimensions of static size.

    **Leaves alone** kernels that have a schedule, or whose buffers may overlap.
    """

    name = "collapse-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Collapse in every kernel."""
        for kernel, calls in private_kernels(op):
            while (found := _any(kernel)) is not None:
                found.apply(calls)


def _any(kernel: func.FuncOp) -> _Pairs | None:
    """Pairs of loops that become one loop each; None where there are none left."""
    for op in kernel.walk():
        if isinstance(op, ForOp):
            pairs = _Pairs(kernel)
            if pairs.add(op):
                return pairs
    return None


@dataclass
class _Pairs:
    """Loops, each with the one in it, and the first of the two dimensions of each buffer that become one with them."""

    kernel: func.FuncOp
    pairs: dict[ForOp, ForOp] = field(default_factory=dict[ForOp, ForOp])
    dims: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def add(self, outer: ForOp) -> bool:
        """Take a loop and the one in it, and all that must then go with them; whether that can be."""
        if outer in self.pairs:
            return True
        inner = outer.block.first_op
        if not isinstance(inner, ForOp) or inner is not outer.block.last_op or outer.mark or inner.mark:
            return False
        if len(outer.forms()) != 1 or inner.trip() is None or any(loop_of(v) is not None for v in outer.counters):
            return False
        self.pairs[outer] = inner
        users = dict.fromkeys(use.operation for counter in (outer.counter, inner.counter) for use in counter.uses)
        return all(isinstance(user, AccessOp) and self._goes_together(user, outer, inner) for user in users)

    def _goes_together(self, user: AccessOp, outer: ForOp, inner: ForOp) -> bool:
        """Whether an access has both counters, side by side, or reduces over both."""
        i, j = outer.counter, inner.counter
        if isinstance(user, ReduceOp) and {i, j} & set(user.over):
            return {i, j} <= set(user.over)
        index = user.index()
        at = [dim for dim, form in enumerate(index) if {i, j} & set(form.values)]
        if len(at) != 2 or at[1] != at[0] + 1 or (index[at[0]], index[at[1]]) != (linear(i), linear(j)):
            return False
        return memref_of(user.target).get_shape()[at[1]] == inner.trip() and self._collapse(user.target, at[0])

    def _collapse(self, buffer: SSAValue, dim: int) -> bool:
        """Take two dimensions of a buffer, and the loops of all of its accesses."""
        if buffer in self.dims:
            return self.dims[buffer] == dim
        alloc = buffer.owner
        known = isinstance(buffer, BlockArgument) or (isinstance(alloc, AllocOp) and alloc.space.data == "heap")
        if not known or not isinstance(memref_of(buffer).layout, NoneAttr):
            return False
        self.dims[buffer] = dim
        for use in buffer.uses:
            op = use.operation
            if isinstance(op, memref.DimOp) and constant_index(op.index) is not None:
                continue
            if not isinstance(op, AccessOp):
                return False
            form = op.index()[dim]
            outer = loop_of(form.values[0]) if form.terms else None
            if outer is None or form != linear(outer.counter) or not self.add(outer):
                return False
            if op.index()[dim + 1] != linear(self.pairs[outer].counter):
                return False
        return True

    def apply(self, calls: list[func.CallOp]) -> None:
        """Make one loop of each pair, and one dimension of each two."""
        sizes = {buffer: memref_of(buffer).get_shape()[dim + 1] for buffer, dim in self.dims.items()}
        for buffer, dim in self.dims.items():
            for op in [use.operation for use in buffer.uses]:
                if isinstance(op, AccessOp):
                    forms = op.forms()
                    op.set_forms((*forms[: dim + 1], *forms[dim + 2 :]))
                elif isinstance(op, memref.DimOp):
                    _move_dim(op, dim, sizes[buffer])
        for outer, inner in self.pairs.items():
            for op in list(dict.fromkeys(use.operation for use in inner.counter.uses)):
                assert isinstance(op, ReduceOp)
                op.set_over([value for value in op.over if value is not inner.counter])
            (bound,) = outer.forms()
            outer.set_forms([bound * (inner.trip() or 0)])
            for op in list(inner.block.ops):
                op.detach()
                outer.block.add_op(op)
            erase(inner)
        for buffer, dim in self.dims.items():
            self._retype(buffer, dim, calls)

    def _retype(self, buffer: SSAValue, dim: int, calls: list[func.CallOp]) -> None:
        type_ = _collapsed(memref_of(buffer), dim)
        hint = buffer.name_hint
        if isinstance(buffer, BlockArgument):
            for call in calls:
                builder = LocatedBuilder.before(call)
                sizes = Reifier(builder).shape(call.arguments[buffer.index])
                first = Reifier(builder).fold(arith.MuliOp, sizes[dim : dim + 2], 1)
                view = reshape(builder, call.arguments[buffer.index], type_, [*sizes[:dim], first, *sizes[dim + 2 :]])
                call.operands[buffer.index] = view
        elif isinstance(alloc := buffer.owner, AllocOp) and type_.get_shape()[dim] == DYNAMIC_INDEX:
            dynamic = [size for size in memref_of(buffer).get_shape()[:dim] if size == DYNAMIC_INDEX]
            builder = LocatedBuilder.before(alloc)
            by = builder.insert(arith.ConstantOp(IntegerAttr(memref_of(buffer).get_shape()[dim + 1], IndexType())))
            size = builder.insert(arith.MuliOp(alloc.sizes[len(dynamic)], by.result)).result
            alloc.operands[len(dynamic)] = size
        made = Rewriter.replace_value_with_new_type(buffer, type_)
        made.name_hint = hint
        inputs = [argument.type for argument in self.kernel.body.block.args]
        self.kernel.properties["function_type"] = FunctionType.from_lists(inputs, [])


def _collapsed(type_: Buffer, dim: int) -> Buffer:
    """The type with one dimension in the place of two."""
    shape = type_.get_shape()
    first = DYNAMIC_INDEX if shape[dim] == DYNAMIC_INDEX else shape[dim] * shape[dim + 1]
    return Buffer(type_.element_type, [*shape[:dim], first, *shape[dim + 2 :]])


def _move_dim(op: memref.DimOp, dim: int, size: int) -> None:
    """Ask for a size where it is now; that of the first of the two is a quotient."""
    axis = constant_index(op.index)
    assert axis is not None
    if axis > dim:
        builder = LocatedBuilder.before(op)
        moved = builder.insert(arith.ConstantOp(IntegerAttr(axis - 1, IndexType()))).result
        op.operands[1] = moved
    elif axis == dim:
        builder = LocatedBuilder.before(op)
        by = builder.insert(arith.ConstantOp(IntegerAttr(max(size, 1), IndexType()))).result
        whole = builder.insert(memref.DimOp.create(operands=list(op.operands), result_types=[IndexType()]))
        rows = builder.insert(arith.FloorDivSIOp(whole.results[0], by))
        op.results[0].replace_all_uses_with(rows.result)
        erase(op)
