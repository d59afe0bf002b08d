"""The plain C functions as LLVM IR: they make MLIR's descriptors of pointers and sizes and call the entries.

A status of an entry is passed on; `bad_size` stands for a size below zero.
"""

from __future__ import annotations

from collections.abc import Sequence

from weft.backends.arguments import contiguous_strides
from weft.backends.cpu.ahead.interface import ELEMENTS, Function, Parameter, Passed
from weft.backends.llvm.names import symbol_text
from weft.backends.signature import ValueSpec


def plain_function(function: Function, bad_size: int) -> str:
    """The definition of a plain function, in LLVM IR."""
    return _Writer(function, bad_size).text()


DECLARATIONS = """declare i64 @llvm.smax.i64(i64, i64)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
"""
"""What plain functions call of LLVM."""


def entry_declaration(function: Function, name: str | None = None) -> str:
    """The declaration of the entry that a plain function calls; under another name where one is given."""
    return f"declare i64 {symbol_text(name or function.descriptors)}({', '.join(entry_types(function))})\n"


def loaded_entry(function: Function, inner: str, base: str, status: int) -> str:
    """An entry that calls another, its name with `inner` before it, once the pointer `base` is set.

    Before that it returns `status`.
    """
    types = entry_types(function)
    name = symbol_text(inner + function.descriptors)
    passed = ", ".join(f"{type_} %p{n}" for n, type_ in enumerate(types))
    return f"""
declare i64 {name}({", ".join(types)})
define i64 {symbol_text(function.descriptors)}({passed}) {{
  %data = load atomic ptr, ptr @{base} acquire, align 8
  %there = icmp ne ptr %data, null
  br i1 %there, label %go, label %missing
go:
  %status = call i64 {name}({passed})
  ret i64 %status
missing:
  ret i64 {status}
}}
"""


def entry_types(function: Function) -> list[str]:
    """The types of an entry's parameters in LLVM IR."""
    types = ["ptr"] if any(not result.spec.is_out for result in function.results) else []
    types += [ELEMENTS[a.spec.dtype].register if a.spec.kind == "scalar" else "ptr" for a in function.arguments]
    types += ["ptr" for result in function.results if result.spec.is_out]
    return types


def _descriptor(rank: int) -> str:
    """LLVM's type of a descriptor: `{allocated, aligned, offset, sizes[rank], strides[rank]}`."""
    return f"{{ ptr, ptr, i64{f', [{rank} x i64], [{rank} x i64]' if rank else ''} }}"


def _returned(spec: ValueSpec) -> str:
    return ELEMENTS[spec.dtype].memory if spec.kind == "scalar" else _descriptor(len(spec.dims))


