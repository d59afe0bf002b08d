"""NVIDIA's chips that code is made for: facts by name, `sm_90a` being `sm_90` with what only this chip has.

Sizes and counts are those of the common card of each kind: T4, A100, RTX 3090, Orin, L4, H100, B200, B300, RTX 5090.
Sources: CUDA C++ Programming Guide, "Compute Capabilities"; PTX ISA, "Release Notes".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from weft.dialects.target import Cuda

_KIB = 1024
_MIB = 1024 * _KIB


def _chip(name: str, ptx: int, processors: int, shared_kib: int, l2_mib: int) -> Cuda:
    return Cuda(chip=name, ptx=ptx, multiprocessors=processors, shared_bytes=shared_kib * _KIB, l2_bytes=l2_mib * _MIB)


CHIPS: Mapping[str, Cuda] = {
    chip.chip: chip
    for chip in (
        _chip("sm_75", 78, 40, 64, 4),
        _chip("sm_80", 80, 108, 163, 40),
        _chip("sm_86", 80, 82, 99, 6),
        _chip("sm_87", 80, 16, 163, 4),
        _chip("sm_89", 80, 58, 99, 48),
        _chip("sm_90", 80, 132, 227, 50),
        _chip("sm_90a", 86, 132, 227, 50),
        _chip("sm_100", 86, 148, 227, 126),
        _chip("sm_100a", 86, 148, 227, 126),
        _chip("sm_103", 88, 148, 227, 126),
        _chip("sm_103a", 88, 148, 227, 126),
        _chip("sm_120", 87, 170, 99, 96),
        _chip("sm_120a", 87, 170, 99, 96),
    )
}
"""The chips, by name; `ptx` is the version that code for them is written in unless another is asked for."""

PTX_VERSIONS = (60, 61, 62, 63, 64, 65, 70, 71, 72, 73, 74, 75, 76, 77, 78, 80, 81, 82, 83, 84, 85, 86, 87, 88, 90)
"""The versions of PTX that LLVM writes: 86 for 8.6."""

LEAST_PTX: Mapping[str, int] = {
    "sm_75": 63,
    "sm_80": 70,
    "sm_86": 71,
    "sm_87": 74,
    "sm_89": 78,
    "sm_90": 78,
    "sm_90a": 80,
    "sm_100": 86,
    "sm_100a": 86,
    "sm_103": 88,
    "sm_103a": 88,
    "sm_120": 87,
    "sm_120a": 87,
}
"""The first version of PTX that knows a chip."""

_NAME = re.compile(r"sm_(\d+)([af]?)")


def parts(chip: str) -> tuple[int, str]:
    """The compute capability of a chip and its suffix: 90 and `a` for `sm_90a`; 0 for a name of another kind."""
    found = _NAME.fullmatch(chip)
    return (int(found[1]), found[2]) if found else (0, "")


def has(chip: str, needed: str) -> bool:
    """Whether a chip has what `needed` has: a later one does, but only the same one what has the suffix `a`."""
    (number, suffix), (least, own) = parts(chip), parts(needed)
    return (number, suffix) == (least, own) if own else number >= least


def nearest(chip: str, ptx: int | None = None) -> Cuda:
    """The facts of a chip, with another version of PTX where one is given. Raises KeyError for an unknown one."""
    facts = CHIPS[chip]
    return facts if ptx is None else replace(facts, ptx=ptx)
