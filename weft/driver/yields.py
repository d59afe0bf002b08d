"""What the regions of `scf.if` and `scf.index_switch` yield are the op's results, which xDSL does not verify."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at


def misplaced_yields(module: ModuleOp) -> Iterator[WeftError]:
    """An error for each `scf.yield` whose values are not those of the op around it."""
    for op in module.walk():
        parent = op.parent_op()
        if not isinstance(op, scf.YieldOp) or not isinstance(parent, scf.IfOp | scf.IndexSwitchOp):
            continue
        given, wanted = list(op.operand_types), list(parent.result_types)
        if given != wanted:
            what = f"'{op.name}' op yields ({', '.join(map(str, given))}), and '{parent.name}' has the results"
            yield error_at(op, f"{what} ({', '.join(map(str, wanted))})", code=codes.INVALID_OP)
