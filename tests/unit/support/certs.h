/* Certificates for tests of TLS, made when they are needed: FOLDER/FILE.crt and FOLDER/FILE.key. */
#pragma once
#include <stdbool.h>

struct cert_spec {
    const char *file;
    const char *name;   /* host name or address it is for */
    const char *signer; /* file of the authority, made before; NULL: signed by itself */
    int from_days;      /* from now; 0 stands for yesterday */
    int to_days;        /* from now; 0 stands for ten days */
    bool is_authority;
};

void cert_make(const char *folder, const struct cert_spec *spec);
