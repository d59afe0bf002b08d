; The parallel for: a pool of threads that share out the iterations of one loop at a time.
;
; weft_parallel_for(fn, ctx, n, grain, threads) calls fn(ctx, begin, end, worker) on ranges that make up 0..n,
; each of `grain` iterations or more, and returns when all are done. `worker` is below `threads`; at any time
; one thread runs as that worker. The caller is worker 0 and takes ranges like the others, so that nobody waits
; for a thread that has not begun. The loop runs in the caller alone where sharing cannot pay or cannot be:
; n <= grain, one thread, or the pool is busy (a loop inside a loop, or another thread of the process).
;
; A loop is cut into pieces of one size. One word, @state, says what there is to take: the pieces left (bits 0-31),
; how many workers may take them (32-41), and the number of the loop (42-63), by which sleepers see that it
; changed. A worker takes half of its share of what is left, by lowering the count (guided self-scheduling, Polychronopoulos
; and Kuck 1987): long runs of neighbours first, single pieces at the end. It reads the loop's facts after that: the caller
; does not leave before its pieces are done, so they hold. Workers look for work for a while after a loop, then sleep on
; the upper half of @state. After a fork the child finds another process id in @owner, and starts a pool of its own.
;
; Where others compute on the cores, a worker may lose its core in the middle of a piece, for milliseconds, and nobody
; else can finish that. So the caller compares each loop with the time that it would have taken alone: by its own
; pace, and by that of the last run alone. A loop that lost time by sharing runs in the caller alone until it has done so for
; a multiple of what was lost, twice as long with each loss in a row. Thus at most a small part of the time
; is lost, however busy the machine is and however dear it is to wake workers. After a loss workers sleep at once.

@state = internal global i64 0, align 128
@pending = internal global i32 0, align 128       ; pieces not done
@waiting = internal global i32 0                  ; the caller sleeps on @pending
@sleepers = internal global i32 0, align 128      ; workers that sleep, or are about to
@busy = internal global i32 0, align 128          ; somebody's loop has the pool
@owner = internal global i32 0                    ; the process that the pool belongs to; -1 while it changes
@started = internal global i64 0                  ; how many workers there are, the caller not counted
@doubt = internal global i32 0, align 128         ; losses in a row of the loop that ran last
@records = internal global [64 x %record] zeroinitializer, align 128
@loop.fn = internal global ptr null, align 128
@loop.ctx = internal global ptr null
@loop.n = internal global i64 0
@loop.piece = internal global i64 0               ; iterations in a piece
@loop.pieces = internal global i64 0

; What is known of the loops of a body. Threads that run loops at a time may mix it up, which costs time, not results.
%record = type {
  ptr,     ; the body
  i64,     ; ns for which it is yet to run alone
  i64,     ; losses in a row
  i64,     ; ns that it was shared since it last ran alone
  double,  ; ns of an iteration when it last ran alone; 0 where it did not
  [3 x i64]
}

declare i64 @syscall(i64, ...)
declare i32 @getpid()
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i32 @clock_gettime(i32, ptr)

; The time in ns.
define internal i64 @now() {
  %time = alloca { i64, i64 }
  %r = call i32 @clock_gettime(i32 1, ptr %time)     ; CLOCK_MONOTONIC
  %seconds = load i64, ptr %time
  %rest = getelementptr i64, ptr %time, i64 1
  %more = load i64, ptr %rest
  %whole = mul i64 %seconds, 1000000000
  %ns = add i64 %whole, %more
  ret i64 %ns
}

; Sleep while the word holds `value`.
define internal void @sleep(ptr %word, i32 %value) {
  %number = load i64, ptr @futex.number
  %r = call i64 (i64, ...) @syscall(i64 %number, ptr %word, i32 128, i32 %value, ptr null, ptr null, i32 0)
  ret void
}

; Wake up to `count` threads that sleep on the word.
define internal void @wake(ptr %word, i32 %count) {
  %number = load i64, ptr @futex.number
  %r = call i64 (i64, ...) @syscall(i64 %number, ptr %word, i32 129, i32 %count, ptr null, ptr null, i32 0)
  ret void
}

