/* SPDX-License-Identifier: MIT */
/** Event loop policies: where loops come from (POL-1..POL-7). */
#ifndef EDDY_POLICY_H
#define EDDY_POLICY_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Absent functions are EDDY_ENOTSUPPORTED (POL-3). `reserved` must be zero. */
typedef struct eddy_policy_callbacks {
    /** Set `*loop`, borrowed by the caller, or fail; 0 with NULL is EDDY_EBADSTATE. */
    int (*get_event_loop)(eddy_policy *policy, eddy_loop **loop);
    int (*set_event_loop)(eddy_policy *policy, eddy_loop *loop);
    /** Set `*loop` to a new loop; the reference is the caller's. */
    int (*new_event_loop)(eddy_policy *policy, eddy_loop **loop);
    void *reserved[4];
} eddy_policy_callbacks;

/** First member of every policy. The program keeps its policy alive while it is in force. */
struct eddy_policy {
    const eddy_policy_callbacks *callbacks;
    void *reserved[2];
};

/** The policy in force; never NULL, the same one until it is replaced (POL-1). Any thread. */
EDDY_API eddy_policy *eddy_get_event_loop_policy(void);

/** Replace it; NULL restores a fresh default. Without callbacks: EDDY_EINVALID (POL-2). */
EDDY_API int eddy_set_event_loop_policy(eddy_policy *policy);

/**
 * What the default policy does (POL-4..POL-6), for policies that change only a part: `policy` is
 * ignored.
 */
EDDY_API int eddy_default_policy_get_event_loop(eddy_policy *policy, eddy_loop **loop);
EDDY_API int eddy_default_policy_set_event_loop(eddy_policy *policy, eddy_loop *loop);
EDDY_API int eddy_default_policy_new_event_loop(eddy_policy *policy, eddy_loop **loop);

#ifdef __cplusplus
}
#endif

#endif
