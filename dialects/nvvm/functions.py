"""The table's functions of numbers: approximate ones, fast and with few exact digits, and roundings to narrow types.

Source of their errors: PTX ISA, "Floating Point Instructions".
"""

from __future__ import annotations

from weft.dialects.nvvm.instruction import Instruction


def _function(
    name: str, code: str, says: str, *, argument: str = "f32", result: str = "f32", chip: str = "sm_50", ptx: int = 60
) -> Instruction:
    form = "$arg attr-dict `:` type($res)" if argument == result else "$arg attr-dict `:` type($arg) `->` type($res)"
    return Instruction(
        name, f"arg: {argument}", f"res: {result}", form, code, says, chip=chip, ptx=ptx, meaning="math", pure=True
    )


INSTRUCTIONS: tuple[Instruction, ...] = (
    _function("rcp.approx.ftz.f", "llvm.nvvm.rcp.approx.ftz.f", "1 / x, to 1 ulp; denormals are 0."),
    _function("ex2.approx.f", "llvm.nvvm.ex2.approx.f32", "2 to the x, to 2 ulp."),
    _function("ex2.approx.ftz.f", "llvm.nvvm.ex2.approx.ftz.f32", "2 to the x, to 2 ulp; denormals are 0."),
    _function("lg2.approx.f", "llvm.nvvm.lg2.approx.f", "The logarithm to base 2, to an absolute 2^-22."),
    _function("lg2.approx.ftz.f", "llvm.nvvm.lg2.approx.ftz.f",
        "The logarithm to base 2, to an absolute 2^-22; denormals are 0."),
    _function("sqrt.approx.f", "llvm.nvvm.sqrt.approx.f", "The square root, to 1 ulp."),
    _function("rsqrt.approx.f", "llvm.nvvm.rsqrt.approx.f", "1 / the square root, to 2^-22.4 of it."),
    _function("rsqrt.approx.ftz.f", "llvm.nvvm.rsqrt.approx.ftz.f",
        "1 / the square root, to 2^-22.4 of it; denormals are 0."),
    _function("sin.approx.f", "llvm.nvvm.sin.approx.f", "The sine, to an absolute 2^-20.5 between -pi and pi."),
    _function("cos.approx.f", "llvm.nvvm.cos.approx.f", "The cosine, to an absolute 2^-20.5 between -pi and pi."),
    _function("tanh.approx.f", "tanh.approx.f32 %res, %arg;", "The hyperbolic tangent, to 2^-11 of it.", chip="sm_75",
        ptx=70),
    _function("f2tf32.rna", "llvm.nvvm.f2tf32.rna", "Rounded to tf32, ties away from zero, as the bits of an f32.",
        result="i32", chip="sm_80", ptx=70),
)  # fmt: skip
