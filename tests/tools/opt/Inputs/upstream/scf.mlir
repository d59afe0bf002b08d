func.func @loops(%n: index, %x: f32, %c: i1, %m: memref<?xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    memref.store %x, %m[%i] : memref<?xf32>
  }
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (f32) {
    %b = arith.addf %a, %a : f32
    scf.yield %b : f32
  } {tag.loop}
  %s:2 = scf.if %c -> (f32, index) {
    scf.yield %x, %c0 : f32, index
  } else {
    scf.yield %r, %c1 : f32, index
  }
  scf.if %c {
    memref.store %x, %m[%c0] : memref<?xf32>
  } else {
    memref.store %r, %m[%c0] : memref<?xf32>
  }
  scf.if %c {
  } {tag.if}
  %w:2 = scf.while (%a = %x, %i = %c0) : (f32, index) -> (f32, index) {
    scf.condition(%c) %a, %i : f32, index
  } do {
  ^bb0(%a: f32, %i: index):
    scf.yield %a, %i : f32, index
  }
  %e = scf.execute_region -> f32 {
    cf.br ^end(%x : f32)
  ^end(%y: f32):
    scf.yield %y : f32
  }
  scf.parallel (%i, %j) = (%c0, %c0) to (%n, %n) step (%c1, %c1) {
    memref.store %x, %m[%i] : memref<?xf32>
    scf.reduce
  }
  %p = scf.parallel (%i) = (%c0) to (%n) step (%c1) init (%x) -> f32 {
    scf.reduce(%x : f32) {
    ^bb0(%a: f32, %b: f32):
      %q = arith.addf %a, %b : f32
      scf.reduce.return %q : f32
    }
  }
  %k = scf.index_switch %n -> f32
  case 2 {
    scf.yield %x : f32
  }
  case 5 {
    scf.yield %r : f32
  }
  default {
    scf.yield %p : f32
  }
  return %k : f32
}
// -----
func.func @narrow(%n: i32) {
  %c1 = arith.constant 1 : i32
  scf.for %i = %c1 to %n step %c1 : i32 {
    scf.for %j = %i to %n step %c1 : i32 {
    }
  }
  return
}
