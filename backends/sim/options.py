"""What may stand behind `gpu-sim:`: a chip, and whether accesses are checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.target import Cuda

CHECK = "check"
"""The option with which accesses are checked."""

_CHIP = re.compile(r"sm_(\d+)[af]?")

_DEVICES: Mapping[int, Cuda] = {
    75: Cuda(ptx=63, multiprocessors=68, shared_bytes=65536, l2_bytes=5767168),
    80: Cuda(),
    90: Cuda(ptx=80, multiprocessors=132, shared_bytes=232448, l2_bytes=52428800),
}
"""The facts of a device by its compute capability: a T4's, an A100's, an H100's."""


@dataclass(frozen=True)
class Options:
    """The GPU that is simulated, and whether accesses are checked."""

    device: Cuda
    checked: bool


def read_options(text: str) -> Options:
    """The options of a text such as `sm_90a,check`. Raises :class:`WeftError` for one that is not known."""
    device, checked = Cuda(), False
    for word in filter(None, text.split(",")):
        if word == CHECK:
            checked = True
        elif chip := _CHIP.fullmatch(word):
            known = [facts for capability, facts in _DEVICES.items() if capability <= int(chip[1])]
            device = replace(known[-1] if known else _DEVICES[75], chip=word)
        else:
            message = f"unknown target 'gpu-sim:{text}': '{word}' is no option"
            raise WeftError(
                message, hint="for example gpu-sim:check or gpu-sim:sm_90a,check", code=codes.UNKNOWN_TARGET
            )
    return Options(device, checked)
