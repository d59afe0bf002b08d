; What host code calls of the device (dialects/device.py), on the CUDA driver.
;
; A call of a compiled function has a record, %call, which its thread holds while host code runs: the stream, the
; kernels, memory that is kept between calls, and what went wrong. `backends/cuda/record.py` has the same fields.
; Fields: 0 stream, 1 kernels (%kernel), 2 limits (seven i64: threads of a block, block x y z, grid x y z), 3 pool of
; memory, 4 flags, 5 error, 6 what failed, 7 kernel, 8 site, 9 bytes asked for, 10 waits, 11 launches, 12 the kernel of
; strided copies, 13 sizes of the launch (grid, block, cluster, shared bytes), 14 launches since the last check,
; 15 the last 64 launches (kernel, site), 16 memory kept (address, bytes, 1 where it is in use, the call that used it last).
; 17 whether a call has it now, 18 the number of the call, 19 whether it repeats, 20 its graph, 21 the launches of that,
; 22 the words that it is for, 23 the words of the last call, 24 what puts the graph right (%patch), 25 tries, 26 what
; notes launches while one is captured.
; Flags: 1 wait after every launch, 2 a graph is being captured: nothing can be waited for.
; Errors: above 0 they are the driver's, below 0 a limit of the device (see record.py).

%call = type { ptr, ptr, ptr, ptr, i64, i64, i64, i64, i64, i64, i64, i64, ptr, [10 x i64], i64, [64 x [2 x i64]], [32 x [4 x i64]], i64, i64, i64, ptr, i64, ptr, ptr, ptr, i64, ptr }
%patch = type { ptr, i64, ptr, i64, ptr, ptr }          ; graph, words, bytes (1: an address), nodes, %node's, %fixup's (patches.py)
%node = type { ptr, ptr, i64, i64 }                     ; node, its parameters, the first of its fixups, how many
%fixup = type { ptr, i64, i64 }                         ; where an address is kept, the word that it follows, how far behind
%kernel = type { ptr, i64, i64 }                        ; function, threads of a block, dynamic shared bytes
%config = type { i32, i32, i32, i32, i32, i32, i32, ptr, ptr, i32 }   ; CUlaunchConfig
%attribute = type { i32, i32, [16 x i32] }              ; CUlaunchAttribute

declare i32 @pthread_key_create(ptr, ptr)
declare ptr @pthread_getspecific(i32)
declare i32 @pthread_setspecific(i32, ptr)
declare i32 @cuLaunchKernelEx(ptr, ptr, ptr, ptr)
declare i32 @cuMemAllocFromPoolAsync(ptr, i64, ptr, ptr)
declare i32 @cuMemFreeAsync(i64, ptr)
declare i32 @cuMemcpyDtoDAsync(i64, i64, i64, ptr)
declare i32 @cuMemcpyHtoDAsync(i64, ptr, i64, ptr)
declare i32 @cuMemcpyDtoHAsync(ptr, i64, i64, ptr)
declare i32 @cuMemsetD8Async(i64, i8, i64, ptr)
declare i32 @cuMemsetD16Async(i64, i16, i64, ptr)
declare i32 @cuMemsetD32Async(i64, i32, i64, ptr)
declare i32 @cuMemsetD2D32Async(i64, i64, i32, i64, i64, ptr)
declare i32 @cuStreamSynchronize(ptr)
declare i32 @cuGraphExecKernelNodeSetParams(ptr, ptr, ptr)

@key = internal global i32 0

; Make the key under which threads hold their record; once, before anything else.
define i32 @weft_cuda_start() {
  %status = call i32 @pthread_key_create(ptr @key, ptr null)
  ret i32 %status
}

; Host code of this thread runs for this record from here on.
define void @weft_cuda_begin(ptr %call) {
  %key = load i32, ptr @key
  %status = call i32 @pthread_setspecific(i32 %key, ptr %call)
  %error = getelementptr %call, ptr %call, i32 0, i32 5
  store i64 0, ptr %error
  %waits = getelementptr %call, ptr %call, i32 0, i32 10
  store i64 0, ptr %waits
  %launches = getelementptr %call, ptr %call, i32 0, i32 11
  store i64 0, ptr %launches
  %serial = getelementptr %call, ptr %call, i32 0, i32 18
  %before = load i64, ptr %serial
  %number = add i64 %before, 1
  store i64 %number, ptr %serial
  ret void
}

