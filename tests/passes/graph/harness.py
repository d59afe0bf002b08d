"""Running passes on text and on random programs."""

from __future__ import annotations

import random
from io import StringIO

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, ModuleOp, StringAttr, UnknownLoc
from xdsl.parser import Parser
from xdsl.printer import Printer

from tests.programs import assert_same, random_program
from weft.backends import reference
from weft.registry import context, find_pass


def run_passes(module: ModuleOp, *names: str, **options: object) -> None:
    """Run passes by name; the module verifies after each, and no op has lost its place."""
    for name in names:
        find_pass(name)(**options).apply(context(), module)
        module.verify()
        unknown = [op.name for op in module.walk() if isinstance(op.location, UnknownLoc)]
        assert not unknown, f"after {name}: no location on {unknown}"


def module_of(text: str) -> ModuleOp:
    """A verified module whose ops have places."""
    module = Parser(context(), text, "test.mlir").parse_module()
    for line, op in enumerate(module.walk()):
        op.location = FileLineColLoc(StringAttr("test.mlir"), IntAttr(line + 1), IntAttr(1))
    module.verify()
    return module


def passed(text: str, *names: str, **options: object) -> ModuleOp:
    """A module from text after some passes."""
    module = module_of(text)
    run_passes(module, *names, **options)
    return module


def body_of(module: ModuleOp) -> list[str]:
    """The lines of the body of the first function, in the printer's names."""
    out = StringIO()
    Printer(out).print_op(module.body.block.first_op)
    return [line.strip() for line in out.getvalue().splitlines()[1:-1]]


def ops_of(module: ModuleOp) -> list[str]:
    """The names of all ops inside functions, in order, without `func.return`."""
    names = [op.name for function in module.body.block.ops for op in function.walk()]
    return [name for name in names if name not in ("func.func", "func.return")]


def check_random_programs(seeds: range, *names: str, **options: object) -> None:
    """Passes change no result of random programs."""
    for seed in seeds:
        program = random_program(random.Random(seed), windows=True)
        expected = reference.run(program.module, "main", program.args)
        run_passes(program.module, *names, **options)
        assert_same(reference.run(program.module, "main", program.args), expected)
