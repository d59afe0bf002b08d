// A layer of a network: y = sigmoid(W x + b), for a batch of 1. A warp takes a row of W: its lanes go along the row
// together, four elements at a time, and combine their sums by shuffles. Four warps a block.
//
//   weft run examples/gpu/layer.mlir --target gpu-sim

gpu.module @kernels {
  func.func private @sigmoid(%x: f32) -> f32 {
    %one = arith.constant 1.0 : f32
    %minus = arith.negf %x : f32
    %e = math.exp %minus : f32
    %below = arith.addf %e, %one : f32
    %y = arith.divf %one, %below : f32
    func.return %y : f32
  }

  gpu.func @layer(%w: memref<100x256xf32>, %b: memref<100xf32>, %x: memref<256xf32>, %y: memref<100xf32>) kernel
      attributes {known_block_size = array<i32: 32, 4, 1>} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c128 = arith.constant 128 : index
    %c256 = arith.constant 256 : index
    %c100 = arith.constant 100 : index
    %lane = gpu.thread_id x
    %row = gpu.global_id y
    %there = arith.cmpi ult, %row, %c100 : index
    scf.if %there {
      %zero = arith.constant dense<0.0> : vector<4xf32>
      %first = arith.muli %lane, %c4 : index
      // 32 lanes of 4 elements: 128 a step, each an access of 16 bytes
      %sums = scf.for %k = %first to %c256 step %c128 iter_args(%s = %zero) -> (vector<4xf32>) {
        %0 = vector.load %w[%row, %k] : memref<100x256xf32>, vector<4xf32>
        %1 = vector.load %x[%k] : memref<256xf32>, vector<4xf32>
        %2 = vector.fma %0, %1, %s : vector<4xf32>
        scf.yield %2 : vector<4xf32>
      }
      %own = vector.reduction <add>, %sums : vector<4xf32> into f32
      %sum = gpu.subgroup_reduce add %own : (f32) -> f32
      %leads = arith.cmpi eq, %lane, %c0 : index
      scf.if %leads {
        %3 = memref.load %b[%row] : memref<100xf32>
        %4 = arith.addf %sum, %3 : f32
        %5 = func.call @sigmoid(%4) : (f32) -> f32
        memref.store %5, %y[%row] : memref<100xf32>
      }
    }
    gpu.return
  }
}

func.func @main(%w: memref<100x256xf32> {weft.input = "100x256xf32=random:1"}, %b: memref<100xf32> {weft.input = "100xf32=random:2"},
    %x: memref<256xf32> {weft.input = "256xf32=random:3"}) -> (memref<100xf32> {weft.name = "y"}) {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c25 = arith.constant 25 : index
  %c32 = arith.constant 32 : index
  %y = memref.alloc() : memref<100xf32>
  gpu.launch_func @kernels::@layer blocks in (%c1, %c25, %c1) threads in (%c32, %c4, %c1)
    args(%w : memref<100x256xf32>, %b : memref<100xf32>, %x : memref<256xf32>, %y : memref<100xf32>)
  func.return %y : memref<100xf32>
}

func.func @twin(%w: tensor<100x256xf32> {weft.input = "100x256xf32=random:1"}, %b: tensor<100xf32> {weft.input = "100xf32=random:2"},
    %x: tensor<256xf32> {weft.input = "256xf32=random:3"}) -> (tensor<100xf32> {weft.name = "y"}) {
  %column = ml.reshape %x : tensor<256xf32> to tensor<256x1xf32>
  %wx = ml.matmul %w, %column : (tensor<100x256xf32>, tensor<256x1xf32>) -> tensor<100x1xf32>
  %flat = ml.reshape %wx : tensor<100x1xf32> to tensor<100xf32>
  %sum = ml.add %flat, %b : tensor<100xf32>
  %y = ml.sigmoid %sum : tensor<100xf32>
  func.return %y : tensor<100xf32>
}
