// Matrix add on a grid of two dimensions: blocks of 16 x 16 threads, x along the columns, so that neighbours in a warp
// read neighbours in memory.
//
//   weft run examples/gpu/matrix_add.mlir --target gpu-sim

gpu.module @kernels {
  gpu.func @add(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %sum: memref<?x?xf32>) kernel
      attributes {known_block_size = array<i32: 16, 16, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %rows = memref.dim %a, %c0 : memref<?x?xf32>
    %columns = memref.dim %a, %c1 : memref<?x?xf32>
    %i = gpu.global_id y
    %j = gpu.global_id x
    %above = arith.cmpi ult, %i, %rows : index
    %left = arith.cmpi ult, %j, %columns : index
    %inside = arith.andi %above, %left : i1
    scf.if %inside {
      %x = memref.load %a[%i, %j] : memref<?x?xf32>
      %y = memref.load %b[%i, %j] : memref<?x?xf32>
      %z = arith.addf %x, %y : f32
      memref.store %z, %sum[%i, %j] : memref<?x?xf32>
    }
    gpu.return
  }
}

func.func @main(%a: memref<?x?xf32> {weft.input = "300x500xf32=random:1"}, %b: memref<?x?xf32> {weft.input = "300x500xf32=random:2"})
    -> (memref<?x?xf32> {weft.name = "sum"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %rows = memref.dim %a, %c0 : memref<?x?xf32>
  %columns = memref.dim %a, %c1 : memref<?x?xf32>
  %down = arith.ceildivui %rows, %c16 : index
  %across = arith.ceildivui %columns, %c16 : index
  %sum = memref.alloc(%rows, %columns) : memref<?x?xf32>
  gpu.launch_func @kernels::@add blocks in (%across, %down, %c1) threads in (%c16, %c16, %c1)
    args(%a : memref<?x?xf32>, %b : memref<?x?xf32>, %sum : memref<?x?xf32>)
  func.return %sum : memref<?x?xf32>
}

func.func @twin(%a: tensor<?x?xf32> {weft.input = "300x500xf32=random:1"}, %b: tensor<?x?xf32> {weft.input = "300x500xf32=random:2"})
    -> (tensor<?x?xf32> {weft.name = "sum"}) {
  %sum = ml.add %a, %b : tensor<?x?xf32>
  func.return %sum : tensor<?x?xf32>
}
