"""The one file that shows a difference again: the module before the pass, the pass, the inputs, the tolerance."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft.backends.signature import ValueSpec
from weft.driver.check_passes.cases import Case
from weft.driver.check_passes.compare import read_tolerances
from weft.driver.check_passes.execute import function_of, passed
from weft.driver.check_passes.options import CheckOptions
from weft.driver.options import options_of
from weft.driver.output import write_whole
from weft.driver.pipeline import Nest, Step
from weft.driver.printing import print_module

_LISTED = 1000
"""A larger array is written as its bytes."""

_CHECK = re.compile(r"\bweft_check\s*:\s*\{((?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\}")
_FIELD = re.compile(r'(\w+)\s*:\s*("(?:[^"\\]|\\.)*")')


def write_reproducer(
    path: Path, module: ModuleOp, steps: Sequence[ModulePass], case: Case, told: list[str], seconds: float
) -> None:
    """Write it. Raises :class:`weft.diagnostics.WeftError` where that is not possible."""
    signature, values = case.inputs.call
    if function_of(module, signature.name) is not None:
        signature, values = passed(module, signature, values)
    given = [said(spec, value) for spec, value in zip(signature.arguments, values, strict=True)]
    tolerance = f"{case.tolerance.relative!r}"
    tolerance += "" if case.tolerance.absolute is None else f",{case.tolerance.absolute!r}"
    fields = {"entry": signature.name, "tolerance": tolerance, "seconds": f"{seconds:g}"}
    fields |= {f"input_{n}": value for n, value in enumerate(given)}
    text = [f"// weft opt --run-reproducer {path.name}", *(f"// {line}" for line in told)]
    text += [print_module(module, keep_names=True).rstrip(), "{-#", "  external_resources: {", "    mlir_reproducer: {"]
    text += [f"      pipeline: {json.dumps(pipeline_of(steps))},", "      disable_threading: false,"]
    text += ["      verify_each: true", "    },", "    weft_check: {"]
    text += [",\n".join(f"      {name}: {json.dumps(value)}" for name, value in fields.items())]
    write_whole(path, "\n".join([*text, "    }", "  }", "#-}", ""]).encode())


def pipeline_of(steps: Sequence[ModulePass]) -> str:
    """A pipeline of some passes, with all their options."""
    return str(Nest("builtin.module", tuple(Step(step.name, options_of(step)) for step in steps)))


def said(spec: ValueSpec, value: object) -> str:
    """A value as text that reads back to the same."""
    array = np.asarray(value).astype(spec.numpy_dtype)
    dims = "".join(f"{n}x" for n in array.shape)
    if array.size > _LISTED:
        return f"{dims}{spec.dtype}=bytes:{array.tobytes().hex()}"
    numbers = (repr(n if array.dtype.kind in "biuc" else float(n)) for n in array.reshape(-1).tolist())
    return f"{dims}{spec.dtype}=[{', '.join(numbers)}]"


def reproduced_check(text: str, options: CheckOptions) -> CheckOptions | None:
    """The check that a reproducer asks for; None where it asks for none."""
    match = _CHECK.search(text)
    if match is None:
        return None
    fields: Mapping[str, str] = {key: json.loads(value) for key, value in _FIELD.findall(match[1])}
    return CheckOptions(
        inputs=tuple(value for key, value in fields.items() if key.startswith("input_")),
        entry=fields.get("entry"),
        tolerances=read_tolerances([fields["tolerance"]] if "tolerance" in fields else []),
        seconds=float(fields.get("seconds", options.seconds)),
        folder=options.folder,
        reproducer=options.reproducer,
        replaying=True,
    )
