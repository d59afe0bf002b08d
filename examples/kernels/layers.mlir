func.func @layers(%x: memref<64x16xf32> {loop.name = "x"}, %w: memref<16x32xf32> {loop.name = "w"},
    %v: memref<32x8xf32> {loop.name = "v"}, %y: memref<64x8xf32> {loop.name = "y"}) attributes {loop.kernel} {
  %zero = arith.constant 0.0 : f32
  %h = loop.alloc heap "h" : memref<64x32xf32>
  %g = loop.alloc heap "g" : memref<64x32xf32>
  loop.for "a" %a to 64 {
    loop.for "b" %b to 32 {
      loop.for "c" %c to 16 {
        %0 = loop.load %x[%a, %c] : memref<64x16xf32>
        %1 = loop.load %w[%c, %b] : memref<16x32xf32>
        %2 = arith.mulf %0, %1 : f32
        loop.reduce add %2 into %h[%a, %b] over (%c) : memref<64x32xf32>
      }
    }
  }
  loop.for "d" %d to 64 {
    loop.for "e" %e to 32 {
      %0 = loop.load %h[%d, %e] : memref<64x32xf32>
      %1 = arith.maximumf %0, %zero : f32
      loop.store %1, %g[%d, %e] : memref<64x32xf32>
    }
  }
  loop.for "i" %i to 64 {
    loop.for "j" %j to 8 {
      loop.for "k" %k to 32 {
        %0 = loop.load %g[%i, %k] : memref<64x32xf32>
        %1 = loop.load %v[%k, %j] : memref<32x8xf32>
        %2 = arith.mulf %0, %1 : f32
        loop.reduce add %2 into %y[%i, %j] over (%k) : memref<64x8xf32>
      }
    }
  }
  func.return
}