; Take a record for a call: 1, or 0 where another call has it.
define i64 @weft_cuda_take(ptr %call) {
  %place = getelementptr %call, ptr %call, i32 0, i32 17
  %pair = cmpxchg ptr %place, i64 0, i64 1 acquire monotonic
  %taken = extractvalue { i64, i1 } %pair, 1
  %number = zext i1 %taken to i64
  ret i64 %number
}

define internal ptr @current() {
  %key = load i32, ptr @key
  %call = call ptr @pthread_getspecific(i32 %key)
  ret ptr %call
}

; Note what failed: a status of the driver, and which function said it (a letter). The status.
define internal i64 @noted(ptr %call, i32 %status, i64 %what) {
entry:
  %wide = zext i32 %status to i64
  %fine = icmp eq i32 %status, 0
  br i1 %fine, label %done, label %note
note:
  %error = getelementptr %call, ptr %call, i32 0, i32 5
  store i64 %wide, ptr %error
  %place = getelementptr %call, ptr %call, i32 0, i32 6
  store i64 %what, ptr %place
  br label %done
done:
  ret i64 %wide
}

; Note a limit that a launch breaks; `what` is the size that does. The status.
define internal i64 @refused(ptr %call, i64 %why, i64 %what) {
  %error = getelementptr %call, ptr %call, i32 0, i32 5
  store i64 %why, ptr %error
  %place = getelementptr %call, ptr %call, i32 0, i32 6
  store i64 %what, ptr %place
  ret i64 %why
}

; Wait for the stream. What was launched before is checked then.
define internal i64 @wait(ptr %call) {
entry:
  %waits = getelementptr %call, ptr %call, i32 0, i32 10
  %before = load i64, ptr %waits
  %more = add i64 %before, 1
  store i64 %more, ptr %waits
  %flags.place = getelementptr %call, ptr %call, i32 0, i32 4
  %flags = load i64, ptr %flags.place
  %capture = and i64 %flags, 2
  %can = icmp eq i64 %capture, 0
  br i1 %can, label %go, label %cannot
cannot:
  %status = call i64 @refused(ptr %call, i64 -5, i64 0)
  ret i64 %status
go:
  %stream = load ptr, ptr %call
  %result = call i32 @cuStreamSynchronize(ptr %stream)
  %noted = call i64 @noted(ptr %call, i32 %result, i64 119)   ; w
  %good = icmp eq i64 %noted, 0
  br i1 %good, label %checked, label %done
checked:
  %since = getelementptr %call, ptr %call, i32 0, i32 14
  store i64 0, ptr %since
  br label %done
done:
  ret i64 %noted
}

define i64 @weft_gpu_wait() {
  %call = call ptr @current()
  %status = call i64 @wait(ptr %call)
  ret i64 %status
}

