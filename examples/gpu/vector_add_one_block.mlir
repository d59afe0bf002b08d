// Vector add in one block: 1,000 threads, one for each element. A block holds at most 1,024 threads.
//
//   weft run examples/gpu/vector_add_one_block.mlir --target gpu-sim
//
// `gpu.launch` is a kernel where it is used: the compiler moves its body into a kernel of its own
// (`gpu-kernel-outlining`), and the buffers that it uses become its arguments.

func.func @main(%a: memref<1000xf32> {weft.input = "1000xf32=random:1"}, %b: memref<1000xf32> {weft.input = "1000xf32=random:2"})
    -> (memref<1000xf32> {weft.name = "sum"}) {
  %c1 = arith.constant 1 : index
  %c1000 = arith.constant 1000 : index
  %sum = memref.alloc() : memref<1000xf32>
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
             threads(%i, %ty, %tz) in (%sx = %c1000, %sy = %c1, %sz = %c1) {
    %x = memref.load %a[%i] : memref<1000xf32>
    %y = memref.load %b[%i] : memref<1000xf32>
    %z = arith.addf %x, %y : f32
    memref.store %z, %sum[%i] : memref<1000xf32>
    gpu.terminator
  }
  func.return %sum : memref<1000xf32>
}

// The same as a tensor program: the compiler finds blocks and threads itself.
func.func @twin(%a: tensor<1000xf32> {weft.input = "1000xf32=random:1"}, %b: tensor<1000xf32> {weft.input = "1000xf32=random:2"})
    -> (tensor<1000xf32> {weft.name = "sum"}) {
  %sum = ml.add %a, %b : tensor<1000xf32>
  func.return %sum : tensor<1000xf32>
}
