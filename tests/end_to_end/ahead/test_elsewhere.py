"""Code for other machines: it runs under emulators where these are installed, and gives what the reference gives."""

import random
import re

import numpy as np
import pytest

import weft
from tests.end_to_end.ahead.building import FUNCTIONS, HERE, exported, needs_cc
from tests.end_to_end.ahead.elsewhere import ARM, LEVELS, MACHINES, called
from tests.end_to_end.ahead.test_c import agree as lines_agree
from tests.end_to_end.ahead.test_c import expected
from tests.passes.loops.kernels import agree
from tests.programs import random_program
from weft.backends.cpu.ahead.record import SECTION
from weft.backends.llvm.elf import read_elf
from weft.backends.llvm.machine import host_machine
from weft.backends.reference import run
from weft.driver.targets import read_target


def machine_of(name):
    """A machine by name. Skips the test where this one cannot stand for it."""
    machine = {**MACHINES, **LEVELS}[name]
    host = host_machine()
    needed = {f"-{feature}" for feature in read_target(machine.target, 1, 1).features}
    if name in LEVELS and (not host.triple.startswith("x86_64") or needed & set(host.features.split(","))):
        pytest.skip(f"this machine does not run code for {name}")
    return machine


@needs_cc
@pytest.mark.parametrize("level", LEVELS)
def test_a_program_on_every_level_of_x86(level, tmp_path):
    machine, program = machine_of(level), random_program(random.Random(11), special=False)
    wanted = run(program.module, "main", program.args)
    agree(program.module, program.args, called(machine, program.module, program.args, tmp_path), wanted)


def test_code_has_the_vectors_of_its_target(tmp_path):
    names = {
        "cpu:x86-64": r"addps\s.*%xmm",
        "cpu:x86-64-v3": r"vaddps\s.*%ymm",
        "cpu:x86-64-v4": r"vaddps\s.*%zmm",
        "cpu:x86-64,+avx2": r"vaddps\s.*%ymm",
        "cpu:aarch64": r"fadd\s+v\d+\.4s",
        "cpu:riscv64,+v": r"vfadd\.vv",
    }
    text = """
    func.func @main(%a: tensor<64xf32>, %b: tensor<64xf32>) -> tensor<64xf32> {
      %0 = ml.add %a, %b : tensor<64xf32>
      func.return %0 : tensor<64xf32>
    }
    """
    for target, pattern in names.items():
        path = exported(text, tmp_path / "code.s", target=target)
        assert re.search(pattern, path.read_text()), target
    assert "vfadd" not in exported(text, tmp_path / "code.s", target="cpu:riscv64").read_text()


def test_an_object_is_for_its_machine(tmp_path):
    for name in MACHINES:
        data = exported(FUNCTIONS, tmp_path / "code.o", target=MACHINES[name].target).read_bytes()
        elf = read_elf(data)
        assert elf.machine == {"arm": 183}.get(name, 243)
        assert SECTION in elf.sections


@pytest.mark.long
@pytest.mark.parametrize("name", MACHINES)
def test_the_c_program_runs_elsewhere(name, tmp_path):
    machine = MACHINES[name]
    machine.skip_unless_there()
    code = exported(FUNCTIONS, tmp_path / "functions.o", target=machine.target)
    lines_agree(machine.run(machine.build(HERE / "program.c", code)), expected())


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", [*MACHINES, *LEVELS])
def test_random_programs_elsewhere(name, seed, tmp_path):
    machine = machine_of(name)
    program = random_program(random.Random(seed), special=False)
    wanted = run(program.module, "main", program.args)
    agree(program.module, program.args, called(machine, program.module, program.args, tmp_path), wanted)


CONVERSIONS = """
func.func @main(%x: tensor<{n}xf64>, %h: tensor<{n}xf16>) ->
    (tensor<{n}xf16>, tensor<{n}xbf16>, tensor<{n}xi8>, tensor<{n}xi64>, tensor<{n}xf64>, tensor<{n}xf16>) {{
  %0 = ml.convert %x : tensor<{n}xf64> to tensor<{n}xf16>
  %1 = ml.convert %x : tensor<{n}xf64> to tensor<{n}xbf16>
  %2 = ml.convert %x : tensor<{n}xf64> to tensor<{n}xi8>
  %3 = ml.convert %x : tensor<{n}xf64> to tensor<{n}xi64>
  %4 = ml.convert %h : tensor<{n}xf16> to tensor<{n}xf64>
  %5 = ml.exp %h : tensor<{n}xf16>
  func.return %0, %1, %2, %3, %4, %5
      : tensor<{n}xf16>, tensor<{n}xbf16>, tensor<{n}xi8>, tensor<{n}xi64>, tensor<{n}xf64>, tensor<{n}xf16>
}}
"""


@pytest.mark.long
@pytest.mark.parametrize("n", [1, 37])
@pytest.mark.parametrize("name", [*MACHINES, *LEVELS])
def test_numbers_are_converted_alike_elsewhere(name, n, tmp_path):
    machine = machine_of(name)
    special = np.array([np.inf, -np.inf, np.nan, -0.0, 1e300, -1e300, 65504.0, 65520.0, 6e-8, 2.5, -128.5, 2.0**63])
    x = np.concatenate([special, np.random.default_rng(n).standard_normal(n) * 1e4])[:n]
    h = np.concatenate([special[:4], np.linspace(-5, 5, n)])[:n].astype(np.float16)
    text = CONVERSIONS.format(n=n)
    found = called(machine, weft.parse(text), [x, h], tmp_path)
    for one, other in zip(found, weft.compile(text, "reference")(x, h), strict=True):
        if one.dtype == np.float16:
            np.testing.assert_allclose(one.astype(np.float64), other.astype(np.float64), rtol=2e-3)
        np.testing.assert_array_equal(np.isnan(one.astype(np.float64)), np.isnan(other.astype(np.float64)))
        if one is not found[-1]:
            np.testing.assert_array_equal(one.astype(np.float64), other.astype(np.float64))


@pytest.mark.long
def test_a_shared_library_for_another_machine_is_linked_and_loads_there(tmp_path):
    ARM.skip_unless_there()
    library = exported(FUNCTIONS, tmp_path / "functions.so", target=ARM.target)
    with pytest.raises(weft.WeftError, match="is code for aarch64, and this machine is"):
        weft.load(library, "add")
