"""Cuts the tensor program into kernels: host functions keep control flow, kernel functions do the work."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, tensor
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, StringAttr, TensorType, UnitAttr, i32
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import SymbolOpInterface

from weft.dialects import ml
from weft.dialects.locations import fuse, give
from weft.dialects.target import Cpu, compiled_for
from weft.passes.graph.clusters import Cluster, clusters_of, outside_values
from weft.passes.graph.roles import is_splat, splat_of
from weft.passes.graph.row_groups import join_rows
from weft.passes.graph.structure import structure_of
from weft.passes.rewriting import LocatedBuilder

KERNEL = "ml.kernel"
"""The attribute of kernel functions on tensors."""


@dataclass(frozen=True)
class OutlineKernels(ModulePass):
    """Cut the `ml` ops of every host function into kernel functions, and call those.

    Ops are fused into one kernel with their elementwise producers and consumers (:mod:`clusters` has the rules).
    Kernels over the same rows become one (:mod:`row_groups`), and those that read one value (:mod:`siblings`).
    Equal kernels become one function.

    **Before**
    ```mlir
    func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
      %xw = ml.matmul %x, %w : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
      %bias = ml.broadcast_in_dim %b, dims = [1] : tensor<4xf32> to tensor<8x4xf32>
      %y = ml.add %xw, %bias : tensor<8x4xf32>
      func.return %y : tensor<8x4xf32>
    }
    ```

    **After**
    ```mlir
    func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
      %y = func.call @main_kernel_0(%x, %w, %b) : (tensor<8x16xf32>, tensor<16x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
      func.return %y : tensor<8x4xf32>
    }
    func.func private @main_kernel_0(%x: tensor<8x16xf32>, %w: tensor<16x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32>
        attributes {ml.kernel} {
      // the three ops
    }
    ```

    **Needs** nothing; `canonicalize` and `cse` before it make fewer kernels. Asserts on sizes stay before the
    calls that rely on them.

    **Leaves alone** functions that are kernels already, `ml.reshape` (on buffers it is a view), constants that are
    no splats, and all ops that are not of `ml`. `ml.get_dimension_size` becomes `tensor.dim`.
    """

    name = "outline-kernels"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Outline every host function of the module."""
        kernels = _Kernels(_symbols(op), compiled_for(op))
        for function in list(op.ops):
            if isinstance(function, func.FuncOp) and not is_kernel(function):
                kernels.outline(function)


def is_kernel(function: func.FuncOp) -> bool:
    """Whether a function is a kernel, on tensors or on buffers."""
    return KERNEL in function.attributes or "loop.kernel" in function.attributes


def _symbols(module: ModuleOp) -> set[str]:
    """The names that the module's ops have."""
    traits = ((op, op.get_trait(SymbolOpInterface)) for op in module.ops)
    names = (trait.get_sym_attr_name(op) for op, trait in traits if trait is not None)
    return {name.data for name in names if name is not None}


class _Kernels:
    """The kernels of a module as they are made: names that are taken, and what exists already."""

    def __init__(self, names: set[str], cpu: Cpu | None) -> None:
        self.names = names
        self.cpu = cpu
        self.known: dict[Hashable, str] = {}

    def outline(self, host: func.FuncOp) -> None:
        """Cut one host function into kernels; new ones are inserted after it, in order."""
        blocks = host_blocks(host)
        for block in reversed(blocks):
            _expand_sizes(block)
            _erase_dead(op for op in block.ops if isinstance(op, ml.MlOp))
        after: Operation = host
        count = 0
        for block in blocks:
            for cluster in join_rows(block, clusters_of(block), self.cpu):
                outlined = _Outlined(cluster)
                key = structure_of(outlined.function)
                name = self.known.get(key)
                if name is None:
                    name = self._fresh(f"{host.sym_name.data}_kernel_{count}")
                    count += 1
                    self.known[key] = name
                    outlined.function.sym_name = StringAttr(name)
                    Rewriter.insert_op(outlined.function, InsertPoint.after(after))
                    after = outlined.function
                outlined.replace(name)
                _erase_dead(outlined.copied)
        for block in reversed(blocks):
            _erase_dead(op for op in block.ops if isinstance(op, ml.ConstantOp))

    def _fresh(self, name: str) -> str:
        unique, suffix = name, 0
        while unique in self.names:
            suffix += 1
            unique = f"{name}_{suffix}"
        self.names.add(unique)
        return unique


