"""Facts about a kernel that hold before any of it is lowered. Each is computed once for an op."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import arith
from xdsl.dialects.builtin import Float32Type, Float64Type, IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.dialects.memref import DimOp
from xdsl.ir import Operation, SSAValue

from weft.dialects import gpu
from weft.dialects.loop import AccessOp, AllocOp, ForOp, PrivateOp, ReduceOp, WriteOp
from weft.dialects.loop.base import LinearOp
from weft.dialects.loop.buffers import MAY_ALIAS
from weft.dialects.loop.linear import Linear
from weft.dialects.loop.nest import loop_of, loops_around
from weft.dialects.walking import inside


class Analysis:
    """What the lowering asks about a kernel's ops; the kernel must not change meanwhile."""

    def __init__(self, kernel: FuncOp | gpu.FuncOp) -> None:
        self.kernel = kernel
        self.may_alias = MAY_ALIAS in kernel.attributes
        self._forms: dict[LinearOp, tuple[Linear, ...]] = {}
        self._targets: dict[AccessOp, SSAValue] = {}
        self._products: dict[ReduceOp, arith.MulfOp | None] = {}
        self._written: dict[Operation, frozenset[SSAValue]] = {}
        self._vector_loops: dict[Operation, ForOp | None] = {}

    def forms(self, op: LinearOp) -> tuple[Linear, ...]:
        """The linear forms of an op."""
        if (found := self._forms.get(op)) is None:
            found = self._forms[op] = op.forms()
        return found

    def target(self, op: AccessOp) -> SSAValue:
        """The buffer of an access."""
        if (found := self._targets.get(op)) is None:
            found = self._targets[op] = op.target
        return found

    def product(self, op: ReduceOp) -> arith.MulfOp | None:
        """The product that only this reduction adds up, in a type that machines multiply and add at once."""
        if op not in self._products:
            owner = op.value.owner
            product = owner if isinstance(owner, arith.MulfOp) else None
            self._products[op] = product if product is not None and self.fuses(product) else None
        return self._products[op]

    def fuses(self, op: Operation) -> bool:
        """Whether an op is a product that :meth:`product` gives to the reduction that uses it."""
        if not isinstance(op, arith.MulfOp) or not isinstance(op.result.type, Float32Type | Float64Type):
            return False
        uses = list(op.result.uses)
        user = uses[0].operation if len(uses) == 1 else None
        return isinstance(user, ReduceOp) and user.kind.data == "add" and user.parent is op.parent

    def root(self, buffer: SSAValue) -> SSAValue:
        """One value for all buffers that may be the same memory."""
        while isinstance(private := buffer.owner, PrivateOp):
            buffer = private.source
        arguments = self.kernel.body.block.args
        return arguments[0] if self.may_alias and buffer in arguments else buffer

    def written(self, op: Operation) -> frozenset[SSAValue]:
        """The buffers (their roots) that an op, or what is inside it, writes."""
        if (found := self._written.get(op)) is None:
            writes = (inner.target for inner in inside(op) if isinstance(inner, WriteOp))
            found = self._written[op] = frozenset(self.root(target) for target in writes)
        return found

    def vector_loop(self, op: Operation) -> ForOp | None:
        """The vector loop around an op."""
        if op not in self._vector_loops:
            self._vector_loops[op] = next((f for f in loops_around(op) if f.kind() == "vector"), None)
        return self._vector_loops[op]

    def runs(self, loop: ForOp) -> bool:
        """True when the loop runs at least once whenever it is reached, whatever the sizes are."""
        return all(_positive(form) for form in self.forms(loop))


def in_registers(buffer: SSAValue) -> bool:
    """Whether a buffer is to be held in registers."""
    return isinstance(alloc := buffer.owner, AllocOp) and alloc.space.data == "reg"


def accesses(buffer: SSAValue) -> Iterator[AccessOp]:
    """The accesses of a buffer, in the order of its uses."""
    return (use.operation for use in buffer.uses if isinstance(use.operation, AccessOp))


def _positive(form: Linear) -> bool:
    """True when a form is 1 or more for all values of its counters and symbols."""
    falling = next((v for v, factor in form.terms if factor < 0), None)
    if falling is None:
        return form.constant >= 1 and all(loop_of(v) is not None or _is_size(v) for v in form.values)
    factor, rest = form.coefficient(falling), form.without(falling)
    loop = loop_of(falling)
    if loop is not None:
        return any(_positive(rest + (bound - Linear((), 1)) * factor) for bound in loop.forms())
    tiles = _ceildiv(falling)
    if tiles is None or factor % tiles[1]:
        return False
    # d * ceildiv(n, d) <= n + d - 1
    size, divisor = tiles
    return _positive(rest + (Linear(((size, 1),), divisor - 1)) * (factor // divisor))


def _ceildiv(symbol: SSAValue) -> tuple[SSAValue, int] | None:
    """`(n, d)` of a symbol that is ceildiv(n, d) with a constant d."""
    op = symbol.owner
    if not isinstance(op, arith.CeilDivSIOp | arith.CeilDivUIOp):
        return None
    divisor = op.rhs.owner
    if not isinstance(divisor, arith.ConstantOp) or not isinstance(divisor.value, IntegerAttr):
        return None
    return (op.lhs, divisor.value.value.data) if divisor.value.value.data > 0 else None


def _is_size(symbol: SSAValue) -> bool:
    """Whether a symbol is known not to be negative: a size, or tiles of one."""
    tiles = _ceildiv(symbol)
    return isinstance(symbol.owner, DimOp) or (tiles is not None and _is_size(tiles[0]))
