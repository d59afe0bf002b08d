"""LLVM IR of one function while it is made, line by line."""

from __future__ import annotations

from itertools import count


class FunctionText:
    """The lines of a function, with what it needs beside them: stack memory at its head, symbols of the module."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._head: list[str] = []
        self._symbols: dict[str, None] = {}
        self._numbers = count()

    def _op(self, text: str) -> str:
        name = f"%v{next(self._numbers)}"
        self._lines.append(f"  {name} = {text}")
        return name

    def _do(self, text: str) -> None:
        self._lines.append(f"  {text}")

    def _block(self) -> str:
        return f"b{next(self._numbers)}"

    def _start(self, block: str) -> None:
        self._lines.append(f"{block}:")

    def _need(self, condition: str, otherwise: str = "slow") -> None:
        """Go on where the condition holds."""
        following = self._block()
        self._do(f"br i1 {condition}, label %{following}, label %{otherwise}")
        self._start(following)

    def _load(self, type_: str, pointer: str, offset: int = 0) -> str:
        place = self._op(f"getelementptr i8, ptr {pointer}, i64 {offset}") if offset else pointer
        return self._op(f"load {type_}, ptr {place}")

    def _same(self, type_: str, left: str, right: object) -> str:
        return self._op(f"icmp eq {type_} {left}, {right}")

    def _symbol(self, name: str) -> str:
        self._symbols[name] = None
        return f"@{name}"

    def _room(self, size: int) -> str:
        """Stack memory for words."""
        name = f"%r{next(self._numbers)}"
        self._head.append(f"  {name} = alloca [{size} x i64], align 8")
        return name

    def _lines_block(self) -> str:
        """The block that is being written."""
        return next(line.removesuffix(":") for line in reversed(self._lines) if not line.startswith(" "))

    def _word(self, place: str, number: int) -> str:
        return self._op(f"getelementptr i64, ptr {place}, i64 {number}")
