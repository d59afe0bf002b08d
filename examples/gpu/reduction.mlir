// Reduction: the sum of 100,000 numbers. Each thread adds up what it meets on its way through the array, a block
// combines the sums of its threads (`gpu.all_reduce`: shuffles within warps, then shared memory), and the first thread
// of each block adds the block's sum to the result, atomically.
//
//   weft run examples/gpu/reduction.mlir --target gpu-sim

gpu.module @kernels {
  gpu.func @sum(%n: index, %x: memref<?xf32>, %total: memref<1xf32>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %first = gpu.global_id x
    %threads = gpu.block_dim x
    %blocks = gpu.grid_dim x
    %step = arith.muli %threads, %blocks : index
    %own = scf.for %i = %first to %n step %step iter_args(%s = %zero) -> (f32) {
      %0 = memref.load %x[%i] : memref<?xf32>
      %1 = arith.addf %s, %0 : f32
      scf.yield %1 : f32
    }
    %block = gpu.all_reduce add %own uniform {} : (f32) -> f32
    %t = gpu.thread_id x
    %leads = arith.cmpi eq, %t, %c0 : index
    scf.if %leads {
      %2 = memref.atomic_rmw addf %block, %total[%c0] : (f32, memref<1xf32>) -> f32
    }
    gpu.return
  }
}

func.func @main(%x: memref<?xf32> {weft.input = "100000xf32=random:1"}) -> (f32 {weft.name = "sum"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?xf32>
  %total = memref.alloc() : memref<1xf32>
  gpu.memset %total, %zero : memref<1xf32>, f32
  gpu.launch_func @kernels::@sum blocks in (%c8, %c1, %c1) threads in (%c256, %c1, %c1)
    args(%n : index, %x : memref<?xf32>, %total : memref<1xf32>)
  %sum = memref.load %total[%c0] : memref<1xf32>
  memref.dealloc %total : memref<1xf32>
  func.return %sum : f32
}

func.func @twin(%x: tensor<?xf32> {weft.input = "100000xf32=random:1"}) -> (tensor<f32> {weft.name = "sum"}) {
  %sum = ml.reduce add %x, dims = [0] : tensor<?xf32> to tensor<f32>
  func.return %sum : tensor<f32>
}
