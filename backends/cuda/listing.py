"""What a file of PTX holds, as JSON: its kernels and their arguments, and the launches that make up each host function.

It is read off a module at stop 7 (`docs/gpu-ptx.md` says what each key means). A host function whose launches do not
follow from its text alone (a loop, a run-time size) has none, and the reason why.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from xdsl.dialects import arith, func, llvm, memref
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    NoneAttr,
    StridedLayoutAttr,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

from weft.backends.cuda.ptx import target_of
from weft.dialects import gpu

JSON = dict[str, Any]

_BYTES = {"i1": 1, "i8": 1, "i16": 2, "f16": 2, "bf16": 2, "i32": 4, "f32": 4, "i64": 8, "f64": 8, "index": 8}
_SHARED = 3


def listing(module: ModuleOp, files: Mapping[str, str]) -> JSON:
    """What the PTX of a module's `gpu.module`s holds; `files` is the file of each, by its name."""
    modules = [op for op in module.body.block.ops if isinstance(op, gpu.ModuleOp)]
    launches = [op for op in module.walk() if isinstance(op, gpu.LaunchFuncOp)]
    hosts = [op for op in module.body.block.ops if isinstance(op, func.FuncOp) and op.body.blocks]
    return {
        "kernels": [kernel for op in modules for kernel in _kernels(op, files[op.sym_name.data], launches)],
        "functions": [_Host(op, module).described() for op in hosts if op.sym_visibility is None],
    }


# kernels


def _kernels(module: gpu.ModuleOp, file: str, launches: Sequence[gpu.LaunchFuncOp]) -> Iterable[JSON]:
    target = target_of(module)
    name = module.sym_name.data
    shared = _shared_memory(module)
    common = {symbol for op in module.body.block.ops if gpu.KERNEL not in op.attributes for symbol in _named(op)}
    for op in module.body.block.ops:
        if not isinstance(op, llvm.FuncOp) or gpu.KERNEL not in op.attributes:
            continue
        kernel = op.sym_name.data
        launch = next((found for found in launches if _kernel_of(found) == (name, kernel)), None)
        used = {*_named(op), *common}  # what functions of the device use, any kernel may
        yield {
            "name": kernel,
            "module": name,
            "file": file,
            "chip": target.chip,
            "ptx": target.ptx,
            "arguments": _arguments(op, launch),
            "block": _bound(op, "nvvm.maxntid"),
            "cluster": _bound(op, "nvvm.cluster_dim"),
            "shared_bytes": sum(size for symbol, size in shared.items() if symbol in used),
            "dynamic_shared": any(size == 0 for symbol, size in shared.items() if symbol in used),
        }


def _named(op: Operation) -> set[str]:
    """The symbols whose addresses an op's body takes."""
    return {found.global_name.string_value() for found in op.walk() if isinstance(found, llvm.AddressOfOp)}


def _kernel_of(op: gpu.LaunchFuncOp) -> tuple[str, str]:
    return op.kernel.root_reference.data, op.kernel.nested_references.data[-1].data


def _shared_memory(module: gpu.ModuleOp) -> dict[str, int]:
    """The bytes of each buffer in shared memory; 0 for the one whose size the launch says."""
    return {
        op.sym_name.data: _size(op.global_type)
        for op in module.body.block.ops
        if isinstance(op, llvm.GlobalOp) and op.addr_space.value.data == _SHARED
    }


def _size(type_: Attribute) -> int:
    if isinstance(type_, llvm.LLVMArrayType):
        return type_.size.data * _size(type_.type)
    if isinstance(type_, llvm.LLVMPointerType):
        return 8
    return _BYTES[str(type_)]


def _bound(op: llvm.FuncOp, name: str) -> list[int] | None:
    attr = op.attributes.get(name)
    return None if attr is None else [int(v) for v in cast("DenseArrayBase[IntegerType]", attr).get_values()]


