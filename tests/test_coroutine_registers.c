/* SPDX-License-Identifier: MIT */
/* What a switch must preserve: registers, the floating-point environment, the stack's alignment. */
#include "support/coroutine.h"
#include <fenv.h>
#include <stdio.h>
#include <string.h>

/*
 * More values than there are registers that a call preserves, live across a switch. The compiler
 * keeps what it can in registers, so a register that the switch loses shows in the sum.
 */
static uint64_t work_integers(struct fixture *f, uint64_t seed, void (*yield)(struct fixture *))
{
    uint64_t a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 5;
    uint64_t e = seed + 7, g = seed + 11, h = seed + 13, i = seed + 17;
    uint64_t j = seed + 19, k = seed + 23, l = seed + 29, m = seed + 31;

    for (unsigned n = 0; n < 20; n++) {
        yield(f);
        a += b * 3;
        b ^= c << 1;
        c += d;
        d ^= e;
        e += g * 7;
        g ^= h;
        h += i;
        i ^= j << 3;
        j += k;
        k ^= l;
        l += m;
        m ^= a;
    }
    return a ^ b ^ c ^ d ^ e ^ g ^ h ^ i ^ j ^ k ^ l ^ m;
}

static double work_doubles(struct fixture *f, double seed, void (*yield)(struct fixture *))
{
    double a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 5;
    double e = seed + 7, g = seed + 11, h = seed + 13, i = seed + 17;

    for (unsigned n = 0; n < 20; n++) {
        yield(f);
        a += b * 0.5;
        b += c * 0.25;
        c += d * 0.125;
        d += e * 0.5;
        e += g * 0.25;
        g += h * 0.125;
        h += i * 0.5;
        i += a * 0.0625;
    }
    return a + b + c + d + e + g + h + i;
}

static void no_yield(struct fixture *f)
{
    (void)f;
}

static void registers_entry(void *arg)
{
    struct fixture *f = arg;

    f->flag = work_integers(f, 1000, fixture_suspend) == work_integers(f, 1000, no_yield);
    f->flag = f->flag && work_doubles(f, 1e3, fixture_suspend) == work_doubles(f, 1e3, no_yield);
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_registers_survive_on_both_sides(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, registers_entry);
    assert_true(work_integers(&f, 7, fixture_resume) == work_integers(&f, 7, no_yield));
    assert_true(work_doubles(&f, 0.5, fixture_resume) == work_doubles(&f, 0.5, no_yield));
    fixture_resume(&f); /* Their 40 rounds end in the 41st. */
    assert_true(f.flag);
    fixture_end(&f);
    fixture_fini(&f);
}

/* What arithmetic does; x86-64 has a second control word that fegetround() does not look at. */
static int rounding_of_arithmetic(void)
{
#if defined(EDDY_VALGRIND)
    return fegetround(); /* Valgrind always rounds sums to nearest. */
#else
    volatile double one = 1, tiny = 1e-30;
    volatile double above = one + tiny, below = one - tiny;

    if (above > 1) {
        return FE_UPWARD;
    }
    return below < 1 ? FE_DOWNWARD : FE_TONEAREST;
#endif
}

static void rounding_entry(void *arg)
{
    struct fixture *f = arg;

    f->number = (uintptr_t)rounding_of_arithmetic();
    (void)fesetround(FE_UPWARD);
    fixture_suspend(f);
    f->flag = fegetround() == FE_UPWARD && rounding_of_arithmetic() == FE_UPWARD;
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_rounding_mode_belongs_to_the_coroutine(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, rounding_entry);
    fixture_resume(&f);
    assert_int_equal(f.number, FE_TONEAREST);
    assert_int_equal(fegetround(), FE_TONEAREST);
    assert_int_equal(rounding_of_arithmetic(), FE_TONEAREST);
    (void)fesetround(FE_DOWNWARD);
    fixture_resume(&f);
    int mode = fegetround() == rounding_of_arithmetic() ? fegetround() : -1;
    (void)fesetround(FE_TONEAREST);
    assert_true(f.flag);
    assert_int_equal(mode, FE_DOWNWARD);
    fixture_end(&f);
    fixture_fini(&f);
}

static void alignment_entry(void *arg)
{
    struct fixture *f = arg;
    _Alignas(16) volatile unsigned char aligned[16];
    char text[64];

    aligned[0] = 0;
    f->number = (uintptr_t)aligned % 16;
    /* Code of the C library that stores whole vector registers faults on a crooked stack. */
    (void)snprintf(text, sizeof text, "%.3f %s", 1.5, "x");
    f->flag = strcmp(text, "1.500 x") == 0;
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_entry_gets_an_aligned_stack(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, alignment_entry);
    fixture_resume(&f);
    assert_int_equal(f.number, 0);
    assert_true(f.flag);
    fixture_end(&f);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers_survive_on_both_sides),
        cmocka_unit_test(test_rounding_mode_belongs_to_the_coroutine),
        cmocka_unit_test(test_entry_gets_an_aligned_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
