"""Running calls of a module's functions: in NumPy where that is quick, else as machine code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from weft import codes
from weft.diagnostics import WeftError
from weft.driver.check_passes.execute import GARBAGE, Budget, TooLong, execute, function_of
from weft.driver.check_passes.machine_code import Call, Failed, Found, call_all, has_entry
from weft.driver.check_passes.rounding import Rounding

LIMITS = (
    codes.CANNOT_LOWER,
    codes.NO_BODY,
    codes.OUT_OF_MEMORY,
    codes.TOO_DEEP,
    codes.UNSUPPORTED_LAYOUT,
    codes.UNSUPPORTED_TYPE,
)
"""What NumPy says where it cannot run a program, which may well be right."""

GONE = Failed("there is no such function any more")


@dataclass(frozen=True)
class Runner:
    """How much may be spent: `ops` run in NumPy at one stop, `seconds` for one call of machine code."""

    ops: int = 20_000
    seconds: float = 60.0

    def all(self, module: ModuleOp, calls: Sequence[Call]) -> list[Found]:
        """What each call gives. Fewer where one crashes or hangs, or the module cannot be made into machine code."""
        found: dict[int, Found] = {}
        late: list[int] = []
        budget = Budget(self.ops)
        for n, call in enumerate(calls):
            result = in_numpy(module, call, budget)
            if result is None:
                late.append(n)
            else:
                found[n] = result
        if late:
            found |= zip(late, self.as_machine_code(module, [calls[n] for n in late]), strict=False)
        return [found[n] for n in range(len(calls)) if n in found]

    def as_machine_code(self, module: ModuleOp, calls: Sequence[Call]) -> Iterator[Found]:
        """What each call gives, one after the other."""
        return call_all(module, calls, self.seconds)


def in_numpy(
    module: ModuleOp, call: Call, budget: Budget, fill: int = GARBAGE, rounding: Rounding | None = None
) -> Found | None:
    """What a call gives; None where NumPy cannot tell, or not soon enough."""
    signature, arguments = call
    if function_of(module, signature.name) is None:
        return None if has_entry(module, signature.name) else GONE
    try:
        return execute(module, signature, arguments, budget, fill, rounding)
    except TooLong:
        return None
    except WeftError as error:
        return None if error.code in LIMITS else Failed(error.message)
    except Exception:  # the oracle meets IR that it does not know; machine code may say more
        return None
