// A launch becomes a kernel in a module of its own: constants and sizes are made there, the rest is passed.
// RUN: weft-opt %s --gpu-kernel-outlining | filecheck %s
// RUN: weft-opt %s --gpu-kernel-outlining | weft-opt --verify-roundtrip | filecheck %s

// CHECK: builtin.module attributes {gpu.container_module}
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func private @twice(%x: f32) -> f32 {
  %0 = arith.addf %x, %x : f32
  func.return %0 : f32
}

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[A:.*]]: f32) {
func.func @main(%x: memref<?xf32>, %a: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c256 = arith.constant 256 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  // CHECK: %[[G:.*]] = arith.ceildivui
  %g = arith.ceildivui %n, %c256 : index
  // CHECK:      gpu.launch_func @main_kernel::@main_kernel blocks in (%[[G]], %c1, %c1) threads in (%c256, %c1, %c1)
  // CHECK-SAME:   args(%[[X]] : memref<?xf32>, %[[A]] : f32)
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %g, %gy = %c1, %gz = %c1)
             threads(%tx, %ty, %tz) in (%sx = %c256, %sy = %c1, %sz = %c1)
             workgroup(%t : memref<256xf32, #gpu.address_space<workgroup>>) {
    %b = arith.muli %bx, %sx : index
    %i = arith.addi %b, %tx : index
    %in = arith.cmpi ult, %i, %n : index
    scf.if %in {
      %0 = memref.load %x[%i] : memref<?xf32>
      %1 = arith.mulf %0, %a : f32
      %2 = func.call @twice(%1) : (f32) -> f32
      %k = memref.get_global @table : memref<4xf32>
      memref.store %2, %x[%i] : memref<?xf32>
    }
    gpu.terminator
  }
  // CHECK: gpu.launch_func @main_kernel_0::@main_kernel_0 blocks in (%c1, %c1, %c1) threads in (%c256, %c1, %c1)
  // CHECK-NEXT: func.return
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
             threads(%tx, %ty, %tz) in (%sx = %c256, %sy = %c1, %sz = %c1) {
    %p = arith.cmpi eq, %bx, %tx : index
    cf.cond_br %p, ^a, ^b
  ^a:
    cf.br ^b
  ^b:
    gpu.terminator
  }
  func.return
}

// CHECK:      gpu.module @main_kernel {
// CHECK-NEXT:   gpu.func @main_kernel(%{{.*}}: memref<?xf32>, %{{.*}}: f32)
// CHECK-SAME:     workgroup(%{{.*}}: memref<256xf32, #gpu.address_space<workgroup>>) kernel
// CHECK-SAME:     attributes {known_block_size = array<i32: 256, 1, 1>} {
// CHECK-DAG:      gpu.block_id x
// CHECK-DAG:      gpu.thread_id x
// CHECK-DAG:      gpu.block_dim x
// CHECK:          memref.dim
// CHECK:          gpu.return
// CHECK:        func.func private @twice(
// CHECK:        memref.global "private" constant @table

// CHECK:      gpu.module @main_kernel_0 {
// CHECK:        known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK:          cf.cond_br
// CHECK:          gpu.return
