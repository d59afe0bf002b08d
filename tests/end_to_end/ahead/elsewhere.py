"""Running a function on another machine: a C program made for it, under an emulator, with its arguments in files."""

import shutil
from dataclasses import dataclass

import numpy as np
import pytest

from tests.end_to_end.ahead.building import built, exported, finished, output
from weft.backends.cpu.ahead.interface import functions_of
from weft.driver.program import find_entry, parse
from weft.driver.signatures import signature_of


@dataclass(frozen=True)
class Elsewhere:
    """A target, the compiler that links for it, and the command that runs what comes out (none for this machine)."""

    target: str
    compiler: str = "gcc"
    emulator: tuple[str, ...] = ()

    def skip_unless_there(self):
        for name in (self.compiler, *self.emulator[:1]):
            if shutil.which(name) is None:
                pytest.skip(f"'{name}' is not installed")

    def build(self, source, code):
        return built(source, code, compiler=self.compiler, flags=("-std=c99", "-static"))

    def run(self, program, *words, folder=None):
        done = finished(*self.emulator, program, *words, folder=folder)
        if "Assertion `ctx->insn_start" in done.stderr:
            pytest.skip("this QEMU ends itself at some roundings of vectors (vfncvt.rod)")
        return output(done)


ARM = Elsewhere("cpu:aarch64-linux-gnu", "aarch64-linux-gnu-gcc", ("qemu-aarch64",))
RISCV = Elsewhere("cpu:riscv64", "riscv64-linux-gnu-gcc", ("qemu-riscv64",))
RISCV_VECTORS = Elsewhere(
    "cpu:riscv64,+v", "riscv64-linux-gnu-gcc", ("qemu-riscv64", "-cpu", "rv64,v=true,vext_spec=v1.0")
)
MACHINES = {"arm": ARM, "riscv": RISCV, "riscv-v": RISCV_VECTORS}
LEVELS = {name: Elsewhere(f"cpu:{name}") for name in ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4")}

_TEMPLATE = """#include "code.h"
#include <stdio.h>
#include <stdlib.h>

static void get(const char *name, void *data, size_t size) {{
  FILE *file = fopen(name, "rb");
  if (!file || (size && fread(data, size, 1, file) != 1)) exit(9);
  fclose(file);
}}

static void put(const char *name, const void *data, size_t size) {{
  FILE *file = fopen(name, "wb");
  if (!file || (size && fwrite(data, size, 1, file) != 1)) exit(8);
  fclose(file);
}}

int main(void) {{
{body}
  return 0;
}}
"""


def driver(function, arguments):
    """A C program that calls a function with arguments from files, and writes results to files."""
    lines, passed, after = [], [], []
    for n, (given, value) in enumerate(zip(function.arguments, arguments, strict=True)):
        element = given.value.c.removeprefix("const ").rstrip(" *")
        count = max(1, np.size(value))
        lines.append(f"  {element} *a{n} = malloc({count} * sizeof *a{n});")
        lines.append(f'  get("a{n}", a{n}, {np.asarray(value).nbytes});')
        passed.append(f"*a{n}" if given.spec.kind == "scalar" else f"a{n}")
        passed += [str(size) for size, open_ in zip(np.shape(value), given.sizes, strict=False) if open_ is not None]
    for n, result in enumerate(function.results):
        element, spec = result.value.c.rstrip(" *"), result.spec
        if spec.kind == "scalar" or spec.is_out:
            count = int(np.prod(spec.dims, dtype=int))
            lines.append(f"  {element} *r{n} = malloc({max(1, count)} * sizeof *r{n});")
            passed.append(f"r{n}")
            after.append(f'  put("r{n}", r{n}, {count} * sizeof *r{n});')
            continue
        rank = len(spec.dims)
        lines.append(f"  {element} *r{n};\n  int64_t d{n}[{rank}];")
        passed += [f"&r{n}", f"d{n}"]
        size = " * ".join([f"sizeof *r{n}", *(f"(size_t)d{n}[{dim}]" for dim in range(rank))])
        after.append(f'  put("r{n}", r{n}, {size});\n  put("d{n}", d{n}, sizeof d{n});\n  free(r{n});')
    call = f"  int status = {function.plain}({', '.join(passed)});\n"
    call += '  if (status) { printf("%s", code_error(status)); return 0; }'
    return _TEMPLATE.format(body="\n".join([*lines, call, *after]))


def called(machine, module, arguments, folder):
    """The results of the entry of a module on a machine, or the text of the check that failed."""
    machine.skip_unless_there()
    code = exported(module, folder / "code.o", target=machine.target, prefix="code_", entries=("main",))
    signature = signature_of(find_entry(parse(module), "main"))
    (function,) = functions_of([signature], "code_")
    (folder / "program.c").write_text(driver(function, arguments))
    for n, value in enumerate(arguments):
        (folder / f"a{n}").write_bytes(np.asarray(value, signature.arguments[n].numpy_dtype).tobytes())
    told = machine.run(machine.build(folder / "program.c", code), folder=folder)
    if told:
        return told
    return tuple(_result(spec, n, folder) for n, spec in enumerate(signature.results))


def _result(spec, n, folder):
    data = np.frombuffer((folder / f"r{n}").read_bytes(), spec.numpy_dtype)
    if spec.kind == "scalar":
        return data[0]
    dims = spec.dims if spec.static else np.frombuffer((folder / f"d{n}").read_bytes(), np.int64)
    return data.reshape(tuple(dims))
