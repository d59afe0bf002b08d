"""PTX from LLVM IR. Run as a program it reads LLVM IR from its input and prints PTX: `generate.py CHIP FEATURES LEVEL`.

LLVM ends the process over what it cannot select. Where that is not ruled out, it is the process of this program.
"""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

from weft.backends.llvm.binding import binding

TRIPLE = "nvptx64-nvidia-cuda"


class CannotGenerate(Exception):
    """LLVM does not make PTX of some IR, and says why."""


@lru_cache(None)
def _initialize() -> None:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()


def generate(ir: str, chip: str, features: str, level: int) -> str:
    """PTX of LLVM IR, optimised at `level`. Raises :class:`CannotGenerate` for IR that does not parse or verify."""
    _initialize()
    context = binding.create_context()
    target = binding.Target.from_triple(TRIPLE)
    machine = target.create_target_machine(cpu=chip, features=features, opt=level)
    try:
        module = binding.parse_assembly(ir, context)
        module.triple, module.data_layout = TRIPLE, str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        raise CannotGenerate(str(error).strip()) from error
    options = binding.create_pipeline_tuning_options(speed_level=level)
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    ptx: str = machine.emit_assembly(module)
    module.close()
    return ptx


def generate_apart(ir: str, chip: str, features: str, level: int) -> str:
    """The same in a process of its own. Raises :class:`CannotGenerate` with what LLVM said where that process died."""
    command = [sys.executable, "-m", __name__, chip, features, str(level)]
    done = subprocess.run(command, input=ir, capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout
    said = [line for line in done.stderr.splitlines() if line.strip()]
    raise CannotGenerate(
        next((line for line in said if "error" in line.lower()), said[-1] if said else "no reason given")
    )


def _main() -> int:
    chip, features, level = sys.argv[1:]
    try:
        sys.stdout.write(generate(sys.stdin.read(), chip, features, int(level)))
    except CannotGenerate as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
