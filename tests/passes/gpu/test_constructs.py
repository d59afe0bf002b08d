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
