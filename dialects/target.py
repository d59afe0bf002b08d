"""The `target` dialect: facts about the machine that code is made for, an attribute of the module.

```mlir
builtin.module attributes {weft.target = #target.cpu<threads = 8, vector_bytes = 64, vector_registers = 32,
    l1_bytes = 32768, l2_bytes = 1048576, l3_bytes = 33554432, features = "avx512f">} {}
```
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Data, Dialect
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

ATTRIBUTE = "weft.target"


@dataclass(frozen=True)
class Cpu:
    """A CPU; the defaults are those of any x86-64 of the last years (AVX2), on one thread."""

    threads: int = 1
    vector_bytes: int = 32
    vector_registers: int = 16
    l1_bytes: int = 32768
    l2_bytes: int = 524288
    l3_bytes: int = 8388608
    features: str = ""


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
        facts: dict[str, int | str] = {}
        known = {field.name: field.type for field in fields(Cpu)}

        def fact() -> None:
            name = parser.parse_identifier(" (a fact about a CPU)")
            if name not in known:
                parser.raise_error(f"'{name}' is no fact about a CPU; known are {', '.join(known)}")
            parser.parse_punctuation("=")
            text = known[name] == "str"
            facts[name] = parser.parse_str_literal() if text else parser.parse_integer(allow_boolean=False)

        parser.parse_comma_separated_list(parser.Delimiter.ANGLE, fact)
        return Cpu(**facts)  # pyright: ignore[reportArgumentType] (each value was read by the type of its fact)

    def print_parameter(self, printer: Printer) -> None:
        """Print every fact."""

        def fact(name: str) -> None:
            value = getattr(self.data, name)
            printer.print_string(f"{name} = ")
            if isinstance(value, str):
                printer.print_string_literal(value)
            else:
                printer.print_string(str(value))

        with printer.in_angle_brackets():
            printer.print_list([field.name for field in fields(Cpu)], fact)


def cpu_of(module: ModuleOp) -> Cpu:
    """The CPU of a module's attribute `weft.target`, the default one where it has none."""
    target = module.attributes.get(ATTRIBUTE)
    return target.data if isinstance(target, CpuAttr) else Cpu()


TARGET = Dialect("target", [], [CpuAttr])
