// Matrix product, the plain way: a thread for each element of the result, which walks along a row of A and a column of
// B. Every element of A and B is read from memory many times: the next file does better.
//
//   weft run examples/gpu/matmul_naive.mlir --target gpu-sim

gpu.module @kernels {
  gpu.func @matmul(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %m = memref.dim %a, %c0 : memref<?x?xf32>
    %k = memref.dim %a, %c1 : memref<?x?xf32>
    %n = memref.dim %b, %c1 : memref<?x?xf32>
    %i = gpu.global_id y
    %j = gpu.global_id x
    %above = arith.cmpi ult, %i, %m : index
    %left = arith.cmpi ult, %j, %n : index
    %inside = arith.andi %above, %left : i1
    scf.if %inside {
      %zero = arith.constant 0.0 : f32
      %sum = scf.for %l = %c0 to %k step %c1 iter_args(%s = %zero) -> (f32) {
        %x = memref.load %a[%i, %l] : memref<?x?xf32>
        %y = memref.load %b[%l, %j] : memref<?x?xf32>
        %p = arith.mulf %x, %y : f32
        %t = arith.addf %s, %p : f32
        scf.yield %t : f32
      }
      memref.store %sum, %c[%i, %j] : memref<?x?xf32>
    }
    gpu.return
  }
}

func.func @main(%a: memref<?x?xf32> {weft.input = "70x50xf32=random:1"}, %b: memref<?x?xf32> {weft.input = "50x90xf32=random:2"})
    -> (memref<?x?xf32> {weft.name = "c"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %m = memref.dim %a, %c0 : memref<?x?xf32>
  %n = memref.dim %b, %c1 : memref<?x?xf32>
  %down = arith.ceildivui %m, %c16 : index
  %across = arith.ceildivui %n, %c16 : index
  %c = memref.alloc(%m, %n) : memref<?x?xf32>
  gpu.launch_func @kernels::@matmul blocks in (%across, %down, %c1) threads in (%c16, %c16, %c1)
    args(%a : memref<?x?xf32>, %b : memref<?x?xf32>, %c : memref<?x?xf32>)
  func.return %c : memref<?x?xf32>
}

func.func @twin(%a: tensor<70x50xf32> {weft.input = "70x50xf32=random:1"}, %b: tensor<50x90xf32> {weft.input = "50x90xf32=random:2"})
    -> (tensor<70x90xf32> {weft.name = "c"}) {
  %c = ml.matmul %a, %b : (tensor<70x50xf32>, tensor<50x90xf32>) -> tensor<70x90xf32>
  func.return %c : tensor<70x90xf32>
}