; Take some pieces and do them. Returns how many; 0: there were none for this worker.
define internal i64 @work(i64 %worker) {
entry:
  %first = load atomic i64, ptr @state seq_cst, align 8
  br label %look
look:
  %seen = phi i64 [ %first, %entry ], [ %now, %take ]
  %left = and i64 %seen, 4294967295
  %any = icmp ne i64 %left, 0
  %upper = lshr i64 %seen, 32
  %limit = and i64 %upper, 1023
  %invited = icmp ult i64 %worker, %limit
  %go = and i1 %any, %invited
  br i1 %go, label %take, label %nothing
take:
  %twice = shl i64 %limit, 1
  %half = udiv i64 %left, %twice
  %count = call i64 @llvm.umax.i64(i64 %half, i64 1)
  %less = sub i64 %seen, %count
  %pair = cmpxchg ptr @state, i64 %seen, i64 %less seq_cst seq_cst
  %now = extractvalue { i64, i1 } %pair, 0
  %mine = extractvalue { i64, i1 } %pair, 1
  br i1 %mine, label %do, label %look
do:
  %fn = load ptr, ptr @loop.fn
  %ctx = load ptr, ptr @loop.ctx
  %n = load i64, ptr @loop.n
  %piece = load i64, ptr @loop.piece
  %pieces = load i64, ptr @loop.pieces
  %index = sub i64 %pieces, %left
  %begin = mul i64 %index, %piece
  %rest = sub i64 %n, %begin
  %full = mul i64 %count, %piece
  %size = call i64 @llvm.umin.i64(i64 %rest, i64 %full)
  %end = add i64 %begin, %size
  call void %fn(ptr %ctx, i64 %begin, i64 %end, i64 %worker)
  %did.count = trunc i64 %count to i32
  %before = atomicrmw sub ptr @pending, i32 %did.count seq_cst
  %last = icmp eq i32 %before, %did.count
  br i1 %last, label %tell, label %did
tell:
  %asleep = load atomic i32, ptr @waiting seq_cst, align 4
  %call = icmp ne i32 %asleep, 0
  br i1 %call, label %rouse, label %did
rouse:
  call void @wake(ptr @pending, i32 1)
  br label %did
did:
  ret i64 %count
nothing:
  ret i64 0
}

declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.umax.i64(i64, i64)

; The life of a worker.
define internal ptr @live(ptr %argument) {
entry:
  %worker = ptrtoint ptr %argument to i64
  %number = getelementptr i32, ptr @state, i64 1
  br label %again
again:
  %before = load atomic i32, ptr %number seq_cst, align 4
  %did = call i64 @work(i64 %worker)
  %some = icmp ne i64 %did, 0
  br i1 %some, label %again, label %idle
idle:
  %turn = phi i32 [ 0, %again ], [ %next, %spin ]
  %after = load atomic i32, ptr %number seq_cst, align 4
  %same = icmp eq i32 %before, %after
  br i1 %same, label %patience, label %again
patience:
  %next = add i32 %turn, 1
  %doubt = load atomic i32, ptr @doubt monotonic, align 4
  %sure = icmp eq i32 %doubt, 0
  %few = icmp ult i32 %turn, 2000
  %more = and i1 %few, %sure
  br i1 %more, label %spin, label %tired
spin:
  call void @pause()
  br label %idle
tired:
  %down = atomicrmw add ptr @sleepers, i32 1 seq_cst
  call void @sleep(ptr %number, i32 %before)
  %up = atomicrmw sub ptr @sleepers, i32 1 seq_cst
  br label %again
}

