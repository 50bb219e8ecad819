/* Messages after a handshake, in any cut, to either side: the cut changes nothing but where a
 * KeyUpdate may end. The first byte chooses side and cut. */
#include "base/mem.h"
#include "tls/tls13_post_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int read_part(struct tls13_post *p, struct slice part, bool is_client,
                     struct tls13_news *news)
{
    struct bufq content = {0};

    bufq_push_slice(&content, part);
    int alert = tls13_post_read(p, &content, is_client, news);
    ASSERT(alert != 0 || bufq_is_empty(&content));
    ASSERT(p->have < TLS13_UPDATE_BYTES || alert != 0);
    ASSERT(p->skip == 0 || is_client);
    ASSERT(!news->wants_ours || news->has_new_keys);
    bufq_clear(&content);
    return alert;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tls13_post whole = {0}, cut = {0};
    struct tls13_news news, first, second;

    if (size < 2) {
        return 0;
    }
    bool is_client = bytes[0] & 1;
    struct slice all = slice_of(bytes + 1, size - 1);
    size_t at = (size_t)(bytes[0] >> 1) % all.len;
    int alert = read_part(&whole, all, is_client, &news);
    if (at == 0 || read_part(&cut, slice_sub(all, 0, at), is_client, &first) != 0) {
        return 0;
    }
    int cut_alert = read_part(&cut, slice_sub(all, at, all.len), is_client, &second);
    if (!first.has_new_keys) {
        ASSERT(cut_alert == alert && second.has_new_keys == news.has_new_keys);
    }
    return 0;
}
