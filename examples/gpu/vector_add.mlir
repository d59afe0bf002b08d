// Vector add over many blocks: 500,000 elements, 256 threads a block, 1,954 blocks. The last block has threads without
// an element, so each thread asks first whether its number is below n.
//
//   weft run examples/gpu/vector_add.mlir --target gpu-sim
//
// @too_many asks for all of it in one block, which no GPU can do:
//
//   weft run examples/gpu/vector_add.mlir --entry too_many --target gpu-sim

gpu.module @kernels {
  gpu.func @add(%n: index, %a: memref<?xf32>, %b: memref<?xf32>, %sum: memref<?xf32>) kernel {
    %i = gpu.global_id x
    %inside = arith.cmpi ult, %i, %n : index
    scf.if %inside {
      %x = memref.load %a[%i] : memref<?xf32>
      %y = memref.load %b[%i] : memref<?xf32>
      %z = arith.addf %x, %y : f32
      memref.store %z, %sum[%i] : memref<?xf32>
    }
    gpu.return
  }
}

func.func @main(%a: memref<?xf32> {weft.input = "500000xf32=random:1"}, %b: memref<?xf32> {weft.input = "500000xf32=random:2"})
    -> (memref<?xf32> {weft.name = "sum"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %threads = arith.constant 256 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  %blocks = arith.ceildivui %n, %threads : index
  %sum = memref.alloc(%n) : memref<?xf32>
  gpu.launch_func @kernels::@add blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1)
    args(%n : index, %a : memref<?xf32>, %b : memref<?xf32>, %sum : memref<?xf32>)
  func.return %sum : memref<?xf32>
}

func.func @too_many(%a: memref<?xf32> {weft.input = "500000xf32=random:1"}, %b: memref<?xf32> {weft.input = "500000xf32=random:2"})
    -> (memref<?xf32> {weft.name = "sum"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  %sum = memref.alloc(%n) : memref<?xf32>
  gpu.launch_func @kernels::@add blocks in (%c1, %c1, %c1) threads in (%n, %c1, %c1)
    args(%n : index, %a : memref<?xf32>, %b : memref<?xf32>, %sum : memref<?xf32>)
  func.return %sum : memref<?xf32>
}

// The same as a tensor program, of any size.
func.func @twin(%a: tensor<?xf32> {weft.input = "500000xf32=random:1"}, %b: tensor<?xf32> {weft.input = "500000xf32=random:2"})
    -> (tensor<?xf32> {weft.name = "sum"}) {
  %sum = ml.add %a, %b : tensor<?xf32>
  func.return %sum : tensor<?xf32>
}
