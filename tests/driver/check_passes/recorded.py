"""The programs that the end-to-end tests compile, recorded by running those tests without a compiler."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr

import weft
from tests.end_to_end import test_networks, test_pools, test_random_programs, test_resize
from tests.end_to_end.test_ops import check_compiled
from tests.passes.loops import (
    test_ml_to_loop_bits,
    test_ml_to_loop_lookups,
    test_ml_to_loop_nests,
    test_ml_to_loop_scalars,
    test_ml_to_loop_sorts,
    test_ml_to_loop_windows,
)
from weft.backends.reference import run

OPS = (
    test_ml_to_loop_bits,
    test_ml_to_loop_lookups,
    test_ml_to_loop_nests,
    test_ml_to_loop_scalars,
    test_ml_to_loop_sorts,
    test_ml_to_loop_windows,
)
"""Tests that go through the whole road once their check does."""

WHOLE = (test_networks, test_pools, test_resize, test_random_programs)
"""Tests that compile by themselves."""

MANY = ("test_many_random_programs", "test_random_programs_with_windows")
"""Tests of thousands of programs, like those of their neighbours."""


@dataclass(frozen=True)
class Recorded:
    """A module with a function `@main`, and arguments that a test calls it with."""

    module: ModuleOp
    arguments: tuple[np.ndarray | int, ...]

    @property
    def size(self) -> int:
        """How large the program is: elements of the arguments, and ops."""
        return sum(np.size(value) for value in self.arguments) + 4 * sum(1 for _ in self.module.walk())

    @property
    def ops(self) -> set[str]:
        """The names of the `ml` ops."""
        return {op.name for op in self.module.walk() if op.name.startswith("ml.")}

    @property
    def features(self) -> set[str]:
        """What makes the program unlike others: ops, element types, unknown sizes, and tensors of no element."""
        types = [str(arg.type) for op in self.module.ops for arg in op.body.block.args]
        elements = {text.rpartition("x")[2].removeprefix("tensor<").rstrip(">") for text in types}
        dynamic = {"?"} if any("?" in text for text in types) else set()
        empty = {"0"} if any(np.size(value) == 0 for value in self.arguments) else set()
        return self.ops | elements | dynamic | empty


def tests_of(module: ModuleType) -> list[Callable[..., None]]:
    """The test functions of a module."""
    tests = [value for name, value in vars(module).items() if name.startswith("test_") and callable(value)]
    return [test for test in tests if not test.__name__.startswith(MANY)]


TESTS = {
    f"{module.__name__.rpartition('.')[2]}.{test.__name__}": test for module in OPS + WHOLE for test in tests_of(module)
}


def calls_of(test: Callable[..., None]) -> Iterator[dict[str, object]]:
    """The arguments of a test function, as its `parametrize` marks say them."""
    lists: list[list[dict[str, object]]] = []
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            names, values = mark.args[:2]
            names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
            lists.append([dict(zip(names, _values(value, len(names)), strict=True)) for value in values])
    for combination in itertools.product(*lists):
        yield {name: value for some in combination for name, value in some.items()}


def _values(value: object, count: int) -> Sequence[object]:
    if hasattr(value, "marks"):  # pytest.param
        return value.values
    return [value] if count == 1 else value


@cache
def recorded(name: str) -> tuple[Recorded, ...]:
    """Every program that a test compiles, with what it is called on; the same ones each time."""
    found: list[Recorded] = []

    def compile(module: ModuleOp | str, **options: object) -> Callable[..., object]:
        if not isinstance(module, ModuleOp):
            pytest.skip("the program is no module")

        def call(*arguments: object) -> object:
            found.append(Recorded(module.clone(), arguments))
            results = tuple(np.asarray(value) for value in run(module, "main", arguments))
            return results if len(results) > 1 else results[0]

        return call

    test = TESTS[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weft, "compile", compile)
        patch.setattr(test, "_hypothesis_internal_use_seed", 0, raising=False)
        for module in OPS:
            patch.setattr(module, "check", check_compiled)
        for arguments in calls_of(test):
            try:
                test(**arguments)
            except pytest.skip.Exception:
                continue
    return tuple(found)


def chosen(programs: Sequence[Recorded], most: int) -> list[Recorded]:
    """Small programs that show all ops and types between them, and some more: `most` of them, or fewer."""
    seen: set[str] = set()
    first: list[Recorded] = []
    for program in sorted(programs, key=lambda program: program.size):
        if program.features - seen:
            seen |= program.features
            first.append(program)
    rest = [program for program in programs if not any(program is other for other in first)]
    more = min(max(0, most - len(first)), len(rest))
    return first + [rest[n * len(rest) // more] for n in range(more)]


def together(programs: Sequence[Recorded]) -> tuple[ModuleOp, dict[str, Sequence[object]]]:
    """One module with all the programs, and their arguments by the names of their functions."""
    module = ModuleOp([])
    module.location = programs[0].module.location
    for n, program in enumerate(programs):
        for op in list((clone := program.module.clone()).walk()):
            if isinstance(op, func.FuncOp):
                op.properties["sym_name"] = StringAttr(_renamed(op.sym_name.data, n))
            elif isinstance(op, func.CallOp):
                op.properties["callee"] = SymbolRefAttr(_renamed(op.callee.string_value(), n))
        for op in list(clone.ops):
            op.detach()
            module.body.block.add_op(op)
    return module, {f"program_{n}": program.arguments for n, program in enumerate(programs)}


def _renamed(name: str, n: int) -> str:
    return f"program_{n}" if name == "main" else f"{name}_{n}"
