"""A kernel while it becomes loops: where values are, what is named, and where new ops go."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, bufferization, func, memref, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, StringAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.loop.buffers import NAME, AllocOp, argument_attributes, set_argument_attribute
from weft.dialects.loop.linear import Linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.passes.loops.ml_to_loop.body import Number, number_attr, signless
from weft.passes.loops.ml_to_loop.equal_sizes import EqualSizes
from weft.passes.loops.reify import Size, constant_index
from weft.passes.rewriting import LocatedBuilder


class Kernel:
    """One kernel function. Symbols and constants go before `first`, nests before the return."""

    def __init__(self, function: func.FuncOp) -> None:
        self.function = function
        self.block = function.body.block
        self.old = list(self.block.ops)[:-1]
        self.end = list(self.block.ops)[-1]
        location = function.location
        self.top = LocatedBuilder(InsertPoint.before(next(iter(self.block.ops))), location)
        self.builder = LocatedBuilder(InsertPoint.before(self.end), location)
        self.held: dict[SSAValue, SSAValue] = {}
        """The buffers of values in memory. Their elements may be wider than those of the values."""
        self.starts: dict[Operation, tuple[Linear, ...]] = {}
        """The clamped starts of slices whose places only the run knows."""
        self.outputs: list[tuple[SSAValue, SSAValue]] = []
        """Values and the buffers that they must end in."""
        self._constants: dict[Attribute, SSAValue] = {}
        self._names: set[str] = set()
        self._labels: set[str] = set()
        self._read_ends()
        self.given = frozenset(self.held)
        """The values that are in memory when the kernel starts."""
        self._name_arguments()
        self.sizes = EqualSizes(self.top)
        self._replace_sizes()
        self.sizes.equate(self.old)

    def _read_ends(self) -> None:
        """Note which tensors are in buffers at the start, and which must be at the end."""
        for op in self.old:
            if isinstance(op, bufferization.ToTensorOp):
                self.held[op.tensor] = op.memref
            elif isinstance(op, bufferization.MaterializeInDestinationOp):
                self.outputs.append((same_bits(op.source), op.dest))
            elif not isinstance(op, MlOp | tensor.DimOp | arith.ConstantOp):
                raise error_at(
                    op,
                    f"'{op.name}' cannot stand in a kernel",
                    "a kernel holds ml ops and tensor.dim",
                    code=codes.CANNOT_LOWER,
                )

    def _replace_sizes(self) -> None:
        """Take the sizes of tensors from the buffers."""
        for op in self.old:
            if isinstance(op, tensor.DimOp):
                axis = constant_index(op.index)
                if axis is None:
                    raise error_at(
                        op,
                        "a kernel asks for the size of a dimension that only run time knows",
                        code=codes.UNKNOWN_SIZE,
                    )
                size = self.sizes.value(self.sizes.dim(op.source, axis))
                op.result.replace_all_uses_with(size)

    def _name_arguments(self) -> None:
        """Give every buffer argument a name for schedules, its name hint where that is free."""
        buffers = [arg for arg in self.block.args if isinstance(arg.type, MemRefType)]
        given = {arg: name for arg in buffers if (name := argument_attributes(arg).get(NAME)) is not None}
        self._names |= {name.data for name in given.values() if isinstance(name, StringAttr)}
        for arg in buffers:
            if arg not in given:
                name = self.fresh_name(arg.name_hint or f"arg{arg.index}")
                set_argument_attribute(self.function, arg.index, NAME, StringAttr(name))

    def at(self, op: Operation) -> None:
        """New ops get the location of `op` from here on."""
        self.top.location = self.builder.location = op.location

    def fresh_name(self, name: str) -> str:
        """A buffer name that the kernel does not have yet."""
        return _fresh(name, self._names)

    def fresh_labels(self, names: Sequence[str]) -> list[str]:
        """Labels for the loops of one nest: the names, all with one number behind if any of them is taken."""
        number = 0
        labels = list(names)
        while any(label in self._labels for label in labels):
            number += 1
            labels = [f"{name}{number}" for name in names]
        self._labels.update(labels)
        return labels

    def constant(self, number: Number, type_: Attribute) -> SSAValue:
        """A scalar constant; each is made once, at the top."""
        attr = number_attr(number, type_)
        if attr not in self._constants:
            self._constants[attr] = self.top.insert(arith.ConstantOp(attr)).result
        return self._constants[attr]

    def dims(self, value: SSAValue) -> tuple[Size, ...]:
        """The sizes of a tensor: integers, and symbols at the top of the kernel."""
        return tuple(self.sizes.shape(value))

    def alloc(self, name: str, element: Attribute, dims: Sequence[Size]) -> SSAValue:
        """A new buffer of the kernel."""
        shape = [dim if isinstance(dim, int) else DYNAMIC_INDEX for dim in dims]
        sizes = [dim for dim in dims if isinstance(dim, SSAValue)]
        type_ = MemRefType(element, shape)
        return self.builder.insert(AllocOp("heap", self.fresh_name(name), type_, sizes)).result

    def finish(self) -> None:
        """Erase what the loops replace."""
        for op in reversed(self.old):
            if not isinstance(op, arith.ConstantOp) or op.result.first_use is None:
                Rewriter.erase_op(op)
        for op in reversed(list(self.block.ops)):
            if isinstance(op, memref.DimOp) and op.result.first_use is None:
                index = op.index.owner
                Rewriter.erase_op(op)
                if isinstance(index, arith.ConstantOp) and index.result.first_use is None:
                    Rewriter.erase_op(index)

    def home(self, value: SSAValue, element: Attribute | None = None, name: str = "t") -> SSAValue:
        """The buffer in which to make `value`, as :meth:`room` gives it; the value is held there from now on."""
        self.held[value] = self.room(value, element, name)
        return self.held[value]

    def room(self, value: SSAValue, element: Attribute | None = None, name: str = "t") -> SSAValue:
        """An output that `value` must end in, or a new buffer for it.

        `element` is the type in which it is computed, by default its own.
        """
        own = signless(tensor_type(value).element_type)
        for output, buffer in self.outputs:
            if output is value and element in (None, own):
                return buffer
        return self.alloc(name, element or own, self.dims(value))


def same_bits(value: SSAValue) -> SSAValue:
    """The value itself, or the one before casts that only rename its integers (`i8` as `ui8`): one buffer."""
    while isinstance(op := value.owner, ml.BitcastConvertOp):
        before, after = (signless(tensor_type(v).element_type) for v in (op.operand, op.result))
        if before != after:
            break
        value = op.operand
    return value


def _fresh(name: str, taken: set[str]) -> str:
    unique, number = name, 0
    while unique in taken:
        number += 1
        unique = f"{name}{number}"
    taken.add(unique)
    return unique
