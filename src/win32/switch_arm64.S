/* SPDX-License-Identifier: MIT */
/*
 * The context switch for arm64, Windows.
 *
 * A suspended context is its stack pointer; the stack holds what a callee must preserve, and what
 * the thread information block (x18) says about the current stack:
 *
 *     sp + 0    x29, x30 (where to go on)
 *     sp + 16   x19 .. x28
 *     sp + 96   d8 .. d15
 *     sp + 160  StackBase, StackLimit, FiberData, DeallocationStack, GuaranteedStackBytes, fpcr
 *
 * x18 belongs to the thread and stays as it is. The unwinding data holds on both sides of the
 * exchange of sp, since every suspended stack has this shape.
 */
#if defined(__aarch64__)

#define FUNCTION(name) \
        .globl name; .def name; .scl 2; .type 32; .endef; .p2align 4; name: .seh_proc name

#define FRAME_SIZE 208

        .text

/* void eddy__switch_to(from, to): both begin with the saved stack pointer. */
FUNCTION(eddy__switch_to)
        stp     x29, x30, [sp, #-FRAME_SIZE]!
        .seh_save_fplr_x FRAME_SIZE
        stp     x19, x20, [sp, #16]
        .seh_save_regp x19, 16
        stp     x21, x22, [sp, #32]
        .seh_save_regp x21, 32
        stp     x23, x24, [sp, #48]
        .seh_save_regp x23, 48
        stp     x25, x26, [sp, #64]
        .seh_save_regp x25, 64
        stp     x27, x28, [sp, #80]
        .seh_save_regp x27, 80
        stp     d8, d9, [sp, #96]
        .seh_save_fregp d8, 96
        stp     d10, d11, [sp, #112]
        .seh_save_fregp d10, 112
        stp     d12, d13, [sp, #128]
        .seh_save_fregp d12, 128
        stp     d14, d15, [sp, #144]
        .seh_save_fregp d14, 144
        .seh_endprologue

        mov     x8, #0x1478             /* too far for the addressing of a pair or an immediate */
        mov     x9, #0x1748
        ldp     x10, x11, [x18, #0x08]
        stp     x10, x11, [sp, #160]
        ldr     x10, [x18, #0x20]
        ldr     x11, [x18, x8]
        stp     x10, x11, [sp, #176]
        ldr     w10, [x18, x9]          /* the only one of 32 bits */
        mrs     x11, fpcr
        stp     x10, x11, [sp, #192]

        mov     x10, sp
        str     x10, [x0]
        ldr     x10, [x1]
        mov     sp, x10

        ldp     x12, x13, [sp, #160]
        stp     x12, x13, [x18, #0x08]
        ldp     x12, x13, [sp, #176]
        str     x12, [x18, #0x20]
        str     x13, [x18, x8]
        ldp     x12, x13, [sp, #192]
        str     w12, [x18, x9]

        /* Writing fpcr is slow and nearly always for nothing. */
        cmp     x11, x13
        b.eq    1f
        msr     fpcr, x13
1:
        .seh_startepilogue
        ldp     d14, d15, [sp, #144]
        .seh_save_fregp d14, 144
        ldp     d12, d13, [sp, #128]
        .seh_save_fregp d12, 128
        ldp     d10, d11, [sp, #112]
        .seh_save_fregp d10, 112
        ldp     d8, d9, [sp, #96]
        .seh_save_fregp d8, 96
        ldp     x27, x28, [sp, #80]
        .seh_save_regp x27, 80
        ldp     x25, x26, [sp, #64]
        .seh_save_regp x25, 64
        ldp     x23, x24, [sp, #48]
        .seh_save_regp x23, 48
        ldp     x21, x22, [sp, #32]
        .seh_save_regp x21, 32
        ldp     x19, x20, [sp, #16]
        .seh_save_regp x19, 16
        ldp     x29, x30, [sp], #FRAME_SIZE
        .seh_save_fplr_x FRAME_SIZE
        .seh_endepilogue
        ret
        .seh_endproc

/* void *eddy__switch_prepare(co, start): the first frame; x19 brings the coroutine. A leaf. */
FUNCTION(eddy__switch_prepare)
        .seh_endprologue
        ldp     x8, x9, [x1]            /* stack base and limit */
        ldp     x10, x11, [x1, #16]     /* deallocation stack, guaranteed bytes */
        ldr     x12, [x18, #0x20]
        mrs     x13, fpcr
        adr     x14, .Lfirst_step
        sub     x15, x8, #FRAME_SIZE
        stp     xzr, x14, [x15]
        stp     x0, xzr, [x15, #16]
        stp     xzr, xzr, [x15, #32]
        stp     xzr, xzr, [x15, #48]
        stp     xzr, xzr, [x15, #64]
        stp     xzr, xzr, [x15, #80]
        stp     xzr, xzr, [x15, #96]
        stp     xzr, xzr, [x15, #112]
        stp     xzr, xzr, [x15, #128]
        stp     xzr, xzr, [x15, #144]
        stp     x8, x9, [x15, #160]
        stp     x12, x10, [x15, #176]
        stp     x11, x13, [x15, #192]
        mov     x0, x15
        ret
        .seh_endproc

/* void *eddy__switch_stack_limit(context) */
FUNCTION(eddy__switch_stack_limit)
        .seh_endprologue
        ldr     x0, [x0, #168]
        ret
        .seh_endproc

/* The outermost frame of every coroutine: its caller's address is 0, which ends a backtrace. */
FUNCTION(eddy__switch_start)
.Lfirst_step:
        mov     x30, xzr
        .seh_nop
        stp     x29, x30, [sp, #-16]!
        .seh_save_fplr_x 16
        .seh_endprologue
        mov     x0, x19
        bl      eddy__coroutine_main
        brk     #0xf000
        .seh_endproc

#endif
