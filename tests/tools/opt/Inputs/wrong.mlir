func.func @wrong() -> i32 {
  func.return
}
