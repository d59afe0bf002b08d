"""The machine that this process runs on, as a target: its vectors, registers and caches."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from llvmlite import binding
from xdsl.dialects.builtin import ModuleOp

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.target import ATTRIBUTE, FEATURES, Cpu, CpuAttr

_CACHES: tuple[tuple[str, str, str], ...] = (
    ("l1_bytes", "SC_LEVEL1_DCACHE_SIZE", "1 Data"),
    ("l2_bytes", "SC_LEVEL2_CACHE_SIZE", "2 Unified"),
    ("l3_bytes", "SC_LEVEL3_CACHE_SIZE", "3 Unified"),
)


def host_cpu(threads: int) -> Cpu:
    """The CPU of this machine, to be used with so many threads. What the system does not tell keeps its default."""
    return replace(_cpu(), threads=threads)


@cache
def _cpu() -> Cpu:
    """The CPU of this machine, which is asked once: some of what it says lies in files."""
    features = binding.get_host_cpu_features()
    vector_bytes, registers = vectors(features, binding.get_process_triple())
    cpu = Cpu(vector_bytes=vector_bytes, vector_registers=registers, features=known_features(features))
    for field, name, kind in _CACHES:
        if (size := _cache_bytes(name, kind)) > 0:
            cpu = replace(cpu, **{field: size})
    return cpu


def set_target(module: ModuleOp, cpu: Cpu) -> None:
    """Say in the module what it is compiled for, unless it says so itself.

    Raises :class:`WeftError` where it then asks for a feature that the CPU lacks.
    """
    said = module.attributes.setdefault(ATTRIBUTE, CpuAttr(cpu))
    asked = said.data.features.split(",") if isinstance(said, CpuAttr) else ()
    for feature in asked:
        if feature in FEATURES and not cpu.has(feature):
            what = f"the module is for a CPU with '{feature}', which this one lacks"
            hint = f"take it out of '{ATTRIBUTE}', or compile for such a CPU: cpu:x86-64-v4,+{feature}"
            raise error_at(module, what, hint, code=codes.UNKNOWN_TARGET)


def vectors(features: Mapping[str, bool], triple: str) -> tuple[int, int]:
    """Bytes of a vector register, and how many there are, on a machine with these features of LLVM."""
    if triple.startswith("riscv"):
        return _riscv_vectors(features)
    if features.get("avx512f") and features.get("avx512vl"):
        return 64, 32
    if features.get("avx2"):
        return 32, 16
    return 16, 32 if triple.startswith("aarch64") else 16


def known_features(features: Mapping[str, bool]) -> str:
    """Those of a machine's features of LLVM whose instructions are used, as a target has them."""
    has_vectors = all(features.get(name) for name in ("avx512f", "avx512bw", "avx512vl"))
    return ",".join(name for name in FEATURES if has_vectors and features.get(name))


def _riscv_vectors(features: Mapping[str, bool]) -> tuple[int, int]:
    """The least size that the features promise: 128 bits of `v`, more of `zvl256b` and the like."""
    sizes = [int(name[3:-1]) // 8 for name, on in features.items() if on and re.fullmatch(r"zvl\d+b", name)]
    return (max([16, *sizes]), 32) if features.get("v") else (16, 16)


def _cache_bytes(name: str, kind: str) -> int:
    """The size of a cache in bytes, 0 where it is not known."""
    try:
        size = os.sysconf(name)
    except (ValueError, OSError, AttributeError):
        size = 0
    return size if size > 0 else _from_sysfs(kind)


def _from_sysfs(kind: str) -> int:
    level, _, type_ = kind.partition(" ")
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            facts = [(folder / name).read_text().strip() for name in ("level", "type", "size")]
        except OSError:
            continue
        if facts[:2] == [level, type_] and facts[2].endswith("K"):
            return int(facts[2][:-1]) * 1024
    return 0
