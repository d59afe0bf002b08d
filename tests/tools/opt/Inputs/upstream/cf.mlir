func.func @blocks(%c: i1, %x: i32, %y: f32) -> i32 {
  cf.assert %c, "a \22message\22"
  cf.cond_br %c, ^a(%x, %y : i32, f32), ^b
^a(%0: i32, %1: f32):
  cf.br ^c(%0 : i32)
^b:
  cf.switch %x : i32, [
    default: ^c(%x : i32),
    42: ^a(%x, %y : i32, f32),
    -1: ^d
  ]
^c(%2: i32):
  return %2 : i32
^d:
  cf.br ^b
}
