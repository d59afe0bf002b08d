#map = affine_map<(d0)[s0] -> (d0 * 2 + s0)>
#set = affine_set<(d0)[s0] : (d0 - 1 >= 0, d0 * -2 + s0 >= 0)>
func.func @affine(%m: memref<64x64xf32>, %n: index, %x: f32) -> f32 {
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to %n step 2 {
      %0 = affine.apply #map(%i)[%n]
      %1 = affine.load %m[%i, %j] : memref<64x64xf32>
      %2 = affine.load %m[%i + 1, %j floordiv 2 + symbol(%n)] : memref<64x64xf32>
      affine.store %1, %m[%i, %j * 2 mod 7] : memref<64x64xf32>
      %3 = affine.vector_load %m[%i, 0] : memref<64x64xf32>, vector<8xf32>
      affine.vector_store %3, %m[%i, 8] : memref<64x64xf32>, vector<8xf32>
      affine.if #set(%i)[%n] {
        affine.store %1, %m[%i, %i] : memref<64x64xf32>
      } else {
        affine.store %2, %m[%i, %i] : memref<64x64xf32>
      }
    }
  }
  %4 = affine.min affine_map<(d0)[s0] -> (d0, s0 - 4)>(%n)[%n]
  affine.for %i = max affine_map<(d0) -> (0, d0)>(%n) to min affine_map<(d0)[s0] -> (64, d0 + s0)>(%n)[%n] {
  }
  %r = affine.for %i = 0 to 10 iter_args(%a = %x) -> (f32) {
    %b = arith.addf %a, %a : f32
    affine.yield %b : f32
  }
  affine.parallel (%i, %j) = (0, 0) to (64, symbol(%n)) step (8, 1) {
    affine.store %x, %m[%i, %j] : memref<64x64xf32>
  }
  affine.parallel (%i) = (max(0, %n - 8)) to (min(symbol(%n), 64)) {
    %5 = affine.load %m[(%i + 1) floordiv 4 * 2, (%i - %n mod 2) * 3 + 5] {tag.x} : memref<64x64xf32>
  }
  affine.for %i = 0 to 8 {
    %6 = affine.if #set(%i)[%n] -> (f32) {
      affine.yield %x : f32
    } else {
      affine.yield %r : f32
    } {tag.y}
  }
  return %r : f32
}
