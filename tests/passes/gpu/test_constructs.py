"""Each construct that a kernel by hand may hold becomes PTX that ptxas takes, for the oldest chip and a new one."""

import re
from pathlib import Path

import pytest

from tests.passes.gpu.ptx import assembled

KERNELS = (Path(__file__).parent / "Inputs" / "constructs.mlir").read_text()


@pytest.mark.parametrize("chip", ["sm_75", "sm_90a"])
def test_every_construct_is_assembled(chip):
    target = f'[#nvvm.target<chip = "{chip}", features = "+ptx80">]'
    code = assembled(KERNELS.replace("@constructs", f"@constructs {target}", 1))
    assert code.count(".entry") == len(re.findall(r"^ .*\bkernel\b", KERNELS, re.MULTILINE))
    assert "ld.global.v4.b32" in code
    assert "st.global.v4.b32" in code
    assert "mma.sync" in code


@pytest.mark.parametrize("op", ["shli", "shrui"])
def test_a_shift_looks_at_all_bits_of_its_amount(op):
    text = f"""gpu.module @m [#nvvm.target<chip = "sm_90a", features = "+ptx80">] {{
  gpu.func @k(%x: memref<?xi64>, %n: i64, %i: index) kernel {{
    %0 = memref.load %x[%i] : memref<?xi64>
    %1 = arith.{op} %0, %n : i64
    memref.store %1, %x[%i] : memref<?xi64>
    gpu.return
  }}
}}"""
    # LLVM would take the lower half of the amount for all of it: 2**32 shifted by 0
    assert "ld.param.b32" not in assembled(text)
