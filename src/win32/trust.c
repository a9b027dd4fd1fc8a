/* SPDX-License-Identifier: MIT */
#include "win32/trust.h"
#include "common/error.h"
#include "common/memory.h"
#include <string.h>

static bool usage_has(const CERT_ENHKEY_USAGE *usage, const char *wanted)
{
    for (DWORD i = 0; i < usage->cUsageIdentifier; i++) {
        if (strcmp(usage->rgpszUsageIdentifier[i], wanted) == 0 ||
            strcmp(usage->rgpszUsageIdentifier[i], szOID_ANY_ENHANCED_KEY_USAGE) == 0)
            return true;
    }
    return false;
}

int eddy__trust_allows(const CERT_CONTEXT *root, enum eddy__trust_use use)
{
    const char *wanted =
        use == EDDY__TRUST_SERVERS ? szOID_PKIX_KP_SERVER_AUTH : szOID_PKIX_KP_CLIENT_AUTH;
    CERT_ENHKEY_USAGE *usage;
    DWORD size = 0;
    int allowed;

    if (!CertGetEnhancedKeyUsage(root, 0, NULL, &size) || size < sizeof *usage)
        return GetLastError() == (DWORD)CRYPT_E_NOT_FOUND;
    usage = eddy__alloc(size);
    if (usage == NULL)
        return EDDY_ENOMEM;
    /* An empty list is for everything with this error, and for nothing without one. */
    SetLastError(0);
    if (!CertGetEnhancedKeyUsage(root, 0, usage, &size) || usage->cUsageIdentifier == 0)
        allowed = GetLastError() == (DWORD)CRYPT_E_NOT_FOUND;
    else
        allowed = usage_has(usage, wanted);
    eddy__free(usage);
    return allowed;
}

/*
 * The roots for this user and this computer, as far as they are for such peers. Windows fetches
 * roots it knows, but has not needed yet, from its maker when its own verification asks for them; a
 * list cannot show those.
 */
int eddy__trust_visit(enum eddy__trust_use use, eddy__trust_visitor visit, void *arg)
{
    HCERTSTORE store = CertOpenSystemStoreW(0, L"ROOT");
    const CERT_CONTEXT *root = NULL;
    int count = 0;
    int result = 0;

    if (store == NULL) {
        int code = eddy__system_error(GetLastError());

        return eddy_error(code, "the system's trusted roots: %s", eddy_strerror(code));
    }
    while (result >= 0 && (root = CertEnumCertificatesInStore(store, root)) != NULL) {
        if ((root->dwCertEncodingType & X509_ASN_ENCODING) == 0)
            continue;
        result = eddy__trust_allows(root, use);
        if (result <= 0)
            continue;
        result = visit(arg, root->pbCertEncoded, root->cbCertEncoded);
        count++;
    }
    if (result < 0)
        CertFreeCertificateContext(root);
    CertCloseStore(store, 0);
    return result < 0 ? result : count;
}

const char *const *eddy__trust_files(void)
{
    static const char *const files[] = {NULL};

    return files;
}
