// Heat in a square plate, 14 x 14: the upper edge is kept at 100 degrees, the other three at 0. In each step a point takes the
// mean of its four neighbours (Jacobi's method for the heat equation); after 400 steps the plate has settled.
//
//   weft run examples/stencil.mlir
//
// Loops on memory as a person writes them: affine.for, affine.load and affine.store on memrefs.

func.func @main() -> (tensor<14x14xi32> {weft.name = "degrees"}) {
  %cold = arith.constant 0.0 : f32
  %hot = arith.constant 100.0 : f32
  %quarter = arith.constant 0.25 : f32
  %plate = memref.alloc() : memref<14x14xf32>
  %next = memref.alloc() : memref<14x14xf32>
  affine.for %i = 0 to 14 {
    affine.for %j = 0 to 14 {
      affine.store %cold, %plate[%i, %j] : memref<14x14xf32>
    }
  }
  affine.for %j = 1 to 13 {
    affine.store %hot, %plate[0, %j] : memref<14x14xf32>
  }

  affine.for %step = 0 to 400 {
    affine.for %i = 1 to 13 {
      affine.for %j = 1 to 13 {
        %north = affine.load %plate[%i - 1, %j] : memref<14x14xf32>
        %south = affine.load %plate[%i + 1, %j] : memref<14x14xf32>
        %west = affine.load %plate[%i, %j - 1] : memref<14x14xf32>
        %east = affine.load %plate[%i, %j + 1] : memref<14x14xf32>
        %0 = arith.addf %north, %south : f32
        %1 = arith.addf %west, %east : f32
        %2 = arith.addf %0, %1 : f32
        %mean = arith.mulf %2, %quarter : f32
        affine.store %mean, %next[%i, %j] : memref<14x14xf32>
      }
    }
    affine.for %i = 1 to 13 {
      affine.for %j = 1 to 13 {
        %new = affine.load %next[%i, %j] : memref<14x14xf32>
        affine.store %new, %plate[%i, %j] : memref<14x14xf32>
      }
    }
  }
  memref.dealloc %next : memref<14x14xf32>

  %settled = bufferization.to_tensor %plate restrict : memref<14x14xf32> to tensor<14x14xf32>
  %rounded = ml.round_even %settled : tensor<14x14xf32>
  %degrees = ml.convert %rounded : tensor<14x14xf32> to tensor<14x14xi32>
  func.return %degrees : tensor<14x14xi32>
}
