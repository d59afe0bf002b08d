
; What the pool needs to know of Linux on 64-bit ARM.

@futex.number = internal constant i64 98

define internal void @pause() {
  call void asm sideeffect "yield", ""()
  ret void
}
