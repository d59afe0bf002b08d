// A 16x16 product of halves whose sums the lanes of one warp hold, as tensor cores want them.
func.func @square(%x: memref<16x40xf16> {loop.name = "x"}, %w: memref<40x16xf16> {loop.name = "w"},
                  %y: memref<16x16xf32> {loop.name = "y"}) attributes {loop.kernel} {
  loop.for "b" %b to 1 warp {
    loop.for "kb" %kb to 3 {
      loop.for "ih" %ih to 2 unroll {
        loop.for "ig" %ig to 8 thread {
          loop.for "jp" %jp to 2 unroll {
            loop.for "jt" %jt to 4 thread {
              loop.for "jv" %jv to 2 unroll {
                loop.for "kk" %kk to min(16, 40 - 16*%kb) {
                  %0 = loop.load %x[8*%ih + %ig, 16*%kb + %kk] : memref<16x40xf16>
                  %1 = arith.extf %0 : f16 to f32
                  %2 = loop.load %w[16*%kb + %kk, 8*%jp + 2*%jt + %jv] : memref<40x16xf16>
                  %3 = arith.extf %2 : f16 to f32
                  %4 = arith.mulf %1, %3 : f32
                  loop.reduce add %4 into %y[8*%ih + %ig, 8*%jp + 2*%jt + %jv] over (%kb, %kk) : memref<16x16xf32>
                }
              }
            }
          }
        }
      }
    }
  }
  func.return
}
