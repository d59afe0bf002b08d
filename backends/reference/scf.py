"""The `scf` dialect, on scalars, tensors and memrefs alike."""

from __future__ import annotations

from itertools import product

from xdsl.dialects import scf
from xdsl.dialects.builtin import IndexType
from xdsl.interpreter import ReturnedValues
from xdsl.ir import Operation

from weft import codes
from weft.backends.reference.machine import Machine, Rules
from weft.dialects.locations import error_at
from weft.dialects.scalars.types import Value, need_dtype


def steps(op: Operation, low: Value, high: Value, step: Value) -> range:
    """The values of a counter. Raises :class:`WeftError` where the step is not positive."""
    if step <= 0:
        raise error_at(op, f"'{op.name}' has the step {step}; a step must be positive", code=codes.CHECK_FAILED)
    return range(int(low), int(high), int(step))


def _for(machine: Machine, op: scf.ForOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    low, high, step, *state = args
    kind = need_dtype(op, op.lb.type).type
    for counter in steps(op, low, high, step):
        state = machine.run_ssacfg_region(op.body, (kind(counter), *state))
    return tuple(state)


def _if(machine: Machine, op: scf.IfOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return machine.run_ssacfg_region(op.true_region if args[0] else op.false_region, ())


def _while(machine: Machine, op: scf.WhileOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    while True:
        go_on, *state = machine.run_ssacfg_region(op.before_region, args)
        if not go_on:
            return tuple(state)
        args = machine.run_ssacfg_region(op.after_region, tuple(state))


def _index_switch(machine: Machine, op: scf.IndexSwitchOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    cases = [int(case) for case in op.cases.get_values()]
    chosen = int(args[0])
    region = op.case_regions[cases.index(chosen)] if chosen in cases else op.default_region
    return machine.run_ssacfg_region(region, ())


def _execute_region(machine: Machine, op: scf.ExecuteRegionOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return machine.run_ssacfg_region(op.region, ())


def _parallel(machine: Machine, op: scf.ParallelOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    rank = len(op.lowerBound)
    low, high, step = args[:rank], args[rank : 2 * rank], args[2 * rank : 3 * rank]
    state = args[3 * rank :]
    reduce = op.body.block.last_op
    index = need_dtype(op, IndexType()).type
    for counters in product(*(steps(op, *bounds) for bounds in zip(low, high, step, strict=True))):
        values = machine.run_ssacfg_region(op.body, tuple(index(counter) for counter in counters))
        if isinstance(reduce, scf.ReduceOp):
            state = tuple(
                machine.run_ssacfg_region(region, pair)[0]
                for region, pair in zip(reduce.reductions, zip(state, values, strict=True), strict=True)
            )
    return state


def _end(machine: Machine, op: Operation, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ReturnedValues(args)


RULES: Rules = {
    scf.ForOp: _for,
    scf.IfOp: _if,
    scf.WhileOp: _while,
    scf.IndexSwitchOp: _index_switch,
    scf.ExecuteRegionOp: _execute_region,
    scf.ParallelOp: _parallel,
    scf.YieldOp: _end,
    scf.ConditionOp: _end,
    scf.ReduceOp: _end,
    scf.ReduceReturnOp: _end,
}
