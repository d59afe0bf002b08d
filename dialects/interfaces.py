"""What a dialect that weft does not know brings for the passes: how its ops get plainer, how they become ml, and how
they are differentiated.

A dialect carries these beside its ops and types, as it carries a fragment of grammar (:mod:`weft.dialects.grammar`):

```python
def relu6(op: Relu6Op, builder: Builder) -> Sequence[SSAValue]:
    six = builder.insert(ml.ConstantOp.of(...)).result
    return [builder.insert(ml.MinOp(op.x, six)).result]

TOY = Dialect("toy", [Relu6Op], [BoxType], [ToMl({Relu6Op: relu6}, {BoxType: lambda box: box.tensor})])
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface
from xdsl.dialects import arith, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, IntegerAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from weft.dialects.walking import inside

Rewrite = Callable[[Any, Builder], Sequence[SSAValue] | None]
"""From an op to the values that replace its results, or None where it does not match. New ops go through the builder,
which stands before the op; it may change the op in place and give back the op's own results."""


@dataclass(frozen=True, eq=False)
class Canonicalizations(DialectInterface):
    """Equations that `canonicalize` applies, by op class, from left to right. Each makes the program plainer."""

    rewrites: Mapping[type[Operation], Sequence[Rewrite]]


@dataclass(frozen=True, eq=False)
class ToMl(DialectInterface):
    """What `convert-to-ml` applies: a lowering for each op, and for each type the type that stands for it.

    Types are replaced first, everywhere: a lowering sees its operands and results in types that weft knows.
    """

    ops: Mapping[type[Operation], Rewrite]
    types: Mapping[type[Attribute], Callable[[Any], Attribute]] = field(default_factory=dict[Any, Any])


Cotangents = Callable[[Any, Builder, Sequence[SSAValue]], Sequence[SSAValue | None]]
"""From an op and the cotangents of its results to those of its operands, in order; None where no gradient passes. New
ops go through the builder, which stands behind the op, where its operands and results can be used."""


@dataclass(frozen=True, eq=False)
class Gradients(DialectInterface):
    """What `differentiate` applies: a rule for each op. An op without one is differentiated as its lowering to ml."""

    rules: Mapping[type[Operation], Cotangents]


Interface = TypeVar("Interface", bound=DialectInterface)


def interfaces(ctx: Context, root: Operation, kind: type[Interface]) -> Iterator[Interface]:
    """The interfaces of a kind that the dialects of a module's ops and types bring, in the order of their names."""
    kinds: set[type[Operation] | type[Attribute]] = set()
    for op in inside(root):
        kinds.add(type(op))
        kinds.update(type(result.type) for result in op.results)
        kinds.update(type(arg.type) for region in op.regions for block in region.blocks for arg in block.args)
    for name in sorted({kind.name.partition(".")[0] for kind in kinds}):
        dialect = ctx.get_optional_dialect(name)
        if dialect is not None and (found := dialect.get_interface(kind)) is not None:
            yield found


def run_time_sizes(builder: Builder, value: SSAValue, axes: Sequence[int] | None = None) -> list[SSAValue]:
    """The sizes of a tensor along `axes` (all unless given) that only run time knows, a `tensor.dim` for each `?`.

    `ml.broadcast_in_dim` and its like take them as they come.
    """
    shape = cast("TensorType[Attribute]", value.type).get_shape()
    sizes: list[SSAValue] = []
    for axis in range(len(shape)) if axes is None else axes:
        if shape[axis] == DYNAMIC_INDEX:
            index = builder.insert(arith.ConstantOp(IntegerAttr(axis, IndexType()))).result
            sizes.append(builder.insert(tensor.DimOp(value, index)).result)
    return sizes
