"""One library for several CPUs: every version of the code is in it, and a call goes to the best that the machine has.

All versions are functions of one module of LLVM, each with the features that it may use; what the machine has is asked
once, by `cpuid`, at the first call. Which bits tell of a feature is in Intel's manual, volume 2A, CPUID, and in AMD's,
volume 3, appendix E; whether the system keeps wide registers is asked by `xgetbv`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weft import codes
from weft.backends.cpu.ahead.interface import Function
from weft.backends.cpu.ahead.plain import entry_declaration, entry_types
from weft.backends.llvm.machine import Machine
from weft.backends.llvm.names import symbol_text
from weft.diagnostics import WeftError

ALWAYS = frozenset(("x87", "cx8", "cmov", "fxsr", "sse", "sse2"))
"""What every machine of 64 bits has."""


@dataclass(frozen=True)
class Bit:
    """Where `cpuid` says something: the leaf, the subleaf, the register (0 to 3: eax, ebx, ecx, edx), the bit."""

    leaf: int
    subleaf: int
    register: int
    bit: int


_BITS = {
    1: {2: "sse3:0 pclmul:1 ssse3:9 fma:12 cx16:13 sse4.1:19 sse4.2:20 movbe:22 popcnt:23 aes:25 avx:28 f16c:29"},
    7: {
        1: "bmi:3 avx2:5 bmi2:8 avx512f:16 avx512dq:17 avx512ifma:21 avx512cd:28 sha:29 avx512bw:30 avx512vl:31",
        2: "avx512vbmi:1 avx512vbmi2:6 gfni:8 vaes:9 vpclmulqdq:10 avx512vnni:11 avx512bitalg:12 avx512vpopcntdq:14",
        3: "avx512fp16:23",
    },
    0x80000001: {2: "sahf:0 lzcnt:5"},
}

FEATURES: dict[str, Bit] = {
    name: Bit(leaf, 0, register, int(bit))
    for leaf, registers in _BITS.items()
    for register, words in registers.items()
    for name, bit in (word.split(":") for word in words.split())
} | {"avx512bf16": Bit(7, 1, 0, 5), "avxvnni": Bit(7, 1, 0, 4)}
"""The features that a program can ask the machine about, by LLVM's names."""

_KEEPS_AVX, _KEEPS_AVX512 = 0x6, 0xE6
"""The bits of XCR0 that say that the system saves these registers."""


@dataclass(frozen=True)
class Version:
    """The code for one CPU: its LLVM IR, in which entries have `inner` before their names, and its features."""

    machine: Machine
    features: tuple[str, ...]
    ir: str
    inner: str


def inner_name(number: int) -> str:
    """What stands before the names of the entries of a version."""
    return f"weft.version.{number}."


def check_features(features: Iterable[str], target: str) -> None:
    """Raises :class:`WeftError` for a feature that cannot be asked about when the code runs."""
    for name in features:
        if name not in ALWAYS and name not in FEATURES:
            message = f"target '{target}': no program can ask its machine for the feature '{name}'"
            raise WeftError(message, hint="compile a library for this target alone", code=codes.UNKNOWN_TARGET)


def version_ir(version: Version) -> str:
    """The code of a version, every function with its CPU and features."""
    machine = version.machine
    says = f'"target-cpu"="{machine.cpu}" "target-features"="{machine.features}"'
    return re.sub(r"^(define .*\)[^)]*?) \{$", rf"\1 {says} {{", version.ir, flags=re.MULTILINE)


def dispatch_ir(functions: Sequence[Function], versions: Sequence[Version]) -> str:
    """The entries, which call those of the best version, and what finds out which that is. The first version is the
    least: it runs on every machine that the library is for."""
    parts = [_FIND.format(select=_select(versions))]
    for function in functions:
        types = entry_types(function)
        passed = ", ".join(f"{type_} %p{n}" for n, type_ in enumerate(types))
        targets = [symbol_text(version.inner + function.descriptors) for version in versions]
        parts += [entry_declaration(function, version.inner + function.descriptors) for version in versions]
        cases = " ".join(f"i32 {n}, label %v{n}" for n in range(1, len(versions)))
        parts.append(
            f"define i64 {symbol_text(function.descriptors)}({passed}) {{\n"
            f"  %version = call i32 @weft.version()\n  switch i32 %version, label %v0 [ {cases} ]\n"
        )
        for n, target in enumerate(targets):
            parts.append(f"v{n}:\n  %s{n} = call i64 {target}({passed})\n  ret i64 %s{n}\n")
        parts.append("}\n")
    return "".join(parts)


