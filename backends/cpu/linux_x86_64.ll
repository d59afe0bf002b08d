
; What the pool needs to know of Linux on x86-64.

@futex.number = internal constant i64 202

declare void @llvm.x86.sse2.pause()

define internal void @pause() {
  call void @llvm.x86.sse2.pause()
  ret void
}