class _Writer:
    """Writes one function, line by line."""

    def __init__(self, function: Function, bad_size: int) -> None:
        self.function = function
        self.bad_size = bad_size
        self.locals: list[str] = []
        self.lines: list[str] = []
        self.count = 0
        self.numbers = {id(p): f"%p{n}" for n, p in enumerate(function.parameters())}

    def text(self) -> str:
        f = self.function
        parameters = ", ".join(f"{p.ir} {self.name(p)}" for p in f.parameters())
        self.check_sizes()
        returned = [passed for passed in f.results if not passed.spec.is_out]
        struct = f"{{ {', '.join(_returned(passed.spec) for passed in returned)} }}"
        results = self.local(struct) if returned else ""
        passed = [f"ptr {results}"] if returned else []
        passed += [self.argument(argument) for argument in f.arguments]
        passed += [self.out(result) for result in f.results if result.spec.is_out]
        status = self.value(f"call i64 {symbol_text(f.descriptors)}({', '.join(passed)})")
        short = self.value(f"trunc i64 {status} to i32")
        if returned:
            good = self.value(f"icmp eq i64 {status}, 0")
            self.lines += [f"  br i1 {good}, label %take, label %done", "take:"]
            for place, result in enumerate(returned):
                self.take(result, self.value(f"getelementptr {struct}, ptr {results}, i32 0, i32 {place}"))
            self.lines += ["  br label %done", "done:"]
        self.lines.append(f"  ret i32 {short}")
        head = f"define signext i32 {symbol_text(f.plain)}({parameters}) {{"
        return "\n".join([head, "entry:", *self.locals, *self.lines, "}", ""])

    def name(self, parameter: Parameter) -> str:
        return self.numbers[id(parameter)]

    def value(self, text: str) -> str:
        self.count += 1
        self.lines.append(f"  %t{self.count} = {text}")
        return f"%t{self.count}"

    def local(self, type_: str) -> str:
        """Memory of the function: it is taken at its head."""
        self.locals.append(f"  %l{len(self.locals)} = alloca {type_}, align 16")
        return f"%l{len(self.locals) - 1}"

    def check_sizes(self) -> None:
        """Leave for a size below zero: no array has it, and code that counts on that would run astray."""
        sizes = [p for passed in self.function.arguments for p in passed.sizes if p is not None]
        if not sizes:
            return
        bits = "0"
        for parameter in sizes:
            bits = self.value(f"or i64 {bits}, {self.name(parameter)}")
        good = self.value(f"icmp sge i64 {bits}, 0")
        self.lines += [f"  br i1 {good}, label %go, label %bad", "bad:", f"  ret i32 {self.bad_size}", "go:"]

    # arguments

    def argument(self, passed: Passed) -> str:
        """What the entry is called with for an argument."""
        name, element = self.name(passed.value), ELEMENTS[passed.spec.dtype]
        if passed.spec.kind != "scalar":
            sizes = [self.number(*pair) for pair in zip(passed.spec.dims, passed.sizes, strict=True)]
            if passed.spec.strides is None:
                return self.buffer(name, sizes, self.contiguous(sizes))
            strides = [self.number(*pair) for pair in zip(passed.spec.strides, passed.strides, strict=True)]
            return self.buffer(name, sizes, strides)
        if element.parameter != element.register:
            name = self.value(f"bitcast {element.parameter} {name} to {element.register}")
        return f"{element.register} {name}"

    def number(self, known: int | None, parameter: Parameter | None) -> str:
        return self.name(parameter) if parameter is not None else str(known)

    def contiguous(self, sizes: Sequence[str]) -> list[str]:
        """Row-major strides; a size of 0 counts as 1, as NumPy has it."""
        if all(size.isdigit() for size in sizes):
            return [str(step) for step in contiguous_strides([int(size) for size in sizes])]
        strides, step = ["1"], "1"
        for size in reversed(sizes[1:]):
            known = size.isdigit()
            least = str(max(int(size), 1)) if known else self.value(f"call i64 @llvm.smax.i64(i64 {size}, i64 1)")
            both = known and step.isdigit()
            step = str(int(step) * int(least)) if both else self.value(f"mul i64 {step}, {least}")
            strides.append(step)
        return strides[::-1]

    def buffer(self, pointer: str, sizes: Sequence[str], strides: Sequence[str]) -> str:
        """A descriptor in memory of this function."""
        type_ = _descriptor(len(sizes))
        place = self.local(type_)
        fields = [("ptr", pointer, "0"), ("ptr", pointer, "1"), ("i64", "0", "2")]
        fields += [("i64", size, f"3, i32 {dim}") for dim, size in enumerate(sizes)]
        fields += [("i64", stride, f"4, i32 {dim}") for dim, stride in enumerate(strides)]
        for kind, value, path in fields:
            where = self.value(f"getelementptr {type_}, ptr {place}, i32 0, i32 {path}")
            self.lines.append(f"  store {kind} {value}, ptr {where}, align 8")
        return f"ptr {place}"

    # results

    def out(self, passed: Passed) -> str:
        """The descriptor of a result whose memory the caller brings."""
        sizes = [str(dim) for dim in passed.spec.dims]
        return self.buffer(self.name(passed.value), sizes, self.contiguous(sizes))

    def take(self, passed: Passed, place: str) -> None:
        """Hand a returned value over to the caller."""
        spec, target = passed.spec, self.name(passed.value)
        if passed.spec.kind == "tensor":
            self.take_tensor(passed, place)
            return
        type_ = _returned(spec)
        size = 1 if spec.kind == "scalar" else 8
        value = self.value(f"load {type_}, ptr {place}, align {size}")
        self.lines.append(f"  store {type_} {value}, ptr {target}, align {size}")

    def take_tensor(self, passed: Passed, place: str) -> None:
        """The memory and the sizes. What the caller gets is what `free` takes back, so the data has to start there."""
        spec, rank = passed.spec, len(passed.spec.dims)
        type_ = _descriptor(rank)

        def field(kind: str, path: str) -> str:
            where = self.value(f"getelementptr {type_}, ptr {place}, i32 0, i32 {path}")
            return self.value(f"load {kind}, ptr {where}, align 8")

        memory, aligned, offset = field("ptr", "0"), field("ptr", "1"), field("i64", "2")
        sizes = [field("i64", f"3, i32 {dim}") for dim in range(rank)]
        for dim, size in enumerate(sizes[: passed.rank]):
            assert passed.sizes[0] is not None
            where = self.value(f"getelementptr i64, ptr {self.name(passed.sizes[0])}, i64 {dim}")
            self.lines.append(f"  store i64 {size}, ptr {where}, align 8")
        element = ELEMENTS[spec.dtype].memory
        start = self.value(f"getelementptr {element}, ptr {aligned}, i64 {offset}")
        count = str(spec.numpy_dtype.itemsize)
        for size in sizes:
            count = self.value(f"mul i64 {count}, {size}")
        there = self.value(f"icmp eq ptr {memory}, {start}")
        none = self.value(f"select i1 {there}, i64 0, i64 {count}")
        self.lines += [
            f"  call void @llvm.memmove.p0.p0.i64(ptr {memory}, ptr {start}, i64 {none}, i1 false)",
            f"  store ptr {memory}, ptr {self.name(passed.value)}, align 8",
        ]
