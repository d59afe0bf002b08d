
; What the pool needs to know of Linux on 64-bit ARM.

@futex.number = internal constant i64 98

declare void @llvm.aarch64.hint(i32)

define internal void @pause() {
  call void @llvm.aarch64.hint(i32 1)             ; yield
  ret void
}
