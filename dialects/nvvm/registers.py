"""The table's special registers: who a thread is, how large the grid is, what time it is."""

from __future__ import annotations

from weft.dialects.nvvm.instruction import Instruction


def _register(name: str, says: str, chip: str = "sm_50", ptx: int = 60, type_: str = "i32") -> Instruction:
    register = f"read.ptx.sreg.{name}"
    return Instruction(
        register, "", f"res: {type_}", "attr-dict `:` type($res)", f"llvm.nvvm.{register}", says,
        chip=chip, ptx=ptx, pure=not name.startswith(("clock", "globaltimer")),
    )  # fmt: skip


def _axes(name: str, says: str, chip: str = "sm_50", ptx: int = 60) -> tuple[Instruction, ...]:
    return tuple(_register(f"{name}.{axis}", f"{says} in {axis}.", chip, ptx) for axis in "xyz")


INSTRUCTIONS: tuple[Instruction, ...] = (
    *_axes("tid", "The number of a thread in its block"),
    *_axes("ntid", "The number of threads of a block"),
    *_axes("ctaid", "The number of a block in the grid"),
    *_axes("nctaid", "The number of blocks of the grid"),
    *_axes("clusterid", "The number of a cluster in the grid", "sm_90", 78),
    *_axes("nclusterid", "The number of clusters of the grid", "sm_90", 78),
    *_axes("cluster.ctaid", "The number of a block in its cluster", "sm_90", 78),
    *_axes("cluster.nctaid", "The number of blocks of a cluster", "sm_90", 78),
    _register("cluster.ctarank", "The number of a block in its cluster, over all axes.", "sm_90", 78),
    _register("cluster.nctarank", "The number of blocks of a cluster, over all axes.", "sm_90", 78),
    _register("laneid", "The number of a thread in its warp."),
    _register("warpid", "The number of a warp in its block, which may change while a kernel runs."),
    _register("warpsize", "The number of threads of a warp: 32."),
    _register(
        "dynamic_smem_size", "The bytes of shared memory that the launch gave a block, beside what it has anyway."
    ),
    _register("smid", "The number of the multiprocessor that a thread runs on, which may change while a kernel runs."),
    _register("clock", "A counter of the multiprocessor's cycles."),
    _register("clock64", "A counter of the multiprocessor's cycles.", type_="i64"),
    _register("globaltimer", "The time in nanoseconds.", type_="i64"),
)
