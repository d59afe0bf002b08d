memref.global "private" constant @weights : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
memref.global "private" @state : memref<2xi32> = uninitialized
memref.global "private" @aligned : memref<2xi32> = dense<7> {alignment = 64 : i64}
func.func @memory(%n: index, %i: index, %x: f32, %m: memref<4x8xf32>, %d: memref<?x?xf32>, %s: memref<4x8xf32, strided<[16, 1], offset: ?>>, %bytes: memref<2048xi8>) {
  %0 = memref.alloc() : memref<4xf32>
  %1 = memref.alloc(%n) {alignment = 64 : i64} : memref<?xf32>
  %2 = memref.alloca(%n, %n) : memref<?x?xi8>
  %3 = memref.alloc(%n)[%i] : memref<?xf32, affine_map<(d0)[s0] -> (d0 + s0)>>
  memref.dealloc %0 : memref<4xf32>
  memref.alloca_scope {
    %4 = memref.alloca() : memref<2xf32>
    memref.alloca_scope.return
  }
  %5 = memref.atomic_rmw addf %x, %m[%i, %i] : (f32, memref<4x8xf32>) -> f32
  %6 = memref.cast %m : memref<4x8xf32> to memref<?x8xf32>
  %7 = memref.collapse_shape %m [[0, 1]] : memref<4x8xf32> into memref<32xf32>
  memref.copy %m, %m : memref<4x8xf32> to memref<4x8xf32>
  %8 = memref.dim %d, %i : memref<?x?xf32>
  %9 = memref.expand_shape %7 [[0, 1]] output_shape [4, 8] : memref<32xf32> into memref<4x8xf32>
  %10 = memref.expand_shape %1 [[0, 1]] output_shape [%n, 4] : memref<?xf32> into memref<?x4xf32>
  %11 = memref.extract_aligned_pointer_as_index %m : memref<4x8xf32> -> index
  %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %s : memref<4x8xf32, strided<[16, 1], offset: ?>> -> memref<f32>, index, index, index, index, index
  %12 = memref.get_global @weights : memref<4xf32>
  %13 = memref.load %m[%i, %i] : memref<4x8xf32>
  %14 = memref.load %m[%i, %i] {nontemporal = true} : memref<4x8xf32>
  memref.store %13, %m[%i, %i] : memref<4x8xf32>
  %15 = memref.memory_space_cast %m : memref<4x8xf32> to memref<4x8xf32, 1>
  %16 = memref.rank %m : memref<4x8xf32>
  %17 = memref.reinterpret_cast %base to offset: [%offset], sizes: [%n, 8], strides: [16, %i] : memref<f32> to memref<?x8xf32, strided<[16, ?], offset: ?>>
  %18 = memref.subview %m[0, 0] [2, 4] [1, 1] : memref<4x8xf32> to memref<2x4xf32, strided<[8, 1]>>
  %19 = memref.subview %m[%i, 1] [%n, 4] [1, 1] : memref<4x8xf32> to memref<?x4xf32, strided<[8, 1], offset: ?>>
  %20 = memref.subview %m[0, 0] [1, 4] [1, 1] : memref<4x8xf32> to memref<4xf32, strided<[1]>>
  %21 = memref.view %bytes[%i][] : memref<2048xi8> to memref<4x8xf32>
  %22 = memref.view %bytes[%i][%n] : memref<2048xi8> to memref<?x8xf32>
  return
}
// -----
// Printed only: xDSL's op has a visibility always.
memref.global @state : memref<2xi32> = uninitialized
// -----
// Printed only: upstream's generic form has no operandSegmentSizes.
func.func @dma(%a: memref<256xf32>, %b: memref<256xf32, 2>, %t: memref<1xi32>, %i: index, %n: index) {
  memref.dma_start %a[%i], %b[%i], %n, %t[%i] : memref<256xf32>, memref<256xf32, 2>, memref<1xi32>
  memref.dma_wait %t[%i], %n : memref<1xi32>
  return
}
