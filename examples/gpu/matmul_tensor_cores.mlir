// Matrix product on tensor cores: a warp multiplies matrices of 16 x 16 halves as one instruction, and sums in f32.
// What a `!gpu.mma_matrix` is made of is spread over the 32 lanes of the warp.
//
//   weft run examples/gpu/matmul_tensor_cores.mlir --target gpu-sim

gpu.module @kernels {
  // one warp a block, which computes 16 x 16 elements of C; all sizes are multiples of 16
  gpu.func @matmul(%a: memref<64x48xf16>, %b: memref<48x80xf16>, %c: memref<64x80xf32>) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %c48 = arith.constant 48 : index
    %bx = gpu.block_id x
    %by = gpu.block_id y
    %i = arith.muli %by, %c16 : index
    %j = arith.muli %bx, %c16 : index
    %zero = arith.constant 0.0 : f32
    %none = gpu.subgroup_mma_constant_matrix %zero : !gpu.mma_matrix<16x16xf32, "COp">
    %sum = scf.for %k = %c0 to %c48 step %c16 iter_args(%s = %none) -> (!gpu.mma_matrix<16x16xf32, "COp">) {
      %x = gpu.subgroup_mma_load_matrix %a[%i, %k] {leadDimension = 48 : index} : memref<64x48xf16> -> !gpu.mma_matrix<16x16xf16, "AOp">
      %y = gpu.subgroup_mma_load_matrix %b[%k, %j] {leadDimension = 80 : index} : memref<48x80xf16> -> !gpu.mma_matrix<16x16xf16, "BOp">
      %t = gpu.subgroup_mma_compute %x, %y, %s
        : !gpu.mma_matrix<16x16xf16, "AOp">, !gpu.mma_matrix<16x16xf16, "BOp"> -> !gpu.mma_matrix<16x16xf32, "COp">
      scf.yield %t : !gpu.mma_matrix<16x16xf32, "COp">
    }
    gpu.subgroup_mma_store_matrix %sum, %c[%i, %j] {leadDimension = 80 : index} : !gpu.mma_matrix<16x16xf32, "COp">, memref<64x80xf32>
    gpu.return
  }
}

func.func @main(%a: memref<64x48xf16> {weft.input = "64x48xf16=random:1"}, %b: memref<48x80xf16> {weft.input = "48x80xf16=random:2"})
    -> (memref<64x80xf32> {weft.name = "c"}) {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c32 = arith.constant 32 : index
  %c = memref.alloc() : memref<64x80xf32>
  gpu.launch_func @kernels::@matmul blocks in (%c5, %c4, %c1) threads in (%c32, %c1, %c1)
    args(%a : memref<64x48xf16>, %b : memref<48x80xf16>, %c : memref<64x80xf32>)
  func.return %c : memref<64x80xf32>
}

func.func @twin(%a: tensor<64x48xf16> {weft.input = "64x48xf16=random:1"}, %b: tensor<48x80xf16> {weft.input = "48x80xf16=random:2"})
    -> (tensor<64x80xf32> {weft.name = "c"}) {
  %c = ml.matmul %a, %b : (tensor<64x48xf16>, tensor<48x80xf16>) -> tensor<64x80xf32>
  func.return %c : tensor<64x80xf32>
}
