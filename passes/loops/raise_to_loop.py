"""Loops that a program has on memrefs become kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.context import Context
from xdsl.dialects import affine, arith, func, linalg, memref, scf
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    UnitAttr,
)
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from weft.dialects.host_marks import COMPUTES, FLAT
from weft.dialects.loop.buffers import MAY_ALIAS, NAME
from weft.dialects.target import ATTRIBUTE as TARGET
from weft.dialects.target import CudaAttr
from weft.dialects.walking import inside
from weft.passes.loops.kernels import KERNEL
from weft.passes.loops.raising.conditions import Conditions
from weft.passes.loops.raising.destinations import gather_in_place
from weft.passes.loops.raising.fills import absorb_fill
from weft.passes.loops.raising.forms import Inputs, Unfit
from weft.passes.loops.raising.reductions import absorb_starts, find_reductions
from weft.passes.loops.raising.selections import plain_accumulations
from weft.passes.loops.raising.spreading import spread_sums
from weft.passes.loops.raising.translate import Loop, Translation, names
from weft.passes.loops.reify import constant_index
from weft.passes.lower.convert_linalg_to_loops import lower_structured
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class RaiseToLoop(ModulePass):
    """Outline loops on memrefs as kernels: `scf.for`, `affine.for`, and `linalg` ops.

    A nest is raised when bounds, steps and indices are linear in its counters and in values from outside, its bodies
    are scalar `arith` and `math`, and its accesses are inside their buffers. Where only the run can tell that, or
    whether two buffers overlap, the host checks it before the nest, and runs the old loops where it does not hold.
    `C[x] = C[x] + v` becomes a `loop.reduce`, whose order is free; for floats in `scf.for` loops only where the op
    carries `fastmath<reassoc>`. So does `C[x] - v`, and `C[x] + v if p else C[x]`. An `scf.if` that only chooses
    between a few values becomes `arith.select`. What a loop carries lies in a register; a sum that starts from 0 and is
    only stored is gathered where it is stored. Short sums that an iteration goes on with are gathered for all
    iterations first, on a CPU.

    **Before**
    ```mlir
    func.func @main(%x: memref<?xf32>, %y: memref<8xf32>) {
      affine.for %i = 1 to 8 {
        %0 = affine.load %x[%i - 1] : memref<?xf32>
        affine.store %0, %y[%i] : memref<8xf32>
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: memref<?xf32>, %y: memref<8xf32>) {
      // %p: the size of %x is more than 6, and %x and %y do not overlap
      scf.if %p {
        func.call @main_loops_0(%x, %y) : (memref<?xf32>, memref<8xf32>) -> ()
      } else {
        // the old loop
      }
      func.return
    }
    func.func private @main_loops_0(%x: memref<?xf32> {loop.name = "x"}, %y: memref<8xf32> {loop.name = "y"})
        attributes {loop.kernel} {
      loop.for "i" %i to 7 {
        %0 = loop.load %x[%i] : memref<?xf32>
        loop.store %0, %y[%i + 1] : memref<8xf32>
      }
      func.return
    }
    ```

    **Needs** memrefs (`bufferize`).

    **Leaves alone** kernels, and loops that do not fit, for the plain lowering: their function gets the attribute
    `weft.computes`, and `weft.flat` where none of them holds another. Loops inside them are tried. Buffers
    with strides of their own are not checked for overlap: their kernel is marked `loop.may_alias`, and keeps its order.
    """

    name = "raise-to-loop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Raise the loops of every host function."""
        taken = {inner.sym_name.data for inner in inside(op) if isinstance(inner, func.FuncOp)}
        on_gpu = isinstance(op.attributes.get(TARGET), CudaAttr)
        for function in inside(op):
            if isinstance(function, func.FuncOp) and KERNEL not in function.attributes:
                _Raiser(function, taken, on_gpu).run()