def _select(versions: Sequence[Version]) -> str:
    """The last version all of whose features are there: %best.N, each the choice among the first N + 1."""
    lines: list[str] = []
    registers: dict[tuple[int, int], str] = {}
    for leaf, subleaf in dict.fromkeys((bit.leaf, bit.subleaf) for bit in FEATURES.values()):
        name = f"%leaf.{leaf}.{subleaf}"
        registers[leaf, subleaf] = name
        lines.append(f"  {name} = call {{ i32, i32, i32, i32 }} @weft.cpuid(i32 {_signed(leaf)}, i32 {subleaf})")
    best = "0"
    for n, version in enumerate(versions):
        if n == 0:
            continue
        good = "true"
        for m, feature in enumerate(name for name in version.features if name not in ALWAYS):
            bit = FEATURES[feature]
            place, leaf = f"%v{n}.{m}", registers[bit.leaf, bit.subleaf]
            lines += [
                f"  {place}.r = extractvalue {{ i32, i32, i32, i32 }} {leaf}, {bit.register}",
                f"  {place}.m = and i32 {place}.r, {_signed(1 << bit.bit)}",
                f"  {place}.h = icmp ne i32 {place}.m, 0",
                f"  {place} = and i1 {good}, {place}.h",
            ]
            good = place
        kept = _kept(version.features)
        lines += [
            f"  %v{n}.x = and i32 %kept, {kept}",
            f"  %v{n}.s = icmp eq i32 %v{n}.x, {kept}",
            f"  %v{n}.all = and i1 {good}, %v{n}.s",
            f"  %best.{n} = select i1 %v{n}.all, i32 {n}, i32 {best}",
        ]
        best = f"%best.{n}"
    return "\n".join([*lines, f"  %best = add i32 {best}, 0"])


def _kept(features: Sequence[str]) -> int:
    """What the system must save for the registers that features use."""
    if any(name.startswith("avx512") for name in features):
        return _KEEPS_AVX512
    return _KEEPS_AVX if any(name.startswith(("avx", "fma", "f16c")) for name in features) else 0


def _signed(number: int) -> int:
    """A number of 32 bits as LLVM spells it."""
    return number - (1 << 32) if number >= 1 << 31 else number


_FIND = """
@weft.version.known = internal global i32 -1

define internal {{ i32, i32, i32, i32 }} @weft.cpuid(i32 %leaf, i32 %subleaf) {{
  %most = call {{ i32, i32, i32, i32 }} asm sideeffect "cpuid",
      "={{ax}},={{bx}},={{cx}},={{dx}},{{ax}},{{cx}},~{{dirflag}},~{{fpsr}},~{{flags}}"(i32 0, i32 0)
  %last = extractvalue {{ i32, i32, i32, i32 }} %most, 0
  %extended = icmp slt i32 %leaf, 0
  %there = icmp ule i32 %leaf, %last
  %ask = or i1 %extended, %there
  br i1 %ask, label %asked, label %nothing
asked:
  %found = call {{ i32, i32, i32, i32 }} asm sideeffect "cpuid",
      "={{ax}},={{bx}},={{cx}},={{dx}},{{ax}},{{cx}},~{{dirflag}},~{{fpsr}},~{{flags}}"(i32 %leaf, i32 %subleaf)
  ret {{ i32, i32, i32, i32 }} %found
nothing:
  ret {{ i32, i32, i32, i32 }} zeroinitializer
}}

define internal i32 @weft.registers.kept() {{
  %one = call {{ i32, i32, i32, i32 }} @weft.cpuid(i32 1, i32 0)
  %ecx = extractvalue {{ i32, i32, i32, i32 }} %one, 2
  %bit = and i32 %ecx, 134217728                          ; OSXSAVE
  %can = icmp ne i32 %bit, 0
  br i1 %can, label %asked, label %nothing
asked:
  %pair = call {{ i32, i32 }} asm sideeffect "xgetbv", "={{ax}},={{dx}},{{cx}},~{{dirflag}},~{{fpsr}},~{{flags}}"(i32 0)
  %low = extractvalue {{ i32, i32 }} %pair, 0
  ret i32 %low
nothing:
  ret i32 0
}}

define internal i32 @weft.version() {{
  %known = load atomic i32, ptr @weft.version.known monotonic, align 4
  %is.known = icmp sge i32 %known, 0
  br i1 %is.known, label %done, label %find
done:
  ret i32 %known
find:
  %kept = call i32 @weft.registers.kept()
{select}
  store atomic i32 %best, ptr @weft.version.known monotonic, align 4
  ret i32 %best
}}
"""
