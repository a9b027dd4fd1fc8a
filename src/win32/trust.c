/* SPDX-License-Identifier: MIT */
#include "common/trust.h"
#include "common/error.h"
#include "win32/system.h"
#include <wincrypt.h>

/*
 * The roots for this user and this computer. Windows fetches roots it knows, but has not needed
 * yet, from its maker when its own verification asks for them; a list cannot show those.
 */
int eddy__trust_visit(eddy__trust_visitor visit, void *arg)
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
