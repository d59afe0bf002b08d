"""What a device refuses to launch, the simulator refuses, with the limit and the line."""

from __future__ import annotations

import pytest

from tests.backends.sim.support import kernel, run
from weft.diagnostics import WeftError


@pytest.mark.parametrize(
    ("grid", "block", "options", "said"),
    [
        ([1], [1025], {}, "1025 threads in a block, the device allows 1024"),
        ([1], [32, 33], {}, "1056 threads in a block, the device allows 1024"),
        ([1], [1, 1, 65], {}, "65 threads in z, a block has 1 to 64"),
        ([1, 65536], [1], {}, "65536 blocks in y, a grid has 1 to 65535"),
        ([0], [1], {}, "0 blocks in x, a grid has 1 to 2147483647"),
        ([1], [1], {"shared": 1 << 20}, "a block would have 1048576 bytes of shared memory, the device allows 166912"),
        ([3], [1], {"cluster": [2]}, "the 3 blocks in x are not whole clusters of 2"),
        ([16], [1], {"cluster": [16]}, "16 blocks in a cluster, a device allows 8"),
    ],
)
def test_limits(grid: list[int], block: list[int], options: dict[str, int], said: str):
    with pytest.raises(WeftError) as error:
        run(kernel("", ""), grid, block, **options)
    assert f"kernel.mlir:2:3: error: '@k' cannot be launched: {said}" in str(error.value)


def test_what_a_kernel_says_of_its_launches():
    text = kernel("", "").replace("nvvm.kernel}", "nvvm.kernel, nvvm.maxntid = array<i32: 8, 4, 1>}")
    run(text, [1], [32])
    with pytest.raises(WeftError, match="33 threads in a block, and the kernel says at most 32"):
        run(text, [1], [33])


def test_names_and_counts():
    with pytest.raises(WeftError, match="'@k' takes 0 arguments, not 1"):
        run(kernel("", ""), [1], [1], 5)
    with pytest.raises(WeftError, match="there is no kernel '@k' in the module"):
        run(kernel("", "").replace("@k", "@other"), [1], [1])


def test_shared_memory_is_that_of_the_kernel_alone():
    """Other kernels of the module have their own, which its blocks do not have."""
    own = "    %o = llvm.mlir.addressof @{0} : !llvm.ptr<3>\n    llvm.store %z, %o : i32, !llvm.ptr<3>"
    zero = "    %z = llvm.mlir.constant(0 : i32) : i32\n"
    tiles = [f"  llvm.mlir.global internal @{n}() {{addr_space = 3 : i32}} : !llvm.array<30000 x i32>" for n in "ab"]
    head = "  llvm.func @other() attributes {gpu.kernel, nvvm.kernel} {\n"
    other = f"{head}{zero}{own.format('b')}\n    llvm.return\n  }}"
    run(kernel("", zero + own.format("a"), "\n".join([*tiles, other])), [1], [1])
    both = zero + own.format("a") + "\n" + own.format("b").replace("%o", "%q")
    with pytest.raises(WeftError, match="a block would have 240000 bytes of shared memory"):
        run(kernel("", both, "\n".join(tiles)), [1], [1])
