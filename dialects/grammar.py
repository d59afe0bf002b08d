"""Grammar fragments: how a dialect brings syntax that neither `assembly_format` nor builtin syntax can say.

Most dialects need none: an op that declares `assembly_format` (or has xDSL's `parse` and `print`) is read
already. A fragment is for syntax that is easier said as a grammar. The dialect carries one :class:`Grammar`
among its interfaces:

```python
TOY = Dialect("toy", [RepeatOp], [], [Grammar(
    text='''
repeat: "times" INT "(" operands ")" ":" type -> repeat
''',
    starts={"toy.repeat": "repeat"},
    actions={"repeat": make_repeat},
)])

def make_repeat(reader: FragmentReader, values: list[Any]) -> RepeatOp:
    _, count, _, operands, _, _, type = values
    return RepeatOp([reader.use(operand, type) for operand in operands], int(count))
```

reads `%0 = toy.repeat times 3 (%a, %b) : f32`. The fragment starts behind the name of the op and may use
every rule of `frontends/mlir/core.lark`; the grammar of core and fragment must be LALR(1) (lark says where it
is not). An action is called with the reader and: None for an empty rule, the value itself for a rule of
one symbol, else the list of all values. A plain token's value is its text. The rules that fragments need
most, and their values:

| rule | value |
| --- | --- |
| `operand`, `operands` | what `reader.use(operand, type)` takes; a list of it |
| `VALUE` | the same, for a value that the op defines (see `reader.enter`) |
| `type`, `attr` | the attribute |
| `attr_dict` | a dictionary from name to attribute |
| `bare`, `symbol_ref`, `INT`, `STRING` | text; a SymbolRefAttr; text; text with its quotes |
| `number`, `CARET` (as in `^2`) | a Python number; its text without `^`, and offset |
| `region` | a Region |
| `X -> list1`, `Xs "," X -> listn`, `A B -> first` (`second`, `third`) | a list; one of the values |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from xdsl.dialect_interfaces import DialectInterface
from xdsl.ir import Attribute, SSAValue

Operand = tuple[str, int, int]
"""A value as the text names it: name without `%`, place in its pack, offset in the text."""


class FragmentReader(Protocol):
    """What actions may ask of the reader."""

    def use(self, operand: Operand, type: Attribute) -> SSAValue:
        """The value of an operand; a located error where it has another type. It may be defined later."""
        ...

    def enter(self, arguments: Sequence[tuple[Operand, Attribute]]) -> None:
        """The next region's entry block has these arguments. Call it before the region begins."""
        ...

    def fail(self, message: str, start: int, hint: str | None = None) -> Any:
        """Raise a located error at an offset of the text."""
        ...


@dataclass(frozen=True, eq=False)
class Grammar(DialectInterface):
    """A fragment in lark's notation, the start rule of each op, and the action of each rule (or alias)."""

    text: str
    starts: Mapping[str, str]
    actions: Mapping[str, Callable[..., Any]]
