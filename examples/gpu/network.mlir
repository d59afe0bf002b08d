// A network of two layers on a batch: relu(x @ w1 + b1), then softmax(h @ w2 + b2). One kernel is launched twice for
// the products, with other buffers; a third launch makes scores into probabilities, where they are. The launches happen
// in order, so the second reads what the first wrote.
//
//   weft run examples/gpu/network.mlir --target gpu-sim

gpu.module @kernels {
  // y = x @ w + b, below 0 replaced by 0 where %relu: a thread for each element
  gpu.func @dense(%x: memref<?x?xf32>, %w: memref<?x?xf32>, %b: memref<?xf32>, %y: memref<?x?xf32>, %relu: i1) kernel
      attributes {known_block_size = array<i32: 16, 8, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.dim %y, %c0 : memref<?x?xf32>
    %n = memref.dim %y, %c1 : memref<?x?xf32>
    %k = memref.dim %x, %c1 : memref<?x?xf32>
    %i = gpu.global_id y
    %j = gpu.global_id x
    %above = arith.cmpi ult, %i, %m : index
    %left = arith.cmpi ult, %j, %n : index
    %inside = arith.andi %above, %left : i1
    scf.if %inside {
      %start = memref.load %b[%j] : memref<?xf32>
      %sum = scf.for %l = %c0 to %k step %c1 iter_args(%s = %start) -> (f32) {
        %0 = memref.load %x[%i, %l] : memref<?x?xf32>
        %1 = memref.load %w[%l, %j] : memref<?x?xf32>
        %2 = arith.mulf %0, %1 : f32
        %3 = arith.addf %s, %2 : f32
        scf.yield %3 : f32
      }
      %positive = arith.maximumf %sum, %zero : f32
      %value = arith.select %relu, %positive, %sum : f32
      memref.store %value, %y[%i, %j] : memref<?x?xf32>
    }
    gpu.return
  }

  // softmax of rows of at most 32 elements: a warp a row, a lane an element
  gpu.func @softmax(%x: memref<?x?xf32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c1 = arith.constant 1 : index
    %n = memref.dim %x, %c1 : memref<?x?xf32>
    %row = gpu.block_id x
    %lane = gpu.thread_id x
    %there = arith.cmpi ult, %lane, %n : index
    %least = arith.constant 0xFF800000 : f32
    %own = scf.if %there -> (f32) {
      %0 = memref.load %x[%row, %lane] : memref<?x?xf32>
      scf.yield %0 : f32
    } else {
      scf.yield %least : f32
    }
    %most = gpu.subgroup_reduce maximumf %own : (f32) -> f32
    %shifted = arith.subf %own, %most : f32
    %e = math.exp %shifted : f32
    %sum = gpu.subgroup_reduce add %e : (f32) -> f32
    %p = arith.divf %e, %sum : f32
    scf.if %there {
      memref.store %p, %x[%row, %lane] : memref<?x?xf32>
    }
    gpu.return
  }
}

func.func @main(%x: memref<?x?xf32> {weft.input = "24x64xf32=random:1"},
    %w1: memref<?x?xf32> {weft.input = "64x48xf32=random:2"}, %b1: memref<?xf32> {weft.input = "48xf32=random:3"},
    %w2: memref<?x?xf32> {weft.input = "48x10xf32=random:4"}, %b2: memref<?xf32> {weft.input = "10xf32=random:5"})
    -> (memref<?x?xf32> {weft.name = "probabilities"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %yes = arith.constant true
  %no = arith.constant false
  %rows = memref.dim %x, %c0 : memref<?x?xf32>
  %hidden = memref.dim %w1, %c1 : memref<?x?xf32>
  %classes = memref.dim %w2, %c1 : memref<?x?xf32>
  %h = memref.alloc(%rows, %hidden) : memref<?x?xf32>
  %p = memref.alloc(%rows, %classes) : memref<?x?xf32>
  %down = arith.ceildivui %rows, %c8 : index
  %across1 = arith.ceildivui %hidden, %c16 : index
  %across2 = arith.ceildivui %classes, %c16 : index
  gpu.launch_func @kernels::@dense blocks in (%across1, %down, %c1) threads in (%c16, %c8, %c1)
    args(%x : memref<?x?xf32>, %w1 : memref<?x?xf32>, %b1 : memref<?xf32>, %h : memref<?x?xf32>, %yes : i1)
  gpu.launch_func @kernels::@dense blocks in (%across2, %down, %c1) threads in (%c16, %c8, %c1)
    args(%h : memref<?x?xf32>, %w2 : memref<?x?xf32>, %b2 : memref<?xf32>, %p : memref<?x?xf32>, %no : i1)
  gpu.launch_func @kernels::@softmax blocks in (%rows, %c1, %c1) threads in (%c32, %c1, %c1) args(%p : memref<?x?xf32>)
  memref.dealloc %h : memref<?x?xf32>
  func.return %p : memref<?x?xf32>
}

func.func @twin(%x: tensor<24x64xf32> {weft.input = "24x64xf32=random:1"},
    %w1: tensor<64x48xf32> {weft.input = "64x48xf32=random:2"}, %b1: tensor<48xf32> {weft.input = "48xf32=random:3"},
    %w2: tensor<48x10xf32> {weft.input = "48x10xf32=random:4"}, %b2: tensor<10xf32> {weft.input = "10xf32=random:5"})
    -> (tensor<24x10xf32> {weft.name = "probabilities"}) {
  %p1 = ml.matmul %x, %w1 : (tensor<24x64xf32>, tensor<64x48xf32>) -> tensor<24x48xf32>
  %c1 = ml.broadcast_in_dim %b1, dims = [1] : tensor<48xf32> to tensor<24x48xf32>
  %s1 = ml.add %p1, %c1 : tensor<24x48xf32>
  %h = ml.relu %s1 : tensor<24x48xf32>
  %p2 = ml.matmul %h, %w2 : (tensor<24x48xf32>, tensor<48x10xf32>) -> tensor<24x10xf32>
  %c2 = ml.broadcast_in_dim %b2, dims = [1] : tensor<10xf32> to tensor<24x10xf32>
  %s2 = ml.add %p2, %c2 : tensor<24x10xf32>
  %p = ml.softmax %s2, axis = 1 : tensor<24x10xf32>
  func.return %p : tensor<24x10xf32>
}
