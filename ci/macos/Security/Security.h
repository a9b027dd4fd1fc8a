/* SPDX-License-Identifier: MIT */
/**
 * A stand-in for Apple's header where it cannot be had: what src/posix/trust.c calls, so that it
 * can be compiled on another system. Never used on a Mac.
 */
#ifndef EDDY_CI_MACOS_SECURITY_H
#define EDDY_CI_MACOS_SECURITY_H

#include <stdint.h>

typedef int32_t OSStatus;
typedef long CFIndex;
typedef const void *CFTypeRef;
typedef const struct __CFArray *CFArrayRef;
typedef const struct __CFData *CFDataRef;
typedef struct __SecCertificate *SecCertificateRef;

enum { errSecSuccess = 0 };

OSStatus SecTrustCopyAnchorCertificates(CFArrayRef *anchors);
CFDataRef SecCertificateCopyData(SecCertificateRef certificate);
CFIndex CFArrayGetCount(CFArrayRef array);
const void *CFArrayGetValueAtIndex(CFArrayRef array, CFIndex index);
const uint8_t *CFDataGetBytePtr(CFDataRef data);
CFIndex CFDataGetLength(CFDataRef data);
void CFRelease(CFTypeRef object);

#endif