define i64 @weft_gpu_launch(i64 %kernel, i64 %site, ptr %dims, i64 %shared, ptr %args) {
entry:
  %config = alloca %config, align 8
  %cluster = alloca %attribute, align 8
  %call = call ptr @current()
  %kernel.place = getelementptr %call, ptr %call, i32 0, i32 7
  store i64 %kernel, ptr %kernel.place
  %site.place = getelementptr %call, ptr %call, i32 0, i32 8
  store i64 %site, ptr %site.place
  %sizes = getelementptr %call, ptr %call, i32 0, i32 13
  call void @llvm.memcpy.p0.p0.i64(ptr %sizes, ptr %dims, i64 72, i1 false)
  %shared.place = getelementptr i64, ptr %sizes, i64 9
  store i64 %shared, ptr %shared.place
  %kernels.place = getelementptr %call, ptr %call, i32 0, i32 1
  %kernels = load ptr, ptr %kernels.place
  %facts = getelementptr %kernel, ptr %kernels, i64 %kernel
  %function = load ptr, ptr %facts
  %limits.place = getelementptr %call, ptr %call, i32 0, i32 2
  %limits = load ptr, ptr %limits.place
  br label %size
size:                                                   ; each of the block's and the grid's sizes, the block's first
  %n = phi i64 [ 0, %entry ], [ %n.next, %size.fine ]
  %is.block = icmp ult i64 %n, 3
  %shift = select i1 %is.block, i64 3, i64 -3
  %which = add i64 %n, %shift                           ; 3 4 5 0 1 2
  %dim.place = getelementptr i64, ptr %dims, i64 %which
  %dim = load i64, ptr %dim.place
  %limit.number = add i64 %n, 1
  %limit.place = getelementptr i64, ptr %limits, i64 %limit.number
  %limit = load i64, ptr %limit.place
  %least = zext i1 %is.block to i64                     ; a grid may be empty
  %above = icmp sgt i64 %dim, %limit
  %below = icmp slt i64 %dim, %least
  %bad = or i1 %above, %below
  br i1 %bad, label %size.bad, label %size.fine
size.bad:
  %size.why = select i1 %is.block, i64 -2, i64 -3
  %size.status = call i64 @refused(ptr %call, i64 %size.why, i64 %which)
  ret i64 %size.status
size.fine:
  %n.next = add i64 %n, 1
  %sizes.done = icmp eq i64 %n.next, 6
  br i1 %sizes.done, label %threads, label %size
threads:
  %gx = load i64, ptr %dims
  %gy.place = getelementptr i64, ptr %dims, i64 1
  %gy = load i64, ptr %gy.place
  %gz.place = getelementptr i64, ptr %dims, i64 2
  %gz = load i64, ptr %gz.place
  %bx.place = getelementptr i64, ptr %dims, i64 3
  %bx = load i64, ptr %bx.place
  %by.place = getelementptr i64, ptr %dims, i64 4
  %by = load i64, ptr %by.place
  %bz.place = getelementptr i64, ptr %dims, i64 5
  %bz = load i64, ptr %bz.place
  %cx.place = getelementptr i64, ptr %dims, i64 6
  %cx = load i64, ptr %cx.place
  %cy.place = getelementptr i64, ptr %dims, i64 7
  %cy = load i64, ptr %cy.place
  %cz.place = getelementptr i64, ptr %dims, i64 8
  %cz = load i64, ptr %cz.place
  %bxy = mul i64 %bx, %by
  %block = mul i64 %bxy, %bz
  %most.place = getelementptr %kernel, ptr %facts, i32 0, i32 1
  %most = load i64, ptr %most.place
  %many = icmp sgt i64 %block, %most
  br i1 %many, label %threads.bad, label %memory
threads.bad:
  %threads.status = call i64 @refused(ptr %call, i64 -1, i64 %block)
  ret i64 %threads.status
memory:
  %room.place = getelementptr %kernel, ptr %facts, i32 0, i32 2
  %room = load i64, ptr %room.place
  %large = icmp ugt i64 %shared, %room
  br i1 %large, label %memory.bad, label %any
memory.bad:
  %memory.status = call i64 @refused(ptr %call, i64 -4, i64 %shared)
  ret i64 %memory.status
any:                                                    ; an empty grid runs nothing
  %gxy = mul i64 %gx, %gy
  %blocks.none = icmp eq i64 %gxy, 0
  %deep.none = icmp eq i64 %gz, 0
  %none = or i1 %blocks.none, %deep.none
  br i1 %none, label %nothing, label %ready
nothing:
  ret i64 0
ready:
  %gx.n = trunc i64 %gx to i32
  store i32 %gx.n, ptr %config
  %gy.n = trunc i64 %gy to i32
  %c1 = getelementptr %config, ptr %config, i32 0, i32 1
  store i32 %gy.n, ptr %c1
  %gz.n = trunc i64 %gz to i32
  %c2 = getelementptr %config, ptr %config, i32 0, i32 2
  store i32 %gz.n, ptr %c2
  %bx.n = trunc i64 %bx to i32
  %c3 = getelementptr %config, ptr %config, i32 0, i32 3
  store i32 %bx.n, ptr %c3
  %by.n = trunc i64 %by to i32
  %c4 = getelementptr %config, ptr %config, i32 0, i32 4
  store i32 %by.n, ptr %c4
  %bz.n = trunc i64 %bz to i32
  %c5 = getelementptr %config, ptr %config, i32 0, i32 5
  store i32 %bz.n, ptr %c5
  %shared.n = trunc i64 %shared to i32
  %c6 = getelementptr %config, ptr %config, i32 0, i32 6
  store i32 %shared.n, ptr %c6
  %stream = load ptr, ptr %call
  %c7 = getelementptr %config, ptr %config, i32 0, i32 7
  store ptr %stream, ptr %c7
  %c8 = getelementptr %config, ptr %config, i32 0, i32 8
  store ptr %cluster, ptr %c8
  %clustered = icmp ne i64 %cx, 0
  %attributes = zext i1 %clustered to i32
  %c9 = getelementptr %config, ptr %config, i32 0, i32 9
  store i32 %attributes, ptr %c9
  store i32 4, ptr %cluster                             ; CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION
  %cx.n = trunc i64 %cx to i32
  %a0 = getelementptr %attribute, ptr %cluster, i32 0, i32 2, i32 0
  store i32 %cx.n, ptr %a0
  %cy.n = trunc i64 %cy to i32
  %a1 = getelementptr %attribute, ptr %cluster, i32 0, i32 2, i32 1
  store i32 %cy.n, ptr %a1
  %cz.n = trunc i64 %cz to i32
  %a2 = getelementptr %attribute, ptr %cluster, i32 0, i32 2, i32 2
  store i32 %cz.n, ptr %a2
  %result = call i32 @cuLaunchKernelEx(ptr %config, ptr %function, ptr %args, ptr null)
  %status = call i64 @noted(ptr %call, i32 %result, i64 108)    ; l
  %good = icmp eq i64 %status, 0
  br i1 %good, label %launched, label %failed
failed:
  ret i64 %status
launched:
  call void @note.launch(ptr %call, i64 %kernel, ptr %args)
  %end = call i64 @launched(ptr %call, i64 %kernel, i64 %site)
  ret i64 %end
}

