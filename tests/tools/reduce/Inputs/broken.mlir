func.func @main() {
  ml.nosuch
}
