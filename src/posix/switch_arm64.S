/* SPDX-License-Identifier: MIT */
/*
 * The context switch for arm64, AAPCS64 and Apple's variant of it.
 *
 * A suspended context is its stack pointer; the stack holds what a callee must preserve:
 *
 *     sp + 0    x29, x30 (where to go on)
 *     sp + 16   x19 .. x28
 *     sp + 96   d8 .. d15
 *     sp + 160  fpcr, unused
 *
 * The unwinding annotations hold on both sides of the exchange of sp, since every suspended stack
 * has this shape. x18 is the platform's and stays as it is. Going on is `ret`, which is allowed to
 * land behind a call when branch targets are enforced (BTI); an indirect branch is not.
 */
#if defined(__aarch64__)

#if defined(__APPLE__)
#define SYMBOL(name) _##name
#define FUNCTION(name) .globl SYMBOL(name) %% .private_extern SYMBOL(name) %% \
        .p2align 4 %% SYMBOL(name):
#define END(name)
#else
#define SYMBOL(name) name
#define FUNCTION(name) .globl name; .hidden name; .type name, %function; .p2align 4; name:
#define END(name) .size name, . - name
        .hidden eddy__coroutine_main
#endif

/* `bti c`, written as the hint that assemblers and processors without BTI know too. */
#define ENTRY_MARK hint #34

        .text

/* void eddy__switch_to(from, to): both begin with the saved stack pointer. */
FUNCTION(eddy__switch_to)
        .cfi_startproc
        ENTRY_MARK
        stp     x29, x30, [sp, #-176]!
        .cfi_def_cfa_offset 176
        .cfi_offset x29, -176
        .cfi_offset x30, -168
        stp     x19, x20, [sp, #16]
        .cfi_offset x19, -160
        .cfi_offset x20, -152
        stp     x21, x22, [sp, #32]
        .cfi_offset x21, -144
        .cfi_offset x22, -136
        stp     x23, x24, [sp, #48]
        .cfi_offset x23, -128
        .cfi_offset x24, -120
        stp     x25, x26, [sp, #64]
        .cfi_offset x25, -112
        .cfi_offset x26, -104
        stp     x27, x28, [sp, #80]
        .cfi_offset x27, -96
        .cfi_offset x28, -88
        stp     d8, d9, [sp, #96]
        .cfi_offset 72, -80
        .cfi_offset 73, -72
        stp     d10, d11, [sp, #112]
        .cfi_offset 74, -64
        .cfi_offset 75, -56
        stp     d12, d13, [sp, #128]
        .cfi_offset 76, -48
        .cfi_offset 77, -40
        stp     d14, d15, [sp, #144]
        .cfi_offset 78, -32
        .cfi_offset 79, -24
        mrs     x9, fpcr
        str     x9, [sp, #160]

        mov     x10, sp
        str     x10, [x0]
        ldr     x10, [x1]
        mov     sp, x10

        /* Writing fpcr is slow and nearly always for nothing. */
        ldr     x10, [sp, #160]
        cmp     x9, x10
        b.eq    1f
        msr     fpcr, x10
1:      ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #176
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
END(eddy__switch_to)

/* void *eddy__switch_prepare(top, co): the first frame; x19 brings the coroutine. */
FUNCTION(eddy__switch_prepare)
        .cfi_startproc
        ENTRY_MARK
        sub     x0, x0, #176
        adr     x9, first_step
        mrs     x10, fpcr
        stp     xzr, x9, [x0]
        stp     x1, xzr, [x0, #16]
        stp     xzr, xzr, [x0, #32]
        stp     xzr, xzr, [x0, #48]
        stp     xzr, xzr, [x0, #64]
        stp     xzr, xzr, [x0, #80]
        stp     xzr, xzr, [x0, #96]
        stp     xzr, xzr, [x0, #112]
        stp     xzr, xzr, [x0, #128]
        stp     xzr, xzr, [x0, #144]
        stp     x10, xzr, [x0, #160]
        ret
        .cfi_endproc
END(eddy__switch_prepare)

/* The outermost frame of every coroutine; "no return address" ends a debugger's backtrace. */
FUNCTION(eddy__switch_start)
        .cfi_startproc
        .cfi_undefined x30
        nop             /* Unwinders look up the address before the one to go on at. */
first_step:
        mov     x0, x19
        bl      SYMBOL(eddy__coroutine_main)
        brk     #1
        .cfi_endproc
END(eddy__switch_start)

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
        /* Branch target identification: compatible. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000000, 4, 1, 0
#endif

#elif defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