; Have a launch noted that is captured.
define internal void @note.launch(ptr %call, i64 %kernel, ptr %args) {
entry:
  %log.place = getelementptr %call, ptr %call, i32 0, i32 26
  %log = load ptr, ptr %log.place
  %any = icmp ne ptr %log, null
  br i1 %any, label %note, label %done
note:
  %sizes = getelementptr %call, ptr %call, i32 0, i32 13
  call void %log(i64 %kernel, ptr %sizes, ptr %args)
  br label %done
done:
  ret void
}

; Put the graph of a record right for the words of a call: 1, or 0 where it is for other sizes, or cannot be changed.
define i64 @weft_cuda_patch(ptr %call, ptr %words) {
entry:
  %patch.place = getelementptr %call, ptr %call, i32 0, i32 24
  %patch = load ptr, ptr %patch.place
  %there = icmp ne ptr %patch, null
  br i1 %there, label %look, label %no
look:
  %graph.place = getelementptr %call, ptr %call, i32 0, i32 20
  %graph = load ptr, ptr %graph.place
  %own = load ptr, ptr %patch
  %same.graph = icmp eq ptr %graph, %own
  %key.place = getelementptr %call, ptr %call, i32 0, i32 22
  %key = load ptr, ptr %key.place
  %count.place = getelementptr %patch, ptr %patch, i32 0, i32 1
  %count = load i64, ptr %count.place
  %bytes.place = getelementptr %patch, ptr %patch, i32 0, i32 2
  %bytes = load ptr, ptr %bytes.place
  br i1 %same.graph, label %word, label %no
word:                                                   ; only addresses may differ
  %n = phi i64 [ 0, %look ], [ %n.next, %word.fine ]
  %more = icmp ult i64 %n, %count
  br i1 %more, label %compare, label %nodes
compare:
  %new.place = getelementptr i64, ptr %words, i64 %n
  %new = load i64, ptr %new.place
  %old.place = getelementptr i64, ptr %key, i64 %n
  %old = load i64, ptr %old.place
  %equal = icmp eq i64 %new, %old
  %byte.place = getelementptr i8, ptr %bytes, i64 %n
  %byte = load i8, ptr %byte.place
  %address = icmp ne i8 %byte, 0
  %fine = or i1 %equal, %address
  br i1 %fine, label %word.fine, label %no
word.fine:
  %n.next = add i64 %n, 1
  br label %word
nodes:
  %nodes.place = getelementptr %patch, ptr %patch, i32 0, i32 3
  %nodes.count = load i64, ptr %nodes.place
  %table.place = getelementptr %patch, ptr %patch, i32 0, i32 4
  %table = load ptr, ptr %table.place
  %fixups.place = getelementptr %patch, ptr %patch, i32 0, i32 5
  %fixups = load ptr, ptr %fixups.place
  br label %each.node
each.node:
  %m = phi i64 [ 0, %nodes ], [ %m.next, %node.done ]
  %m.more = icmp ult i64 %m, %nodes.count
  br i1 %m.more, label %node.look, label %patched
node.look:
  %node = getelementptr %node, ptr %table, i64 %m
  %first.place = getelementptr %node, ptr %node, i32 0, i32 2
  %first = load i64, ptr %first.place
  %fixup.count.place = getelementptr %node, ptr %node, i32 0, i32 3
  %fixup.count = load i64, ptr %fixup.count.place
  %end = add i64 %first, %fixup.count
  br label %each.fixup
each.fixup:
  %f = phi i64 [ %first, %node.look ], [ %f.next, %fixup.look ]
  %changed = phi i1 [ false, %node.look ], [ %changed.next, %fixup.look ]
  %f.more = icmp ult i64 %f, %end
  br i1 %f.more, label %fixup.look, label %node.end
fixup.look:
  %fixup = getelementptr %fixup, ptr %fixups, i64 %f
  %value.place = load ptr, ptr %fixup
  %w.place = getelementptr %fixup, ptr %fixup, i32 0, i32 1
  %w = load i64, ptr %w.place
  %offset.place = getelementptr %fixup, ptr %fixup, i32 0, i32 2
  %offset = load i64, ptr %offset.place
  %base.place = getelementptr i64, ptr %words, i64 %w
  %base = load i64, ptr %base.place
  %wanted = add i64 %base, %offset
  %before = load i64, ptr %value.place
  store i64 %wanted, ptr %value.place
  %differs = icmp ne i64 %wanted, %before
  %changed.next = or i1 %changed, %differs
  %f.next = add i64 %f, 1
  br label %each.fixup
node.end:
  br i1 %changed, label %node.set, label %node.done
node.set:
  %handle = load ptr, ptr %node
  %parameters.place = getelementptr %node, ptr %node, i32 0, i32 1
  %parameters = load ptr, ptr %parameters.place
  %result = call i32 @cuGraphExecKernelNodeSetParams(ptr %graph, ptr %handle, ptr %parameters)
  %good = icmp eq i32 %result, 0
  br i1 %good, label %node.done, label %broken
broken:                                                 ; the graph is of two calls: it is used no more
  %tries.place = getelementptr %call, ptr %call, i32 0, i32 25
  store i64 -1, ptr %tries.place
  store ptr null, ptr %graph.place
  store ptr null, ptr %patch.place
  ret i64 0
node.done:
  %m.next = add i64 %m, 1
  br label %each.node
patched:
  %size = shl i64 %count, 3
  call void @llvm.memcpy.p0.p0.i64(ptr %key, ptr %words, i64 %size, i1 false)
  ret i64 1
no:
  ret i64 0
}

