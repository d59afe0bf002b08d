"""The machine that runs a module: xDSL's interpreter with flat frames, located errors and rules by op class.

A *rule* takes the machine, the op and the values of its operands. It gives the values of the results; a
terminator gives `ReturnedValues` (leave the region) or `Successor` (go on in a block). Rules stand in one
table a dialect, imported when the first op of the dialect runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias, cast

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.dialects.memref import GlobalOp
from xdsl.interpreter import Interpreter, OpImplResult, PythonValues, ReturnedValues, Successor
from xdsl.ir import Block, Operation, Region, SSAValue

from weft import codes
from weft.backends.reference.values import Buffer
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at
from weft.dialects.ml.base import MlOp
from weft.dialects.scalars.types import Meanings, ScalarMeaning, Value

Rule: TypeAlias = Callable[["Machine", Any, tuple[Value, ...]], tuple[Value, ...]]
Rounding: TypeAlias = Callable[[Operation, tuple[Value, ...]], tuple[Value, ...]]
"""What is done to the results of each op before others see them."""
Rules: TypeAlias = Mapping[type[Operation], Rule]

TABLES: tuple[tuple[str, str], ...] = tuple(
    (dialect, f"weft.backends.reference.{dialect}")
    for dialect in (
        "affine",
        "arith",
        "bufferization",
        "cf",
        "func",
        "linalg",
        "loop",
        "math",
        "memref",
        "ml",
        "scf",
        "tensor",
    )
)


def without_machine(meanings: Meanings) -> Rules:
    """The rules of ops whose meaning needs no machine."""

    def rule_for(meaning: ScalarMeaning) -> Rule:
        return lambda machine, op, args: meaning(op, args)

    return {kind: rule_for(meaning) for kind, meaning in meanings.items()}


@cache
def _table(dialect: str) -> Rules:
    module = dict(TABLES).get(dialect)
    return cast(Rules, import_module(module).RULES) if module else {}


@cache
def rule_of(kind: type[Operation]) -> Rule | None:
    """The rule of an op class, or None. An op of a dialect without a table says its meaning itself (`evaluate`)."""
    name = kind.dialect_name()
    table = _table(name if name in dict(TABLES) or not issubclass(kind, MlOp) else "ml")
    found = next((table[base] for base in kind.__mro__ if base in table), None)
    return _evaluate if found is None and hasattr(kind, "evaluate") else found


def _evaluate(machine: Machine, op: Any, args: tuple[Value, ...]) -> tuple[Value, ...]:
    """The meaning that an op of another dialect says itself."""
    values = op.evaluate(*args)
    if not isinstance(values, tuple | list) or len(cast("tuple[Value, ...]", values)) != len(op.results):
        message = f"the meaning of '{op.name}' (evaluate) must give a tuple of {len(op.results)} values"
        raise error_at(op, message, code=codes.BAD_PLUGIN)
    return tuple(cast("tuple[Value, ...]", values))


_TOO_LARGE = ("array is too big", "Maximum allowed dimension exceeded", "maximum supported dimension")
"""How NumPy begins what it says of a shape that no array can have."""


class Machine(Interpreter):
    """Runs the functions of one module. A frame holds the values of one call, by SSA value."""

    def __init__(
        self,
        module: ModuleOp,
        fill: int | None = None,
        listeners: tuple[Interpreter.Listener, ...] = (),
        rounding: Rounding | None = None,
    ) -> None:
        super().__init__(module, listeners=listeners)
        self.fill = fill
        """What each byte of memory holds that nobody has written yet; None for what each dialect has by default."""
        self.rounding = rounding
        self.functions = {op.sym_name.data: op for op in module.walk() if isinstance(op, FuncOp)}
        self.globals = {op.sym_name.data: op for op in module.walk() if isinstance(op, GlobalOp)}
        self.memory: dict[str, Buffer] = {}
        """The memory of each `memref.global` that was touched."""
        self._frame: dict[SSAValue, Value] = {}

    def call(self, function: FuncOp, arguments: PythonValues) -> PythonValues:
        """Run a function in a frame of its own. Raises :class:`WeftError` where the calls go too deep."""
        frame, self._frame = self._frame, {}
        try:
            return self.run_ssacfg_region(function.body, arguments, function.sym_name.data)
        except RecursionError as error:
            name = function.sym_name.data
            raise error_at(
                function, f"the calls of @{name} go deeper than the reference can follow", code=codes.TOO_DEEP
            ) from error
        finally:
            self._frame = frame

    def get_values(self, values: Iterable[SSAValue]) -> tuple[Value, ...]:
        """The values of SSA values in the running frame."""
        frame = self._frame
        return tuple([frame[value] for value in values])

    def set_values(self, pairs: Iterable[tuple[SSAValue, Value]]) -> None:
        """Set values in the running frame; a loop sets them anew each time."""
        self._frame.update(pairs)

    def run_ssacfg_region(self, region: Region, args: PythonValues, name: str = "") -> PythonValues:
        """Run a region from its first block; the values that its last terminator gives."""
        block = region.blocks.first
        while block is not None:
            self.set_values(zip(block.args, args, strict=True))
            end = self._run_block(block)
            if not isinstance(end, Successor):
                return end.values
            block, args = end
        return ()

    def _run_block(self, block: Block) -> ReturnedValues | Successor:
        frame = self._frame
        for op in block.ops:
            results, end = self._run_op(op, tuple([frame[operand] for operand in op.operands]))
            if end is not None:
                return end
            for result, value in zip(op.results, results, strict=True):
                frame[result] = value
        return ReturnedValues(())

    def _run_op(self, op: Operation, inputs: PythonValues) -> OpImplResult:
        rule = rule_of(type(op))
        if rule is None:
            raise error_at(op, f"the reference cannot run '{op.name}'", code=codes.CANNOT_LOWER)
        for listener in self.listeners:
            listener.will_interpret_op(op, inputs)
        values = self._apply(rule, op, inputs)
        ends = isinstance(values, ReturnedValues | Successor)
        for listener in self.listeners:
            listener.did_interpret_op(op, () if ends else values)
        if ends:
            return OpImplResult((), values)
        return OpImplResult(values if self.rounding is None else self.rounding(op, values), None)

    def _apply(self, rule: Rule, op: Operation, inputs: PythonValues) -> tuple[Value, ...]:
        try:
            return rule(self, op, inputs)
        except (WeftError, RecursionError):
            raise
        except MemoryError as error:
            raise error_at(op, f"there is no memory for what '{op.name}' makes", code=codes.OUT_OF_MEMORY) from error
        except ValueError as error:
            if not str(error).startswith(_TOO_LARGE):
                raise
            raise error_at(op, f"what '{op.name}' makes is too large an array", code=codes.OUT_OF_MEMORY) from error