def host_blocks(host: func.FuncOp) -> list[Block]:
    """The blocks of a host function, nested ones too, outer ones first; not those in ml ops."""
    found: list[Block] = []
    regions = list(host.regions)
    while regions:
        for block in regions.pop(0).blocks:
            found.append(block)
            regions += [r for op in block.ops if not isinstance(op, ml.MlOp) for r in op.regions]
    return found


def _expand_sizes(block: Block) -> None:
    """`ml.get_dimension_size` by `tensor.dim`: sizes are found on the host."""
    for op in list(block.ops):
        if isinstance(op, ml.GetDimensionSizeOp):
            builder = LocatedBuilder.before(op)
            axis = builder.insert(arith.ConstantOp(IntegerAttr(op.dim, IndexType())))
            dim = builder.insert(tensor.DimOp(op.operand, axis.result))
            number = builder.insert(arith.IndexCastOp(dim.result, i32))
            made = builder.insert(tensor.FromElementsOp(number.result, result_type=op.result.type))
            Rewriter.replace_op(op, (), made.results)


def _erase_dead(ops: Iterable[Operation]) -> None:
    """Erase those of the ops, all without effects, that nothing uses; users before what they use."""
    for op in reversed(list(ops)):
        if all(result.first_use is None for result in op.results):
            Rewriter.erase_op(op)


class _Outlined:
    """One cluster as a function of its own, not yet in the module."""

    def __init__(self, cluster: Cluster) -> None:
        self.members = cluster.members[::-1]
        self.location = fuse(self.members)
        outside = outside_values(self.members)
        self.copied = _copied(outside)
        copied = set(self.copied)
        self.inputs = [value for value in outside if value.owner not in copied]
        self.outputs = [result for op in self.members for result in op.results if cluster.used_outside(result)]
        self.function = self._build()

    def _build(self) -> func.FuncOp:
        block = Block(arg_types=[value.type for value in self.inputs])
        values: dict[SSAValue, SSAValue] = dict(zip(self.inputs, block.args, strict=True))
        for value, arg in values.items():
            arg.name_hint = value.name_hint
        for op in (*self.copied, *self.members):
            block.add_op(_copy(op, values))
        block.add_op(func.ReturnOp(*(values[output] for output in self.outputs)))
        types = ([value.type for value in self.inputs], [value.type for value in self.outputs])
        function = func.FuncOp("kernel", types, Region(block), "private")
        function.attributes[KERNEL] = UnitAttr()
        give(function, self.location)
        return function

    def replace(self, name: str) -> None:
        """Put a call of the function `name` where the last op of the cluster stands, and erase the cluster."""
        call = func.CallOp(name, self.inputs, [value.type for value in self.outputs])
        LocatedBuilder(InsertPoint.before(self.members[-1]), self.location).insert(call)
        for output, result in zip(self.outputs, call.results, strict=True):
            result.name_hint = output.name_hint
            output.replace_all_uses_with(result)
        for op in reversed(self.members):
            Rewriter.erase_op(op)


def _copied(outside: Sequence[SSAValue]) -> list[Operation]:
    """The ops outside a cluster that its kernel repeats: splats, index constants, sizes of what it takes anyway."""
    constants = {value: op for value in outside if (op := _small_constant(value)) is not None}
    taken = {value for value in outside if isinstance(value.type, TensorType) and value not in constants}
    copied: list[Operation] = []
    for value in outside:
        if value in constants:
            copied.append(constants[value])
        elif isinstance(dim := value.owner, tensor.DimOp) and dim.source in taken:
            axis = _small_constant(dim.index)
            copied += [axis, dim] if axis is not None else []
    return list(dict.fromkeys(copied))


def _small_constant(value: SSAValue) -> Operation | None:
    """The op behind a splat or an index constant, None for any other value."""
    op = value.owner
    if isinstance(op, arith.ConstantOp) and isinstance(op.result.type, IndexType):
        return op
    return op if isinstance(op, Operation) and is_splat(op) else None


def _copy(op: Operation, values: dict[SSAValue, SSAValue]) -> Operation:
    """A copy of `op` in a kernel, at the places of `op`; a splat of `arith` becomes one of `ml`."""
    splat = splat_of(op)
    if splat is not None:
        constant = ml.ConstantOp(splat)
        constant.result.name_hint = op.results[0].name_hint
        values[op.results[0]] = constant.result
        constant.location = op.location
        return constant
    copy = op.clone(values)
    for old, new in zip(op.walk(), copy.walk(), strict=True):
        new.location = old.location
    return copy
