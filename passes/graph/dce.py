"""dce: what nobody needs goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from weft.passes.graph.blocks import remove_unreachable
from weft.passes.graph.liveness import SELECTIVE, Liveness
from weft.passes.graph.symbols import names_of


@dataclass(frozen=True)
class Dce(ModulePass):
    """Removes ops whose results nobody needs and that change nothing, and private symbols that nobody names.

    Carried values of `scf.for` and `scf.while`, and results of `scf.if`, that nobody needs go one by one, with what
    computes them; blocks that nothing reaches go too.

    **Before**
    ```mlir
    %a, %b = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x, %q = %y) -> (tensor<4xf32>, tensor<4xf32>) {
      %0 = ml.add %p, %p : tensor<4xf32>
      %1 = ml.exp %q : tensor<4xf32>
      scf.yield %0, %1 : tensor<4xf32>, tensor<4xf32>
    }
    func.return %a : tensor<4xf32>
    ```

    **After**
    ```mlir
    %a = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x) -> (tensor<4xf32>) {
      %0 = ml.add %p, %p : tensor<4xf32>
      scf.yield %0 : tensor<4xf32>
    }
    func.return %a : tensor<4xf32>
    ```

    **Needs** nothing. **Leaves alone** public functions, calls, and ops with effects or whose effects are unknown.
    """

    name = "dce"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        remove_unreachable(op)
        _remove_unused_symbols(op)
        live = Liveness(op)
        narrowed = [inner for inner in op.walk() if isinstance(inner, SELECTIVE) and inner in live.ops]
        for inner in narrowed:
            _drop_operands(inner, live)
        _erase_dead(op, live)
        for inner in narrowed:
            _drop_results(inner, live)
        _remove_unused_symbols(op)


def _erase_dead(module: ModuleOp, live: Liveness) -> None:
    """Erase ops that are not live; all uses of their results are in dead ops by now."""
    dead = [op for op in module.walk() if op not in live.ops and op.parent_op() in live.ops]
    for op in reversed(dead):
        op.detach()
        op.erase(safe_erase=False)


def _keep(values: Sequence[SSAValue], flags: Sequence[bool]) -> list[SSAValue]:
    return [value for value, flag in zip(values, flags, strict=True) if flag]


def _drop_operands(op: Operation, live: Liveness) -> None:
    """Take dead values out of what a selective op is given and what its regions hand over."""
    if isinstance(op, scf.IfOp):
        flags = [result in live.values for result in op.results]
        for region in op.regions:
            if region.blocks:
                _narrow(region.block.last_op, flags)
    elif isinstance(op, scf.ForOp):
        flags = [arg in live.values for arg in op.body.block.args[1:]]
        _narrow(op.body.block.last_op, flags)
        op.operands = [op.lb, op.ub, op.step, *_keep(op.iter_args, flags)]
    elif isinstance(op, scf.WhileOp):
        before = [arg in live.values for arg in op.before_region.block.args]
        after = [arg in live.values for arg in op.after_region.block.args]
        _narrow(op.before_region.block.last_op, [True, *after])
        _narrow(op.after_region.block.last_op, before)
        op.operands = _keep(op.arguments, before)


def _narrow(end: Operation | None, flags: Sequence[bool]) -> None:
    assert end is not None
    end.operands = _keep(end.operands, flags)


def _drop_results(op: Operation, live: Liveness) -> None:
    """Take dead block arguments and results from a selective op."""
    flags = [result in live.values for result in op.results]
    if isinstance(op, scf.ForOp):
        flags = [arg in live.values for arg in op.body.block.args[1:]]
        _drop_arguments(op.body.block, [True, *flags])
    elif isinstance(op, scf.WhileOp):
        flags = [arg in live.values for arg in op.after_region.block.args]
        _drop_arguments(op.before_region.block, [arg in live.values for arg in op.before_region.block.args])
        _drop_arguments(op.after_region.block, flags)
    if all(flags):
        return
    new = type(op).create(
        operands=op.operands,
        result_types=[result.type for result in _keep(op.results, flags)],
        properties=op.properties,
        attributes=op.attributes,
        regions=[op.detach_region(region) for region in list(op.regions)],
    )
    new.location = op.location
    block = op.parent
    assert block is not None
    block.insert_op_before(new, op)
    for old, result in zip(_keep(op.results, flags), new.results, strict=True):
        old.replace_all_uses_with(result)
    op.detach()
    op.erase()


def _drop_arguments(block: Block, flags: Sequence[bool]) -> None:
    for arg, flag in reversed(list(zip(block.args, flags, strict=True))):
        if not flag:
            block.erase_arg(arg)


def _symbols(module: ModuleOp) -> dict[str, Operation]:
    """The private symbols at the top of a module."""
    found: dict[str, Operation] = {}
    for op in module.body.block.ops:
        name, visibility = op.get_attr_or_prop("sym_name"), op.get_attr_or_prop("sym_visibility")
        is_private = isinstance(visibility, StringAttr) and visibility.data == "private"
        if isinstance(name, StringAttr) and is_private:
            found[name.data] = op
    return found


def _remove_unused_symbols(module: ModuleOp) -> None:
    """Remove private symbols that no public op names, directly or through others."""
    private = _symbols(module)
    kept: set[str] = set()
    hidden = set(private.values())
    left = [op for op in module.body.block.ops if op not in hidden]
    while left:
        for op in left.pop().walk():
            for name in names_of(op):
                if name in private and name not in kept:
                    kept.add(name)
                    left.append(private[name])
    for name, op in private.items():
        if name not in kept and not (isinstance(op, FuncOp) and op.is_declaration):
            op.detach()
            op.erase()
