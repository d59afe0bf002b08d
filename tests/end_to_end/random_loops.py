"""Random loops on memrefs, as a user might write them: recurrences, triangles, sums that loops carry, in place or not.

All accesses are inside: buffers have a margin around what the loops run over.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

MARGIN = 2
"""How far an access may lie from the counters of its loops."""

COMBINE = {
    "i32": ("addi", "subi", "muli", "maxsi", "minsi", "minui", "xori"),
    "i8": ("addi", "subi", "maxsi", "andi"),
    "i64": ("addi", "subi", "maxsi"),
    "f32": ("addf", "subf", "maximumf", "minimumf"),
    "f64": ("addf", "subf", "maximumf"),
}
"""Ops that are exact on small whole numbers, by the type of the elements."""

DTYPES = {"i8": np.int8, "i32": np.int32, "i64": np.int64, "f32": np.float32, "f64": np.float64}


@dataclass(frozen=True)
class Program:
    """A program with two matrices and a vector, and the sizes of what its loops run over."""

    text: str
    rows: int
    columns: int
    dtype: type

    def arrays(self, seed: int) -> list[np.ndarray]:
        """Small whole numbers."""
        random = np.random.default_rng(seed)
        shape = (self.rows + 2 * MARGIN, self.columns + 2 * MARGIN)
        return [random.integers(-3, 4, s).astype(self.dtype) for s in (shape, shape, shape[1:])]


class _Writer:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.element = self.random.choice(list(COMBINE))
        self.rows = self.random.choice([1, 2, 5, 9])
        self.columns = self.random.choice([1, 3, 8, 15, 16, 17, 33, 64, 70, 150])
        known = self.random.random() < 0.6
        shape = (f"{self.rows + 2 * MARGIN}", f"{self.columns + 2 * MARGIN}") if known else ("?", "?")
        self.matrix = f"memref<{shape[0]}x{shape[1]}x{self.element}>"
        self.vector = f"memref<{shape[1]}x{self.element}>"
        self.lines: list[str] = []
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def place(self, row: str, column: str) -> tuple[str, str, str]:
        """A buffer, an index in it and its type."""
        chance = self.random.random
        at = [f"{c} + {self.random.randint(0, 2 * MARGIN) if chance() < 0.5 else MARGIN}" for c in (row, column)]
        if chance() < 0.1:
            at[1] = f"{self.columns + 2 * MARGIN - 1 - self.random.randint(0, MARGIN)} - {column}"
        name = self.random.choice(["%x", "%x", "%y", "%z"])
        return (name, at[1], self.vector) if name == "%z" else (name, ", ".join(at), self.matrix)

    def load(self, place: tuple[str, str, str]) -> str:
        name = self.new()
        self.lines.append(f"{name} = affine.load {place[0]}[{place[1]}] : {place[2]}")
        return name

    def store(self, value: str, place: tuple[str, str, str]) -> None:
        self.lines.append(f"affine.store {value}, {place[0]}[{place[1]}] : {place[2]}")

    def op(self, left: str, right: str) -> str:
        name = self.new()
        self.lines.append(
            f"{name} = arith.{self.random.choice(COMBINE[self.element])} {left}, {right} : {self.element}"
        )
        return name

    def test(self, left: str, right: str) -> str:
        name = self.new()
        kind = "cmpf olt" if self.element[0] == "f" else f"cmpi {self.random.choice(['slt', 'sge', 'ult'])}"
        self.lines.append(f"{name} = arith.{kind}, {left}, {right} : {self.element}")
        return name

    def choose(self, test: str, left: str, right: str) -> str:
        name = self.new()
        self.lines.append(f"{name} = arith.select {test}, {left}, {right} : {self.element}")
        return name

    def carried(self, state: str, row: str, column: str) -> str:
        """What a loop carries on: accumulated, accumulated under a condition, the lesser of two, or a recurrence."""
        value = self.load(self.place(row, column))
        kind = self.random.randrange(5)
        if kind == 0:
            test = self.test(value, self.load(self.place(row, column)))
            pair = (self.op(state, value), state)
            return self.choose(test, *(pair if self.random.random() < 0.5 else pair[::-1]))
        if kind == 1:
            pair = (state, value)
            return self.choose(self.test(*pair), *(pair if self.random.random() < 0.5 else pair[::-1]))
        if kind == 2:
            next_ = self.op(state, value)
            self.store(next_, self.place(row, column))
            return next_
        return self.op(state, value)

    def sum_over(self, row: str, start: str, depth: int) -> str:
        """The result of a loop, or of two in each other, that carries a value."""
        name, counter, state = self.new(), f"%j{self.count}", f"%s{self.count}"
        high = self.random.choice(["affine_map<(d0) -> (d0)>(%i)", f"{self.columns}", f"{self.columns}", "%n"])
        if high.startswith("affine_map") and self.rows > self.columns:
            high = "%n"
        if depth:
            high = "3"
        low = self.random.choice(["0", "0", "1"])
        # a loop that counts from 1 up to less runs not at all
        self.lines.append(
            f"{name} = affine.for {counter} = {low} to {high} iter_args({state} = {start}) -> ({self.element}) {{"
        )
        if depth and self.random.random() < 0.7:
            inner = self.sum_over(row, state, depth - 1)
        else:
            inner = self.carried(state, row, "%k" if depth else counter)
            if depth:
                inner = self.carried(inner, row, "%k")
        self.lines += [f"affine.yield {inner} : {self.element}", "}"]
        return name

    def program(self) -> Program:
        chance = self.random.random
        self.lines.append(f"affine.for %i = 0 to {self.rows} {{")
        for _ in range(self.random.randint(1, 2)):
            kind = self.random.randrange(3)
            if kind == 0:
                start = self.load(self.place("%i", "0")) if chance() < 0.5 else "%zero"
                result = self.sum_over("%i", start, 0)
                self.store(result, self.place("%i", "0"))
                continue
            triangle = self.rows <= self.columns and chance() < 0.3
            high = "affine_map<(d0) -> (d0 + 1)>(%i)" if triangle else self.random.choice([f"{self.columns}", "%n"])
            self.lines.append(f"affine.for %k = 0 to {high} {{")
            if kind == 1:
                value = self.load(self.place("%i", "%k"))
                for _ in range(self.random.randint(1, 3)):
                    value = self.op(value, self.load(self.place("%i", "%k")))
                self.store(value, self.place("%i", "%k"))
                if chance() < 0.3:
                    self.store(self.load(self.place("%i", "%k")), self.place("%i", "%k"))
            else:
                start = self.load(self.place("%i", "%k")) if chance() < 0.5 else "%zero"
                result = self.sum_over("%i", start, 1)
                self.store(result, self.place("%i", "%k"))
            self.lines.append("}")
        self.lines.append("}")
        zero = f"%zero = arith.constant 0{'.0' if self.element[0] == 'f' else ''} : {self.element}"
        head = f"func.func @main(%x: {self.matrix}, %y: {self.matrix}, %z: {self.vector}, %n: index)"
        text = "\n".join([f"{head} {{", zero, *self.lines, "func.return", "}"])
        return Program(text, self.rows, self.columns, DTYPES[self.element])


def random_loops(seed: int) -> Program:
    """A random program; `%n` is to be the number of columns, or less."""
    return _Writer(seed).program()
