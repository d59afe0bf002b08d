; What ends memory that a program has returned to Python: the destructor of the capsule that holds it. It is not in the
; program's own code, which may be gone by then.

declare ptr @PyCapsule_GetPointer(ptr, ptr)
declare void @free(ptr)

define void @weft_release(ptr %capsule) {
  %memory = call ptr @PyCapsule_GetPointer(ptr %capsule, ptr null)
  call void @free(ptr %memory)
  ret void
}
