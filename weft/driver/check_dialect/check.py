"""Checks of every op of a dialect: it reads, prints and verifies as it should, and every target computes the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp, TensorType
from xdsl.ir import Attribute, Dialect, Operation
from xdsl.traits import IsTerminator
from xdsl.utils.exceptions import VerifyException

from weft.backends.reference import run
from weft.diagnostics import WeftError
from weft.dialects.ml.base import MlOp
from weft.dialects.ml.dims import value_of
from weft.dialects.ml.dtypes import dtype_of
from weft.driver.check_dialect.examples import NAME, examples, read_example
from weft.driver.check_dialect.variants import TAG, of_attributes, of_types
from weft.driver.check_passes.cases import EXTREME, float_types, made_inputs
from weft.driver.check_passes.compare import TOLERANCES, answer_of, coarsest, difference
from weft.driver.check_passes.runner import Runner
from weft.driver.compile import Request, compile_program
from weft.driver.printing import print_module
from weft.driver.signatures import signature_of
from weft.driver.verify import verify
from weft.frontends.mlir import parse_module
from weft.registry import context


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with an op, and a program that shows it."""

    op: str
    what: str
    program: str = ""

    def __str__(self) -> str:
        shown = "".join(f"\n    {line}" for line in self.program.strip().splitlines())
        return f"{self.op}: {self.what}{shown}"


