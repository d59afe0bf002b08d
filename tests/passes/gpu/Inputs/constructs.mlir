// A kernel for each construct that a kernel by hand may hold.
gpu.module @constructs {
  memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
  memref.global "private" @tile : memref<32x33xf32, #gpu.address_space<workgroup>>

  gpu.func @ids(%out: memref<?xindex>) kernel {
    %c0 = arith.constant 0 : index
    %tx = gpu.thread_id x
    %ty = gpu.thread_id y
    %tz = gpu.thread_id z
    %bx = gpu.block_id x
    %by = gpu.block_id y
    %bz = gpu.block_id z
    %dx = gpu.block_dim x
    %dy = gpu.block_dim y
    %dz = gpu.block_dim z
    %gx = gpu.grid_dim x
    %gy = gpu.grid_dim y
    %gz = gpu.grid_dim z
    %ix = gpu.global_id x
    %l = gpu.lane_id
    %w = gpu.subgroup_id : index
    %n = gpu.num_subgroups : index
    %s = gpu.subgroup_size : index
    %0 = arith.addi %tx, %ty : index
    %1 = arith.addi %0, %tz : index
    %2 = arith.addi %1, %bx : index
    %3 = arith.addi %2, %by : index
    %4 = arith.addi %3, %bz : index
    %5 = arith.addi %4, %dx : index
    %6 = arith.addi %5, %dy : index
    %7 = arith.addi %6, %dz : index
    %8 = arith.addi %7, %gx : index
    %9 = arith.addi %8, %gy : index
    %10 = arith.addi %9, %gz : index
    %11 = arith.addi %10, %ix : index
    %12 = arith.addi %11, %l : index
    %13 = arith.addi %12, %w : index
    %14 = arith.addi %13, %n : index
    %15 = arith.addi %14, %s : index
    memref.store %15, %out[%c0] : memref<?xindex>
    gpu.return
  }

  gpu.func @shared(%x: memref<32x32xf32>, %y: memref<32x32xf32>)
      workgroup(%t : memref<32x33xf32, #gpu.address_space<workgroup>>) private(%p : memref<4xf32, #gpu.address_space<private>>)
      kernel attributes {known_block_size = array<i32: 32, 32, 1>} {
    %i = gpu.thread_id x
    %j = gpu.thread_id y
    %c1 = arith.constant 1 : index
    %0 = memref.load %x[%j, %i] : memref<32x32xf32>
    memref.store %0, %t[%j, %i] : memref<32x33xf32, #gpu.address_space<workgroup>>
    %g = memref.get_global @tile : memref<32x33xf32, #gpu.address_space<workgroup>>
    memref.store %0, %g[%j, %i] : memref<32x33xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %1 = memref.load %t[%i, %j] : memref<32x33xf32, #gpu.address_space<workgroup>>
    %2 = memref.load %g[%i, %j] : memref<32x33xf32, #gpu.address_space<workgroup>>
    memref.store %1, %p[%c1] : memref<4xf32, #gpu.address_space<private>>
    %3 = memref.load %p[%c1] : memref<4xf32, #gpu.address_space<private>>
    %4 = arith.addf %2, %3 : f32
    memref.store %4, %y[%j, %i] : memref<32x32xf32>
    gpu.return
  }

  gpu.func @dynamic(%x: memref<?xf32>) kernel {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %i = gpu.thread_id x
    %m = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    %n = memref.dim %m, %c0 : memref<?xi8, #gpu.address_space<workgroup>>
    %v = memref.view %m[%c128][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<32xf32, #gpu.address_space<workgroup>>
    %0 = memref.load %x[%i] : memref<?xf32>
    memref.store %0, %v[%i] : memref<32xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %1 = memref.load %v[%c0] : memref<32xf32, #gpu.address_space<workgroup>>
    %k = arith.index_cast %n : index to i32
    %f = arith.sitofp %k : i32 to f32
    %2 = arith.addf %1, %f : f32
    memref.store %2, %x[%i] : memref<?xf32>
    gpu.return
  }

  gpu.func @views(%x: memref<64x64xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32>, %n: index) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %i = gpu.thread_id x
    %s = memref.subview %x[%i, 4] [8, %n] [1, 2] : memref<64x64xf32, strided<[?, 1], offset: ?>> to memref<8x?xf32, strided<[?, 2], offset: ?>>
    %0 = memref.load %s[%c1, %i] : memref<8x?xf32, strided<[?, 2], offset: ?>>
    %r = memref.reinterpret_cast %y to offset: [%i], sizes: [4, %n], strides: [%n, 1] : memref<?x?xf32> to memref<4x?xf32, strided<[?, 1], offset: ?>>
    memref.store %0, %r[%c0, %c1] : memref<4x?xf32, strided<[?, 1], offset: ?>>
    %c = memref.cast %y : memref<?x?xf32> to memref<?x8xf32>
    %1 = memref.load %c[%i, %c0] : memref<?x8xf32>
    %z = memref.collapse_shape %c [[0, 1]] : memref<?x8xf32> into memref<?xf32>
    memref.store %1, %z[%i] : memref<?xf32>
    %base, %off, %sz:2, %st:2 = memref.extract_strided_metadata %x : memref<64x64xf32, strided<[?, 1], offset: ?>> -> memref<f32>, index, index, index, index, index
    %g = memref.get_global @table : memref<4xf32>
    %2 = memref.load %g[%c1] : memref<4xf32>
    memref.store %2, %z[%st#0] : memref<?xf32>
    gpu.return
  }

  gpu.func @locals(%x: memref<?xf32>, %b: i1) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %i = gpu.thread_id x
    %a = memref.alloca() : memref<4xf32>
    scf.for %k = %c0 to %c4 step %c1 {
      %0 = memref.load %x[%k] : memref<?xf32>
      memref.store %0, %a[%k] : memref<4xf32>
    }
    %1 = memref.load %a[%i] : memref<4xf32>
    memref.store %1, %x[%i] : memref<?xf32>
    %p = memref.cast %a : memref<4xf32> to memref<?xf32>
    %q = arith.select %b, %p, %x : memref<?xf32>
    %2 = memref.load %q[%c1] : memref<?xf32>
    memref.store %2, %q[%c0] : memref<?xf32>
    memref.copy %a, %a : memref<4xf32> to memref<4xf32>
    gpu.return
  }

  gpu.func @vectors(%x: memref<1024xf32>, %y: memref<?x128xf16>, %z: memref<?xf32, strided<[4], offset: 2>>, %n: index) kernel {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %f0 = arith.constant 0.0 : f32
    %h0 = arith.constant 0.0 : f16
    %i = gpu.global_id x
    %j = arith.muli %i, %c4 : index
    %v = vector.load %x[%j] : memref<1024xf32>, vector<4xf32>
    %k = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : vector<4xf32>
    %b = vector.broadcast %f0 : f32 to vector<4xf32>
    %w = vector.fma %v, %k, %b : vector<4xf32>
    %e = math.exp %w : vector<4xf32>
    vector.store %e, %x[%j] : memref<1024xf32>, vector<4xf32>
    %j8 = arith.muli %i, %c8 : index
    %h = vector.load %y[%i, %j8] : memref<?x128xf16>, vector<8xf16>
    %h2 = arith.addf %h, %h : vector<8xf16>
    vector.store %h2, %y[%i, %j8] : memref<?x128xf16>, vector<8xf16>
    %m = vector.create_mask %n : vector<4xi1>
    %ml = vector.maskedload %x[%j], %m, %b : memref<1024xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
    vector.maskedstore %x[%j], %m, %ml : memref<1024xf32>, vector<4xi1>, vector<4xf32>
    %t = vector.transfer_read %x[%j], %f0 : memref<1024xf32>, vector<4xf32>
    %u = vector.transfer_read %z[%i], %f0 : memref<?xf32, strided<[4], offset: 2>>, vector<4xf32>
    %ib = vector.transfer_read %x[%j], %f0 {in_bounds = [true]} : memref<1024xf32>, vector<4xf32>
    %tu = arith.addf %t, %u : vector<4xf32>
    %tub = arith.addf %tu, %ib : vector<4xf32>
    vector.transfer_write %tub, %x[%j] {in_bounds = [true]} : vector<4xf32>, memref<1024xf32>
    vector.transfer_write %tub, %z[%i] : vector<4xf32>, memref<?xf32, strided<[4], offset: 2>>
    %s = vector.reduction <add>, %v : vector<4xf32> into f32
    %l = vector.extract %v[1] : f32 from vector<4xf32>
    %d = vector.extract %v[%n] : f32 from vector<4xf32>
    %in = vector.insert %l, %v [2] : f32 into vector<4xf32>
    %sh = vector.shuffle %v, %in [0, 7, 1, 6] : vector<4xf32>, vector<4xf32>
    %bc = vector.bitcast %sh : vector<4xf32> to vector<8xf16>
    vector.store %bc, %y[%c0, %j8] : memref<?x128xf16>, vector<8xf16>
    %sd = arith.addf %s, %d : f32
    memref.store %sd, %x[%c0] : memref<1024xf32>
    gpu.return
  }

  gpu.func @atomics(%f: memref<?xf32>, %d: memref<?xf64>, %i: memref<?xi32>, %l: memref<?xi64>, %b: memref<?xi8>, %h: memref<?xf16>, %g: memref<?xbf16>,
      %x: f32, %y: f64, %n: i32, %m: i64, %k: i8, %u: f16, %v: bf16) kernel {
    %c0 = arith.constant 0 : index
    %0 = memref.atomic_rmw addf %x, %f[%c0] : (f32, memref<?xf32>) -> f32
    %1 = memref.atomic_rmw maximumf %x, %f[%c0] : (f32, memref<?xf32>) -> f32
    %2 = memref.atomic_rmw mulf %x, %f[%c0] : (f32, memref<?xf32>) -> f32
    %3 = memref.atomic_rmw addf %y, %d[%c0] : (f64, memref<?xf64>) -> f64
    %4 = memref.atomic_rmw assign %y, %d[%c0] : (f64, memref<?xf64>) -> f64
    %5 = memref.atomic_rmw addi %n, %i[%c0] : (i32, memref<?xi32>) -> i32
    %6 = memref.atomic_rmw maxs %n, %i[%c0] : (i32, memref<?xi32>) -> i32
    %7 = memref.atomic_rmw muli %n, %i[%c0] : (i32, memref<?xi32>) -> i32
    %8 = memref.atomic_rmw minu %m, %l[%c0] : (i64, memref<?xi64>) -> i64
    %9 = memref.atomic_rmw ori %m, %l[%c0] : (i64, memref<?xi64>) -> i64
    %10 = memref.atomic_rmw addi %k, %b[%c0] : (i8, memref<?xi8>) -> i8
    %11 = memref.atomic_rmw addf %u, %h[%c0] : (f16, memref<?xf16>) -> f16
    %12 = memref.atomic_rmw addf %v, %g[%c0] : (bf16, memref<?xbf16>) -> bf16
    gpu.return
  }

  gpu.func @warps(%x: memref<?xf32>, %y: memref<?xf64>, %z: memref<?xi8>, %off: i32, %width: i32) kernel {
    %i = gpu.thread_id x
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = memref.load %y[%i] : memref<?xf64>
    %2 = memref.load %z[%i] : memref<?xi8>
    %a, %pa = gpu.shuffle xor %0, %off, %width : f32
    %b, %pb = gpu.shuffle up %1, %off, %width : f64
    %c, %pc = gpu.shuffle down %0, %off, %width : f32
    %d, %pd = gpu.shuffle idx %0, %off, %width : f32
    %e = gpu.all_reduce add %a {} : (f32) -> f32
    %g = gpu.all_reduce maximumf %b {} : (f64) -> f64
    %h = gpu.all_reduce minsi %2 {} : (i8) -> i8
    %k = gpu.all_reduce %c {
    ^bb0(%l: f32, %r: f32):
      %s = arith.mulf %l, %r : f32
      gpu.yield %s : f32
    } : (f32) -> f32
    %m = gpu.subgroup_reduce add %d : (f32) -> f32
    %n = arith.addf %e, %k : f32
    %o = arith.addf %n, %m : f32
    %p = arith.select %pa, %o, %0 : f32
    memref.store %p, %x[%i] : memref<?xf32>
    memref.store %g, %y[%i] : memref<?xf64>
    memref.store %h, %z[%i] : memref<?xi8>
    gpu.return
  }

  gpu.func @prints(%x: f32, %i: index, %k: i32, %b: i1, %h: f16) kernel {
    gpu.printf "x %f, i %d, %5u, %x, %g, %c%%\n" %x, %i, %k, %b, %h, %k : f32, index, i32, i1, f16, i32
    gpu.printf "done\n"
    gpu.return
  }

  gpu.func @clamped(%x: f32) -> f32 {
    %c1 = arith.constant 1.0 : f32
    %p = arith.cmpf olt, %x, %c1 : f32
    cf.assert %p, "x is below 1"
    %0 = arith.minimumf %x, %c1 : f32
    gpu.return %0 : f32
  }
  func.func private @sigmoid(%x: f32) -> f32 {
    %c1 = arith.constant 1.0 : f32
    %n = arith.negf %x : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %c1 : f32
    %r = arith.divf %c1, %d : f32
    func.return %r : f32
  }
  func.func private @two(%m: memref<?xf32>, %i: index) -> (f32, memref<?xf32>) {
    %0 = memref.load %m[%i] : memref<?xf32>
    func.return %0, %m : f32, memref<?xf32>
  }
  gpu.func @calls(%x: memref<?xf32>, %n: index) kernel {
    %c0 = arith.constant 0 : index
    %i = gpu.global_id x
    %in = arith.cmpi ult, %i, %n : index
    cf.assert %in, "too many threads"
    %0, %m = func.call @two(%x, %i) : (memref<?xf32>, index) -> (f32, memref<?xf32>)
    %1 = func.call @sigmoid(%0) : (f32) -> f32
    %2 = func.call @clamped(%1) : (f32) -> f32
    memref.store %2, %m[%i] : memref<?xf32>
    scf.for %j = %c0 to %n step %n {
      memref.store %2, %m[%j] : memref<?xf32>
    }
    gpu.return
  }

  gpu.func @remainders(%x: memref<?xf32>, %y: memref<?xf64>) kernel {
    %i = gpu.global_id x
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = memref.load %y[%i] : memref<?xf64>
    %2 = arith.remf %0, %0 : f32
    %3 = arith.remf %1, %1 : f64
    memref.store %2, %x[%i] : memref<?xf32>
    memref.store %3, %y[%i] : memref<?xf64>
    gpu.return
  }

  gpu.func @matrices(%a: memref<16x16xf16>, %b: memref<16x16xf16>, %c: memref<16x16xf32>, %d: memref<16x16xf16>,
      %i8: memref<16x16xi8>, %i32: memref<16x16xi32>) kernel {
    %c0 = arith.constant 0 : index
    %f1 = arith.constant 1.0 : f32
    %ma = gpu.subgroup_mma_load_matrix %a[%c0, %c0] {leadDimension = 16 : index} : memref<16x16xf16> -> !gpu.mma_matrix<16x16xf16, "AOp">
    %mb = gpu.subgroup_mma_load_matrix %b[%c0, %c0] {leadDimension = 16 : index, transpose} : memref<16x16xf16> -> !gpu.mma_matrix<16x16xf16, "BOp">
    %mc = gpu.subgroup_mma_constant_matrix %f1 : !gpu.mma_matrix<16x16xf32, "COp">
    %md = gpu.subgroup_mma_compute %ma, %mb, %mc : !gpu.mma_matrix<16x16xf16, "AOp">, !gpu.mma_matrix<16x16xf16, "BOp"> -> !gpu.mma_matrix<16x16xf32, "COp">
    %me = gpu.subgroup_mma_elementwise addf %md, %mc : (!gpu.mma_matrix<16x16xf32, "COp">, !gpu.mma_matrix<16x16xf32, "COp">) -> !gpu.mma_matrix<16x16xf32, "COp">
    gpu.subgroup_mma_store_matrix %me, %c[%c0, %c0] {leadDimension = 16 : index} : !gpu.mma_matrix<16x16xf32, "COp">, memref<16x16xf32>
    %mh = gpu.subgroup_mma_load_matrix %d[%c0, %c0] {leadDimension = 16 : index} : memref<16x16xf16> -> !gpu.mma_matrix<16x16xf16, "COp">
    %mi = gpu.subgroup_mma_compute %ma, %mb, %mh : !gpu.mma_matrix<16x16xf16, "AOp">, !gpu.mma_matrix<16x16xf16, "BOp"> -> !gpu.mma_matrix<16x16xf16, "COp">
    %mj = gpu.subgroup_mma_elementwise maxf %mi, %mh : (!gpu.mma_matrix<16x16xf16, "COp">, !gpu.mma_matrix<16x16xf16, "COp">) -> !gpu.mma_matrix<16x16xf16, "COp">
    gpu.subgroup_mma_store_matrix %mj, %d[%c0, %c0] {leadDimension = 16 : index} : !gpu.mma_matrix<16x16xf16, "COp">, memref<16x16xf16>
    %ia = gpu.subgroup_mma_load_matrix %i8[%c0, %c0] {leadDimension = 16 : index} : memref<16x16xi8> -> !gpu.mma_matrix<16x16xi8, "AOp">
    %ib = gpu.subgroup_mma_load_matrix %i8[%c0, %c0] {leadDimension = 16 : index} : memref<16x16xi8> -> !gpu.mma_matrix<16x16xi8, "BOp">
    %ic = gpu.subgroup_mma_load_matrix %i32[%c0, %c0] {leadDimension = 16 : index} : memref<16x16xi32> -> !gpu.mma_matrix<16x16xi32, "COp">
    %id = gpu.subgroup_mma_compute %ia, %ib, %ic : !gpu.mma_matrix<16x16xi8, "AOp">, !gpu.mma_matrix<16x16xi8, "BOp"> -> !gpu.mma_matrix<16x16xi32, "COp">
    gpu.subgroup_mma_store_matrix %id, %i32[%c0, %c0] {leadDimension = 16 : index} : !gpu.mma_matrix<16x16xi32, "COp">, memref<16x16xi32>
    gpu.return
  }
}
