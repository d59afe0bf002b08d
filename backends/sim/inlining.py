"""Device functions in which a thread may wait, inlined: only a whole kernel is a coroutine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Block, Operation, SSAValue

from weft import codes
from weft.dialects.locations import error_at


def calls_of(function: llvm.FuncOp, functions: Mapping[str, llvm.FuncOp]) -> list[tuple[llvm.CallOp, llvm.FuncOp]]:
    """The calls in a function of functions that are defined."""
    found: list[tuple[llvm.CallOp, llvm.FuncOp]] = []
    for op in function.walk():
        if isinstance(op, llvm.CallOp) and op.callee is not None:
            callee = functions.get(op.callee.string_value())
            if callee is not None and callee.body.blocks:
                found.append((op, callee))
    return found


def waiting_functions(functions: Mapping[str, llvm.FuncOp], waits: Callable[[Operation], bool]) -> set[str]:
    """The functions in which a thread may wait, by itself or by what they call.

    Raises :class:`WeftError` where such functions call each other in a circle.
    """
    found = {name for name, function in functions.items() if any(map(waits, function.walk()))}
    calls = {name: {f.sym_name.data for _, f in calls_of(op, functions)} for name, op in functions.items()}
    while more := {name for name, called in calls.items() if called & found} - found:
        found |= more
    for name in sorted(found):
        if _reaches(name, name, calls, found):
            raise error_at(
                functions[name],
                f"'@{name}' waits for other threads and calls itself",
                "the simulator inlines such functions: write the recursion as a loop",
                code=codes.RECURSIVE_CALL,
            )
    return found


def _reaches(start: str, end: str, calls: Mapping[str, set[str]], among: set[str]) -> bool:
    seen: set[str] = set()
    work = [start]
    while work:
        for name in calls[work.pop()] & among:
            if name == end:
                return True
            if name not in seen:
                seen.add(name)
                work.append(name)
    return False


def inline_waiting(function: llvm.FuncOp, functions: Mapping[str, llvm.FuncOp], waiting: set[str]) -> None:
    """Inline every call in a function of one in which a thread may wait, until there is none."""
    while calls := [(call, f) for call, f in calls_of(function, functions) if f.sym_name.data in waiting]:
        for call, callee in calls:
            _inline(call, callee, function)


def _inline(call: llvm.CallOp, callee: llvm.FuncOp, into: llvm.FuncOp) -> None:
    block = call.parent
    assert block is not None
    body = callee.body.clone()
    blocks = list(body.blocks)
    result_types = [result.type for result in call.results]
    rest = block.split_before(call, arg_types=result_types)
    for argument in rest.args:
        argument.location = call.location
    for old, new in zip(call.results, rest.args, strict=True):
        old.replace_all_uses_with(new)
    arguments = list(call.args)
    call.detach()
    call.erase()
    entry = blocks[0]
    for argument, value in zip(tuple(entry.args), arguments, strict=True):
        argument.replace_all_uses_with(value)
        entry.erase_arg(argument)
    _move_allocas(entry, into.body.blocks[0], into)
    for inner in blocks:
        last = inner.last_op
        if isinstance(last, llvm.ReturnOp):
            _go(inner, rest, list(last.operands), last)
            last.detach()
            last.erase()
        inner_region = inner.parent
        assert inner_region is not None
        inner_region.detach_block(inner)
    place = into.body.get_block_index(rest)
    into.body.insert_block(blocks, place)
    _go(block, entry, [], call)


def _go(block: Block, to: Block, values: list[SSAValue], like: Operation) -> None:
    jump = llvm.BrOp(to, *values)
    jump.location = like.location
    block.add_op(jump)


def _move_allocas(entry: Block, head: Block, into: llvm.FuncOp) -> None:
    """Memory of the inlined function is made once, at the head of the kernel, also where the call is in a loop."""
    first = head.first_op
    assert first is not None
    for op in list(entry.ops):
        if not isinstance(op, llvm.AllocaOp) or not isinstance(count := op.size.owner, llvm.ConstantOp):
            continue
        value = count.value
        assert isinstance(value, IntegerAttr)
        again = llvm.ConstantOp(value, count.result.type)
        again.location = op.location
        head.insert_op_before(again, first)
        op.detach()
        op.operands[0] = again.result
        head.insert_op_before(op, first)