@dataclass
class Report:
    """What was checked of a dialect, and what was found."""

    dialect: str
    counts: dict[str, int] = field(default_factory=dict[str, int])
    findings: list[Finding] = field(default_factory=list[Finding])
    remarks: list[str] = field(default_factory=list[str])

    def count(self, what: str) -> None:
        """One more check of a kind."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def add(self, op: str, what: str, program: str = "") -> None:
        """A finding; the first of a kind for an op is enough."""
        head = what.partition(":")[0]
        if not any(found.op == op and found.what.startswith(head) for found in self.findings):
            self.findings.append(Finding(op, what, program))


def check_dialect(dialect: Dialect) -> Report:
    """Check every op of a dialect from its definition and the examples in its docstring.

    Each example, and programs like it (other sizes, `?`, other element types, other attributes), is printed and read
    back in both forms; a verifier must accept or refuse and nothing else; where an op has a meaning, its results must
    have the shapes that its types say; where it has a road to machine code, that must compute the same.
    """
    report = Report(dialect.name)
    for kind in dialect.operations:
        if kind.has_trait(IsTerminator):
            continue  # it cannot stand alone: the examples of the ops that it ends show it
        texts = list(examples(kind))
        if not texts:
            report.add(kind.name, "no example: its docstring has no ```mlir block")
        for text in texts:
            _check_example(report, kind, text)
    return report


def _check_example(report: Report, kind: type[Operation], text: str) -> None:
    ctx = context()
    try:
        module = read_example(text, ctx, f"<{kind.name}>")
        verify(module)
    except WeftError as error:
        report.add(kind.name, f"the example of the docstring is wrong: {error.message}", text)
        return
    if not any(isinstance(op, kind) for op in module.walk()):
        report.add(kind.name, "the example of the docstring does not use the op", text)
        return
    report.count("example")
    _check_round_trip(report, kind, module)
    _check_meaning(report, kind, module)
    _check_attributes(report, kind, module)
    for what, variant in of_types(module):
        if _accepted(report, kind, variant, what):
            report.count("types")
            _check_round_trip(report, kind, variant)
            _check_meaning(report, kind, variant)


def _accepted(report: Report, kind: type[Operation], module: ModuleOp, what: str) -> bool:
    """Whether a program verifies; a verifier that fails in another way is a finding."""
    try:
        module.verify()
    except VerifyException:
        return False
    except Exception as error:
        shown = print_module(module, generic=True)
        report.add(kind.name, f"its verifier fails ({what}): {type(error).__name__}: {error}", shown)
        return False
    return True


def _check_round_trip(report: Report, kind: type[Operation], module: ModuleOp) -> None:
    """What is printed reads back to the same module, in both forms."""
    report.count("round trip")
    for generic in (True, False):
        form = "generic" if generic else "custom"
        generic_text = print_module(module, generic=True)
        try:
            text = print_module(module, generic=generic)
        except Exception as error:
            report.add(kind.name, f"its printer fails: {type(error).__name__}: {error}", generic_text)
            return
        try:
            again = parse_module(text, context(), "<printed>")
        except WeftError as error:
            report.add(kind.name, f"what it prints cannot be read ({form} form): {error.message}", text)
            return
        if not again.is_structurally_equivalent(module) and "dense_resource" not in text:  # xDSL renames those
            lost = f"{text}\nbut it is\n{generic_text}" if not generic else text
            report.add(kind.name, f"what it prints reads back as another program ({form} form)", lost)
            return


def _check_attributes(report: Report, kind: type[Operation], module: ModuleOp) -> None:
    """Every attribute that an op may have survives printing."""
    for n, op in enumerate(module.walk()):
        if not isinstance(op, kind):
            continue
        for what, change in of_attributes(op):
            copy = module.clone()
            change(list(copy.walk())[n])
            if _accepted(report, kind, copy, what):
                report.count("attributes")
                _check_round_trip(report, kind, copy)
                if not any(word in what for word in (TAG, "inf", "nan", "e+30")):
                    _check_meaning(report, kind, copy)


def _check_meaning(report: Report, kind: type[Operation], module: ModuleOp) -> None:
    """The results have the shapes of their types, and machine code computes the same."""
    function = next(op for op in module.body.block.ops if isinstance(op, func.FuncOp))
    try:
        signature = signature_of(function)
    except WeftError as error:
        report.remarks.append(f"{kind.name}: an example is not run: {error.message}")
        return
    if not signature.results:
        return
    shown = print_module(module)
    made = made_inputs(module, signature, 0, Runner())
    cases = [inputs.arguments for inputs in made if inputs.kind != EXTREME]
    expected: list[tuple[Sequence[Any], Any]] = []
    for arguments in cases:
        try:
            expected.append((arguments, run(module, NAME, [_argument(value) for value in arguments])))
        except WeftError as error:
            if "cannot run" in error.message:
                report.add(kind.name, f"it has no meaning: {error.message}", shown)
                return
        except Exception as error:
            report.add(kind.name, f"its meaning fails: {type(error).__name__}: {error}", shown)
            return
    if not expected:
        report.remarks.append(f"{kind.name}: an example is not run: no arguments fit it")
        return
    for arguments, results in expected:
        report.count("meaning")
        for problem in _wrong_shapes(module, arguments, results):
            report.add(kind.name, f"its meaning disagrees with its types: {problem}", shown)
            return
    _check_machine_code(report, kind, module, expected, shown)


def _argument(value: Any) -> Any:
    return cast(Any, value).copy() if isinstance(value, np.ndarray) else value


def _wrong_shapes(module: ModuleOp, arguments: Sequence[Any], results: Any) -> Iterator[str]:
    function = next(op for op in module.body.block.ops if isinstance(op, func.FuncOp))
    end = function.body.block.last_op
    assert end is not None
    for value, result in zip(end.operands, results, strict=True):
        type_ = value.type
        if not isinstance(type_, TensorType):
            continue
        claimed, found = type_.get_shape(), np.shape(result)
        if len(claimed) != len(found) or any(c not in (f, DYNAMIC_INDEX) for c, f in zip(claimed, found, strict=True)):
            yield f"the type is {type_}, the result is of shape {list(found)}"
        elif np.asarray(result).dtype != dtype_of(cast("TensorType[Attribute]", type_).element_type):
            yield f"the type is {type_}, the result is of {np.asarray(result).dtype}"
        elif isinstance(op := value.owner, MlOp) and list(op.operands) == list(function.body.block.args):
            dims = op.result_dims()[list(op.results).index(value)]  # pyright: ignore[reportArgumentType]
            rule = [value_of(dim, arguments) for dim in dims]
            if rule != list(found):
                yield f"its shape rule says {rule}, the result is of shape {list(found)}"


def _check_machine_code(
    report: Report, kind: type[Operation], module: ModuleOp, expected: Sequence[tuple[Sequence[Any], Any]], shown: str
) -> None:
    compiled: Callable[..., Any]
    try:
        compiled = compile_program(module, Request(entry=NAME, threads=1))
    except WeftError as error:
        report.add(kind.name, f"it has no road to machine code: {error.message}", shown)
        return
    except Exception as error:
        report.add(kind.name, f"the road to machine code fails: {type(error).__name__}: {error}", shown)
        return
    tolerance = coarsest(TOLERANCES, float_types(module))
    for arguments, results in expected:
        found: Any = None
        with suppress(WeftError):
            found = compiled(*[_argument(value) for value in arguments])
        if found is None:
            report.add(kind.name, "machine code refuses arguments that its meaning takes", shown)
            return
        report.count("machine code")
        arrays = [np.asarray(result) for result in results]
        answer = answer_of(arrays, arrays, [])
        if (problem := difference(answer, _as_tuple(found), tolerance)) is not None:
            report.add(kind.name, f"machine code disagrees with its meaning: {problem}", shown)
            return


def _as_tuple(found: Any) -> tuple[Any, ...]:
    several = cast("tuple[Any, ...]", found) if isinstance(found, tuple) else (found,)
    return tuple(np.asarray(value) for value in several)
