// A function of the device: kernels call @sigmoid as C's kernels call a `__device__` function. exp is arithmetic of
// ours by the time it is PTX: no library is needed.
//
//   weft run examples/gpu/sigmoid.mlir --target gpu-sim

gpu.module @kernels {
  func.func private @sigmoid(%x: f32) -> f32 {
    %one = arith.constant 1.0 : f32
    %minus = arith.negf %x : f32
    %e = math.exp %minus : f32
    %below = arith.addf %e, %one : f32
    %y = arith.divf %one, %below : f32
    func.return %y : f32
  }

  gpu.func @map(%n: index, %x: memref<?xf32>, %y: memref<?xf32>) kernel {
    %i = gpu.global_id x
    %inside = arith.cmpi ult, %i, %n : index
    scf.if %inside {
      %0 = memref.load %x[%i] : memref<?xf32>
      %1 = func.call @sigmoid(%0) : (f32) -> f32
      memref.store %1, %y[%i] : memref<?xf32>
    }
    gpu.return
  }
}

func.func @main(%x: memref<?xf32> {weft.input = "10000xf32=random:1"}) -> (memref<?xf32> {weft.name = "y"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %threads = arith.constant 128 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %blocks = arith.ceildivui %n, %threads : index
  %y = memref.alloc(%n) : memref<?xf32>
  gpu.launch_func @kernels::@map blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1)
    args(%n : index, %x : memref<?xf32>, %y : memref<?xf32>)
  func.return %y : memref<?xf32>
}

func.func @twin(%x: tensor<?xf32> {weft.input = "10000xf32=random:1"}) -> (tensor<?xf32> {weft.name = "y"}) {
  %y = ml.sigmoid %x : tensor<?xf32>
  func.return %y : tensor<?xf32>
}
