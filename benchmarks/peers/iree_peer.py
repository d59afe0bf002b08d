"""IREE, on the StableHLO text that JAX writes, compiled for this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import iree.compiler
import iree.runtime
import jax
import numpy as np
from graph import Graph
from measure import Call

from peers.jax_peer import function

FLAGS = ["--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"]


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call:
    """The module's function, on arrays of the device: synchronous on one thread, tasks on several."""
    text = str(jax.jit(function(graph)).lower(*arrays).compiler_ir("stablehlo"))
    code = iree.compiler.compile_str(text, target_backends=["llvm-cpu"], input_type="stablehlo", extra_args=FLAGS)
    if threads > 1:
        iree.runtime.flags.parse_flags(f"--task_topology_max_group_count={threads}")
    device = iree.runtime.get_device("local-sync" if threads == 1 else "local-task")
    config = iree.runtime.Config(device=device)
    module = iree.runtime.load_vm_module(iree.runtime.VmModule.copy_buffer(config.vm_instance, code), config)
    given = [iree.runtime.asdevicearray(device, a) for a in arrays]
    held: list[Any] = [None]

    def run() -> None:
        held[0] = module.main(*given)

    return Call("f()", {"f": run, "held": config}, lambda: held[0].to_host())