; Remember a launch, and wait for it where every one is waited for.
define internal i64 @launched(ptr %call, i64 %kernel, i64 %site) {
entry:
  %launches = getelementptr %call, ptr %call, i32 0, i32 11
  %before = load i64, ptr %launches
  %more = add i64 %before, 1
  store i64 %more, ptr %launches
  %since = getelementptr %call, ptr %call, i32 0, i32 14
  %count = load i64, ptr %since
  %place = and i64 %count, 63
  %kept = getelementptr %call, ptr %call, i32 0, i32 15, i64 %place, i64 0
  store i64 %kernel, ptr %kept
  %kept.site = getelementptr %call, ptr %call, i32 0, i32 15, i64 %place, i64 1
  store i64 %site, ptr %kept.site
  %after = add i64 %count, 1
  store i64 %after, ptr %since
  %flags.place = getelementptr %call, ptr %call, i32 0, i32 4
  %flags = load i64, ptr %flags.place
  %blocking = and i64 %flags, 1
  %free = icmp eq i64 %blocking, 0
  br i1 %free, label %done, label %wait
wait:
  %status = call i64 @wait(ptr %call)
  ret i64 %status
done:
  ret i64 0
}

; Memory: what was given back before and is not more than twice as large, else the pool's. What neither this call nor
; the one before used is given back to the pool then.
define ptr @weft_gpu_alloc(i64 %bytes) {
entry:
  %fresh = alloca i64, align 8
  %call = call ptr @current()
  %some = call i64 @llvm.umax.i64(i64 %bytes, i64 1)
  %asked = getelementptr %call, ptr %call, i32 0, i32 9
  store i64 %some, ptr %asked
  %serial.place = getelementptr %call, ptr %call, i32 0, i32 18
  %serial = load i64, ptr %serial.place
  br label %look
look:
  %n = phi i64 [ 0, %entry ], [ %n.next, %other ]
  %block = getelementptr %call, ptr %call, i32 0, i32 16, i64 %n, i64 0
  %address = load i64, ptr %block
  %size.place = getelementptr i64, ptr %block, i64 1
  %size = load i64, ptr %size.place
  %used.place = getelementptr i64, ptr %block, i64 2
  %used = load i64, ptr %used.place
  %there = icmp ne i64 %address, 0
  %free = icmp eq i64 %used, 0
  %enough = icmp uge i64 %size, %some
  %half = lshr i64 %size, 1
  %close = icmp ule i64 %half, %some
  %fits.a = and i1 %there, %free
  %fits.b = and i1 %enough, %close
  %fits = and i1 %fits.a, %fits.b
  br i1 %fits, label %take, label %other
take:
  store i64 1, ptr %used.place
  %taken.by = getelementptr i64, ptr %block, i64 3
  store i64 %serial, ptr %taken.by
  %kept = inttoptr i64 %address to ptr
  ret ptr %kept
other:
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, 32
  br i1 %more, label %look, label %missed
missed:                                                 ; memory of a graph would not be the call's own
  %flags.place = getelementptr %call, ptr %call, i32 0, i32 4
  %flags = load i64, ptr %flags.place
  %capture = and i64 %flags, 2
  %can = icmp eq i64 %capture, 0
  br i1 %can, label %sweep, label %cannot
cannot:
  %refused = call i64 @refused(ptr %call, i64 -5, i64 0)
  ret ptr null
sweep:
  %m = phi i64 [ 0, %missed ], [ %m.next, %swept ]
  %old = getelementptr %call, ptr %call, i32 0, i32 16, i64 %m, i64 0
  %old.address = load i64, ptr %old
  %old.used.place = getelementptr i64, ptr %old, i64 2
  %old.used = load i64, ptr %old.used.place
  %old.there = icmp ne i64 %old.address, 0
  %old.free = icmp eq i64 %old.used, 0
  %old.last.place = getelementptr i64, ptr %old, i64 3
  %old.last = load i64, ptr %old.last.place
  %old.age = sub i64 %serial, %old.last
  %old.aged = icmp sgt i64 %old.age, 1
  %old.idle = and i1 %old.there, %old.free
  %drop = and i1 %old.idle, %old.aged
  br i1 %drop, label %give, label %swept
give:
  store i64 0, ptr %old
  %old.stream = load ptr, ptr %call
  %ignored = call i32 @cuMemFreeAsync(i64 %old.address, ptr %old.stream)
  br label %swept
swept:
  %m.next = add i64 %m, 1
  %m.more = icmp ult i64 %m.next, 32
  br i1 %m.more, label %sweep, label %new
new:
  %pool.place = getelementptr %call, ptr %call, i32 0, i32 3
  %pool = load ptr, ptr %pool.place
  %stream = load ptr, ptr %call
  store i64 0, ptr %fresh
  %result = call i32 @cuMemAllocFromPoolAsync(ptr %fresh, i64 %some, ptr %pool, ptr %stream)
  %status = call i64 @noted(ptr %call, i32 %result, i64 97)     ; a
  %good = icmp eq i64 %status, 0
  br i1 %good, label %keep, label %none
none:
  ret ptr null
keep:                                                   ; where there is no place to note it, it goes back to the pool
  %k = phi i64 [ 0, %new ], [ %k.next, %full ]
  %slot = getelementptr %call, ptr %call, i32 0, i32 16, i64 %k, i64 0
  %slot.address = load i64, ptr %slot
  %empty = icmp eq i64 %slot.address, 0
  br i1 %empty, label %note, label %full
note:
  %noted = load i64, ptr %fresh
  store i64 %noted, ptr %slot
  %slot.size = getelementptr i64, ptr %slot, i64 1
  store i64 %some, ptr %slot.size
  %slot.used = getelementptr i64, ptr %slot, i64 2
  store i64 1, ptr %slot.used
  %slot.last = getelementptr i64, ptr %slot, i64 3
  store i64 %serial, ptr %slot.last
  br label %got
full:
  %k.next = add i64 %k, 1
  %k.more = icmp ult i64 %k.next, 32
  br i1 %k.more, label %keep, label %got
got:
  %memory = load ptr, ptr %fresh
  ret ptr %memory
}

