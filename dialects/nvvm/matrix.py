"""The table's matrix products of a warp, and the loads and stores of their operands.

Sources: PTX ISA, "Matrix multiply-accumulate operation using mma instruction" and "... using wmma instructions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import Float16Type, Float32Type, Float64Type, VectorType
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.hints import isa

from weft.dialects.nvvm.attributes import MMATypeAttr
from weft.dialects.nvvm.instruction import Code, Instruction, Need, NvvmOp

_INFERRED: Mapping[type[Attribute], str] = {Float16Type: "f16", Float32Type: "f32", Float64Type: "f64"}


def _element(type_: Attribute) -> Attribute:
    return type_.element_type if isa(type_, VectorType) else type_


def _ptx_type(type_: Attribute, default: str = "s32") -> str:
    """What PTX calls the elements of an accumulator."""
    return _INFERRED.get(type(_element(type_)), default)


class MmaOp(NvvmOp):
    """`nvvm.mma.sync A[...] B[...] C[...] {...} : (A, B, C) -> D`."""

    @classmethod
    def parse(cls, parser: Parser) -> MmaOp:
        """Read the three lists of registers, and a type for each."""
        groups: list[list[object]] = []
        for letter in "ABC":
            parser.parse_keyword(letter)
            groups.append(
                list(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_unresolved_operand))
            )
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        place = parser.pos
        type_ = parser.parse_function_type()
        if len(type_.inputs) != 3 or len(type_.outputs) != 1:
            parser.raise_error("expected the types of A, B and C and of one result", place)
        operands = [
            [parser.resolve_operand(operand, kind) for operand in group]  # pyright: ignore[reportArgumentType]
            for group, kind in zip(groups, type_.inputs.data, strict=True)
        ]
        known = cls.get_irdl_definition().properties
        properties = {name: value for name, value in attributes.items() if name in known}
        op = cls(operands=operands, result_types=type_.outputs.data, properties=properties)
        op.attributes |= {name: value for name, value in attributes.items() if name not in known}
        op.infer()
        return op

    def infer(self) -> None:
        """Say what the multiplicands are where their types do."""
        for name, operands in _MULTIPLICANDS:
            values = self.values(operands)
            inferred = _INFERRED.get(type(_element(values[0].type))) if values else None
            if name not in self.properties and inferred is not None:
                self.properties[name] = MMATypeAttr(inferred)

    def print(self, printer: Printer) -> None:
        """Print what :meth:`parse` reads."""
        for letter, name in zip("ABC", self.operand_names, strict=True):
            printer.print_string(f" {letter}[")
            printer.print_list(self.values(name), printer.print_ssa_value)
            printer.print_string("]")
        hidden = {"operandSegmentSizes"}
        for name, operands in _MULTIPLICANDS:
            inferred = _INFERRED.get(type(_element(self.values(operands)[0].type)))
            if inferred is not None and self.properties.get(name) == MMATypeAttr(inferred):
                hidden.add(name)
        shown = {name: value for name, value in self.properties.items() if name not in hidden}
        printer.print_op_attributes({**self.attributes, **dict(sorted(shown.items()))})
        printer.print_string(" : (")
        printer.print_list([self.values(name)[0].type for name in self.operand_names], printer.print_attribute)
        printer.print_string(") -> ")
        printer.print_attribute(self.results[0].type)


_MULTIPLICANDS = (("multiplicandAPtxType", "operandA"), ("multiplicandBPtxType", "operandB"))


def _types(op: NvvmOp) -> tuple[str, str, str, str]:
    """What PTX calls the elements of A, B, C and D."""
    a, b = (op.word(name) or _ptx_type(op.values(operands)[0].type) for name, operands in _MULTIPLICANDS)
    result = cast(llvm.LLVMStructType, op.results[0].type).types.data[0]
    return a, b, _ptx_type(op.values("operandC")[0].type), _ptx_type(result)


def _mma(op: NvvmOp) -> Code:
    a, b, c, d = _types(op)
    bits = op.word("b1Op")
    names = [op.word("shape") or "", op.word("layoutA") or "", op.word("layoutB") or ""]
    if op.word("intOverflowBehavior") == "satfinite":
        names.append("satfinite")
    names += [d, c] if a == "f16" else [a] if a == b else [a, b]
    product = f"{bits.replace('_', '.')}." if bits not in (None, "none") else ""
    return Code(f"llvm.nvvm.mma.{product}{'.'.join(names)}", tuple(op.operands))


_SHAPES: Mapping[tuple[str, str], tuple[tuple[int, int, int], Need]] = {
    ("f16", "m8n8k4"): ((2, 2, 0), Need("sm_70", 64)),
    ("f16", "m16n8k8"): ((2, 1, 0), Need("sm_75", 65)),
    ("f16", "m16n8k16"): ((4, 2, 0), Need("sm_80", 70)),
    ("bf16", "m16n8k8"): ((2, 1, 4), Need("sm_80", 70)),
    ("bf16", "m16n8k16"): ((4, 2, 4), Need("sm_80", 70)),
    ("tf32", "m16n8k4"): ((2, 1, 4), Need("sm_80", 70)),
    ("tf32", "m16n8k8"): ((4, 2, 4), Need("sm_80", 70)),
    ("f64", "m8n8k4"): ((1, 1, 2), Need("sm_80", 70)),
    **{
        (kind, shape): (counts, need)
        for kinds, rows in (
            (("s8", "u8"), (("m8n8k16", (1, 1, 2), Need("sm_75", 65)), ("m16n8k16", (2, 1, 4), Need("sm_80", 70)),
                            ("m16n8k32", (4, 2, 4), Need("sm_80", 70)))),
            (("s4", "u4"), (("m8n8k32", (1, 1, 2), Need("sm_75", 65)), ("m16n8k32", (2, 1, 4), Need("sm_80", 70)),
                            ("m16n8k64", (4, 2, 4), Need("sm_80", 70)))),
            (("b1",), (("m8n8k128", (1, 1, 2), Need("sm_75", 65)), ("m16n8k128", (2, 1, 4), Need("sm_80", 70)),
                       ("m16n8k256", (4, 2, 4), Need("sm_80", 70)))),
        )
        for kind in kinds
        for shape, counts, need in rows
    },
}  # fmt: skip
"""For the elements of A and the shape: the registers of A, B and C (0: those of C by its elements), and the need."""


def _check_mma(op: NvvmOp) -> str | None:
    kind, shape = _types(op)[0], op.word("shape") or ""
    found = _SHAPES.get((kind, shape))
    if found is None:
        shapes = ", ".join(known for elements, known in _SHAPES if elements == kind)
        return f"a product of {kind} has no shape {shape}; it has {shapes or 'none'}"
    wanted = found[0]
    if not wanted[2]:
        registers = 4 if op.values("operandC") and str(op.values("operandC")[0].type) == "f32" else 2
        wanted = (*wanted[:2], registers * (2 if shape == "m8n8k4" else 1))
    counts = tuple(len(op.values(name)) for name in op.operand_names)
    if counts != wanted:
        return f"{shape} of {kind} takes {wanted[0]}, {wanted[1]} and {wanted[2]} registers of A, B and C, not {counts}"
    return None


def _need_of_mma(op: NvvmOp) -> Need:
    need = _SHAPES[_types(op)[0], op.word("shape") or ""][1]
    return Need("sm_80", 71) if op.word("b1Op") == "and_popc" else need


def _matrix_code(op: NvvmOp, name: str, count: int) -> str:
    transposed = ".trans" if op.word("layout") == "col" else ""
    return f"llvm.nvvm.{name}.sync.aligned.m8n8.x{count}{transposed}.b16.{{ptr}}"


def _load_matrix(op: NvvmOp) -> Code:
    return op.code_of(_matrix_code(op, "ldmatrix", int(op.word("num") or 0)))


def _store_matrix(op: NvvmOp) -> Code:
    return op.code_of(_matrix_code(op, "stmatrix", len(op.values("sources"))))


def _check_count(op: NvvmOp) -> str | None:
    count = int(op.word("num") or 0) if "num" in op.properties else len(op.values("sources"))
    return None if count in (1, 2, 4) else f"1, 2 or 4 matrices are moved, not {count}"


# wmma


def _load_fragment(op: NvvmOp) -> Code:
    return op.code_of("llvm.nvvm.wmma.m{m}n{n}k{k}.load.{frag}.{layout}.stride.{eltype}.{ptr}")


def _store_fragment(op: NvvmOp) -> Code:
    code = op.code_of("llvm.nvvm.wmma.m{m}n{n}k{k}.store.d.{layout}.stride.{eltype}.{ptr}")
    return Code(code.text, (op.value("ptr"), *op.values("args"), op.value("stride")))


def _multiply_fragments(op: NvvmOp) -> Code:
    a, accumulator = op.word("eltypeA") or "", op.word("eltypeB") or ""
    suffix = f"{accumulator}.{accumulator}" if a == "f16" else a
    return op.code_of(f"llvm.nvvm.wmma.m{{m}}n{{n}}k{{k}}.mma.{{layoutA}}.{{layoutB}}.{suffix}")


_FRAGMENTS: Mapping[str, Need] = {
    "f16": Need("sm_70", 60),
    "f32": Need("sm_70", 60),
    "s8": Need("sm_72", 63),
    "u8": Need("sm_72", 63),
    "s32": Need("sm_72", 63),
    "tf32": Need("sm_80", 70),
}


def _need_of_fragment(op: NvvmOp) -> Need:
    word = op.word("eltype") or op.word("eltypeA") or ""
    return _FRAGMENTS.get(word, Need("sm_80", 70))


_SIZES = "m: i32, n: i32, k: i32"

INSTRUCTIONS: tuple[Instruction, ...] = (
    Instruction("mma.sync", "operandA*: any, operandB*: any, operandC*: any", "res: any", "", _mma,
        "The product of two matrices that a warp holds, added to a third.",
        attributes="shape: shape, b1Op?: mma_b1op, intOverflowBehavior?: mma_int_overflow, layoutA: mma_layout, "
        "layoutB: mma_layout, multiplicandAPtxType?: mma_type, multiplicandBPtxType?: mma_type",
        meaning="mma", check=_check_mma, needs=_need_of_mma, base=MmaOp,
        example="%0 = nvvm.mma.sync A[%h, %h, %h, %h] B[%h, %h] C[%f, %f, %f, %f] {layoutA = #nvvm.mma_layout<row>, "
        "layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} "
        ": (vector<2xf16>, vector<2xf16>, f32) -> !llvm.struct<(f32, f32, f32, f32)>"),
    Instruction("ldmatrix", "ptr: ptr", "res: any", "$ptr attr-dict `:` functional-type($ptr, $res)", _load_matrix,
        "Loads 8x8 matrices of 16-bit elements from shared memory; each lane says where a row begins.",
        attributes="num: i32, layout: mma_layout", chip="sm_75", ptx=65, meaning="ldmatrix", check=_check_count,
        example="%0 = nvvm.ldmatrix %shared {num = 4 : i32, layout = #nvvm.mma_layout<row>} "
        ": (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>"),
    Instruction("stmatrix", "ptr: shared, sources*: i32", "", "$ptr `,` $sources attr-dict `:` type(operands)",
        _store_matrix,
        "Stores 8x8 matrices of 16-bit elements to shared memory; each lane says where a row begins.",
        attributes="layout: mma_layout", chip="sm_90", ptx=78, meaning="stmatrix", check=_check_count,
        example="nvvm.stmatrix %ptr, %sources {layout = #nvvm.mma_layout<row>} : !llvm.ptr<3>, i32"),
    Instruction("wmma.load", "ptr: ptr, stride: i32", "res: any",
        "$ptr `,` $stride attr-dict `:` functional-type($ptr, $res)",
        _load_fragment, "Loads a matrix for `wmma.mma`; its rows are `stride` elements apart.",
        attributes=f"{_SIZES}, layout: mma_layout, eltype: mma_type, frag: mma_frag", meaning="wmma.load",
        needs=_need_of_fragment,
        example="%0 = nvvm.wmma.load %ptr, %stride {eltype = #nvvm.mma_type<f32>, frag = #nvvm.mma_frag<c>, "
        "k = 16 : i32, layout = #nvvm.mma_layout<row>, m = 16 : i32, n = 16 : i32} "
        ": (!llvm.ptr) -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>"),
    Instruction("wmma.store", "ptr: ptr, args*: any, stride: i32", "",
        "$ptr `,` $stride `,` $args attr-dict `:` type($ptr) `,` type($args)", _store_fragment,
        "Stores a matrix that `wmma.mma` gave; its rows are `stride` elements apart.",
        attributes=f"{_SIZES}, layout: mma_layout, eltype: mma_type", meaning="wmma.store", needs=_need_of_fragment,
        example="nvvm.wmma.store %ptr, %stride, %f, %f, %f, %f, %f, %f, %f, %f {eltype = #nvvm.mma_type<f32>, "
        "k = 16 : i32, layout = #nvvm.mma_layout<row>, m = 16 : i32, n = 16 : i32} "
        ": !llvm.ptr, f32, f32, f32, f32, f32, f32, f32, f32"),
    Instruction("wmma.mma", "args*: any", "res: any", "$args attr-dict `:` functional-type($args, $res)",
        _multiply_fragments,
        "The product of two matrices that a warp holds, added to a third.",
        attributes=f"{_SIZES}, layoutA: mma_layout, layoutB: mma_layout, eltypeA: mma_type, eltypeB: mma_type",
        meaning="wmma", needs=_need_of_fragment,
        example="%0 = nvvm.wmma.mma %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h "
        "{eltypeA = #nvvm.mma_type<f16>, eltypeB = #nvvm.mma_type<f16>, k = 16 : i32, layoutA = #nvvm.mma_layout<row>, "
        "layoutB = #nvvm.mma_layout<row>, m = 16 : i32, n = 16 : i32} : ("
        + ", ".join(["vector<2xf16>"] * 20)
        + ") -> !llvm.struct<(vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>)>"),
)  # fmt: skip