@dataclass
class _Raiser:
    """The state of raising one function."""

    function: func.FuncOp
    taken: set[str]
    on_gpu: bool
    structured: set[Operation] = field(default_factory=set[Operation])
    """Loops that came from `linalg` ops: their reductions have no order."""
    last: tuple[func.CallOp, func.FuncOp] | None = None
    """The call that the nest before this one became, and its kernel."""
    rest: list[Loop] = field(default_factory=list[Loop])
    """Old loops, which run where a kernel cannot."""

    def run(self) -> None:
        for op in inside(self.function):
            if (
                isinstance(op, LinalgStructuredOperation | linalg.ops.BroadcastOp | linalg.ops.ReduceOp)
                and not op.results
            ):
                self.structured |= set(_as_loops(op))
        for block in self.function.body.blocks:
            self._block(block)
        stay = [op for op in inside(self.function) if self._computes(op)]
        if stay:
            self.function.attributes[COMPUTES] = UnitAttr()
        if stay and not any(_holds_loops(op) for op in stay):
            self.function.attributes[FLAT] = UnitAttr()

    def _computes(self, op: Operation) -> bool:
        """Whether an op is a loop that stays, works on memory, and is not there for rare cases only."""
        if not isinstance(op, scf.ForOp | scf.WhileOp | affine.ForOp) or any(old.is_ancestor(op) for old in self.rest):
            return False
        accesses = (memref.LoadOp, memref.StoreOp, affine.LoadOp, affine.StoreOp)
        ops = inside(op)
        return any(isinstance(i, accesses) for i in ops) and not any(isinstance(i, func.CallOp) for i in ops)

    def _block(self, block: Block) -> None:
        for op in list(block.ops):
            if isinstance(op, scf.ForOp | affine.ForOp) and self._raise(op):
                continue
            for region in op.regions:
                for inner in region.blocks:
                    self._block(inner)

    def _raise(self, root: Loop) -> bool:
        """Put a kernel in the place of a nest, if it fits."""
        _hoist_sizes(root)
        try:
            translation = Translation.of(root)
            conditions = Conditions.of(translation.inputs)
        except Unfit:
            return False
        block = translation.inputs.block
        free = isinstance(root, affine.ForOp) or root in self.structured
        plain_accumulations(block)
        find_reductions(block, free, conditions.may_alias)
        fill: func.CallOp | None = None
        if not conditions.may_alias:
            absorb_starts(block)
            gather_in_place(block)
            if not self.on_gpu:
                spread_sums(block)
            fill = self._absorb_fill(translation.inputs)
        kernel = self._kernel(root, block, conditions.may_alias)
        condition = conditions.build(LocatedBuilder.before(root))
        if condition is None:
            self._always(root, kernel, translation, fill)
        else:
            self.rest.append(root)
            _choose(root, kernel, translation, condition, fill)
        return True

    def _always(self, root: Loop, kernel: func.FuncOp, translation: Translation, fill: func.CallOp | None) -> None:
        """The kernel stands for the nest, and for the fill before it."""
        call, results = _call(LocatedBuilder.before(root), kernel, translation)
        for result, value in zip(root.results, results, strict=True):
            result.replace_all_uses_with(value)
        Rewriter.erase_op(root)
        if fill is not None and self.last is not None:
            Rewriter.erase_op(fill)
            Rewriter.erase_op(self.last[1])
        self.last = (call, kernel)

    def _absorb_fill(self, inputs: Inputs) -> func.CallOp | None:
        """The call before a nest that only fills what the nest reduces into; it is not needed any more."""
        if self.last is None or self.last[0].parent is not inputs.root.parent:
            return None
        call, kernel = self.last
        return call if absorb_fill(call, kernel.body.block, inputs) else None

    def _kernel(self, root: Loop, block: Block, may_alias: bool) -> func.FuncOp:
        LocatedBuilder(InsertPoint.at_end(block), root.location).insert(func.ReturnOp())
        attributes = [
            DictionaryAttr({NAME: StringAttr(name)} if isinstance(argument.type, MemRefType) else {})
            for name, argument in zip(names(block.args), block.args, strict=True)
        ]
        kernel = func.FuncOp(
            self._name(),
            (list(block.arg_types), []),
            Region(block),
            "private",
            arg_attrs=ArrayAttr(attributes) if any(a.data for a in attributes) else None,
        )
        kernel.attributes[KERNEL] = UnitAttr()
        if may_alias:
            kernel.attributes[MAY_ALIAS] = UnitAttr()
        LocatedBuilder(InsertPoint.after(self.function), root.location).insert(kernel)
        return kernel

    def _name(self) -> str:
        number = 0
        while (name := f"{self.function.sym_name.data}_loops_{number}") in self.taken:
            number += 1
        self.taken.add(name)
        return name


def _holds_loops(op: Operation) -> bool:
    return any(inner is not op and isinstance(inner, scf.ForOp | scf.WhileOp | affine.ForOp) for inner in inside(op))


def _choose(
    root: Loop, kernel: func.FuncOp, translation: Translation, condition: SSAValue, fill: func.CallOp | None
) -> None:
    """The kernel runs where the condition holds, else the old loops, after the fill that they need."""
    choice = LocatedBuilder.before(root).insert(
        scf.IfOp(condition, [result.type for result in root.results], [Block()], [Block()])
    )
    for result, value in zip(root.results, choice.output, strict=True):
        result.replace_all_uses_with(value)
    new = LocatedBuilder(InsertPoint.at_end(choice.true_region.block), root.location)
    results = _call(new, kernel, translation)[1]
    new.insert(scf.YieldOp(*results))
    old = LocatedBuilder(InsertPoint.at_end(choice.false_region.block), root.location)
    for op in (root,) if fill is None else (fill, root):
        op.detach()
        old.insert(op)
    old.insert(scf.YieldOp(*root.results))


def _call(
    builder: LocatedBuilder, kernel: func.FuncOp, translation: Translation
) -> tuple[func.CallOp, Sequence[SSAValue]]:
    """Call the kernel of a nest; the results of the nest."""
    buffers = [builder.insert(memref.AllocOp([], [], argument.type)).memref for argument in translation.results]
    call = builder.insert(func.CallOp(kernel.sym_name.data, [*buffers, *translation.inputs.given], []))
    results = [builder.insert(memref.LoadOp.get(buffer, [])).res for buffer in buffers]
    for buffer in buffers:
        builder.insert(memref.DeallocOp.get(buffer))
    return call, results


def _hoist_sizes(root: Loop) -> None:
    """Ask before a nest for the sizes that it asks for inside."""
    for op in inside(root):
        if not isinstance(op, memref.DimOp) or (axis := constant_index(op.index)) is None:
            continue
        owner = op.source.owner if isinstance(op.source.owner, Operation) else op.source.owner.parent_op()
        if owner is not None and not root.is_ancestor(owner):
            builder = LocatedBuilder.before(root)
            number = builder.insert(arith.ConstantOp(IntegerAttr.from_index_int_value(axis))).result
            op.result.replace_all_uses_with(builder.insert(memref.DimOp(op.source, number)).result)
            Rewriter.erase_op(op)


def _as_loops(op: LinalgStructuredOperation | linalg.ops.BroadcastOp | linalg.ops.ReduceOp) -> Iterator[Operation]:
    """Put loops in the place of a `linalg` op; those loops."""
    before, after = op.prev_op, op.next_op
    block = cast(Block, op.parent_block())
    lower_structured(op)
    first = block.first_op if before is None else before.next_op
    while first is not None and first is not after:
        yield first
        first = first.next_op
