"""What may stand behind `gpu-sim:`: a chip, a version of PTX, and whether accesses are checked."""

from __future__ import annotations

from dataclasses import dataclass

from weft.backends.gpu_options import read_gpu_options
from weft.dialects.target import Cuda

CHECK = "check"
"""The option with which accesses are checked."""

_DEFAULT = "sm_80"


@dataclass(frozen=True)
class Options:
    """The GPU that is simulated, and whether accesses are checked."""

    device: Cuda
    checked: bool


def read_options(text: str) -> Options:
    """The options of a text such as `sm_90a,check`. Raises :class:`WeftError` for one that is not known."""
    options = read_gpu_options(text, "gpu-sim", [CHECK])
    return Options(options.named(_DEFAULT), CHECK in options.words)
