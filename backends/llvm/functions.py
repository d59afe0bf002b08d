"""A function of the llvm dialect as LLVM IR text: names, blocks, phis, attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
    UnitAttr,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue

from weft import codes
from weft.backends.llvm.constants import constant_text
from weft.backends.llvm.instructions import LINES, Line, passed
from weft.backends.llvm.names import quoted, symbol_text
from weft.backends.llvm.text_types import type_text
from weft.dialects.locations import error_at
from weft.dialects.upstream import llvm as ours

_INLINE: Mapping[type[Operation], Callable[[Operation], str]] = {
    llvm.ConstantOp: lambda op: constant_text(op.properties["value"], op.results[0].type),
    llvm.UndefOp: lambda op: "undef",
    ours.PoisonOp: lambda op: "poison",
    llvm.ZeroOp: lambda op: "null" if isinstance(op.results[0].type, llvm.LLVMPointerType) else "zeroinitializer",
    llvm.AddressOfOp: lambda op: symbol_text(cast(llvm.AddressOfOp, op).global_name.string_value()),
}
"""Ops that are no instruction: their value is written where it is used."""

_ARGUMENT_FLAGS: Mapping[str, str] = {
    "llvm.noalias": "noalias",
    "llvm.nonnull": "nonnull",
    "llvm.noundef": "noundef",
    "llvm.readonly": "readonly",
    "llvm.writeonly": "writeonly",
    "llvm.readnone": "readnone",
    "llvm.nocapture": "captures(none)",
    "llvm.signext": "signext",
    "llvm.zeroext": "zeroext",
    "llvm.inreg": "inreg",
    "llvm.returned": "returned",
}
_ARGUMENT_NUMBERS: Mapping[str, str] = {
    "llvm.align": "align {}",
    "llvm.dereferenceable": "dereferenceable({})",
    "llvm.dereferenceable_or_null": "dereferenceable_or_null({})",
}
_ARGUMENT_TYPES: Mapping[str, str] = {
    "llvm.byval": "byval({})",
    "llvm.sret": "sret({})",
    "llvm.byref": "byref({})",
}
_FUNCTION_FLAGS: Mapping[str, str] = {
    "no_inline": "noinline",
    "always_inline": "alwaysinline",
    "no_unwind": "nounwind",
    "optimize_none": "optnone",
    "will_return": "willreturn",
}
_KERNEL = ("nvvm.kernel", "gpu.kernel")
"""A function with one of these has the calling convention of kernels."""

_LAUNCH_BOUNDS: Mapping[str, str] = {
    "nvvm.maxntid": "nvvm.maxntid",
    "nvvm.reqntid": "nvvm.reqntid",
    "nvvm.minctasm": "nvvm.minctasm",
    "nvvm.maxnreg": "nvvm.maxnreg",
    "nvvm.cluster_dim": "nvvm.cluster_dim",
    "nvvm.cluster_max_blocks": "nvvm.maxclusterrank",
}
"""What a kernel says of its launches: the attribute here, and LLVM's, whose value is text."""

_GRID_CONSTANT = "nvvm.grid_constant"
NEEDED = "run the pass 'convert-to-llvm' first"
"""The hint for an op that is not of the llvm dialect."""

_VISIBILITY = ("", "hidden", "protected")
_UNNAMED = ("", "local_unnamed_addr", "unnamed_addr")


def _attributes_of(attrs: Attribute | None, index: int) -> Mapping[str, Attribute]:
    if attrs is None:
        return {}
    return cast("ArrayAttr[DictionaryAttr]", attrs).data[index].data


def argument_attributes(attrs: Mapping[str, Attribute]) -> str:
    """The attributes of a parameter as LLVM spells them; those of other dialects are not LLVM's business."""
    out: list[str] = []
    for name, attr in attrs.items():
        if name in _ARGUMENT_FLAGS:
            out.append(_ARGUMENT_FLAGS[name])
        elif name in _ARGUMENT_NUMBERS:
            out.append(_ARGUMENT_NUMBERS[name].format(cast(IntegerAttr, attr).value.data))
        elif name in _ARGUMENT_TYPES:
            out.append(_ARGUMENT_TYPES[name].format(type_text(attr)))
        elif name == _GRID_CONSTANT:
            out.append(quoted(name))
        elif name.startswith("llvm.") and isinstance(attr, UnitAttr):
            raise ValueError(f"the parameter attribute '{name}' has no LLVM spelling")
    return "".join(f" {text}" for text in out)