; Start workers until there are `wanted`. They take no signals: those are for the program's own threads.
define internal void @start(i64 %wanted) {
entry:
  %thread = alloca i64
  %all = alloca [128 x i8], align 8
  %old = alloca [128 x i8], align 8
  %have = load i64, ptr @started
  %enough = icmp uge i64 %have, %wanted
  br i1 %enough, label %done, label %block
block:
  %f = call i32 @sigfillset(ptr %all)
  %s = call i32 @pthread_sigmask(i32 2, ptr %all, ptr %old)      ; SIG_SETMASK
  br label %more
more:
  %count = phi i64 [ %have, %block ], [ %worker, %created ]
  %missing = icmp ult i64 %count, %wanted
  br i1 %missing, label %create, label %unblock
create:
  %worker = add i64 %count, 1
  %argument = inttoptr i64 %worker to ptr
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @live, ptr %argument)
  %ok = icmp eq i32 %failed, 0
  br i1 %ok, label %created, label %unblock
created:
  %id = load i64, ptr %thread
  %d = call i32 @pthread_detach(i64 %id)
  store i64 %worker, ptr @started
  br label %more
unblock:
  %u = call i32 @pthread_sigmask(i32 2, ptr %old, ptr null)
  br label %done
done:
  ret void
}

; Make the pool this process's own. False: another thread is about to.
define internal i1 @own() {
entry:
  %me = call i32 @getpid()
  %owner = load atomic i32, ptr @owner seq_cst, align 4
  %mine = icmp eq i32 %owner, %me
  br i1 %mine, label %yes, label %foreign
foreign:
  %changing = icmp eq i32 %owner, -1
  br i1 %changing, label %no, label %claim
claim:
  %pair = cmpxchg ptr @owner, i32 %owner, i32 -1 seq_cst seq_cst
  %won = extractvalue { i32, i1 } %pair, 1
  br i1 %won, label %reset, label %no
reset:
  store atomic i64 0, ptr @state seq_cst, align 8
  store atomic i32 0, ptr @pending seq_cst, align 4
  store atomic i32 0, ptr @waiting seq_cst, align 4
  store atomic i32 0, ptr @sleepers seq_cst, align 4
  store atomic i32 0, ptr @doubt monotonic, align 4
  store i64 0, ptr @started
  store atomic i32 0, ptr @busy seq_cst, align 4
  store atomic i32 %me, ptr @owner seq_cst, align 4
  br label %yes
yes:
  ret i1 true
no:
  ret i1 false
}

; The record of the loops of a body; another body may have to make room.
define internal ptr @recall(ptr %fn) {
entry:
  %address = ptrtoint ptr %fn to i64
  %mixed = mul i64 %address, -7046029254386353131    ; Fibonacci hashing
  %slot = lshr i64 %mixed, 58
  %record = getelementptr %record, ptr @records, i64 %slot
  %whose = load atomic ptr, ptr %record monotonic, align 8
  %known = icmp eq ptr %whose, %fn
  br i1 %known, label %done, label %new
new:
  %owed = getelementptr %record, ptr %record, i64 0, i32 1
  %losses = getelementptr %record, ptr %record, i64 0, i32 2
  %shared = getelementptr %record, ptr %record, i64 0, i32 3
  %pace = getelementptr %record, ptr %record, i64 0, i32 4
  store atomic i64 0, ptr %owed monotonic, align 8
  store atomic i64 0, ptr %losses monotonic, align 8
  store atomic i64 1152921504606846976, ptr %shared monotonic, align 8
  store atomic double 0.0, ptr %pace monotonic, align 8
  store atomic ptr %fn, ptr %record monotonic, align 8
  br label %done
done:
  ret ptr %record
}

