; Memory for compiled code.
;
; weft_alloc(bytes): 64-byte aligned memory, to be given back with free; null where there is none. More than
; the machine has is refused: the system would promise it, and end the process when it is used.

declare ptr @aligned_alloc(i64, i64)
declare i64 @sysconf(i32)

define ptr @weft_alloc(i64 %bytes) {
entry:
  %small = icmp ult i64 %bytes, 1073741824
  br i1 %small, label %take, label %check
check:
  %pages = call i64 @sysconf(i32 85)                  ; _SC_PHYS_PAGES
  %page = call i64 @sysconf(i32 30)                   ; _SC_PAGESIZE
  %all = mul i64 %pages, %page
  %fits = icmp ule i64 %bytes, %all
  br i1 %fits, label %take, label %none
take:
  %raised = add i64 %bytes, 63
  %whole = and i64 %raised, -64
  %none.asked = icmp eq i64 %whole, 0                 ; a pointer for nothing is still a pointer
  %size = select i1 %none.asked, i64 64, i64 %whole
  %memory = call ptr @aligned_alloc(i64 64, i64 %size)
  ret ptr %memory
none:
  ret ptr null
}
