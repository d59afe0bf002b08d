// Softmax of each row: a block takes a row, and its threads go along it three times: for the largest element, for the
// sum of the exponentials, and for the result. Both reductions are over the block.
//
//   weft run examples/gpu/softmax.mlir --target gpu-sim

gpu.module @kernels {
  gpu.func @softmax(%x: memref<?x?xf32>, %y: memref<?x?xf32>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c1 = arith.constant 1 : index
    %n = memref.dim %x, %c1 : memref<?x?xf32>
    %row = gpu.block_id x
    %t = gpu.thread_id x
    %step = gpu.block_dim x
    %least = arith.constant 0xFF800000 : f32
    %own_most = scf.for %j = %t to %n step %step iter_args(%m = %least) -> (f32) {
      %0 = memref.load %x[%row, %j] : memref<?x?xf32>
      %1 = arith.maximumf %m, %0 : f32
      scf.yield %1 : f32
    }
    %most = gpu.all_reduce maximumf %own_most uniform {} : (f32) -> f32
    %zero = arith.constant 0.0 : f32
    %own_sum = scf.for %j = %t to %n step %step iter_args(%s = %zero) -> (f32) {
      %0 = memref.load %x[%row, %j] : memref<?x?xf32>
      %1 = arith.subf %0, %most : f32
      %2 = math.exp %1 : f32
      %3 = arith.addf %s, %2 : f32
      scf.yield %3 : f32
    }
    %sum = gpu.all_reduce add %own_sum uniform {} : (f32) -> f32
    scf.for %j = %t to %n step %step {
      %0 = memref.load %x[%row, %j] : memref<?x?xf32>
      %1 = arith.subf %0, %most : f32
      %2 = math.exp %1 : f32
      %3 = arith.divf %2, %sum : f32
      memref.store %3, %y[%row, %j] : memref<?x?xf32>
    }
    gpu.return
  }
}

func.func @main(%x: memref<?x?xf32> {weft.input = "20x300xf32=random:1"}) -> (memref<?x?xf32> {weft.name = "y"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %rows = memref.dim %x, %c0 : memref<?x?xf32>
  %columns = memref.dim %x, %c1 : memref<?x?xf32>
  %y = memref.alloc(%rows, %columns) : memref<?x?xf32>
  gpu.launch_func @kernels::@softmax blocks in (%rows, %c1, %c1) threads in (%c128, %c1, %c1)
    args(%x : memref<?x?xf32>, %y : memref<?x?xf32>)
  func.return %y : memref<?x?xf32>
}

func.func @twin(%x: tensor<?x?xf32> {weft.input = "20x300xf32=random:1"}) -> (tensor<?x?xf32> {weft.name = "y"}) {
  %y = ml.softmax %x, axis = 1 : tensor<?x?xf32>
  func.return %y : tensor<?x?xf32>
}