; Learn from a loop of `n` iterations that took `took` ns, where by the pace of the caller, one of `threads`, it would have
; taken `paced` alone. That is too long where they wait for memory: the pace of the last run alone tells.
define internal void @learn(ptr %record, i64 %n, i64 %took, i64 %paced, i64 %threads) {
entry:
  %owed = getelementptr %record, ptr %record, i64 0, i32 1
  %losses = getelementptr %record, ptr %record, i64 0, i32 2
  %shared = getelementptr %record, ptr %record, i64 0, i32 3
  %pace = getelementptr %record, ptr %record, i64 0, i32 4
  %each = load atomic double, ptr %pace monotonic, align 8
  %known = fcmp ogt double %each, 0.0
  %n.float = uitofp i64 %n to double
  %before = fmul double %each, %n.float
  %before.ns = call i64 @llvm.fptosi.sat.i64.f64(double %before)
  %least = udiv i64 %paced, %threads                 ; others slow the caller down no more than this
  %likely = call i64 @llvm.smax.i64(i64 %before.ns, i64 %least)
  %less = call i64 @llvm.smin.i64(i64 %likely, i64 %paced)
  %alone = select i1 %known, i64 %less, i64 %paced
  %lost = sub i64 %took, %alone
  %floor = lshr i64 %alone, 3
  %loss = icmp sgt i64 %lost, %floor
  %doubt = load atomic i64, ptr %losses monotonic, align 8
  br i1 %loss, label %lose, label %win
lose:
  %up = add i64 %doubt, 1
  %more = call i64 @llvm.umin.i64(i64 %up, i64 5)
  %long = shl i64 %lost, %more
  br label %keep
win:
  %fewer = call i64 @llvm.usub.sat.i64(i64 %doubt, i64 1)
  ; a loop that is short, or gains little, runs alone now and then, to know the pace: one part in 32 of the time, at most
  %so.far = load atomic i64, ptr %shared monotonic, align 8
  %sum = add i64 %so.far, %took
  store atomic i64 %sum, ptr %shared monotonic, align 8
  %many = shl i64 %paced, 5
  %rare = icmp ugt i64 %sum, %many
  %short = icmp ult i64 %paced, 1000000
  %quarter = lshr i64 %paced, 2
  %good = sub i64 %paced, %quarter
  %poor = icmp ugt i64 %took, %good
  %doubtful = or i1 %short, %poor
  %look = and i1 %rare, %doubtful
  %once = zext i1 %look to i64
  br label %keep
keep:
  %next = phi i64 [ %more, %lose ], [ %fewer, %win ]
  %owes = phi i64 [ %long, %lose ], [ %once, %win ]
  store atomic i64 %owes, ptr %owed monotonic, align 8
  store atomic i64 %next, ptr %losses monotonic, align 8
  %next32 = trunc i64 %next to i32
  store atomic i32 %next32, ptr @doubt monotonic, align 4
  ret void
}

declare i64 @llvm.usub.sat.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.fptosi.sat.i64.f64(double)

