"""The symbols of a kernel, computed again where they are needed: in a function of the device, and in host code."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.builder import Builder
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import IndexOp, Linear, LinearOp, LoadOp
from weft.passes.loops.reify import constant_index

INDEX = IndexType()


def symbol_ops(used: Sequence[SSAValue]) -> list[Operation]:
    """The ops that compute the given symbols, each after those that it takes its operands from."""
    found: dict[Operation, None] = {}

    def visit(value: SSAValue) -> None:
        owner = value.owner
        if isinstance(owner, Operation) and owner not in found:
            for operand in owner.operands:
                visit(operand)
            found[owner] = None

    for value in used:
        visit(value)
    return list(found)


class Host:
    """Symbols and forms of a kernel in host code: `values` says what an argument of the kernel is there."""

    def __init__(self, builder: Builder, values: dict[SSAValue, SSAValue]) -> None:
        self.builder = builder
        self.values = values

    def inside(self, builder: Builder) -> Host:
        """The same at a place inside, where what is computed is seen no longer outside."""
        return Host(builder, dict(self.values))

    def value(self, source: SSAValue) -> SSAValue:
        """A symbol, or an argument."""
        if source not in self.values:
            for op in symbol_ops([source]):
                if op.results[0] not in self.values:
                    self._compute(op)
        return self.values[source]

    def _compute(self, op: Operation) -> None:
        if isinstance(op, LoadOp):
            index = [self.form(form) for form in op.index()]
            made: Operation = memref.LoadOp.get(self.values[op.buffer], index)
            self.builder.insert(made)
        elif isinstance(op, IndexOp):
            self.values[op.result] = self.form(op.form())
            return
        else:
            made = op.clone(self.values)
            self.builder.insert(made)
        self.values.update(zip(op.results, made.results, strict=True))

    def constant(self, number: int) -> SSAValue:
        """An index constant."""
        return self.builder.insert(arith.ConstantOp(IntegerAttr(number, INDEX))).result

    def form(self, form: Linear) -> SSAValue:
        """The value of a form of symbols."""
        total: SSAValue | None = None
        for source, factor in form.terms:
            value = self.value(source)
            if factor != 1:
                value = self.builder.insert(arith.MuliOp(value, self.constant(factor))).result
            total = value if total is None else self.builder.insert(arith.AddiOp(total, value)).result
        if total is None:
            return self.constant(form.constant)
        if form.constant:
            total = self.builder.insert(arith.AddiOp(total, self.constant(form.constant))).result
        return total

    def product(self, values: Sequence[SSAValue]) -> SSAValue:
        """The product of values, constants multiplied here."""
        known = 1
        total: SSAValue | None = None
        for value in values:
            number = constant_index(value)
            if number is not None:
                known *= number
            else:
                total = value if total is None else self.builder.insert(arith.MuliOp(total, value)).result
        if total is None:
            return self.constant(known)
        return total if known == 1 else self.builder.insert(arith.MuliOp(total, self.constant(known))).result

    def quotient(self, value: SSAValue, divisor: int) -> SSAValue:
        """`value / divisor`, rounded up."""
        number = constant_index(value)
        if number is not None:
            return self.constant(-(-number // divisor))
        return self.builder.insert(arith.CeilDivSIOp(value, self.constant(divisor))).result


def free_values(ops: Sequence[Operation]) -> list[SSAValue]:
    """The values that ops use and do not make, in the order of their first use."""
    made: set[SSAValue] = set()
    used: dict[SSAValue, None] = {}
    for op in ops:
        for inner in op.walk():
            used.update(dict.fromkeys(inner.operands))
            made.update(inner.results)
            for region in inner.regions:
                for block in region.blocks:
                    made.update(block.args)
    return [value for value in used if value not in made]


def forms_of(op: Operation) -> Sequence[Linear]:
    """The linear forms of an op; none for an op without."""
    return op.forms() if isinstance(op, LinearOp) else ()
