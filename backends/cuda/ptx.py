"""PTX of a `gpu.module`."""

from __future__ import annotations

import re

from weft import codes
from weft.backends.cuda.check import DEVICE_FUNCTIONS, check
from weft.backends.cuda.generate import CannotGenerate, generate, generate_apart
from weft.backends.llvm.nvvm import device_ir
from weft.backends.llvm.object_code import InvalidIR
from weft.dialects import gpu
from weft.dialects.chips import CHIPS
from weft.dialects.locations import error_at
from weft.dialects.nvvm import Target, TargetAttr

_UNDEFINED = re.compile(r"\.extern \.func[^;]*?([A-Za-z_$%][\w$]*)\s*(?:\(|;)", re.S)
_DEFAULT_CHIP = "sm_80"


def target_of(module: gpu.ModuleOp) -> Target:
    """The first target of a module; where it names none, sm_80. A target without a version of PTX gets the chip's.

    Raises :class:`WeftError` for a chip that no code is made for.
    """
    found = [attr for attr in module.targets or () if isinstance(attr, TargetAttr)]
    if not found:
        return TargetAttr.of(_DEFAULT_CHIP, CHIPS[_DEFAULT_CHIP].ptx).data
    target = found[0].data
    if target.chip not in CHIPS:
        raise error_at(
            module,
            f"no code can be made for the chip '{target.chip}'",
            f"known are {', '.join(CHIPS)}",
            code=codes.UNKNOWN_TARGET,
        )
    return target


def to_ptx(module: gpu.ModuleOp) -> str:
    """The PTX of a module for the first of its targets."""
    target = target_of(module)
    ir = device_ir(module)
    sure = check(module, target)
    make = generate if sure else generate_apart
    try:
        ptx = make(ir, target.chip, target.features, target.level)
    except CannotGenerate as error:
        if sure:
            raise InvalidIR(f"LLVM refuses the generated code: {error}") from error
        raise error_at(
            module, f"LLVM makes no PTX of '@{module.sym_name.data}': {error}", None, code=codes.CANNOT_LOWER
        ) from error
    for name in _UNDEFINED.findall(ptx):
        if name not in DEVICE_FUNCTIONS:
            raise error_at(
                module,
                f"'@{module.sym_name.data}' calls '{name}', which NVIDIA's GPUs do not have",
                None,
                code=codes.CANNOT_LOWER,
            )
    return ptx
