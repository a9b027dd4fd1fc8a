/* SPDX-License-Identifier: MIT */
/*
 * The context switch for x86-64, Windows.
 *
 * A suspended context is its stack pointer; the stack holds what a callee must preserve, and what
 * the thread information block (gs:) says about the current stack:
 *
 *     rsp + 0x00  xmm6 .. xmm15
 *     rsp + 0xa0  ExceptionList (of no use on 64-bit Windows, but Wine has it), StackBase,
 *                 StackLimit, FiberData, DeallocationStack, GuaranteedStackBytes
 *     rsp + 0xd0  mxcsr (4 bytes), x87 control word (2), unused (2)
 *     rsp + 0xd8  r15, r14, r13, r12, rsi, rdi, rbx, rbp
 *     rsp + 0x118 where to go on
 *
 * FiberData also goes with the stack: a program's own fibers and ours do not mix it up. The
 * unwinding data holds on both sides of the exchange of rsp, since every suspended stack has this
 * shape. Going on is a jump and not a return, or the processor's return predictor would be wrong
 * each time; with hardware-enforced shadow stacks (/CETCOMPAT) this switch cannot be used.
 */
#if defined(__x86_64__)

#define FUNCTION(name) \
        .globl name; .def name; .scl 2; .type 32; .endef; .p2align 4; name: .seh_proc name

#define FRAME_SIZE 0x120

        .text

/* void eddy__switch_to(from, to): both begin with the saved stack pointer. */
FUNCTION(eddy__switch_to)
        pushq   %rbp
        .seh_pushreg %rbp
        pushq   %rbx
        .seh_pushreg %rbx
        pushq   %rdi
        .seh_pushreg %rdi
        pushq   %rsi
        .seh_pushreg %rsi
        pushq   %r12
        .seh_pushreg %r12
        pushq   %r13
        .seh_pushreg %r13
        pushq   %r14
        .seh_pushreg %r14
        pushq   %r15
        .seh_pushreg %r15
        subq    $0xd8, %rsp
        .seh_stackalloc 0xd8
        movaps  %xmm6, 0x00(%rsp)
        .seh_savexmm %xmm6, 0x00
        movaps  %xmm7, 0x10(%rsp)
        .seh_savexmm %xmm7, 0x10
        movaps  %xmm8, 0x20(%rsp)
        .seh_savexmm %xmm8, 0x20
        movaps  %xmm9, 0x30(%rsp)
        .seh_savexmm %xmm9, 0x30
        movaps  %xmm10, 0x40(%rsp)
        .seh_savexmm %xmm10, 0x40
        movaps  %xmm11, 0x50(%rsp)
        .seh_savexmm %xmm11, 0x50
        movaps  %xmm12, 0x60(%rsp)
        .seh_savexmm %xmm12, 0x60
        movaps  %xmm13, 0x70(%rsp)
        .seh_savexmm %xmm13, 0x70
        movaps  %xmm14, 0x80(%rsp)
        .seh_savexmm %xmm14, 0x80
        movaps  %xmm15, 0x90(%rsp)
        .seh_savexmm %xmm15, 0x90
        .seh_endprologue

        movq    %gs:0x30, %r8           /* the information block's own address */
        movq    0x00(%r8), %rax
        movq    %rax, 0xa0(%rsp)
        movq    0x08(%r8), %rax
        movq    %rax, 0xa8(%rsp)
        movq    0x10(%r8), %rax
        movq    %rax, 0xb0(%rsp)
        movq    0x20(%r8), %rax
        movq    %rax, 0xb8(%rsp)
        movq    0x1478(%r8), %rax
        movq    %rax, 0xc0(%rsp)
        movl    0x1748(%r8), %eax       /* the only one of 32 bits */
        movq    %rax, 0xc8(%rsp)
        stmxcsr 0xd0(%rsp)
        fnstcw  0xd4(%rsp)
        movl    0xd0(%rsp), %r9d
        movzwl  0xd4(%rsp), %r10d

        movq    %rsp, (%rcx)
        movq    (%rdx), %rsp

        movq    0xa0(%rsp), %rax
        movq    %rax, 0x00(%r8)
        movq    0xa8(%rsp), %rax
        movq    %rax, 0x08(%r8)
        movq    0xb0(%rsp), %rax
        movq    %rax, 0x10(%r8)
        movq    0xb8(%rsp), %rax
        movq    %rax, 0x20(%r8)
        movq    0xc0(%rsp), %rax
        movq    %rax, 0x1478(%r8)
        movl    0xc8(%rsp), %eax
        movl    %eax, 0x1748(%r8)

        /* Loading the control words is slow and nearly always for nothing: the low six bits of
         * mxcsr are flags of past operations, which nobody may rely on across a call. */
        xorl    0xd0(%rsp), %r9d
        testl   $0xffc0, %r9d
        je      1f
        ldmxcsr 0xd0(%rsp)
1:      cmpw    0xd4(%rsp), %r10w
        je      2f
        fldcw   0xd4(%rsp)
2:
        movaps  0x00(%rsp), %xmm6
        movaps  0x10(%rsp), %xmm7
        movaps  0x20(%rsp), %xmm8
        movaps  0x30(%rsp), %xmm9
        movaps  0x40(%rsp), %xmm10
        movaps  0x50(%rsp), %xmm11
        movaps  0x60(%rsp), %xmm12
        movaps  0x70(%rsp), %xmm13
        movaps  0x80(%rsp), %xmm14
        movaps  0x90(%rsp), %xmm15
        addq    $0xd8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rsi
        popq    %rdi
        popq    %rbx
        popq    %rbp
        popq    %rax
        jmp     *%rax
        .seh_endproc

/* void *eddy__switch_prepare(co, start): the first frame; rbx brings the coroutine. Above it are
 * what the outermost frame takes (40 bytes) and 0 as its return address. A leaf. */
FUNCTION(eddy__switch_prepare)
        .seh_endprologue
        movq    0(%rdx), %r8
        leaq    -(FRAME_SIZE + 48)(%r8), %rax

        xorl    %r10d, %r10d            /* zeroes from the frame's start to the stack's end */
        movq    %rax, %r9
1:      movq    %r10, (%r9)
        addq    $8, %r9
        cmpq    %r8, %r9
        jb      1b

        movq    $-1, 0xa0(%rax)         /* the end of Wine's chain of handlers */
        movq    %r8, 0xa8(%rax)
        movq    8(%rdx), %r9
        movq    %r9, 0xb0(%rax)
        movq    %gs:0x20, %r9
        movq    %r9, 0xb8(%rax)
        movq    16(%rdx), %r9
        movq    %r9, 0xc0(%rax)
        movq    24(%rdx), %r9
        movq    %r9, 0xc8(%rax)
        stmxcsr 0xd0(%rax)
        fnstcw  0xd4(%rax)
        movq    %rcx, 0x108(%rax)
        leaq    .Lfirst_step(%rip), %r9
        movq    %r9, 0x118(%rax)
        ret
        .seh_endproc

/* void *eddy__switch_stack_limit(context) */
FUNCTION(eddy__switch_stack_limit)
        .seh_endprologue
        movq    0xb0(%rcx), %rax
        ret
        .seh_endproc

/* The outermost frame of every coroutine; its return address is 0, which ends a backtrace. */
FUNCTION(eddy__switch_start)
        subq    $40, %rsp               /* never executed: describes the frame */
        .seh_stackalloc 40
        .seh_endprologue
        nop
.Lfirst_step:
        movq    %rbx, %rcx
        call    eddy__coroutine_main
        int3                            /* keeps the scan for an epilogue within the function */
        .seh_endproc

#endif
