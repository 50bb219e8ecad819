#include "wire/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct slice bytes, char *out)
{
    const uint8_t *in = (const uint8_t *)bytes.ptr;

    for (size_t left = bytes.len; left > 0;) {
        uint32_t group = (uint32_t)in[0] << 16;
        group |= left > 1 ? (uint32_t)in[1] << 8 : 0;
        group |= left > 2 ? in[2] : 0;
        out[0] = alphabet[group >> 18];
        out[1] = alphabet[group >> 12 & 63];
        out[2] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        out[3] = left > 2 ? alphabet[group & 63] : '=';
        size_t taken = left < 3 ? left : 3;
        in += taken;
        left -= taken;
        out += 4;
    }
}

/* The six bits of a character, or -1. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t padding(struct slice text)
{
    if (text.len == 0 || text.ptr[text.len - 1] != '=') {
        return 0;
    }
    return text.ptr[text.len - 2] == '=' ? 2 : 1;
}

/* Four characters, the last `pad` of them '='; gives 3 - pad bytes. */
static int decode_group(const char *in, size_t pad, uint8_t *out)
{
    uint32_t group = 0;

    for (size_t i = 0; i < 4; i++) {
        int bits = i < 4 - pad ? sextet(in[i]) : 0;
        if (bits < 0) {
            return ERR_INVALID;
        }
        group = group << 6 | (uint32_t)bits;
    }
    if (group & ((1u << 8 * pad) - 1)) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < 3 - pad; i++) {
        out[i] = (uint8_t)(group >> (16 - 8 * i));
    }
    return 0;
}

int base64_decode(struct slice text, uint8_t *out, size_t cap, size_t *length_out)
{
    if (text.len % 4 != 0) {
        return ERR_INVALID;
    }
    size_t pad = padding(text);
    size_t length = BASE64_BYTES_MAX(text.len) - pad;
    if (length > cap) {
        return ERR_TOO_LARGE;
    }
    for (size_t at = 0; at < text.len; at += 4) {
        bool is_last = at + 4 == text.len;
        TRY(decode_group(text.ptr + at, is_last ? pad : 0, out + at / 4 * 3));
    }
    *length_out = length;
    return 0;
}