define void @weft_gpu_free(ptr %memory) {
entry:
  %address = ptrtoint ptr %memory to i64
  %nothing = icmp eq ptr %memory, null
  br i1 %nothing, label %done, label %start
start:
  %call = call ptr @current()
  br label %look
look:
  %n = phi i64 [ 0, %start ], [ %n.next, %other ]
  %block = getelementptr %call, ptr %call, i32 0, i32 16, i64 %n, i64 0
  %kept = load i64, ptr %block
  %same = icmp eq i64 %kept, %address
  br i1 %same, label %unused, label %other
unused:
  %used = getelementptr i64, ptr %block, i64 2
  store i64 0, ptr %used
  ret void
other:
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, 32
  br i1 %more, label %look, label %give
give:
  %stream = load ptr, ptr %call
  %ignored = call i32 @cuMemFreeAsync(i64 %address, ptr %stream)
  br label %done
done:
  ret void
}

define i64 @weft_gpu_copy(ptr %to, ptr %from, i64 %bytes, i64 %kind) {
entry:
  %call = call ptr @current()
  %stream = load ptr, ptr %call
  %to.number = ptrtoint ptr %to to i64
  %from.number = ptrtoint ptr %from to i64
  %nothing = icmp eq i64 %bytes, 0
  br i1 %nothing, label %done, label %copy
copy:
  switch i64 %kind, label %inside [ i64 1, label %down
                                    i64 2, label %up ]
inside:
  %result = call i32 @cuMemcpyDtoDAsync(i64 %to.number, i64 %from.number, i64 %bytes, ptr %stream)
  %status = call i64 @noted(ptr %call, i32 %result, i64 99)     ; c
  ret i64 %status
down:
  %down.result = call i32 @cuMemcpyHtoDAsync(i64 %to.number, ptr %from, i64 %bytes, ptr %stream)
  %down.status = call i64 @noted(ptr %call, i32 %down.result, i64 99)
  ret i64 %down.status
up:
  %up.result = call i32 @cuMemcpyDtoHAsync(ptr %to, i64 %from.number, i64 %bytes, ptr %stream)
  %up.status = call i64 @noted(ptr %call, i32 %up.result, i64 99)
  %good = icmp eq i64 %up.status, 0
  br i1 %good, label %finish, label %failed
failed:
  ret i64 %up.status
finish:
  %end = call i64 @wait(ptr %call)
  ret i64 %end
done:
  ret i64 0
}

