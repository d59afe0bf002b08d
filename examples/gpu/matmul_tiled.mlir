// Matrix product through shared memory: a block of 16 x 16 threads takes a tile of A and a tile of B into memory that
// its threads share, multiplies them, and goes on to the next. Each element is read from memory a sixteenth as often.
//
//   weft run examples/gpu/matmul_tiled.mlir --target gpu-sim
//
// Both barriers are needed: the first waits until the tiles are there, the second until nobody reads them any more.

gpu.module @kernels {
  // an element of a matrix, or 0 outside of it
  func.func private @element(%x: memref<?x?xf32>, %i: index, %j: index) -> f32 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %rows = memref.dim %x, %c0 : memref<?x?xf32>
    %columns = memref.dim %x, %c1 : memref<?x?xf32>
    %above = arith.cmpi ult, %i, %rows : index
    %left = arith.cmpi ult, %j, %columns : index
    %inside = arith.andi %above, %left : i1
    %value = scf.if %inside -> (f32) {
      %0 = memref.load %x[%i, %j] : memref<?x?xf32>
      scf.yield %0 : f32
    } else {
      %zero = arith.constant 0.0 : f32
      scf.yield %zero : f32
    }
    func.return %value : f32
  }

  gpu.func @matmul(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>)
      workgroup(%ta : memref<16x16xf32, #gpu.address_space<workgroup>>, %tb : memref<16x16xf32, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 16, 16, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.dim %a, %c0 : memref<?x?xf32>
    %k = memref.dim %a, %c1 : memref<?x?xf32>
    %n = memref.dim %b, %c1 : memref<?x?xf32>
    %tx = gpu.thread_id x
    %ty = gpu.thread_id y
    %i = gpu.global_id y
    %j = gpu.global_id x
    %sum = scf.for %l = %c0 to %k step %c16 iter_args(%s = %zero) -> (f32) {
      %la = arith.addi %l, %tx : index
      %lb = arith.addi %l, %ty : index
      %x = func.call @element(%a, %i, %la) : (memref<?x?xf32>, index, index) -> f32
      %y = func.call @element(%b, %lb, %j) : (memref<?x?xf32>, index, index) -> f32
      memref.store %x, %ta[%ty, %tx] : memref<16x16xf32, #gpu.address_space<workgroup>>
      memref.store %y, %tb[%ty, %tx] : memref<16x16xf32, #gpu.address_space<workgroup>>
      gpu.barrier
      %t = scf.for %p = %c0 to %c16 step %c1 iter_args(%r = %s) -> (f32) {
        %u = memref.load %ta[%ty, %p] : memref<16x16xf32, #gpu.address_space<workgroup>>
        %v = memref.load %tb[%p, %tx] : memref<16x16xf32, #gpu.address_space<workgroup>>
        %uv = arith.mulf %u, %v : f32
        %w = arith.addf %r, %uv : f32
        scf.yield %w : f32
      }
      gpu.barrier
      scf.yield %t : f32
    }
    %above = arith.cmpi ult, %i, %m : index
    %left = arith.cmpi ult, %j, %n : index
    %inside = arith.andi %above, %left : i1
    scf.if %inside {
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
