/* SPDX-License-Identifier: MIT */
/*
 * The context switch for x86-64, System V.
 *
 * A suspended context is its stack pointer; the stack holds what a callee must preserve:
 *
 *     rsp + 0   mxcsr (4 bytes), x87 control word (2), unused (2)
 *     rsp + 8   r15, r14, r13, r12, rbx, rbp
 *     rsp + 56  where to go on
 *
 * The unwinding annotations hold on both sides of the exchange of rsp, since every suspended
 * stack has this shape. Going on is a jump and not a return: the processor's return predictor
 * would be wrong each time. With -fcf-protection the jump is marked `notrack`, as it lands behind a
 * call. Shadow stacks are not supported: this file does not declare itself compatible, so the
 * linker leaves them off for the program.
 */
#if defined(__x86_64__) && !defined(__ILP32__)

#if defined(__APPLE__)
#define SYMBOL(name) _##name
#define FUNCTION(name) .globl SYMBOL(name); .private_extern SYMBOL(name); .p2align 4; SYMBOL(name):
#define END(name)
#else
#define SYMBOL(name) name
#define FUNCTION(name) .globl name; .hidden name; .type name, @function; .p2align 4; name:
#define END(name) .size name, . - name
        .hidden eddy__coroutine_main
#endif

/* __CET__ & 1: -fcf-protection=branch. */
#if defined(__CET__) && (__CET__ & 1)
#define ENTRY_MARK endbr64
#else
#define ENTRY_MARK
#endif

        .text

/* void eddy__switch_to(from, to): both begin with the saved stack pointer. */
FUNCTION(eddy__switch_to)
        .cfi_startproc
        ENTRY_MARK
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movl    (%rsp), %eax
        movzwl  4(%rsp), %ecx

        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp

        /* Loading the control words is slow and nearly always for nothing: the low six bits of
         * mxcsr are flags of past operations, which nobody may rely on across a call. */
        xorl    (%rsp), %eax
        testl   $0xffc0, %eax
        jne     2f
1:      cmpw    4(%rsp), %cx
        jne     3f
4:      addq    $8, %rsp
        .cfi_remember_state
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rdx
        notrack jmp *%rdx
        .cfi_restore_state
2:      ldmxcsr (%rsp)
        jmp     1b
3:      fldcw   4(%rsp)
        jmp     4b
        .cfi_endproc
END(eddy__switch_to)

/* void *eddy__switch_prepare(top, co): the first frame; rbx brings the coroutine. */
FUNCTION(eddy__switch_prepare)
        .cfi_startproc
        ENTRY_MARK
        leaq    -80(%rdi), %rax
        xorl    %ecx, %ecx
        stmxcsr (%rax)
        fnstcw  4(%rax)
        movw    %cx, 6(%rax)
        movq    %rcx, 8(%rax)
        movq    %rcx, 16(%rax)
        movq    %rcx, 24(%rax)
        movq    %rcx, 32(%rax)
        movq    %rsi, 40(%rax)
        movq    %rcx, 48(%rax)
        leaq    first_step(%rip), %rdx
        movq    %rdx, 56(%rax)
        /* For those who walk frame pointers: the outermost frame, without a caller. */
        movq    %rcx, 64(%rax)
        movq    %rcx, 72(%rax)
        ret
        .cfi_endproc
END(eddy__switch_prepare)

/* The outermost frame of every coroutine; "no return address" ends a debugger's backtrace. */
FUNCTION(eddy__switch_start)
        .cfi_startproc
        .cfi_undefined %rip
        nop             /* Unwinders look up the address before the one to go on at. */
first_step:
        movq    %rbx, %rdi
        call    SYMBOL(eddy__coroutine_main)
        ud2
        .cfi_endproc
END(eddy__switch_start)

#if defined(__ELF__)
        .section .note.GNU-stack, "", @progbits
#if defined(__CET__) && (__CET__ & 1)
        /* Indirect branch tracking: compatible. The bit for shadow stacks (2) is left out. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 1, 0
#endif
#endif

#elif defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
