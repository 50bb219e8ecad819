/* Records of TLS 1.3: bytes of anybody never open, content of any sort opens to what was sealed or
 * is refused. The first byte says where the record is cut, and whose cipher it is. */
#include "base/mem.h"
#include "tls/tls13_protect_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const uint8_t secret[32] = {7};

static bool is_bulk; /* the cipher for bulk, where there is one */

static struct tls13_keys new_keys(void)
{
    struct tls13_suite suite = {GNUTLS_CIPHER_AES_128_GCM, GNUTLS_MAC_SHA256};
    struct tls13_keys k;

    ASSERT(tls13_keys_init(&k, suite, slice_of(secret, sizeof secret)) == 0);
    k.small_bytes_left = is_bulk ? 1 : k.small_bytes_left;
    return k;
}

static void open_raw(struct slice raw, size_t cut)
{
    struct tls13_keys k = new_keys();
    struct bufq in = {0}, out = {0};
    gnutls_alert_description_t alert;
    enum tls13_type type;

    bufq_push_slice(&in, slice_sub(raw, 0, cut));
    if (tls13_open(&k, &in, &out, &type, &alert) == ERR_MORE) {
        ASSERT(!tls13_has_record(&in));
        bufq_push_slice(&in, slice_sub(raw, cut, raw.len));
        int err = tls13_open(&k, &in, &out, &type, &alert);
        ASSERT(err == ERR_MORE || err == ERR_TLS);
    }
    ASSERT(bufq_is_empty(&out));
    bufq_clear(&in);
    tls13_keys_deinit(&k);
}

/* The input's own end is the inner type, and padding. */
static void open_sealed(struct slice content)
{
    struct tls13_keys there = new_keys(), back = new_keys();
    struct bufq text = {0}, record = {0}, out = {0};
    gnutls_alert_description_t alert;
    enum tls13_type type;

    bufq_push_slice(&text, content);
    tls13_seal(&there, 0, &text, text.bytes, &record);
    int err = tls13_open(&back, &record, &out, &type, &alert);
    ASSERT(err == 0 || err == ERR_TLS);
    if (err == 0) {
        struct slice came = out.bytes ? bufq_pullup(&out, out.bytes) : SLICE_NONE;
        ASSERT(bufq_is_empty(&record) && came.len < content.len);
        ASSERT(memcmp(came.ptr ? came.ptr : "", content.ptr, came.len) == 0);
        ASSERT((uint8_t)content.ptr[came.len] == type);
    }
    bufq_clear(&record);
    bufq_clear(&out);
    tls13_keys_deinit(&there);
    tls13_keys_deinit(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1 || size > TLS13_SEAL_BYTES) {
        return 0;
    }
    struct slice raw = slice_of(bytes + 1, size - 1);
    is_bulk = bytes[0] % 2;
    open_raw(raw, bytes[0] < raw.len ? bytes[0] : raw.len);
    open_sealed(raw);
    ASSERT(chunk_stats().in_use == 0);
    return 0;
}
