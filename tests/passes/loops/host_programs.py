"""Random host programs: control flow, calls and tensor ops around a few kernels, as text."""

from __future__ import annotations

from random import Random

STATIC, DYNAMIC = "tensor<4xf32>", "tensor<?xf32>"

KERNELS = "".join(
    f"""
func.func private @one_{n}(%x: {t}) -> {t} attributes {{ml.kernel}} {{
  %0 = ml.neg %x : {t}
  %1 = ml.add %0, %x : {t}
  %2 = ml.sub %1, %0 : {t}
  %3 = ml.add %2, %2 : {t}
  func.return %3 : {t}
}}
func.func private @two_{n}(%x: {t}, %y: {t}) -> ({t}, {t}) attributes {{ml.kernel}} {{
  %0 = ml.sub %x, %y : {t}
  %1 = ml.max %x, %y : {t}
  func.return %0, %1 : {t}, {t}
}}
func.func private @user_{n}(%x: {t}, %y: {t}) -> ({t}, {t}, {t}) {{
  %0 = func.call @one_{n}(%x) : ({t}) -> {t}
  func.return %0, %y, %0 : {t}, {t}, {t}
}}
"""
    for n, t in (("s", STATIC), ("d", DYNAMIC))
)


class Writer:
    """Writes one random function. Every tensor has four elements, whether its type says so or not."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.lines: list[str] = []
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def emit(self, line: str, depth: int) -> None:
        self.lines.append("  " * depth + line)

    def pick(self, scope: dict[str, str], type_: str) -> str:
        return self.random.choice([v for v, t in scope.items() if t == type_])

    def type(self) -> str:
        return self.random.choice([STATIC, STATIC, DYNAMIC])

    def block(self, scope: dict[str, str], depth: int, length: int) -> None:
        kinds = [self.one, self.two, self.user, self.insert, self.slices, self.cast, self.splat, self.select]
        if depth < 4:
            kinds += [self.branch, self.loop, self.loop, self.while_loop, self.switch]
        for _ in range(length):
            self.random.choice(kinds)(scope, depth)

    def one(self, scope: dict[str, str], depth: int) -> None:
        t, r = self.type(), self.name()
        self.emit(f"{r} = func.call @one_{_n(t)}({self.pick(scope, t)}) : ({t}) -> {t}", depth)
        scope[r] = t

    def two(self, scope: dict[str, str], depth: int) -> None:
        t, r = self.type(), self.name()
        x, y = self.pick(scope, t), self.pick(scope, t)
        self.emit(f"{r}:2 = func.call @two_{_n(t)}({x}, {y}) : ({t}, {t}) -> ({t}, {t})", depth)
        scope |= {f"{r}#0": t, f"{r}#1": t}

    def user(self, scope: dict[str, str], depth: int) -> None:
        t, r = self.type(), self.name()
        x, y = self.pick(scope, t), self.pick(scope, t)
        self.emit(f"{r}:3 = func.call @user_{_n(t)}({x}, {y}) : ({t}, {t}) -> ({t}, {t}, {t})", depth)
        scope |= {f"{r}#{i}": t for i in range(3)}

    def insert(self, scope: dict[str, str], depth: int) -> None:
        t, r, s = self.type(), self.name(), self.name()
        i, j = self.random.randrange(4), self.random.randrange(4)
        self.emit(f"{s} = tensor.extract {self.pick(scope, t)}[%c{i}] : {t}", depth)
        self.emit(f"{r} = tensor.insert {s} into {self.pick(scope, t)}[%c{j}] : {t}", depth)
        scope[r] = t

    def slices(self, scope: dict[str, str], depth: int) -> None:
        t, r, s = self.type(), self.name(), self.name()
        i, j = self.random.randrange(3), self.random.randrange(3)
        x, y = self.pick(scope, t), self.pick(scope, t)
        self.emit(f"{s} = tensor.extract_slice {x}[{i}] [2] [1] : {t} to tensor<2xf32>", depth)
        self.emit(f"{r} = tensor.insert_slice {s} into {y}[{j}] [2] [1] : tensor<2xf32> into {t}", depth)
        scope[r] = t

    def cast(self, scope: dict[str, str], depth: int) -> None:
        t, r = self.type(), self.name()
        u = DYNAMIC if t == STATIC else STATIC
        self.emit(f"{r} = tensor.cast {self.pick(scope, t)} : {t} to {u}", depth)
        scope[r] = u

    def splat(self, scope: dict[str, str], depth: int) -> None:
        t, r = self.type(), self.name()
        sizes = "" if t == STATIC else "[%c4]"
        self.emit(f"{r} = tensor.splat %f{sizes} : {t}", depth)
        scope[r] = t

    def select(self, scope: dict[str, str], depth: int) -> None:
        t, r = self.type(), self.name()
        x, y = self.pick(scope, t), self.pick(scope, t)
        self.emit(f"{r} = arith.select %p, {x}, {y} : {t}", depth)
        scope[r] = t

    def branch(self, scope: dict[str, str], depth: int) -> None:
        types = [self.type() for _ in range(self.random.randint(1, 2))]
        r = self.name()
        self.emit(f"{r}:{len(types)} = scf.if %p -> ({', '.join(types)}) {{", depth)
        self.body(scope, depth, types)
        self.emit("} else {", depth)
        self.body(scope, depth, types)
        self.emit("}", depth)
        scope |= {f"{r}#{i}": t for i, t in enumerate(types)}

    def switch(self, scope: dict[str, str], depth: int) -> None:
        t, r = self.type(), self.name()
        self.emit(f"{r} = scf.index_switch %n -> {t}", depth)
        for case in ("case 0", "case 2", "default"):
            self.emit(case + " {", depth)
            self.body(scope, depth, [t])
            self.emit("}", depth)
        scope[r] = t

    def loop(self, scope: dict[str, str], depth: int) -> None:
        types = [self.type() for _ in range(self.random.randint(1, 3))]
        r, args = self.name(), [self.name() for _ in types]
        inits = ", ".join(f"{a} = {self.pick(scope, t)}" for a, t in zip(args, types, strict=True))
        head = f"{r}:{len(types)} = scf.for {self.name()} = %c0 to %n step %c1"
        self.emit(f"{head} iter_args({inits}) -> ({', '.join(types)}) {{", depth)
        self.body(scope | dict(zip(args, types, strict=True)), depth, types, args)
        self.emit("}", depth)
        scope |= {f"{r}#{i}": t for i, t in enumerate(types)}

    def while_loop(self, scope: dict[str, str], depth: int) -> None:
        types = [self.type() for _ in range(self.random.randint(1, 2))]
        r, i, n = self.name(), self.name(), self.name()
        args, exits = [self.name() for _ in types], [self.name() for _ in types]
        inits = ", ".join(f"{a} = {self.pick(scope, t)}" for a, t in zip(args, types, strict=True))
        listed = ", ".join(["index", *types])
        self.emit(f"{r}:{len(types) + 1} = scf.while ({i} = %c0, {inits}) : ({listed}) -> ({listed}) {{", depth)
        inner = scope | dict(zip(args, types, strict=True))
        self.block(inner, depth + 2, self.random.randint(0, 2))
        go = self.name()
        self.emit(f"{go} = arith.cmpi slt, {i}, %n : index", depth + 1)
        passed = [self.pick(inner, t) if self.random.random() < 0.5 else a for a, t in zip(args, types, strict=True)]
        self.emit(f"scf.condition({go}) {', '.join([i, *passed])} : {listed}", depth + 1)
        after = ", ".join(f"{e}: {t}" for e, t in zip([n, *exits], ["index", *types], strict=True))
        self.emit(f"}} do {{\n^bb0({after}):", depth)
        inner = scope | dict(zip(exits, types, strict=True))
        self.block(inner, depth + 2, self.random.randint(0, 2))
        m = self.name()
        self.emit(f"{m} = arith.addi {n}, %c1 : index", depth + 1)
        back = [self.pick(inner, t) for t in types]
        self.emit(f"scf.yield {', '.join([m, *back])} : {listed}", depth + 1)
        self.emit("}", depth)
        scope |= {f"{r}#{i + 1}": t for i, t in enumerate(types)}

    def body(self, scope: dict[str, str], depth: int, types: list[str], prefer: list[str] | None = None) -> None:
        inner = dict(scope)
        self.block(inner, depth + 1, self.random.randint(0, 3))
        own = {v: t for v, t in inner.items() if v not in scope} | {p: inner[p] for p in prefer or ()}
        yielded = [self.pick(own if t in own.values() and self.random.random() < 0.7 else inner, t) for t in types]
        self.emit(f"scf.yield {', '.join(yielded)} : {', '.join(types)}", depth + 1)

    def function(self) -> str:
        scope = {"%a": STATIC, "%b": STATIC, "%x": DYNAMIC, "%y": DYNAMIC}
        self.emit("%f = arith.constant 0.5 : f32", 1)
        self.emit("%k = ml.constant dense<[1.0, -2.0, 3.0, 4.0]> : tensor<4xf32>", 1)
        for i in range(5):
            self.emit(f"%c{i} = arith.constant {i} : index", 1)
        scope["%k"] = STATIC
        self.block(scope, 1, self.random.randint(1, 6))
        results = self.random.choices(list(scope), k=self.random.randint(1, 4))
        types = ", ".join(scope[v] for v in results)
        self.emit(f"func.return {', '.join(results)} : {types}", 1)
        head = f"func.func @main(%a: {STATIC}, %b: {STATIC}, %x: {DYNAMIC}, %y: {DYNAMIC}, %p: i1, %n: index)"
        return f"{head} -> ({types}) {{\n" + "\n".join(self.lines) + "\n}\n" + KERNELS


def _n(type_: str) -> str:
    return "s" if type_ == STATIC else "d"


def random_program(seed: int) -> str:
    """The text of a random program with the entry @main(%a, %b, %x, %y, %p: i1, %n: index)."""
    return Writer(seed).function()
