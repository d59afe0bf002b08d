// RUN: weft-opt %s --apply-schedule --convert-loop-to-gpu --split-input-file | filecheck %s

// A block reduces a row: each thread its own part, then shuffles in a warp, then the warps through shared memory.

// CHECK-LABEL: gpu.func @rows_0
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>
// CHECK: %[[P:.*]] = loop.alloc reg "yp" : memref<f32>
// CHECK: loop.for "jo"
// CHECK: loop.if 999 - 256*%{{.*}} - %{{.*}} >= 0
// CHECK: loop.reduce max %{{.*}} into %[[P]][] : memref<f32>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: loop.alloc shared
// CHECK: gpu.barrier
// CHECK-COUNT-3: gpu.shuffle xor
// CHECK: loop.store %{{.*}}, %{{.*}}[%{{.*}}] : memref<64xf32>
func.func @rows(%x: memref<64x1000xf32> {loop.name = "x"}, %y: memref<64xf32> {loop.name = "y"}) attributes {loop.kernel,
    loop.schedule = #loop.schedule<tile j 256 into (jo, jt), map i to block, map jt to thread, rfactor y as yp over jo parts jt>} {
  loop.for "i" %i to 64 {
    loop.for "j" %j to 1000 {
      %0 = loop.load %x[%i, %j] : memref<64x1000xf32>
      loop.reduce max %0 into %y[%i] over (%j) : memref<64xf32>
    }
  }
  func.return
}

// -----

// Eight threads share a row and four rows a block: shuffles among eight, no barrier, no shared memory.

// CHECK-LABEL: gpu.func @short_0
// CHECK-SAME: known_block_size = array<i32: 32, 1, 1>
// CHECK-NOT: shared
// CHECK-NOT: gpu.barrier
// CHECK-COUNT-3: gpu.shuffle xor
// CHECK-NOT: gpu.shuffle
func.func @short(%x: memref<64x8xf32> {loop.name = "x"}, %y: memref<64xf32> {loop.name = "y"}) attributes {loop.kernel,
    loop.schedule = #loop.schedule<tile i 4 into (ib, it), map ib to block, map it to thread, map j to thread>} {
  loop.for "i" %i to 64 {
    loop.for "j" %j to 8 {
      %0 = loop.load %x[%i, %j] : memref<64x8xf32>
      loop.reduce add %0 into %y[%i] over (%j) : memref<64xf32>
    }
  }
  func.return
}

// -----

// What threads write for each other is behind a barrier.

// CHECK-LABEL: gpu.func @turned_0
// CHECK: loop.store %{{.*}}, %[[S:.*]][%{{.*}}] : memref<64xf32>
// CHECK-NEXT: gpu.barrier
// CHECK-NEXT: loop.load %[[S]][63 - %{{.*}}]
func.func @turned(%x: memref<64xf32> {loop.name = "x"}, %y: memref<64xf32> {loop.name = "y"}) attributes {loop.kernel} {
  %s = loop.alloc shared "s" : memref<64xf32>
  loop.for "i" %i to 64 thread {
    %0 = loop.load %x[%i] : memref<64xf32>
    loop.store %0, %s[%i] : memref<64xf32>
  }
  loop.for "j" %j to 64 thread {
    %1 = loop.load %s[63 - %j] : memref<64xf32>
    loop.store %1, %y[%j] : memref<64xf32>
  }
  func.return
}
