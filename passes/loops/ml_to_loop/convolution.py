"""Convolutions as one perfect nest over output and window; padding and input dilation are a copy before it."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.convolution_window import Window
from weft.passes.loops.ml_to_loop.body import signless, wide
from weft.passes.loops.ml_to_loop.contraction import add_kind, allow_less, multiply, widen
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest
from weft.passes.loops.ml_to_loop.shapes import Source, Space, with_space
from weft.passes.loops.ml_to_loop.values import fill, settle
from weft.passes.loops.reify import Size


def _spatial_names(letters: str, count: int) -> list[str]:
    """Names for the loops over `count` spatial dimensions: the last letters, or numbered ones."""
    return list(letters[3 - count :]) if count <= 3 else [f"{letters[0]}{n}_" for n in range(count)]


def convolution(kernel: Kernel, op: MlOp) -> None:
    """An `ml.convolution`: load, load, multiply, reduce over the window; f16 and bf16 are summed in f32."""
    assert isinstance(op, ml.ConvolutionOp)
    element = wide(tensor_type(op.result).element_type)
    buffer, dims = kernel.home(op.result, element), kernel.dims(op.result)
    if 0 in dims:
        return
    conv = _Convolution(kernel, op, buffer)
    summed = [size for _, size in conv.window_loops.values()]
    Nest.top(kernel).where_some(summed, conv.build, lambda top: fill(top, buffer, dims, 0))


class _Convolution:
    """The nest of one convolution. Loops: n, g (group), o (feature of a group), h, w; c and r, s of the window."""

    def __init__(self, kernel: Kernel, op: ml.ConvolutionOp, buffer: SSAValue) -> None:
        self.kernel, self.op, self.buffer = kernel, op, buffer
        self.window: Window = op.window
        self.groups = max(self.window.feature_groups, self.window.batch_groups)
        dims = self.window.dims
        weights, outputs = kernel.dims(op.rhs), kernel.dims(op.result)
        self.channels, *reach = (weights[axis] for axis in dims.rhs_order[1:])
        features = weights[dims.rhs_order[0]]
        if self.groups > 1:
            features = kernel.sizes.binary(arith.FloorDivSIOp, features, self.groups)
        self.features = features
        self.batch, _, *spatial = (outputs[axis] for axis in dims.out_order)
        along = _spatial_names("dhw", dims.spatial)
        within = _spatial_names("qrs", dims.spatial)
        self.out_loops: dict[str, tuple[str, Size]] = {"b": ("n", self.batch), "f": ("o", features)}
        self.window_loops: dict[str, tuple[str, Size]] = {"i": ("c", self.channels)}
        for axis in range(dims.spatial):
            self.out_loops[str(axis)] = (along[axis], spatial[axis])
            self.window_loops[str(axis)] = (within[axis], reach[axis])
        settle(kernel, op.rhs, repeats=[self.batch, *spatial])
        self.source = self._source([features, *reach])

    def _source(self, repeats: list[Size]) -> Source:
        """The input; a copy of it where it needs space around or between its elements."""
        window, order = self.window, self.window.dims.lhs_order
        spaces = [Space()] * len(order)
        dims = list(self.kernel.dims(self.op.lhs))
        for number, axis in enumerate(order[2:]):
            spaces[axis] = Space(*window.pad[number], window.lhs_step[number])
            if not spaces[axis].covers:
                dims[axis] = self.kernel.sizes.size(window.padded(self.op.operand_dims(0), number), self.op)
        element = signless(tensor_type(self.op.lhs).element_type)
        return with_space(
            self.kernel, self.op.lhs, spaces, dims, lambda nest: self.kernel.constant(0, element), repeats
        )

    def build(self, top: Nest) -> None:
        """One nest; where sizes that a group's number multiplies are known at run time only, one for each group."""
        if self.groups == 1:
            self._nest(top, 0)
        elif all(isinstance(size, int) for size in (self.features, self.channels, self.batch)):
            self._nest(top, None)
        else:
            for group in range(self.groups):
                self._nest(top, group)

    def _nest(self, top: Nest, group: int | None) -> None:
        """The nest of one group; for None that of all of them, with a loop over groups."""
        loops = self._loops(with_groups=group is None)
        nest, counters = top.loops([size for _, size in loops], [name for name, _ in loops])
        at = dict(zip((name for name, _ in loops), counters, strict=True))
        number = at["g"] if group is None else linear(group)
        element = wide(tensor_type(self.op.result).element_type)
        values = (
            self.source.element(nest, self._input_index(at, number)),
            nest.element(self.op.rhs, self._weight_index(at, number)),
        )
        x, w = (
            widen(nest.body, value, tensor_type(operand).element_type, element)
            for value, operand in zip(values, (self.op.lhs, self.op.rhs), strict=True)
        )
        over = tuple(at[name] for name, _ in self._window())
        product = multiply(nest.body, x, w)
        allow_less(product, self.op.exactness, (self.op.lhs, self.op.rhs))
        nest.reduce(add_kind(element), product, self.buffer, self._place(at, number), over)

    def _loops(self, *, with_groups: bool) -> list[tuple[str, Size]]:
        """The output in its layout (groups before features), then the window in the kernel's."""
        loops: list[tuple[str, Size]] = []
        for label in self.window.dims.out:
            loops += [("g", self.groups)] if label == "f" and with_groups else []
            loops.append(self.out_loops[label])
        return loops + self._window()

    def _window(self) -> list[tuple[str, Size]]:
        return [self.window_loops[label] for label in self.window.dims.rhs if label != "o"]

    def _place(self, at: dict[str, Linear], group: Linear) -> Index:
        """The index into the output."""
        features = at["o"] + _times(group, self.features)
        return tuple(features if label == "f" else at[self.out_loops[label][0]] for label in self.window.dims.out)

    def _weight_index(self, at: dict[str, Linear], group: Linear) -> Index:
        """The index into the kernel; a reversed window counts down."""
        places: dict[str, Linear] = {"o": at["o"] + _times(group, self.features), "i": at["c"]}
        for axis, reverse in enumerate(self.window.reverse):
            name, size = self.window_loops[str(axis)]
            places[str(axis)] = linear(size) - at[name] - 1 if reverse else at[name]
        return tuple(places[label] for label in self.window.dims.rhs)

    def _input_index(self, at: dict[str, Linear], group: Linear) -> Index:
        """The index into the padded input."""
        places: dict[str, Linear] = {"b": at["n"], "f": at["c"]}
        if self.window.batch_groups > 1:
            places["b"] += _times(group, self.batch)
        elif self.window.feature_groups > 1:
            places["f"] += _times(group, self.channels)
        steps = zip(self.window.stride, self.window.rhs_step, strict=True)
        for axis, (stride, step) in enumerate(steps):
            out, inner = self.out_loops[str(axis)][0], self.window_loops[str(axis)][0]
            places[str(axis)] = at[out] * stride + at[inner] * step
        return tuple(places[label] for label in self.window.dims.lhs)


def _times(group: Linear, size: Size) -> Linear:
    """The number of a group times a size, one of which is known."""
    return group * size if isinstance(size, int) else linear(size) * group.constant