define void @weft_parallel_for(ptr %fn, ptr %ctx, i64 %n, i64 %grain.asked, i64 %threads.asked) {
entry:
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %worth, label %done
worth:
  %grain.some = icmp sgt i64 %grain.asked, 0
  %grain = select i1 %grain.some, i64 %grain.asked, i64 1
  %few = icmp sle i64 %n, %grain
  %single = icmp sle i64 %threads.asked, 1
  %small = or i1 %few, %single
  br i1 %small, label %alone, label %trust
trust:
  %record = call ptr @recall(ptr %fn)
  %owed.at = getelementptr %record, ptr %record, i64 0, i32 1
  %owed = load atomic i64, ptr %owed.at monotonic, align 8
  %owes = icmp sgt i64 %owed, 0
  br i1 %owes, label %pay, label %mine
pay:
  %from = call i64 @now()
  call void %fn(ptr %ctx, i64 0, i64 %n, i64 0)
  %to = call i64 @now()
  %paid = sub i64 %to, %from
  %still.owed = sub i64 %owed, %paid
  store atomic i64 %still.owed, ptr %owed.at monotonic, align 8
  %shared.at = getelementptr %record, ptr %record, i64 0, i32 3
  store atomic i64 0, ptr %shared.at monotonic, align 8
  %pace.at = getelementptr %record, ptr %record, i64 0, i32 4
  %paid.float = uitofp i64 %paid to double
  %n.float = uitofp i64 %n to double
  %pace = fdiv double %paid.float, %n.float
  store atomic double %pace, ptr %pace.at monotonic, align 8
  br label %done
mine:
  %owned = call i1 @own()
  br i1 %owned, label %lock, label %alone
lock:
  %pair = cmpxchg ptr @busy, i32 0, i32 1 seq_cst seq_cst
  %free = extractvalue { i32, i1 } %pair, 1
  br i1 %free, label %share, label %alone
alone:
  call void %fn(ptr %ctx, i64 0, i64 %n, i64 0)
  br label %done

share:
  %threads = call i64 @llvm.umin.i64(i64 %threads.asked, i64 1023)
  %others = sub i64 %threads, 1
  call void @start(i64 %others)
  %begun = call i64 @now()
  ; what is taken last is one piece in sixteen of a share
  %wanted = mul i64 %threads, 16
  %even.up = add i64 %n, %wanted
  %even.less = sub i64 %even.up, 1
  %even = udiv i64 %even.less, %wanted
  %piece = call i64 @llvm.umax.i64(i64 %even, i64 %grain)
  %whole = sub i64 %n, 1
  %last = udiv i64 %whole, %piece
  %pieces = add i64 %last, 1
  store ptr %fn, ptr @loop.fn
  store ptr %ctx, ptr @loop.ctx
  store i64 %n, ptr @loop.n
  store i64 %piece, ptr @loop.piece
  store i64 %pieces, ptr @loop.pieces
  %pieces32 = trunc i64 %pieces to i32
  store atomic i32 %pieces32, ptr @pending seq_cst, align 4
  %old = load atomic i64, ptr @state seq_cst, align 8
  %old.number = lshr i64 %old, 42
  %number = add i64 %old.number, 1
  %number.bits = shl i64 %number, 42
  %limit.bits = shl i64 %threads, 32
  %upper = or i64 %number.bits, %limit.bits
  %new = or i64 %upper, %pieces
  store atomic i64 %new, ptr @state seq_cst, align 8
  %asleep = load atomic i32, ptr @sleepers seq_cst, align 4
  %none = icmp eq i32 %asleep, 0
  br i1 %none, label %help, label %rouse
rouse:
  ; some sleepers may not be invited: where there are such, wake all
  %have = load i64, ptr @started
  %extra = icmp ugt i64 %have, %others
  %needed = sub i32 %pieces32, 1
  %count = select i1 %extra, i32 2147483647, i32 %needed
  %word = getelementptr i32, ptr @state, i64 1
  call void @wake(ptr %word, i32 %count)
  br label %help
help:
  %start = call i64 @now()
  br label %more.work
more.work:
  %own = phi i64 [ 0, %help ], [ %own.next, %more.work ]
  %did = call i64 @work(i64 0)
  %own.next = add i64 %own, %did
  %some.work = icmp ne i64 %did, 0
  br i1 %some.work, label %more.work, label %own.done
own.done:
  %stop = call i64 @now()
  br label %wait
wait:
  %turn = phi i32 [ 0, %own.done ], [ %next, %spin ]
  %left = load atomic i32, ptr @pending seq_cst, align 4
  %over = icmp eq i32 %left, 0
  br i1 %over, label %ended, label %patience
patience:
  %next = add i32 %turn, 1
  %more = icmp ult i32 %turn, 2000
  br i1 %more, label %spin, label %tired
spin:
  call void @pause()
  br label %wait
tired:
  store atomic i32 1, ptr @waiting seq_cst, align 4
  br label %doze
doze:
  %still = load atomic i32, ptr @pending seq_cst, align 4
  %finished = icmp eq i32 %still, 0
  br i1 %finished, label %awake, label %nap
nap:
  call void @sleep(ptr @pending, i32 %still)
  br label %doze
awake:
  store atomic i32 0, ptr @waiting seq_cst, align 4
  br label %ended
ended:
  %none.own = icmp eq i64 %own, 0
  br i1 %none.own, label %unlock, label %judge
judge:
  %end = call i64 @now()
  %took = sub i64 %end, %begun
  %worked = sub i64 %stop, %start
  %work.all = mul i64 %worked, %pieces
  %paced = udiv i64 %work.all, %own
  call void @learn(ptr %record, i64 %n, i64 %took, i64 %paced, i64 %threads)
  br label %unlock
unlock:
  store atomic i32 0, ptr @busy seq_cst, align 4
  br label %done
done:
  ret void
}
