/* SPDX-License-Identifier: MIT */
#include "common/trust.h"
#include "common/error.h"
#if defined(__APPLE__)
#include <TargetConditionals.h>
#endif

#if defined(__APPLE__) && TARGET_OS_OSX
#include <Security/Security.h>

/*
 * The roots that Apple ships. What an administrator or a user added or forbade is settings for
 * SecTrustEvaluateWithError(), no list, so it has no part here: who wants that names files.
 */
int eddy__trust_visit(enum eddy__trust_use use, eddy__trust_visitor visit, void *arg)
{
    CFArrayRef anchors = NULL;
    OSStatus status = SecTrustCopyAnchorCertificates(&anchors);
    CFIndex count;
    int result = 0;

    (void)use; /* as that is no part of the list, either */
    if (status != errSecSuccess)
        return eddy_error(EDDY_EUNKNOWN, "the system's trusted roots: error %ld", (long)status);
    count = CFArrayGetCount(anchors);
    for (CFIndex i = 0; i < count && result >= 0; i++) {
        CFTypeRef anchor = CFArrayGetValueAtIndex(anchors, i);
        CFDataRef der = SecCertificateCopyData((SecCertificateRef)(uintptr_t)anchor);

        if (der == NULL)
            continue;
        result = visit(arg, CFDataGetBytePtr(der), (size_t)CFDataGetLength(der));
        CFRelease(der);
    }
    CFRelease(anchors);
    return result < 0 ? result : (int)count;
}
#else
/* Files are all there is: those OpenSSL was built for, or the ones below. */
int eddy__trust_visit(enum eddy__trust_use use, eddy__trust_visitor visit, void *arg)
{
    (void)use, (void)visit, (void)arg;
    return 0;
}
#endif

const char *const *eddy__trust_files(void)
{
    static const char *const files[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* older ones of them */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
        "/etc/ssl/cert.pem",                                 /* Alpine, OpenBSD, FreeBSD, macOS */
        "/etc/openssl/certs/ca-certificates.crt",            /* NetBSD */
        "/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD, DragonFly: the port */
        NULL,
    };

    return files;
}