def _arguments(op: llvm.FuncOp, launch: gpu.LaunchFuncOp | None) -> list[JSON]:
    """Each parameter: what it is, where it lies among the parameters in bytes, and how large it is."""
    kinds = [] if launch is None else [kind for value in launch.kernel_operands for kind in _expanded(value)]
    types = op.function_type.inputs.data
    out: list[JSON] = []
    offset, known = 0, set[str]()
    for index, type_ in enumerate(types):
        size = _size(type_)
        offset = -(-offset // size) * size
        kind, dtype = kinds[index] if len(kinds) == len(types) else _guessed(type_)
        hint = op.body.blocks[0].args[index].name_hint
        name = f"arg{index}" if hint is None or hint in known else hint
        known.add(name)
        out.append({"name": name, "kind": kind, "dtype": dtype, "offset": offset, "size": size})
        offset += size
    return out


def _guessed(type_: Attribute) -> tuple[str, str | None]:
    return ("pointer", None) if isinstance(type_, llvm.LLVMPointerType) else ("scalar", str(type_))


def _expanded(value: SSAValue) -> list[tuple[str, str]]:
    """The parameters that an operand of a launch becomes: of a memref, the pointer and what its type leaves open."""
    type_ = value.type
    if not isa(type_, MemRefType):
        return [("scalar", "i64" if str(type_) == "index" else str(type_))]
    sizes = [("size", "i64")] * type_.get_shape().count(DYNAMIC_INDEX)
    layout = type_.layout
    open_ = sum(isinstance(s, NoneAttr) for s in layout.strides) if isinstance(layout, StridedLayoutAttr) else 0
    return [("pointer", str(type_.element_type)), *sizes, *[("stride", "i64")] * open_]


# host functions


class _Unknown(Exception):
    """Something that the text of a function alone does not tell."""


class _Host:
    """A host function, read as a list of launches and copies on buffers of known sizes."""

    def __init__(self, function: func.FuncOp, module: ModuleOp) -> None:
        self.function, self.module = function, module
        self.numbers: dict[SSAValue, int] = {}
        self.places: dict[SSAValue, JSON] = {}
        self.buffers: list[JSON] = []
        self.steps: list[JSON] = []

    def described(self) -> JSON:
        """The function's arguments, its own buffers, and its launches in order."""
        arguments = [self._argument(index, value) for index, value in enumerate(self.function.body.blocks[0].args)]
        described: JSON = {"name": self.function.sym_name.data, "arguments": arguments}
        try:
            if len(self.function.body.blocks) != 1:
                raise _Unknown("it has branches")
            for op in self.function.body.block.ops:
                self._read(op)
        except _Unknown as unknown:
            return {**described, "launches": None, "why": str(unknown)}
        return {**described, "buffers": self.buffers, "launches": self.steps}

    def _argument(self, index: int, value: SSAValue) -> JSON:
        name = value.name_hint or f"arg{index}"
        attributes = self.function.arg_attrs
        role = "output" if attributes is not None and "weft.out" in attributes.data[index].data else "input"
        if not isa(value.type, MemRefType):
            return {"name": name, "kind": "scalar", "dtype": str(value.type), "role": role}
        self.places[value] = {"buffer": name, "offset": 0}
        shape = [None if size == DYNAMIC_INDEX else size for size in value.type.get_shape()]
        return {"name": name, "kind": "array", "dtype": str(value.type.element_type), "shape": shape, "role": role}

    def _read(self, op: Operation) -> None:
        rule = _READERS.get(type(op))
        if rule is None:
            raise _Unknown(f"what '{op.name}' does is not known before it runs")
        rule(self, op)

    def number(self, value: SSAValue) -> int:
        """A number that is known. Raises _Unknown."""
        if value not in self.numbers:
            raise _Unknown("a number is not known before it runs")
        return self.numbers[value]

    def place(self, value: SSAValue) -> JSON:
        """The buffer, and the byte in it, where a memref begins. Raises _Unknown."""
        type_ = value.type
        if value not in self.places or not isa(type_, MemRefType) or not type_.has_static_shape():
            raise _Unknown("a size is not known before it runs")
        return self.places[value]

    # the rules

    def constant(self, op: Operation) -> None:
        """A number."""
        value = cast(arith.ConstantOp, op).value
        if isa(value, IntegerAttr):
            self.numbers[op.results[0]] = value.value.data

    def alloc(self, op: Operation) -> None:
        """A buffer of the function's own."""
        name = f"buffer{len(self.buffers)}"
        self.places[op.results[0]] = {"buffer": name, "offset": 0}
        self.place(op.results[0])
        self.buffers.append({"name": name, "bytes": _bytes(op.results[0].type)})

    def constant_buffer(self, op: Operation) -> None:
        """A buffer that holds a constant."""
        name = cast(memref.GetGlobalOp, op).name_.string_value()
        self.places[op.results[0]] = {"buffer": name, "offset": 0}
        found = next(
            g for g in self.module.body.block.ops if isinstance(g, memref.GlobalOp) and g.sym_name.data == name
        )
        if not isa(found.initial_value, DenseIntOrFPElementsAttr):
            raise _Unknown(f"the data of '@{name}' lies in a file")
        if all(buffer["name"] != name for buffer in self.buffers):
            data = found.initial_value.data.data
            if found.initial_value.is_splat():
                data = data[: found.initial_value.type.element_type.compile_time_size]
                data *= _bytes(op.results[0].type) // len(data)
            text = base64.b64encode(data).decode()
            self.buffers.append({"name": name, "bytes": _bytes(op.results[0].type), "base64": text})

    def view(self, op: Operation) -> None:
        """A part of a buffer."""
        view = cast(memref.ViewOp, op)
        place = self.place(view.source)
        self.places[op.results[0]] = {**place, "offset": place["offset"] + self.number(view.byte_shift)}

    def same(self, op: Operation) -> None:
        """The same buffer under another type."""
        self.places[op.results[0]] = self.place(op.operands[0])

    def copy(self, op: Operation) -> None:
        """A copy of a contiguous buffer."""
        source, to = op.operands
        if not isinstance(cast("MemRefType[Attribute]", source.type).layout, NoneAttr):
            raise _Unknown("it copies what is not contiguous")
        self.steps.append({"copy": self.place(to), "from": self.place(source), "bytes": _bytes(source.type)})

    def launch(self, op: Operation) -> None:
        """A launch."""
        launch = cast(gpu.LaunchFuncOp, op)
        module, kernel = _kernel_of(launch)
        shared = launch.dynamic_shared_memory_size
        self.steps.append(
            {
                "kernel": kernel,
                "module": module,
                "grid": [self.number(size) for size in launch.grid],
                "block": [self.number(size) for size in launch.block],
                "cluster": None if launch.cluster is None else [self.number(size) for size in launch.cluster],
                "dynamic_shared_bytes": 0 if shared is None else self.number(shared),
                "arguments": [self._passed(value) for value in launch.kernel_operands],
            }
        )

    def _passed(self, value: SSAValue) -> JSON:
        if isa(value.type, MemRefType):
            return self.place(value)
        if value in self.numbers:
            return {"value": self.numbers[value]}
        if value in self.function.body.blocks[0].args:
            index = self.function.body.blocks[0].args.index(value)  # pyright: ignore[reportArgumentType]
            return {"argument": value.name_hint or f"arg{index}"}
        raise _Unknown("a scalar is not known before it runs")

    def nothing(self, op: Operation) -> None:
        """Freed memory, and the end."""


def _bytes(type_: Attribute) -> int:
    memref_type = cast("MemRefType[Attribute]", type_)
    count = 1
    for size in memref_type.get_shape():
        count *= size
    return count * _BYTES[str(memref_type.element_type)]


_READERS: dict[type[Operation], Any] = {
    arith.ConstantOp: _Host.constant,
    memref.AllocOp: _Host.alloc,
    memref.GetGlobalOp: _Host.constant_buffer,
    memref.ViewOp: _Host.view,
    memref.CastOp: _Host.same,
    memref.CopyOp: _Host.copy,
    memref.DeallocOp: _Host.nothing,
    gpu.LaunchFuncOp: _Host.launch,
    gpu.AllocOp: _Host.alloc,
    gpu.DeallocOp: _Host.nothing,
    gpu.WaitOp: _Host.nothing,
    func.ReturnOp: _Host.nothing,
}
