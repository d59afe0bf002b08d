"""The `gpu` dialect: kernels, launches, threads and device memory, in upstream's syntax.

It takes the place of xDSL's: the ops are upstream's (version 19), and `func.call` may name a `gpu.func`. What newer
chips have beside them (asynchronous copies, tensor maps, mbarriers, warpgroup products) is in the dialect `nvvm`, whose
ops stand in a `gpu.func` as they are.

```mlir
gpu.module @kernels {
  gpu.func @double(%x: memref<1000xf32>) kernel {
    %i = gpu.global_id x
    %0 = memref.load %x[%i] : memref<1000xf32>
    %1 = arith.addf %0, %0 : f32
    memref.store %1, %x[%i] : memref<1000xf32>
    gpu.return
  }
}
```

Source: https://mlir.llvm.org/docs/Dialects/GPU/
"""

from xdsl.ir import Dialect

from weft.dialects.gpu import ids, matrix, memory, threads
from weft.dialects.gpu.attributes import (
    ATTRIBUTES,
    PRIVATE,
    WORKGROUP,
    AddressSpaceAttr,
    AllReduceOpAttr,
    AsyncTokenType,
    DimensionAttr,
    ElementwiseOpAttr,
    MMAMatrixType,
    ObjectAttr,
    SelectObjectAttr,
    ShuffleModeAttr,
    space_of,
)
from weft.dialects.gpu.func import KERNEL, FuncOp, ReturnOp
from weft.dialects.gpu.ids import (
    AxisOp,
    BlockDimOp,
    BlockIdOp,
    ClusterBlockIdOp,
    ClusterDimBlocksOp,
    ClusterDimOp,
    ClusterIdOp,
    GlobalIdOp,
    GridDimOp,
    LaneIdOp,
    NumSubgroupsOp,
    SubgroupIdOp,
    SubgroupSizeOp,
    ThreadIdOp,
)
from weft.dialects.gpu.launch import LaunchFuncOp, LaunchOp, TerminatorOp
from weft.dialects.gpu.matrix import (
    SubgroupMmaComputeOp,
    SubgroupMmaConstantMatrixOp,
    SubgroupMmaElementwiseOp,
    SubgroupMmaLoadMatrixOp,
    SubgroupMmaStoreMatrixOp,
)
from weft.dialects.gpu.memory import (
    AllocOp,
    DeallocOp,
    HostRegisterOp,
    HostUnregisterOp,
    MemcpyOp,
    MemsetOp,
    SetDefaultDeviceOp,
    WaitOp,
)
from weft.dialects.gpu.module import BinaryOp, ModuleEndOp, ModuleOp
from weft.dialects.gpu.threads import (
    AllReduceOp,
    BarrierOp,
    DynamicSharedMemoryOp,
    PrintfOp,
    ShuffleOp,
    SubgroupReduceOp,
    YieldOp,
)

GPU = Dialect(
    "gpu",
    [
        BinaryOp,
        FuncOp,
        LaunchFuncOp,
        LaunchOp,
        ModuleEndOp,
        ModuleOp,
        ReturnOp,
        TerminatorOp,
        *ids.OPS,
        *matrix.OPS,
        *memory.OPS,
        *threads.OPS,
    ],
    [*ATTRIBUTES],
)

__all__ = [
    "GPU",
    "KERNEL",
    "PRIVATE",
    "WORKGROUP",
    "AddressSpaceAttr",
    "AllReduceOp",
    "AllReduceOpAttr",
    "AllocOp",
    "AsyncTokenType",
    "AxisOp",
    "BarrierOp",
    "BinaryOp",
    "BlockDimOp",
    "BlockIdOp",
    "ClusterBlockIdOp",
    "ClusterDimBlocksOp",
    "ClusterDimOp",
    "ClusterIdOp",
    "DeallocOp",
    "DimensionAttr",
    "DynamicSharedMemoryOp",
    "ElementwiseOpAttr",
    "FuncOp",
    "GlobalIdOp",
    "GridDimOp",
    "HostRegisterOp",
    "HostUnregisterOp",
    "LaneIdOp",
    "LaunchFuncOp",
    "LaunchOp",
    "MMAMatrixType",
    "MemcpyOp",
    "MemsetOp",
    "ModuleEndOp",
    "ModuleOp",
    "NumSubgroupsOp",
    "ObjectAttr",
    "PrintfOp",
    "ReturnOp",
    "SelectObjectAttr",
    "SetDefaultDeviceOp",
    "ShuffleModeAttr",
    "ShuffleOp",
    "SubgroupIdOp",
    "SubgroupMmaComputeOp",
    "SubgroupMmaConstantMatrixOp",
    "SubgroupMmaElementwiseOp",
    "SubgroupMmaLoadMatrixOp",
    "SubgroupMmaStoreMatrixOp",
    "SubgroupReduceOp",
    "SubgroupSizeOp",
    "TerminatorOp",
    "ThreadIdOp",
    "WaitOp",
    "YieldOp",
    "space_of",
]
