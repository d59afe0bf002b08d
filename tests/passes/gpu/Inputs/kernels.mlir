// Kernels whose results are known.
gpu.module @kernels {
  memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 20.0, 300.0, 4000.0]>

  gpu.func @transpose(%x: memref<?x?xf32>, %y: memref<?x?xf32>)
      workgroup(%t : memref<8x9xf32, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 8, 8, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %i = gpu.thread_id x
    %j = gpu.thread_id y
    %m = memref.dim %x, %c0 : memref<?x?xf32>
    %n = memref.dim %x, %c1 : memref<?x?xf32>
    %row = gpu.global_id y
    %col = gpu.global_id x
    %a = arith.cmpi ult, %row, %m : index
    %b = arith.cmpi ult, %col, %n : index
    %in = arith.andi %a, %b : i1
    scf.if %in {
      %0 = memref.load %x[%row, %col] : memref<?x?xf32>
      memref.store %0, %t[%j, %i] : memref<8x9xf32, #gpu.address_space<workgroup>>
    }
    gpu.barrier
    %c8 = arith.constant 8 : index
    %by = gpu.block_id y
    %bx = gpu.block_id x
    %y0 = arith.muli %bx, %c8 : index
    %x0 = arith.muli %by, %c8 : index
    %orow = arith.addi %y0, %j : index
    %ocol = arith.addi %x0, %i : index
    %c = arith.cmpi ult, %orow, %n : index
    %d = arith.cmpi ult, %ocol, %m : index
    %out = arith.andi %c, %d : i1
    scf.if %out {
      %0 = memref.load %t[%i, %j] : memref<8x9xf32, #gpu.address_space<workgroup>>
      memref.store %0, %y[%orow, %ocol] : memref<?x?xf32>
    }
    gpu.return
  }

  gpu.func @views(%x: memref<6x8xf32, strided<[8, 1], offset: 2>>, %y: memref<?xf32>, %n: index) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %i = gpu.thread_id x
    %s = memref.subview %x[%c1, 2] [4, 2] [1, 2] : memref<6x8xf32, strided<[8, 1], offset: 2>> to memref<4x2xf32, strided<[8, 2], offset: ?>>
    %0 = memref.load %s[%i, %c1] : memref<4x2xf32, strided<[8, 2], offset: ?>>
    %r = memref.reinterpret_cast %y to offset: [%n], sizes: [2, 2], strides: [2, 1] : memref<?xf32> to memref<2x2xf32, strided<[2, 1], offset: ?>>
    %z = memref.collapse_shape %r [[0, 1]] : memref<2x2xf32, strided<[2, 1], offset: ?>> into memref<4xf32, strided<[1], offset: ?>>
    %g = memref.get_global @table : memref<4xf32>
    %1 = memref.load %g[%i] : memref<4xf32>
    %2 = arith.addf %0, %1 : f32
    memref.store %2, %z[%i] : memref<4xf32, strided<[1], offset: ?>>
    gpu.return
  }

  gpu.func @locals(%x: memref<?xf32>, %y: memref<?xf32>, %first: i1) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %i = gpu.thread_id x
    %a = memref.alloca() : memref<4xf32>
    scf.for %k = %c0 to %c4 step %c1 {
      %f = arith.index_cast %k : index to i32
      %g = arith.sitofp %f : i32 to f32
      memref.store %g, %a[%k] : memref<4xf32>
    }
    %p = memref.cast %a : memref<4xf32> to memref<?xf32>
    %q = arith.select %first, %p, %x : memref<?xf32>
    %0 = memref.load %q[%i] : memref<?xf32>
    memref.store %0, %y[%i] : memref<?xf32>
    gpu.return
  }

  gpu.func @vectors(%x: memref<?xf32>, %h: memref<?xf16>, %n: index) kernel {
    %c4 = arith.constant 4 : index
    %f9 = arith.constant 9.0 : f32
    %i = gpu.thread_id x
    %j = arith.muli %i, %c4 : index
    %v = vector.transfer_read %x[%j], %f9 : memref<?xf32>, vector<4xf32>
    %w = arith.mulf %v, %v : vector<4xf32>
    %e = math.exp2 %v : vector<4xf32>
    %s = arith.addf %w, %e : vector<4xf32>
    %t = vector.reduction <add>, %v : vector<4xf32> into f32
    %u = vector.insert %t, %s [0] : f32 into vector<4xf32>
    %r = vector.shuffle %u, %u [3, 2, 1, 0] : vector<4xf32>, vector<4xf32>
    vector.transfer_write %r, %x[%j] : vector<4xf32>, memref<?xf32>
    %m = vector.create_mask %n : vector<4xi1>
    %z = arith.constant dense<0.5> : vector<4xf16>
    %k = vector.maskedload %h[%j], %m, %z : memref<?xf16>, vector<4xi1>, vector<4xf16> into vector<4xf16>
    %l = arith.addf %k, %k : vector<4xf16>
    vector.store %l, %h[%j] : memref<?xf16>, vector<4xf16>
    gpu.return
  }

  gpu.func @atomics(%x: memref<?xi32>, %sums: memref<4xf32>, %count: memref<?xi32>, %product: memref<1xi64>, %most: memref<1xf64>, %bytes: memref<4xi8>, %halves: memref<1xf16>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : i32
    %c4 = arith.constant 4 : index
    %i = gpu.global_id x
    %0 = memref.load %x[%i] : memref<?xi32>
    %b = arith.index_cast %0 : i32 to index
    %1 = memref.atomic_rmw addi %c1, %count[%b] : (i32, memref<?xi32>) -> i32
    %f = arith.sitofp %0 : i32 to f32
    %m = arith.remui %i, %c4 : index
    %2 = memref.atomic_rmw addf %f, %sums[%m] : (f32, memref<4xf32>) -> f32
    %w = arith.extsi %0 : i32 to i64
    %o = arith.constant 1 : i64
    %odd = arith.ori %w, %o : i64
    %3 = memref.atomic_rmw muli %odd, %product[%c0] : (i64, memref<1xi64>) -> i64
    %d = arith.sitofp %0 : i32 to f64
    %4 = memref.atomic_rmw maximumf %d, %most[%c0] : (f64, memref<1xf64>) -> f64
    %k = arith.trunci %0 : i32 to i8
    %5 = memref.atomic_rmw addi %k, %bytes[%m] : (i8, memref<4xi8>) -> i8
    %h = arith.constant 1.0 : f16
    %6 = memref.atomic_rmw addf %h, %halves[%c0] : (f16, memref<1xf16>) -> f16
    gpu.return
  }

  gpu.func @remainders(%a: memref<?xf32>, %b: memref<?xf32>, %c: memref<?xf64>, %d: memref<?xf64>, %n: index) kernel {
    %i = gpu.global_id x
    %in = arith.cmpi ult, %i, %n : index
    scf.if %in {
      %0 = memref.load %a[%i] : memref<?xf32>
      %1 = memref.load %b[%i] : memref<?xf32>
      %2 = arith.remf %0, %1 : f32
      memref.store %2, %a[%i] : memref<?xf32>
      %3 = memref.load %c[%i] : memref<?xf64>
      %4 = memref.load %d[%i] : memref<?xf64>
      %5 = arith.remf %3, %4 : f64
      memref.store %5, %c[%i] : memref<?xf64>
    }
    gpu.return
  }

  func.func private @sigmoid(%x: f32) -> f32 {
    %c1 = arith.constant 1.0 : f32
    %n = arith.negf %x : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %c1 : f32
    %r = arith.divf %c1, %d : f32
    func.return %r : f32
  }
  gpu.func @pair(%m: memref<?xf32>, %i: index) -> (f32, memref<?xf32>) {
    %0 = memref.load %m[%i] : memref<?xf32>
    gpu.return %0, %m : f32, memref<?xf32>
  }
  gpu.func @calls(%x: memref<?xf32>) kernel {
    %i = gpu.global_id x
    %0, %m = func.call @pair(%x, %i) : (memref<?xf32>, index) -> (f32, memref<?xf32>)
    %1 = func.call @sigmoid(%0) : (f32) -> f32
    memref.store %1, %m[%i] : memref<?xf32>
    gpu.return
  }
}