define i64 @weft_gpu_fill(ptr %to, i64 %pattern, i64 %width, i64 %count) {
entry:
  %call = call ptr @current()
  %stream = load ptr, ptr %call
  %place = ptrtoint ptr %to to i64
  %nothing = icmp eq i64 %count, 0
  br i1 %nothing, label %done, label %fill
fill:
  switch i64 %width, label %wide [ i64 1, label %one
                                   i64 2, label %two
                                   i64 4, label %four ]
one:
  %p1 = trunc i64 %pattern to i8
  %r1 = call i32 @cuMemsetD8Async(i64 %place, i8 %p1, i64 %count, ptr %stream)
  br label %filled
two:
  %p2 = trunc i64 %pattern to i16
  %r2 = call i32 @cuMemsetD16Async(i64 %place, i16 %p2, i64 %count, ptr %stream)
  br label %filled
four:
  %p4 = trunc i64 %pattern to i32
  %r4 = call i32 @cuMemsetD32Async(i64 %place, i32 %p4, i64 %count, ptr %stream)
  br label %filled
wide:                                                   ; the low and the high halves, each a column of words
  %low = trunc i64 %pattern to i32
  %high.part = lshr i64 %pattern, 32
  %high = trunc i64 %high.part to i32
  %second = add i64 %place, 4
  %halves = icmp eq i32 %low, %high
  br i1 %halves, label %alike, label %columns
alike:
  %words = shl i64 %count, 1
  %ra = call i32 @cuMemsetD32Async(i64 %place, i32 %low, i64 %words, ptr %stream)
  br label %filled
columns:
  %rl = call i32 @cuMemsetD2D32Async(i64 %place, i64 8, i32 %low, i64 1, i64 %count, ptr %stream)
  %fine = icmp eq i32 %rl, 0
  br i1 %fine, label %upper, label %filled
upper:
  %rh = call i32 @cuMemsetD2D32Async(i64 %second, i64 8, i32 %high, i64 1, i64 %count, ptr %stream)
  br label %filled
filled:
  %result = phi i32 [ %r1, %one ], [ %r2, %two ], [ %r4, %four ], [ %ra, %alike ], [ %rl, %columns ], [ %rh, %upper ]
  %status = call i64 @noted(ptr %call, i32 %result, i64 102)    ; f
  ret i64 %status
done:
  ret i64 0
}

