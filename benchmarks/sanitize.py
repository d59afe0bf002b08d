"""NVIDIA's compute-sanitizer over the programs of the GPU course: memory, races, barriers.

    python benchmarks/sanitize.py                       # memcheck, racecheck and synccheck, on the GPU of this machine
    python benchmarks/sanitize.py --tools racecheck reduction softmax

Each tool watches one run of `benchmarks/gpu_examples.py`. The exit code is 0 where all are clean, 1 where one found
something, 2 where there is no compute-sanitizer (it comes with the CUDA toolkit).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

EXAMPLES = Path(__file__).parent / "gpu_examples.py"
NAME = "compute-sanitizer"
INSTALLED = Path("/usr/local")
"""Where CUDA is installed, in folders that begin with its name."""

TOOLS = ("memcheck", "racecheck", "synccheck")

_FOUND = 99
"""The exit code that a tool is to give for what it found."""

_SUMMARY = re.compile(r"=+ (?:ERROR|RACECHECK) SUMMARY: .*")


def find() -> str | None:
    """Where compute-sanitizer is: on the path, or where CUDA is installed."""
    homes = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")]
    installed = sorted(INSTALLED.glob("cuda*"), reverse=True)
    for folder in [*(Path(home) for home in homes if home), *installed]:
        for place in (folder / "bin" / NAME, folder / "compute-sanitizer" / NAME):
            if os.access(place, os.X_OK):
                return str(place)
    return shutil.which(NAME)


def watched(program: str, tool: str, rest: Sequence[str]) -> bool:
    """Run the examples under a tool; whether it found nothing."""
    command = [program, "--tool", tool, "--error-exitcode", str(_FOUND), sys.executable, str(EXAMPLES), *rest]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout + done.stderr
    summary = (_SUMMARY.findall(said) or ["no summary"])[-1].strip("= ")
    print(f"{tool}: {'clean' if done.returncode == 0 else 'NOT CLEAN'} ({summary})", flush=True)
    if done.returncode:
        print(said, flush=True)
    return done.returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tools that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these programs")
    parser.add_argument("--tools", nargs="+", default=TOOLS, choices=TOOLS, help="which tools (default: all three)")
    parser.add_argument("--target", default="cuda", help="as gpu_examples.py takes it")
    options = parser.parse_args(arguments)
    program = find()
    if program is None:
        print(f"there is no {NAME} on the path, in $CUDA_HOME or in /usr/local/cuda*", file=sys.stderr)
        print("install it with the CUDA toolkit (apt: cuda-sanitizer-13-0), or set CUDA_HOME", file=sys.stderr)
        return 2
    rest = [*options.names, "--target", options.target]
    clean = [watched(program, tool, rest) for tool in options.tools]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