def function_attributes(function: llvm.FuncOp) -> str:
    """What stands between a function's parameters and its body."""
    out = [word for name, word in _FUNCTION_FLAGS.items() if function.get_attr_or_prop(name) is not None]
    for name, key in (("target_cpu", "target-cpu"), ("tune_cpu", "tune-cpu")):
        if isinstance(attr := function.get_attr_or_prop(name), StringAttr):
            out.append(f'"{key}"={quoted(attr.data)}')
    if isinstance(features := function.get_attr_or_prop("target_features"), llvm.TargetFeaturesAttr):
        out.append(f'"target-features"="{",".join(feature.data for feature in features.features)}"')
    if isinstance(pointer := function.get_attr_or_prop("frame_pointer"), llvm.FramePointerKindAttr):
        out.append(f'"frame-pointer"="{pointer.data.value}"')
    for name, key in _LAUNCH_BOUNDS.items():
        if (bound := function.attributes.get(name)) is not None:
            out.append(f'"{key}"="{_bound_text(bound)}"')
    passthrough = function.get_attr_or_prop("passthrough")
    for attr in cast("ArrayAttr[Attribute]", passthrough) if passthrough is not None else ():
        if isinstance(attr, StringAttr):
            known = attr.data.isidentifier() and attr.data.islower() and "-" not in attr.data
            out.append(attr.data if known else quoted(attr.data))
        else:
            key, value = cast("ArrayAttr[StringAttr]", attr)
            out.append(f"{quoted(key.data)}={quoted(value.data)}")
    return "".join(f" {text}" for text in out)


def _bound_text(attr: Attribute) -> str:
    """`256,1,1` of an array, `2` of a number."""
    if isinstance(attr, DenseArrayBase):
        return ",".join(map(str, cast("DenseArrayBase[IntegerType]", attr).get_values()))
    return str(cast(IntegerAttr, attr).value.data)


def _convention(function: llvm.FuncOp) -> str:
    if any(name in function.attributes for name in _KERNEL):
        return "ptx_kernel"
    name = function.CConv.convention.data
    return name if name != "ccc" else ""


def _signature(function: llvm.FuncOp, keyword: str, parameters: Sequence[str]) -> str:
    type_ = function.function_type
    linkage = function.linkage.linkage.data
    words = [
        keyword,
        linkage if linkage != "external" or keyword == "declare" else "",
        _VISIBILITY[function.visibility_.value.data],
        _convention(function),
        argument_attributes(_attributes_of(function.res_attrs, 0)).strip(),
        type_text(type_.output),
    ]
    if words[1] == "external":
        words[1] = ""
    inside = ", ".join([*parameters, *(["..."] if type_.is_variadic else [])])
    unnamed = _UNNAMED[function.unnamed_addr.value.data if function.unnamed_addr else 0]
    tail = f" {unnamed}" if unnamed else ""
    head = " ".join(word for word in words if word)
    return f"{head} {symbol_text(function.sym_name.data)}({inside}){tail}{function_attributes(function)}"


