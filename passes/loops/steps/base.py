"""What every step has: the kernels it works on, and refusals that name the step and the place."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at
from weft.dialects.loop.buffers import MAY_ALIAS
from weft.passes.loops.kernels import Refuse, kernels


@dataclass(frozen=True)
class StepPass(ModulePass):
    """A step as a pass. `kernel` names the one kernel to work on; without it, every kernel is."""

    KEEPS_ORDER: ClassVar[bool] = False
    """Whether every access stays where it is in the order of the program, so that buffers may overlap."""

    kernel: str | None = field(default=None, kw_only=True)

    @abstractmethod
    def transform(self, kernel: FuncOp) -> None:
        """Do the step. Raises :class:`Refuse`, before anything is changed, where it is not legal."""

    def run(self, kernel: FuncOp) -> None:
        """Do the step; a refusal says which step and where."""
        try:
            if MAY_ALIAS in kernel.attributes and not self.KEEPS_ORDER:
                raise Refuse("the buffers of the kernel may be the same memory")
            self.transform(kernel)
        except Refuse as refusal:
            raise error_at(kernel, f"{self}: {refusal.message}", refusal.hint, code=codes.REFUSED_STEP) from None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Do the step on the chosen kernels. Raises :class:`WeftError` where there is none of that name."""
        chosen = [k for k in kernels(op) if self.kernel is None or k.sym_name.data == self.kernel]
        if not chosen and self.kernel is not None:
            raise WeftError(f"there is no kernel '@{self.kernel}'", code=codes.REFUSED_STEP)
        for kernel in chosen:
            self.run(kernel)
