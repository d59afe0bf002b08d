// Kernels by hand at stop 7: what a launch passes, memory spaces, ids, warps, assertions.
// RUN: weft-opt %s --lower-affine --convert-scf-to-cf --convert-gpu-to-nvvm | filecheck %s
// RUN: weft-opt %s --lower-affine --convert-scf-to-cf --convert-gpu-to-nvvm | weft-opt --verify-roundtrip | filecheck %s

// CHECK: builtin.module attributes {weft.messages = ["{{.*}}convert_gpu_to_nvvm.mlir:[[#]]:5: out of range"]}
gpu.module @kernels [#nvvm.target<chip = "sm_80", features = "+ptx80">] {
  // CHECK-DAG: llvm.mlir.global internal @transpose_shared_0() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<1056 x f32>
  // CHECK-DAG: llvm.mlir.global external @__dynamic_shared_memory() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>

  // A buffer is the address of its first element, its sizes and strides that are not known.
  // CHECK-LABEL: llvm.func @arguments(
  // CHECK-SAME:    %{{.*}}: !llvm.ptr<1> {llvm.noalias}, %{{.*}}: i64, %{{.*}}: i64, %[[I:.*]]: i64, %{{.*}}: f32)
  // CHECK-SAME:    attributes {gpu.kernel, nvvm.kernel}
  gpu.func @arguments(%x: memref<?x8xf32, strided<[?, 1], offset: ?>> {llvm.noalias}, %i: index, %v: f32) kernel {
    // CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<1>
    memref.store %v, %x[%i, %i] : memref<?x8xf32, strided<[?, 1], offset: ?>>
    gpu.return
  }

  // CHECK-LABEL: llvm.func @transpose(
  // CHECK-SAME:    nvvm.maxntid = array<i32: 32, 32, 1>
  gpu.func @transpose(%x: memref<32x32xf32>, %y: memref<32x32xf32>)
      workgroup(%t : memref<32x33xf32, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 32, 32, 1>} {
    // CHECK-DAG: %[[TX:.*]] = nvvm.read.ptx.sreg.tid.x : i32
    // CHECK-DAG: %[[TY:.*]] = nvvm.read.ptx.sreg.tid.y : i32
    %i = gpu.thread_id x
    %j = gpu.thread_id y
    // CHECK: llvm.mlir.addressof @transpose_shared_0 : !llvm.ptr<3>
    %0 = memref.load %x[%j, %i] : memref<32x32xf32>
    // CHECK: llvm.store %{{.*}} : f32, !llvm.ptr<3>
    memref.store %0, %t[%j, %i] : memref<32x33xf32, #gpu.address_space<workgroup>>
    // CHECK-NEXT: nvvm.barrier0
    gpu.barrier
    %1 = memref.load %t[%i, %j] : memref<32x33xf32, #gpu.address_space<workgroup>>
    memref.store %1, %y[%j, %i] : memref<32x32xf32>
    gpu.return
  }

  // Four floats at a place that is a multiple of four are one access; elsewhere nothing is said.
  // CHECK-LABEL: llvm.func @wide(
  gpu.func @wide(%x: memref<1024xf32>, %k: index) kernel {
    %i = gpu.global_id x
    %c4 = arith.constant 4 : index
    %j = arith.muli %i, %c4 : index
    // CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
    %v = vector.load %x[%j] : memref<1024xf32>, vector<4xf32>
    // CHECK: llvm.store %{{.*}} {alignment = 4 : i64} : vector<4xf32>, !llvm.ptr<1>
    vector.store %v, %x[%k] : memref<1024xf32>, vector<4xf32>
    // CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
    vector.store %v, %x[%k] {alignment = 16 : i64} : memref<1024xf32>, vector<4xf32>
    gpu.return
  }

  // A loop keeps what is known of its counter.
  // CHECK-LABEL: llvm.func @wide_loop(
  gpu.func @wide_loop(%x: memref<1024xf32>) kernel {
    affine.for %i = 0 to 1024 step 4 {
      // CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
      %v = vector.load %x[%i] : memref<1024xf32>, vector<4xf32>
      vector.store %v, %x[%i] : memref<1024xf32>, vector<4xf32>
    }
    gpu.return
  }

  // A full warp combines its values in five shuffles.
  // CHECK-LABEL: llvm.func @warp_sum(
  gpu.func @warp_sum(%x: memref<64xf32>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %i = gpu.thread_id x
    %0 = memref.load %x[%i] : memref<64xf32>
    // CHECK-COUNT-5: nvvm.shfl.sync bfly
    // CHECK-NOT:     nvvm.shfl.sync
    // CHECK:         llvm.return
    %1 = gpu.subgroup_reduce add %0 : (f32) -> f32
    memref.store %1, %x[%i] : memref<64xf32>
    gpu.return
  }

  // CHECK-LABEL: llvm.func @checked(
  // CHECK-SAME:    %{{.*}}: i64, %[[STATUS:.*]]: !llvm.ptr<1>)
  // CHECK-SAME:    weft.status
  gpu.func @checked(%n: index) kernel {
    %i = gpu.thread_id x
    %in = arith.cmpi ult, %i, %n : index
    // CHECK:      llvm.cond_br %{{.*}}, ^[[ON:.*]], ^[[OUT:.*]]
    // CHECK:      ^[[OUT]]:
    // CHECK-NEXT:   llvm.atomicrmw umax %[[STATUS]], %{{.*}} monotonic : !llvm.ptr<1>, i64
    // CHECK-NEXT:   nvvm.exit
    // CHECK-NEXT:   llvm.unreachable
    cf.assert %in, "out of range"
    gpu.return
  }

  // A step that is made of sizes is positive, so that nothing can fail.
  // CHECK-LABEL: llvm.func @grid_stride(
  // CHECK-SAME:    attributes {gpu.kernel, nvvm.kernel} {
  gpu.func @grid_stride(%n: index, %x: memref<?xf32>) kernel {
    %zero = arith.constant 0.0 : f32
    %first = gpu.global_id x
    %threads = gpu.block_dim x
    %blocks = gpu.grid_dim x
    %step = arith.muli %threads, %blocks : index
    scf.for %i = %first to %n step %step {
      memref.store %zero, %x[%i] : memref<?xf32>
    }
    gpu.return
  }

  // CHECK-LABEL: llvm.func @dynamic(
  gpu.func @dynamic(%x: memref<?xf32>) kernel {
    %c0 = arith.constant 0 : index
    // CHECK-DAG: nvvm.read.ptx.sreg.dynamic_smem_size : i32
    // CHECK-DAG: llvm.mlir.addressof @__dynamic_shared_memory : !llvm.ptr<3>
    %m = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    %v = memref.view %m[%c0][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<32xf32, #gpu.address_space<workgroup>>
    %0 = memref.load %v[%c0] : memref<32xf32, #gpu.address_space<workgroup>>
    memref.store %0, %x[%c0] : memref<?xf32>
    gpu.return
  }

  // CHECK-LABEL: llvm.func @updates(
  gpu.func @updates(%x: memref<?xf32>, %v: f32) kernel {
    %c0 = arith.constant 0 : index
    // CHECK: llvm.atomicrmw fadd %{{.*}}, %{{.*}} syncscope("device") monotonic : !llvm.ptr<1>, f32
    %0 = memref.atomic_rmw addf %v, %x[%c0] : (f32, memref<?xf32>) -> f32
    // CHECK: llvm.cmpxchg %{{.*}} syncscope("device") monotonic monotonic : !llvm.ptr<1>, i32
    %1 = memref.atomic_rmw mulf %v, %x[%c0] : (f32, memref<?xf32>) -> f32
    gpu.return
  }

  // Device functions are called with all that a buffer is.
  // CHECK-LABEL: llvm.func internal @first(
  // CHECK-SAME:    %{{.*}}: !llvm.ptr<1>, %{{.*}}: i64) -> f32
  func.func private @first(%x: memref<?xf32>) -> f32 {
    %c0 = arith.constant 0 : index
    %0 = memref.load %x[%c0] : memref<?xf32>
    func.return %0 : f32
  }
  // CHECK-LABEL: llvm.func @calls(
  gpu.func @calls(%x: memref<?xf32>) kernel {
    %c0 = arith.constant 0 : index
    // CHECK: llvm.call @first(%{{.*}}, %{{.*}}) : (!llvm.ptr<1>, i64) -> f32
    %0 = func.call @first(%x) : (memref<?xf32>) -> f32
    memref.store %0, %x[%c0] : memref<?xf32>
    gpu.return
  }
}