class FunctionText:
    """Writes one function; `declare` is told of each intrinsic that it calls.

    `line_of` gives what writes an op, None for one that has no place in code for the target.
    """

    def __init__(
        self,
        function: llvm.FuncOp,
        declare: Callable[[str, str], object],
        line_of: Callable[[Operation], Line | None] = lambda op: LINES.get(type(op)),
        needed: str = NEEDED,
    ) -> None:
        self.function = function
        self.declare = declare
        self._line_of, self._needed = line_of, needed
        self._before: list[str] = []
        self._count = 0
        self._names: dict[SSAValue, str] = {}
        self._typed: dict[SSAValue, str] = {}
        self._types: dict[int, str] = {}
        self._labels: dict[Block, str] = {}
        self._edges: dict[tuple[Operation, int], str] = {}
        self._incoming: dict[Block, list[tuple[str, Sequence[SSAValue]]]] = {}
        self._bridges: list[str] = []

    # what instructions ask

    def name(self, value: SSAValue) -> str:
        """The operand that stands for a value."""
        return self._names[value]

    def typed(self, value: SSAValue) -> str:
        """The operand with its type before it."""
        if (found := self._typed.get(value)) is None:
            found = self._typed[value] = f"{self.type_text(value.type)} {self._names[value]}"
        return found

    def type_text(self, type_: Attribute) -> str:
        """The spelling of a type. It is kept by the identity of the attribute: hashing one takes longer."""
        if (found := self._types.get(id(type_))) is None:
            found = self._types[id(type_)] = type_text(type_)
        return found

    def label(self, source: Operation, index: int) -> str:
        """The label that successor `index` of a terminator jumps to."""
        return self._edges[source, index]

    def emit(self, text: str) -> str:
        """Put an instruction before the line that is being written; the name of its value."""
        name = f"%t{self._count}"
        self._count += 1
        self._before.append(f"  {name} = {text}")
        return name

    # writing

    def lines(self) -> list[str]:
        """The lines of the definition, or the one line of a declaration."""
        types = self.function.function_type.inputs.data
        attributes = [argument_attributes(_attributes_of(self.function.arg_attrs, i)) for i in range(len(types))]
        if not self.function.body.blocks:
            parameters = [f"{type_text(t)}{a}" for t, a in zip(types, attributes, strict=True)]
            return [_signature(self.function, "declare", parameters)]
        blocks = self._reachable()
        self._number(blocks)
        entry = blocks[0]
        parameters = [
            f"{self.type_text(argument.type)}{attribute} {self._names[argument]}"
            for argument, attribute in zip(entry.args, attributes, strict=True)
        ]
        out = [f"{_signature(self.function, 'define', parameters)} {{"]
        for block in blocks:
            out.append(f"{self._labels[block]}:")
            if block is not entry:
                out.extend(self._phis(block))
            for op in block.ops:
                if type(op) not in _INLINE:
                    out.extend(self._lines(op))
        return [*out, *self._bridges, "}"]

    def _reachable(self) -> list[Block]:
        """The blocks that can be entered, in their order: LLVM refuses a phi without predecessors."""
        entry = self.function.body.blocks[0]
        seen = {entry}
        work = [entry]
        while work:
            for block, _ in passed(_terminator(work.pop())):
                if block not in seen:
                    seen.add(block)
                    work.append(block)
        return [block for block in self.function.body.blocks if block in seen]

    def _number(self, blocks: Sequence[Block]) -> None:
        count = 0
        for position, block in enumerate(blocks):
            self._labels[block] = f"b{position}"
            self._incoming[block] = []
            for argument in block.args:
                self._names[argument] = f"%v{count}"
                count += 1
            for op in block.ops:
                inline = _INLINE.get(type(op))
                for result in op.results:
                    self._names[result] = f"%v{count}" if inline is None else inline(op)
                    count += inline is None
        for block in blocks:
            self._connect(block)

    def _connect(self, block: Block) -> None:
        """Note the edges out of a block. A second edge to the same successor goes over a block of its own."""
        terminator = _terminator(block)
        taken: set[Block] = set()
        for index, (successor, values) in enumerate(passed(terminator)):
            label, source = self._labels[successor], self._labels[block]
            if successor in taken:
                bridge = f"{source}.{index}"
                self._bridges += [f"{bridge}:", f"  br label %{label}"]
                label = source = bridge
            taken.add(successor)
            self._edges[terminator, index] = label
            self._incoming[successor].append((source, values))

    def _phis(self, block: Block) -> list[str]:
        incoming = self._incoming[block]
        return [
            f"  {self._names[argument]} = phi {self.type_text(argument.type)} "
            + ", ".join(f"[ {self._names[values[i]]}, %{label} ]" for label, values in incoming)
            for i, argument in enumerate(block.args)
        ]

    def _lines(self, op: Operation) -> list[str]:
        line = self._line_of(op)
        if line is None:
            raise error_at(op, f"'{op.name}' cannot stand in LLVM IR", self._needed, code=codes.CANNOT_LOWER)
        self._before = []
        text = line(op, self)
        return [*self._before, f"  {self._names[op.results[0]]} = {text}" if op.results else f"  {text}"]


def _terminator(block: Block) -> Operation:
    last = block.last_op
    if last is None:
        raise ValueError("a block without a terminator cannot stand in LLVM IR")
    return last
