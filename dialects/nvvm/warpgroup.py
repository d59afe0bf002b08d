"""The table's products of a warpgroup (four warps), whose operands lie in shared memory: `wgmma`.

Source: PTX ISA, "Asynchronous warpgroup level matrix multiply-accumulate instructions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from xdsl.dialects import llvm

from weft.dialects.nvvm.attributes import ShapeAttr
from weft.dialects.nvvm.instruction import Code, Instruction, NvvmOp

_DEPTHS: Mapping[str, int] = {
    "f16": 16, "bf16": 16, "tf32": 8, "s8": 32, "u8": 32, "e4m3": 32, "e5m2": 32, "b1": 256,
}  # fmt: skip
"""The k of a product, by the elements of A."""

_RESULTS: Mapping[str, tuple[str, ...]] = {
    "f16": ("f16", "f32"), "bf16": ("f32",), "tf32": ("f32",), "s8": ("s32",), "u8": ("s32",),
    "e4m3": ("f16", "f32"), "e5m2": ("f16", "f32"), "b1": ("s32",),
}  # fmt: skip
_INTEGERS = ("s8", "u8", "b1")


def _registers(op: NvvmOp) -> int:
    """The registers of the result: an f32 or i32 each, or two f16."""
    n = cast(ShapeAttr, op.properties["shape"]).sizes[1]
    return n // (4 if op.word("typeD") == "f16" else 2)


def _check(op: NvvmOp) -> str | None:
    m, n, k = cast(ShapeAttr, op.properties["shape"]).sizes
    a, b, d = (op.word(name) or "" for name in ("typeA", "typeB", "typeD"))
    if a not in _DEPTHS or d not in _RESULTS[a]:
        return f"there is no product of {a} that gives {d}"
    if (m, k) != (64, _DEPTHS[a]) or n % 8 or not 8 <= n <= 256:
        return f"a product of {a} is m64 nN k{_DEPTHS[a]}, N a multiple of 8 up to 256, not m{m} n{n} k{k}"
    if a != b and {a, b} not in ({"s8", "u8"}, {"e4m3", "e5m2"}):
        return f"a product of {a} and {b} is not known"
    if a not in ("f16", "bf16") and (op.word("layoutA"), op.word("layoutB")) != ("row", "col"):
        return f"a product of {a} takes A by rows and B by columns"
    result = op.results[0].type
    count = len(result.types) if isinstance(result, llvm.LLVMStructType) else 0
    if op.value("inouts").type != result or count != _registers(op):
        return f"it takes and gives a struct of {_registers(op)} registers, not {op.value('inouts').type} and {result}"
    return None


def _multiply(op: NvvmOp) -> Code:
    a, b, d = (op.word(name) or "" for name in ("typeA", "typeB", "typeD"))
    suffix = {"b1": ".and.popc"}.get(a, ".satfinite" if op.word("satfinite") == "satfinite" else "")
    flags = ["1" if op.word("scaleD") == "one" else "0"]
    if a not in _INTEGERS:
        flags += ["1" if op.word(name) == "one" else "-1" for name in ("scaleA", "scaleB")]
    if a in ("f16", "bf16"):
        flags += ["1" if op.word("layoutA") == "col" else "0", "1" if op.word("layoutB") == "row" else "0"]
    text = (
        f"wgmma.mma_async.sync.aligned.{op.word('shape')}.{d}.{a}.{b}{suffix} "
        f"{{%res}}, %descriptorA, %descriptorB, {', '.join(flags)};"
    )
    return Code(text, tied="inouts")


INSTRUCTIONS: tuple[Instruction, ...] = (
    Instruction("wgmma.fence.aligned", "", "", "attr-dict", "llvm.nvvm.wgmma.fence.sync.aligned",
        "Orders the registers of products with what else a warpgroup does.", chip="sm_90a", ptx=80,
        meaning="wgmma.fence"),
    Instruction("wgmma.commit.group.sync.aligned", "", "", "attr-dict", "llvm.nvvm.wgmma.commit_group.sync.aligned",
        "Makes the products begun so far a group.", chip="sm_90a", ptx=80, meaning="wgmma.commit"),
    Instruction("wgmma.wait.group.sync.aligned", "", "", "attr-dict $group",
        "llvm.nvvm.wgmma.wait_group.sync.aligned(i64 {group})",
        "Waits until at most `group` groups of products are not done.",
        attributes="group: i32", chip="sm_90a", ptx=80, meaning="wgmma.wait",
        example="nvvm.wgmma.wait.group.sync.aligned 0"),
    Instruction("wgmma.mma_async", "inouts: any, descriptorA: i64, descriptorB: i64", "res: any",
        "$descriptorA `,` $descriptorB `,` $inouts `,` $shape `,` `D` `[` $typeD `,` $scaleD (`,` $satfinite^)? `]` "
        "`,` `A` `[` $typeA `,` $scaleA `,` $layoutA `]` `,` `B` `[` $typeB `,` $scaleB `,` $layoutB `]` attr-dict `:` "
        "type($inouts) `->` type($res)", _multiply,
        "Begins a product of a warpgroup, of matrices that descriptors find in shared memory, added to registers.",
        attributes="shape: shape, typeA: wgmma_type, typeB: wgmma_type, typeD: wgmma_type, scaleD: wgmma_scale_out, "
        "scaleA: wgmma_scale_in, scaleB: wgmma_scale_in, layoutA: mma_layout, layoutB: mma_layout, "
        "satfinite?: mma_int_overflow",
        chip="sm_90a", ptx=80, meaning="wgmma", check=_check,
        example="%0 = nvvm.wgmma.mma_async %descriptorA, %descriptorB, %s, <m = 64, n = 8, k = 16>, "
        "D [<f32>, <one>], A [<f16>, <one>, <row>], B [<f16>, <one>, <col>] "
        ": !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>"),
)  # fmt: skip
