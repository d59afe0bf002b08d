"""The `target` dialect: facts about the machine that code is made for, an attribute of the module.

```mlir
builtin.module attributes {weft.target = #target.cpu<threads = 8, vector_bytes = 64, vector_registers = 32,
    l1_bytes = 32768, l2_bytes = 1048576, l3_bytes = 33554432, features = "avx512dq">} {}
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Data, Dialect
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

ATTRIBUTE = "weft.target"

FEATURES = ("avx512dq", "avx512bf16", "avx512vnni")
"""Features of CPUs whose instructions are used, by LLVM's names; all on vectors of any size (`avx512vl`)."""


@dataclass(frozen=True)
class Cpu:
    """A CPU; the defaults are those of any x86-64 of the last years (AVX2), on one thread.

    `gflops` is how many operations on f32 a thread does in a nanosecond at most, `gbytes` how many bytes go between
    memory and all threads together in a nanosecond. Only predictions are made from these two, no plans.
    """

    threads: int = 1
    vector_bytes: int = 32
    vector_registers: int = 16
    l1_bytes: int = 32768
    l2_bytes: int = 524288
    l3_bytes: int = 8388608
    gflops: int = 50
    gbytes: int = 15
    features: str = ""

    def has(self, *features: str) -> bool:
        """Whether the CPU has all these features."""
        return {*features} <= {*self.features.split(",")}


@dataclass(frozen=True)
class Cuda:
    """An NVIDIA GPU; the defaults are what any of compute capability 8.0 has.

    `ptx` is the version of PTX, 80 for 8.0. `shared_bytes` is the most shared memory that a block can have.
    """

    chip: str = "sm_80"
    ptx: int = 80
    multiprocessors: int = 108
    block_threads: int = 1024
    shared_bytes: int = 166912
    registers: int = 65536
    l2_bytes: int = 41943040

    @property
    def capability(self) -> int:
        """The compute capability as a number: 90 for `sm_90a`."""
        return int("".join(letter for letter in self.chip if letter.isdigit()) or "0")


@irdl_attr_definition
class CpuAttr(Data[Cpu]):
    """A CPU as a target: any of its facts, the others have their defaults.

    ```mlir
    #target.cpu<threads = 8, vector_bytes = 64>
    ```
    """

    name = "target.cpu"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Cpu:
        """Read `<fact = value, ...>`."""
        return Cpu(**_parse_facts(parser, fields(Cpu), "a CPU"))

    def print_parameter(self, printer: Printer) -> None:
        """Print every fact."""
        _print_facts(printer, self.data, fields(Cpu))


@irdl_attr_definition
class CudaAttr(Data[Cuda]):
    """An NVIDIA GPU as a target: any of its facts, the others have their defaults.

    ```mlir
    #target.cuda<chip = "sm_90a", ptx = 86, multiprocessors = 132>
    ```
    """

    name = "target.cuda"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Cuda:
        """Read `<fact = value, ...>`."""
        return Cuda(**_parse_facts(parser, fields(Cuda), "a GPU"))

    def print_parameter(self, printer: Printer) -> None:
        """Print every fact."""
        _print_facts(printer, self.data, fields(Cuda))


def _parse_facts(parser: AttrParser, known: Sequence[Field[Any]], what: str) -> dict[str, Any]:
    """Read `<fact = value, ...>`, each value by the type of its fact."""
    types = {field.name: field.type for field in known}
    facts: dict[str, int | str] = {}

    def fact() -> None:
        name = parser.parse_identifier(f" (a fact about {what})")
        if name not in types:
            parser.raise_error(f"'{name}' is no fact about {what}; known are {', '.join(types)}")
        parser.parse_punctuation("=")
        text = types[name] == "str"
        facts[name] = parser.parse_str_literal() if text else parser.parse_integer(allow_boolean=False)

    parser.parse_comma_separated_list(parser.Delimiter.ANGLE, fact)
    return facts


def _print_facts(printer: Printer, machine: Cpu | Cuda, known: Sequence[Field[Any]]) -> None:
    def fact(name: str) -> None:
        value = getattr(machine, name)
        printer.print_string(f"{name} = ")
        if isinstance(value, str):
            printer.print_string_literal(value)
        else:
            printer.print_string(str(value))

    with printer.in_angle_brackets():
        printer.print_list([field.name for field in known], fact)


def cpu_of(module: ModuleOp) -> Cpu:
    """The CPU of a module's attribute `weft.target`, the default one where it has none."""
    target = module.attributes.get(ATTRIBUTE)
    return target.data if isinstance(target, CpuAttr) else Cpu()


def compiled_for(module: ModuleOp) -> Cpu | None:
    """The CPU that a module is compiled for; None where that is a GPU."""
    return None if isinstance(module.attributes.get(ATTRIBUTE), CudaAttr) else cpu_of(module)


def cuda_of(module: ModuleOp) -> Cuda:
    """The GPU of a module's attribute `weft.target`, the default one where it has none."""
    target = module.attributes.get(ATTRIBUTE)
    return target.data if isinstance(target, CudaAttr) else Cuda()


TARGET = Dialect("target", [], [CpuAttr, CudaAttr])
