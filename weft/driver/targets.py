"""CPUs by name (`cpu`, `cpu:x86-64-v3`, `cpu:aarch64-linux-gnu,+sve`): what LLVM and the passes have to know of them.

And NVIDIA's GPUs by their chips (`cuda:sm_90a,+ptx86`).

The levels of x86-64 are those of its psABI. Sizes of caches are those of common machines of each kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from weft import codes
from weft.backends.cpu.ahead.dispatch import check_features
from weft.backends.gpu_options import read_gpu_options
from weft.backends.llvm.machine import Machine, host_machine, unknown_feature
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.target import Cpu, Cuda
from weft.driver.compile import split_target
from weft.driver.host import host_cpu, known_features, vectors

PORTABLE_THREADS = 8
"""The most threads of code for another machine than this one; where it has fewer cores, fewer are used."""


@dataclass(frozen=True)
class Kind:
    """A kind of CPU: its triple, LLVM's name for it, the features that it has, its caches in KiB."""

    triple: str
    cpu: str
    features: tuple[str, ...]
    caches: tuple[int, int, int]
    abi: str = ""


_V1 = ("sse", "sse2", "fxsr", "cx8", "cmov", "x87")
_V2 = (*_V1, "cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2")
_V3 = (*_V2, "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
_X86 = "x86_64-unknown-linux-gnu"

_KINDS: dict[str, Kind] = {
    "x86-64": Kind(_X86, "x86-64", _V1, (32, 256, 4096)),
    "x86-64-v2": Kind(_X86, "x86-64-v2", _V2, (32, 256, 8192)),
    "x86-64-v3": Kind(_X86, "x86-64-v3", _V3, (32, 512, 8192)),
    "x86-64-v4": Kind(_X86, "x86-64-v4", _V4, (32, 1024, 16384)),
    "aarch64": Kind("aarch64-unknown-linux-gnu", "generic", ("neon",), (64, 512, 8192)),
    "riscv64": Kind("riscv64-unknown-linux-gnu", "generic-rv64", ("m", "a", "f", "d", "c"), (32, 512, 2048), "lp64d"),
}

_ARCHITECTURES = {"x86_64": "x86-64", "amd64": "x86-64", "aarch64": "aarch64", "arm64": "aarch64", "riscv64": "riscv64"}
"""The kind that stands for an architecture, by the first part of a triple."""

_HINT = "for example cpu, cpu:x86-64-v3, cpu:aarch64-linux-gnu or cpu:riscv64-linux-gnu,+v"
_GPU_HINT = "code for a GPU is made by the target cuda, or cuda:CHIP for a chip that is not here"


@dataclass(frozen=True)
class Target:
    """A CPU that code is made for: for LLVM, for the passes, and the features that the machine must have."""

    machine: Machine
    cpu: Cpu
    features: tuple[str, ...]
    named: bool
    """Whether it was asked for by name or features: then it goes before what a module says itself."""


def read_target(text: str, threads: int | None, default_threads: int) -> Target:
    """The CPU that a text means, with so many threads.

    Raises :class:`WeftError` for one that is not known, and for features that LLVM does not know.
    """
    name, *flags = text.split(",")
    family, _, place = name.partition(":")
    if family != "cpu":
        hint = _GPU_HINT if family == "gpu" else did_you_mean(family, ["cpu"]) or _HINT
        raise WeftError(
            f"unknown target '{text}', expected cpu[:TRIPLE][,+FEATURE...]", hint=hint, code=codes.UNKNOWN_TARGET
        )
    for flag in flags:
        if flag[:1] not in ("+", "-") or not flag[1:]:
            name = flag.strip("+-") or "NAME"
            message = f"target '{text}': '{flag}' is no feature; write +{name} or -{name}"
            raise WeftError(message, code=codes.UNKNOWN_TARGET)
    if place in ("", "native"):
        target = _host(flags, threads or default_threads)
    else:
        target = _known(_kind(place, text), flags, threads or PORTABLE_THREADS)
    if flags and (unknown := unknown_feature(target.machine)) is not None:
        message = f"target '{text}': LLVM knows no feature '{unknown}' of {target.machine.triple}"
        raise WeftError(message, code=codes.UNKNOWN_TARGET)
    return target


def read_targets(text: str, threads: int | None, default_threads: int) -> tuple[Target, ...]:
    """The CPUs that a text means, separated by commas (`cpu:x86-64-v2,cpu:x86-64-v4,+avx512vnni`), the least first.

    Raises :class:`WeftError` as :func:`read_target` does, and for several that one library cannot be for: those of
    other kinds than x86-64, and those of which none has the features that all others have.
    """
    texts = re.split(r",(?=cpu(?:[:,]|$))", text)
    targets = sorted((read_target(one, threads, default_threads) for one in texts), key=lambda t: len(t.features))
    if len(targets) == 1:
        return tuple(targets)
    triples = {target.machine.triple for target in targets}
    if len(triples) > 1 or not triples.pop().startswith("x86_64"):
        message = f"targets '{text}': a library for several CPUs is for x86-64 only"
        raise WeftError(message, code=codes.UNKNOWN_TARGET)
    least = set(targets[0].features)
    for target in targets[1:]:
        check_features(target.features, text)
        if not least < set(target.features):
            message = (
                f"targets '{text}': one of them has to have less features than each of the others, which has those too"
            )
            raise WeftError(message, code=codes.UNKNOWN_TARGET)
    return tuple(targets)


DEFAULT_CHIP = "sm_80"
"""The chip of code for a GPU where none is named."""


def read_gpu(text: str) -> Cuda:
    """The GPU that a text means: `cuda`, `cuda:sm_90a`, `cuda:sm_80,+ptx83`.

    Raises :class:`WeftError` for a chip or a version of PTX that is not known, and for a version that does not know
    the chip.
    """
    family, options = split_target(text)
    if family != "cuda":
        hint = "for a GPU it is cuda, cuda:CHIP or cuda:CHIP,+ptxNN"
        raise WeftError(f"unknown target '{text}'", hint=hint, code=codes.UNKNOWN_TARGET)
    return read_gpu_options(options, family).named(DEFAULT_CHIP)


def _kind(place: str, text: str) -> Kind:
    if place in _KINDS:
        return _KINDS[place]
    parts = place.split("-")
    known = _ARCHITECTURES.get(parts[0])
    if known is None:
        hint = did_you_mean(place, [*_KINDS, *_ARCHITECTURES]) or _HINT
        raise WeftError(
            f"unknown target '{text}': no code can be made for '{place}'", hint=hint, code=codes.UNKNOWN_TARGET
        )
    if len(parts) > 1 and "linux" not in parts[1:3]:
        message = f"unknown target '{text}': weft makes code for Linux, as in {parts[0]}-linux-gnu"
        raise WeftError(message, code=codes.UNKNOWN_TARGET)
    kind = _KINDS[known]
    return kind if len(parts) == 1 else replace(kind, triple="-".join([kind.triple.split("-")[0], *parts[1:]]))


def _host(flags: list[str], threads: int) -> Target:
    machine = host_machine()
    on = [feature for feature in machine.features.split(",") if feature]
    features = _changed({flag[1:] for flag in on if flag.startswith("+")}, flags)
    cpu = _with_features(host_cpu(threads), features, machine) if flags else host_cpu(threads)
    chosen = replace(machine, features=",".join([*on, *flags]))
    return Target(chosen, cpu, tuple(sorted(features)), bool(flags))


def _known(kind: Kind, flags: list[str], threads: int) -> Target:
    features = _changed(set(kind.features), flags)
    machine = Machine(kind.triple, kind.cpu, ",".join([*(f"+{f}" for f in kind.features), *flags]), kind.abi)
    l1, l2, l3 = (1024 * size for size in kind.caches)
    cpu = Cpu(threads=threads, l1_bytes=l1, l2_bytes=l2, l3_bytes=l3)
    return Target(machine, _with_features(cpu, features, machine), tuple(sorted(features)), True)


def _changed(features: set[str], flags: list[str]) -> set[str]:
    for flag in flags:
        (features.add if flag[0] == "+" else features.discard)(flag[1:])
    return features


def _with_features(cpu: Cpu, features: set[str], machine: Machine) -> Cpu:
    """A CPU with these features: they say how large its vectors are."""
    has = dict.fromkeys(features, True)
    size, count = vectors(has, machine.triple)
    return replace(cpu, vector_bytes=size, vector_registers=count, features=known_features(has))
