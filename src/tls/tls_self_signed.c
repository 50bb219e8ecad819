/* The identity of a relay nobody gave a certificate: a key of its own and a certificate that says
 * only that. The key is what matters, for clients pin it: it is written first, whole or not at all,
 * and a certificate that is missing is made anew for the key that is there. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "tls/tls_priv.h"

enum {
    DAY_S = 24 * 3600,
    LIFE_DAYS = 3652,
    SERIAL_BYTES = 16,
    HOST_NAME_MAX_BYTES = 253,
    COMMON_NAME_MAX_BYTES = 64, /* RFC 5280, upper bounds */
};

/* ---- files ---- */

static int write_all(int fd, struct slice content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        content = slice_sub(content, n > 0 ? (size_t)n : 0, content.len);
    }
    return fsync(fd);
}

/* Readable by us only; whole or not at all, also when the machine stops meanwhile. */
static int write_file(const char *file, struct slice content, struct errinfo *why)
{
    char draft[4096 + 8];

    snprintf(draft, sizeof draft, "%s.new", file);
    unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool is_written = fd >= 0 && write_all(fd, content) == 0;
    int cause = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (is_written && rename(draft, file) == 0) {
        return 0;
    }
    cause = is_written ? errno : cause;
    unlink(draft);
    return errinfo_set(why, ERR_STORAGE, "cannot write %s: %s", file, strerror(cause));
}

static bool exists(const char *file)
{
    return access(file, F_OK) == 0;
}

/* ---- the key ---- */

static int make_key(const char *file, struct errinfo *why)
{
    gnutls_x509_privkey_t key;
    gnutls_datum_t pem;

    int ret = gnutls_x509_privkey_init(&key);
    ASSERT(ret == 0);
    ret = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    ASSERT(ret == 0);
    ret =
        gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    ASSERT(ret == 0);
    gnutls_x509_privkey_deinit(key);
    int err = write_file(file, slice_of(pem.data, pem.size), why);
    mem_wipe(pem.data, pem.size);
    gnutls_free(pem.data);
    return err;
}

static int load_key(const char *file, gnutls_x509_privkey_t key, struct errinfo *why)
{
    gnutls_datum_t pem;

    int ret = gnutls_load_file(file, &pem);
    if (ret == 0) {
        ret = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
        mem_wipe(pem.data, pem.size);
        gnutls_free(pem.data);
    }
    return ret == 0 ? 0
                    : errinfo_set(why, ERR_CONFIG, "%s is not a key in PEM: %s", file,
                                  gnutls_strerror(ret));
}

/* ---- the certificate ---- */

static bool is_host_name(const char *name)
{
    size_t length = strlen(name);
    size_t plain =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*");

    return length > 0 && length <= HOST_NAME_MAX_BYTES && plain == length;
}

/* For people who look at it: those who connect go by the pin. So what is no host name and no
 * address is left out. */
static void set_name(gnutls_x509_crt_t cert, const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *common = is_host_name(name) ? name : "adit";
    int ret = gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, common,
                                            (unsigned)strnlen(common, COMMON_NAME_MAX_BYTES));

    ASSERT(ret == 0);
    if (inet_pton(AF_INET, name, address) == 1) {
        ret = gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, address, 4, 0);
    } else if (inet_pton(AF_INET6, name, address) == 1) {
        ret = gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, address, 16, 0);
    } else if (is_host_name(name)) {
        ret = gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name,
                                                   (unsigned)strlen(name), 0);
    }
    ASSERT(ret == 0);
}

static void fill_in(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, const char *name)
{
    uint8_t serial[SERIAL_BYTES];
    time_t now = time(NULL);

    random_bytes(serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x3F) | 0x40); /* positive, and never shorter */
    int ret = gnutls_x509_crt_set_version(cert, 3);
    ASSERT(ret == 0);
    ret = gnutls_x509_crt_set_serial(cert, serial, sizeof serial);
    ASSERT(ret == 0);
    ret = gnutls_x509_crt_set_activation_time(cert, now - DAY_S); /* clocks differ */
    ASSERT(ret == 0);
    ret = gnutls_x509_crt_set_expiration_time(cert, now + (time_t)LIFE_DAYS * DAY_S);
    ASSERT(ret == 0);
    ret = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
    ASSERT(ret == 0);
    ret = gnutls_x509_crt_set_ca_status(cert, 0);
    ASSERT(ret == 0);
    ret = gnutls_x509_crt_set_key(cert, key);
    ASSERT(ret == 0);
    set_name(cert, name);
}

static int make_certificate(const char *file, const char *key_file, const char *name,
                            struct errinfo *why)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    gnutls_datum_t pem = {0};

    int ret = gnutls_x509_privkey_init(&key);
    ASSERT(ret == 0);
    ret = gnutls_x509_crt_init(&cert);
    ASSERT(ret == 0);
    int err = load_key(key_file, key, why);
    if (err == 0) {
        fill_in(cert, key, name);
        ret = gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0);
        ASSERT(ret == 0);
        ret = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem);
        ASSERT(ret == 0);
        err = write_file(file, slice_of(pem.data, pem.size), why);
        gnutls_free(pem.data);
    }
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
    return err;
}

int tls_self_signed_make(const char *cert_file, const char *key_file, const char *name,
                         struct errinfo *why)
{
    if (!exists(key_file)) {
        unlink(cert_file); /* one that is left over belongs to a lost key */
        TRY(make_key(key_file, why));
    }
    return exists(cert_file) ? 0 : make_certificate(cert_file, key_file, name, why);
}
