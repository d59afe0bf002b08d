"""What can be said about `--check-passes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft.driver.check_passes.compare import TOLERANCES, Tolerance


@dataclass(frozen=True)
class CheckOptions:
    """How passes are checked.

    `seed` makes the inputs; `inputs` are values to be used, for the function `entry`, as `weft run --input` takes
    them, with `only_given` and no others; `examples` is the folder of the files that the program names as its example
    inputs, None where these are not to be read. `values` are arguments as Python has them, by the names of the
    functions, which alone are run then. `reproducer` is the file that a difference is written to, `check-PASS.mlir` in
    `folder` by default. A call of machine code may take so many `seconds`. When `replaying`, nothing is shrunk and no
    file is written: there is one already.
    """

    seed: int = 0
    inputs: tuple[str, ...] = ()
    only_given: bool = True
    entry: str | None = None
    examples: Path | None = None
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, "Sequence[Any]"])
    tolerances: Mapping[str, Tolerance] = field(default_factory=lambda: TOLERANCES)
    reproducer: Path | None = None
    folder: Path = Path()
    seconds: float = 60.0
    replaying: bool = False
