"""Random kernels and random schedules for the property test of the schedule steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.parser import Parser

from weft.backends.reference.program import run
from weft.diagnostics import WeftError
from weft.dialects.loop import ForOp, buffer_name
from weft.dialects.loop.schedule import (
    Contract,
    Fuse,
    FuseConsumer,
    Inline,
    Interchange,
    Parallelize,
    Partition,
    Prefetch,
    Rfactor,
    Stage,
    Step,
    Tile,
    Unroll,
    Vectorize,
)
from weft.passes.loops.apply_schedule import pass_of
from weft.passes.loops.kernels import buffers, kernels
from weft.passes.loops.registers import check_registers
from weft.registry import context

SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17)
TILES = (1, 2, 3, 4, 5, 8)


@dataclass(frozen=True)
class Case:
    """A kernel as text, the shapes of its arguments, and how many of the last ones it writes."""

    text: str
    shapes: tuple[tuple[int, ...], ...]
    outputs: int = 1


@dataclass
class Sizes:
    """Sizes by letter, each static or known at run time only."""

    values: dict[str, int]
    dynamic: frozenset[str]

    def type(self, letters: str, extra: int = 0) -> str:
        """The memref type over these letters; `+` in front of a letter adds `extra`."""
        dims = ["?" if c in self.dynamic else str(self.values[c]) for c in letters]
        return f"memref<{'x'.join([*dims, 'f32'])}>"

    def bound(self, letter: str) -> str:
        """The bound of a loop over a letter."""
        return f"%n{letter}" if letter in self.dynamic else str(self.values[letter])

    def shape(self, letters: str) -> tuple[int, ...]:
        """The sizes of these letters."""
        return tuple(self.values[c] for c in letters)

    def nest(self, loops: str, body: str, suffix: str = "") -> str:
        """Loops over letters, around a body."""
        for c in reversed(loops):
            body = f'loop.for "{c}{suffix}" %{c}{suffix} to {self.bound(c)} {{\n{body}\n}}'
        return body


def kernel(sizes: Sizes, arguments: dict[str, str], body: str) -> str:
    """A kernel with named buffers over letters; run-time sizes come from the first buffer that has the letter."""
    args = ", ".join(f'%{n}: {sizes.type(d)} {{loop.name = "{n}"}}' for n, d in arguments.items())
    symbols = ""
    for letter in sorted(sizes.dynamic):
        name, dims = next((n, d) for n, d in arguments.items() if letter in d)
        axis = dims.index(letter)
        symbols += f"%c{letter} = arith.constant {axis} : index\n"
        symbols += f"%n{letter} = memref.dim %{name}, %c{letter} : {sizes.type(dims)}\n"
    return (
        f"func.func @kernel({args}) attributes {{loop.kernel}} {{\n{symbols}"
        f"%zero = arith.constant 0.0 : f32\n{body}\nfunc.return\n}}"
    )


def fill(sizes: Sizes, buffer: str, dims: str, suffix: str) -> str:
    """A nest that fills a buffer with zeros."""
    index = ", ".join(f"%{c}{suffix}" for c in dims)
    return sizes.nest(dims, f"loop.store %zero, %{buffer}[{index}] : {sizes.type(dims)}", suffix)


def product(s: Sizes) -> Case:
    """C = A @ B."""
    body = f"""%a = loop.load %A[%m, %k] : {s.type("mk")}
      %b = loop.load %B[%k, %n] : {s.type("kn")}
      %p = arith.mulf %a, %b : f32
      loop.reduce add %p into %C[%m, %n] over (%k) : {s.type("mn")}"""
    text = fill(s, "C", "mn", "f") + "\n" + s.nest("mnk", body)
    return Case(kernel(s, {"A": "mk", "B": "kn", "C": "mn"}, text), (s.shape("mk"), s.shape("kn"), s.shape("mn")))


def elementwise(s: Sizes) -> Case:
    """Y = max(X + b, X), in two ways of reading X."""
    body = f"""%x = loop.load %X[%m, %n] : {s.type("mn")}
      %b = loop.load %b[%n] : {s.type("n")}
      %t = arith.addf %x, %b_1 : f32
      %y = arith.maximumf %t, %x : f32
      loop.store %y, %Y[%m, %n] : {s.type("mn")}""".replace("%b = loop", "%b_1 = loop")
    return Case(
        kernel(s, {"X": "mn", "b": "n", "Y": "mn"}, s.nest("mn", body)),
        (s.shape("mn"), s.shape("n"), s.shape("mn")),
    )


def reduction(s: Sizes) -> Case:
    """S = sum of X over the first and the last dimension."""
    body = f"""%x = loop.load %X[%k, %m, %n] : {s.type("kmn")}
      loop.reduce add %x into %S[%m] over (%k, %n) : {s.type("m")}"""
    text = fill(s, "S", "m", "f") + "\n" + s.nest("mkn", body)
    return Case(kernel(s, {"X": "kmn", "S": "m"}, text), (s.shape("kmn"), s.shape("m")))


def window(s: Sizes) -> Case:
    """Y[m, n] = sum of X[m + k, n] F[k, n]: a convolution by channel."""
    m, k = s.values["m"], s.values["k"]
    s = Sizes({**s.values, "w": m + k}, frozenset(s.dynamic | ({"w"} if s.dynamic & {"m", "k"} else set())))
    body = f"""%x = loop.load %X[%m + %k, %n] : {s.type("wn")}
      %f = loop.load %F[%k, %n] : {s.type("kn")}
      %p = arith.mulf %x, %f : f32
      loop.reduce add %p into %Y[%m, %n] over (%k) : {s.type("mn")}"""
    text = fill(s, "Y", "mn", "f") + "\n" + s.nest("mnk", body)
    return Case(kernel(s, {"X": "wn", "F": "kn", "Y": "mn"}, text), (s.shape("wn"), s.shape("kn"), s.shape("mn")))


def layer(s: Sizes) -> Case:
    """Y = max(max(X, 0) @ W + b, 0) in three nests, with two buffers between them."""
    both = {d: "(" + ", ".join(f"%n{c}" for c in d if c in s.dynamic) + ")" for d in ("mk", "mn")}
    both = {d: "" if text == "()" else text for d, text in both.items()}
    relu = f"""%x = loop.load %X[%m0, %k0] : {s.type("mk")}
      %r = arith.maximumf %x, %zero : f32
      loop.store %r, %P[%m0, %k0] : {s.type("mk")}"""
    body = f"""%a = loop.load %P[%m, %k] : {s.type("mk")}
      %w = loop.load %W[%k, %n] : {s.type("kn")}
      %p = arith.mulf %a, %w : f32
      loop.reduce add %p into %T[%m, %n] over (%k) : {s.type("mn")}"""
    end = f"""%t = loop.load %T[%m1, %n1] : {s.type("mn")}
      %c = loop.load %b[%n1] : {s.type("n")}
      %u = arith.addf %t, %c : f32
      %v = arith.maximumf %u, %late : f32
      loop.store %v, %Y[%m1, %n1] : {s.type("mn")}"""
    text = "\n".join(
        (
            f'%P = loop.alloc heap "P"{both["mk"]} : {s.type("mk")}',
            f'%T = loop.alloc heap "T"{both["mn"]} : {s.type("mn")}',
            s.nest("mk", relu, "0"),
            fill(s, "T", "mn", "f"),
            s.nest("mnk", body),
            "%late = arith.constant 0.0 : f32",
            s.nest("mn", end, "1"),
        )
    )
    arguments = {"X": "mk", "W": "kn", "b": "n", "Y": "mn"}
    return Case(kernel(s, arguments, text), tuple(s.shape(d) for d in arguments.values()))


def rows(s: Sizes) -> Case:
    """Y = (X - max of its row) * sum of its row: an imperfect nest, as of a softmax."""
    top = f"""%x = loop.load %X[%m, %n1] : {s.type("mn")}
      loop.reduce max %x into %h[] over (%n1) : memref<f32>"""
    total = f"""%x = loop.load %X[%m, %n2] : {s.type("mn")}
      loop.reduce add %x into %z[] over (%n2) : memref<f32>"""
    write = f"""%x = loop.load %X[%m, %n3] : {s.type("mn")}
      %a = loop.load %h[] : memref<f32>
      %b = loop.load %z[] : memref<f32>
      %d = arith.subf %x, %a : f32
      %e = arith.mulf %d, %b : f32
      loop.store %e, %Y[%m, %n3] : {s.type("mn")}"""
    inner = "\n".join(
        (
            '%h = loop.alloc reg "h" : memref<f32>',
            '%z = loop.alloc reg "z" : memref<f32>',
            *(s.nest("n", body, str(i + 1)) for i, body in enumerate((top, total, write))),
        )
    )
    return Case(kernel(s, {"X": "mn", "Y": "mn"}, s.nest("m", inner)), (s.shape("mn"), s.shape("mn")))


def chain(s: Sizes) -> Case:
    """Y = (T - max of its row) @ V, T = X @ W: rows that one product hands to another."""
    given = {d: ", ".join(f"%n{c}" for c in d if c in s.dynamic) for d in ("mn", "m")}
    given = {d: f"({text})" if text else "" for d, text in given.items()}
    first = f"""%x = loop.load %X[%m, %k] : {s.type("mk")}
      %w = loop.load %W[%k, %n] : {s.type("kn")}
      %p = arith.mulf %x, %w : f32
      loop.reduce add %p into %T[%m, %n] over (%k) : {s.type("mn")}"""
    most = f"""%t = loop.load %T[%m1, %n1] : {s.type("mn")}
      loop.reduce max %t into %R[%m1] over (%n1) : {s.type("m")}"""
    shift = f"""%t = loop.load %T[%m2, %n2] : {s.type("mn")}
      %r = loop.load %R[%m2] : {s.type("m")}
      %d = arith.subf %t, %r : f32
      loop.store %d, %P[%m2, %n2] : {s.type("mn")}"""
    last = f"""%q = loop.load %P[%m3, %n3] : {s.type("mn")}
      %v = loop.load %V[%n3, %k3] : {s.type("nk")}
      %p = arith.mulf %q, %v : f32
      loop.reduce add %p into %Y[%m3, %k3] over (%n3) : {s.type("mk")}"""
    text = "\n".join(
        (
            f'%T = loop.alloc heap "T"{given["mn"]} : {s.type("mn")}',
            f'%R = loop.alloc heap "R"{given["m"]} : {s.type("m")}',
            f'%P = loop.alloc heap "P"{given["mn"]} : {s.type("mn")}',
            s.nest("mnk", first),
            s.nest("mn", most, "1"),
            s.nest("mn", shift, "2"),
            s.nest("mkn", last, "3"),
        )
    )
    arguments = {"X": "mk", "W": "kn", "V": "nk", "Y": "mk"}
    return Case(kernel(s, arguments, text), tuple(s.shape(d) for d in arguments.values()))


KERNELS = (product, elementwise, reduction, window, layer, rows)


def random_case(random: Random) -> Case:
    """A kernel of some kind, with some sizes, some of them known at run time only."""
    sizes = {letter: random.choice(SIZES) for letter in "mnk"}
    while sizes["m"] * sizes["n"] * sizes["k"] > 400:
        letter = random.choice("mnk")
        sizes[letter] = random.choice(SIZES)
    dynamic = frozenset(c for c in "mnk" if random.random() < 0.25)
    make = random.choice(KERNELS)
    if make in (elementwise, rows):
        dynamic -= {"k"}
    return make(Sizes(sizes, dynamic))


def random_step(random: Random, function: FuncOp, count: int) -> Step:
    """A step on loops and buffers that the kernel has; most are legal, not all."""
    labels = [op.label.data for op in function.walk() if isinstance(op, ForOp)]
    names = [buffer_name(b) or "" for b in buffers(function)]
    loop, other, buffer = random.choice(labels), random.choice(labels), random.choice(names)
    nest = _chain(function, loop)
    order = tuple(random.sample(nest, len(nest)))
    choices: list[tuple[int, Step]] = [
        (6, Tile(loop, random.choice(TILES), f"{loop.rstrip('~')}{count}o", f"{loop.rstrip('~')}{count}i")),
        (5, Interchange(order)),
        (2, Unroll(loop, random.choice((0, 1, 2, 3)))),
        (3, Vectorize(loop, random.choice((2, 4)))),
        (2, Parallelize(loop)),
        (5, Stage(buffer, loop, f"{buffer}{count}", random.choice(("reg", "stack", "heap")))),
        (3, Rfactor(buffer, f"{buffer}{count}", loop, other)),
        (5, Partition(loop)),
        (2, Inline(buffer)),
        (2, FuseConsumer(buffer)),
        (4, Fuse(tuple(random.sample(labels, min(2, len(labels)))))),
        (3, Contract(buffer, loop)),
        (1, Prefetch(buffer, loop)),
    ]
    return random.choices([step for _, step in choices], [weight for weight, _ in choices])[0]


def _chain(function: FuncOp, label: str) -> list[str]:
    """The labels of the perfect nest that starts at a loop."""
    loop = next(op for op in function.walk() if isinstance(op, ForOp) and op.label.data == label)
    chain = [label]
    while isinstance(inner := loop.block.first_op, ForOp) and inner is loop.block.last_op:
        chain.append(inner.label.data)
        loop = inner
    return chain


def compute(module: ModuleOp, case: Case, seed: int) -> list[np.ndarray]:
    """What the kernel writes, on small whole numbers, so that the order of sums does not matter."""
    numbers = np.random.default_rng(seed)
    arrays = [numbers.integers(-3, 4, shape).astype(np.float32) for shape in case.shapes]
    for array in arrays[-case.outputs :]:
        array.fill(99)
    run(module, "kernel", arrays)
    return arrays


def check(seed: int, steps: int = 8) -> tuple[int, int]:
    """One random kernel under one random schedule gives what the naive nests give. (accepted, refused)"""
    random = Random(seed)
    case = random_case(random)
    module = Parser(context(), case.text).parse_module()
    module.verify()
    expected = compute(module, case, seed)
    function = next(kernels(module))
    done: list[Step] = []
    refused = 0
    for count in range(steps):
        step = random_step(random, function, count)
        before = str(module)
        try:
            pass_of(step).run(function)
        except WeftError as error:
            assert "\n" not in error.message, error.message
            assert str(module) == before, f"{step} was refused, but changed the kernel"
            refused += 1
            continue
        done.append(step)
        module.verify()
    story = "\n".join((case.text, *map(str, done), str(module)))
    found = compute(module, case, seed)
    for want, got in zip(expected, found, strict=True):
        assert np.array_equal(want, got), story
    return len(done), refused


def packed(random: Random, a: str, b: str, c: str) -> str:
    """The plan of a packed product, in random sizes."""
    mr, nr, kc = random.choice((1, 2, 3)), random.choice((2, 4, 6)), random.choice((2, 4, 8))
    epilogue = 'partition Ap.ko, partition Bp.jp, partition jp, partition ip, unroll "k~" 1'
    transposed = """partition Ap.ip, tile Ap.k 2 into (Ap.ko, Ap.kv), interchange (Ap.ko, Ap.kv, Ap.ir),
      vectorize Ap.ir 2, unroll Ap.kv, stage A at Ap.ko as At in reg (ir, kv), unroll At.ir,
      vectorize At.kv 2,"""
    text = f"""tile m {mr} into (ip, ir), tile ip 2 into (ic, ip), tile n {nr} into (jp, jr),
      tile jp 2 into (jc, jp), tile k {kc} into (kc, k),
      interchange (jc, kc, ic, jp, ip, k, ir, jr), vectorize jr 2, unroll ir, unroll k 2,
      stage C at ip as Cr in reg, prefetch C at ip, stage B at kc as Bp in heap (jp, k, jr),
      stage A at ic as Ap in heap (ip, k, ir), vectorize Bp.jr 2, unroll Bp.k 4, {transposed} {epilogue}"""
    names = {"A": a, "B": b, "C": c}
    return re.sub(r"\b(stage|prefetch) ([ABC]) ", lambda m: f"{m[1]} {names[m[2]]} ", text)


def direct(random: Random, a: str, b: str, c: str) -> str:
    """The plan of a product without packing, in random sizes."""
    mr, nr = random.choice((1, 2, 3, 4)), random.choice((2, 4, 6))
    return f"""tile m {mr} into (ip, ir), tile n {nr} into (jp, jr), interchange (jp, ip, k, ir, jr),
      vectorize jr 2, unroll ir, unroll k {random.choice((1, 2, 4))}, stage {c} at ip as Cr in reg,
      partition jp, partition ip"""


def planned(random: Random) -> tuple[Case, str]:
    """A kernel, and a schedule of the kind that is good for it."""
    sizes = {letter: random.choice(SIZES[1:]) for letter in "mnk"}
    dynamic = frozenset(c for c in "mnk" if random.random() < 0.2)
    kind = random.choice(("product", "layer", "rows", "reduction", "elementwise"))
    plan = random.choice((direct, packed))
    if plan is packed:
        dynamic = frozenset()
    if kind == "product":
        return product(Sizes(sizes, dynamic)), plan(random, "A", "B", "C")
    if kind == "layer":
        fused = "" if plan is packed and sizes["k"] > 2 else ", fuse_consumer T"
        case = layer(Sizes(sizes, dynamic))
        return case, plan(random, "P", "W", "T") + fused + ", inline P"
    if kind == "rows":
        case = rows(Sizes(sizes, dynamic - {"k"}))
        w = random.choice((2, 4, 6))
        steps = [f"tile n{i} {w} into (n{i}o, n{i}v), vectorize n{i}v 2" for i in (1, 2, 3)]
        steps += ["rfactor h as hp over n1o parts n1v", "rfactor z as zp over n2o parts n2v"]
        return case, ", ".join([*steps, *(f"partition n{i}o" for i in (1, 2, 3)), "parallelize m"])
    if kind == "reduction":
        case = reduction(Sizes(sizes, dynamic))
        return (
            case,
            """tile n 4 into (no, nv), interchange (m, k, no, nv), vectorize nv 2,
          rfactor S as Sp over k parts nv, partition no, parallelize m""",
        )
    case = elementwise(Sizes(sizes, dynamic - {"k"}))
    return case, "tile n 6 into (no, nv), vectorize nv 2, partition no, parallelize m"


def check_planned(seed: int) -> None:
    """A whole schedule is accepted, and gives what the naive nests give."""
    random = Random(seed)
    case, plan = planned(random)
    module = Parser(context(), case.text).parse_module()
    expected = compute(module, case, seed)
    function = next(kernels(module))
    schedule = Parser(context(), f"#loop.schedule<{plan}>").parse_attribute()
    for step in schedule.data:
        pass_of(step).run(function)
        module.verify()
    check_registers(function)
    for want, got in zip(expected, compute(module, case, seed), strict=True):
        assert np.array_equal(want, got), f"{case.text}\n{plan}\n{module}"