; A copy by a kernel, one thread an element and more where there are many: it gets the shape by value.
define i64 @weft_gpu_copy_strided(ptr %to, ptr %from, ptr %shape) {
entry:
  %config = alloca %config, align 8
  %values = alloca [200 x i64], align 8
  %to.place = alloca ptr, align 8
  %from.place = alloca ptr, align 8
  %count.place = alloca i64, align 8
  %args = alloca [4 x ptr], align 8
  %call = call ptr @current()
  %rank = load i64, ptr %shape
  %three = mul i64 %rank, 3
  %words = add i64 %three, 2
  %bytes = shl i64 %words, 3
  %many = icmp ugt i64 %words, 200
  br i1 %many, label %deep, label %sizes
deep:
  %deep.status = call i64 @refused(ptr %call, i64 -6, i64 %rank)
  ret i64 %deep.status
sizes:
  call void @llvm.memcpy.p0.p0.i64(ptr %values, ptr %shape, i64 %bytes, i1 false)
  br label %size
size:
  %n = phi i64 [ 0, %sizes ], [ %n.next, %multiply ]
  %count = phi i64 [ 1, %sizes ], [ %product, %multiply ]
  %more = icmp ult i64 %n, %rank
  br i1 %more, label %multiply, label %counted
multiply:
  %number = add i64 %n, 2
  %size.place = getelementptr i64, ptr %shape, i64 %number
  %one = load i64, ptr %size.place
  %product = mul i64 %count, %one
  %n.next = add i64 %n, 1
  br label %size
counted:
  %nothing = icmp eq i64 %count, 0
  br i1 %nothing, label %done, label %launch
launch:
  %raised = add i64 %count, 255
  %blocks = lshr i64 %raised, 8
  %grid = call i64 @llvm.umin.i64(i64 %blocks, i64 1048576)
  %grid.n = trunc i64 %grid to i32
  %stream = load ptr, ptr %call
  call void @llvm.memset.p0.i64(ptr %config, i8 0, i64 56, i1 false)
  store i32 %grid.n, ptr %config
  %c1 = getelementptr %config, ptr %config, i32 0, i32 1
  store i32 1, ptr %c1
  %c2 = getelementptr %config, ptr %config, i32 0, i32 2
  store i32 1, ptr %c2
  %c3 = getelementptr %config, ptr %config, i32 0, i32 3
  store i32 256, ptr %c3
  %c4 = getelementptr %config, ptr %config, i32 0, i32 4
  store i32 1, ptr %c4
  %c5 = getelementptr %config, ptr %config, i32 0, i32 5
  store i32 1, ptr %c5
  %c7 = getelementptr %config, ptr %config, i32 0, i32 7
  store ptr %stream, ptr %c7
  store ptr %to, ptr %to.place
  store ptr %from, ptr %from.place
  store i64 %count, ptr %count.place
  store ptr %to.place, ptr %args
  %a1 = getelementptr ptr, ptr %args, i64 1
  store ptr %from.place, ptr %a1
  %a2 = getelementptr ptr, ptr %args, i64 2
  store ptr %count.place, ptr %a2
  %a3 = getelementptr ptr, ptr %args, i64 3
  store ptr %values, ptr %a3
  %function.place = getelementptr %call, ptr %call, i32 0, i32 12
  %function = load ptr, ptr %function.place
  %result = call i32 @cuLaunchKernelEx(ptr %config, ptr %function, ptr %args, ptr null)
  %status = call i64 @noted(ptr %call, i32 %result, i64 115)    ; s
  %launches = getelementptr %call, ptr %call, i32 0, i32 11
  %before = load i64, ptr %launches
  %after = add i64 %before, 1
  store i64 %after, ptr %launches
  ret i64 %status
done:
  ret i64 0
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
