/* SPDX-License-Identifier: MIT */
/**
 * Whom the system trusts, for who verifies certificates. src/posix/trust.c and src/win32/trust.c
 * supply the functions.
 */
#ifndef EDDY_COMMON_TRUST_H
#define EDDY_COMMON_TRUST_H

#include <eddy/base.h>

/** Whose certificates are to be verified. */
enum eddy__trust_use { EDDY__TRUST_SERVERS, EDDY__TRUST_CLIENTS };

/** Hears of one trusted root, in DER, lent. 0 to go on; a negative code ends the telling. */
typedef int (*eddy__trust_visitor)(void *arg, const unsigned char *der, size_t size);

/**
 * Tell of each root in the system's store that is for `use`: how many there were, 0 where the
 * system has none but files, the visitor's code, or the system's error with a text. Any thread.
 */
int eddy__trust_visit(enum eddy__trust_use use, eddy__trust_visitor visit, void *arg);

/**
 * Where distributions keep all roots in one PEM file: paths, of which one may exist, the end marked
 * by NULL. Any thread.
 */
const char *const *eddy__trust_files(void);

#endif
