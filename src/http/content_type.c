#include "http/content_type.h"

#include "base/mem.h"

static const struct {
    struct slice ending;
    struct slice type;
} types[] = {
#define TYPE(ending, type)                                                                         \
    {                                                                                              \
        {"." ending, sizeof("." ending) - 1},                                                      \
        {                                                                                          \
            type, sizeof(type) - 1                                                                 \
        }                                                                                          \
    }
    TYPE("html", "text/html; charset=utf-8"),
    TYPE("htm", "text/html; charset=utf-8"),
    TYPE("css", "text/css; charset=utf-8"),
    TYPE("js", "text/javascript; charset=utf-8"),
    TYPE("mjs", "text/javascript; charset=utf-8"),
    TYPE("json", "application/json"),
    TYPE("map", "application/json"),
    TYPE("txt", "text/plain; charset=utf-8"),
    TYPE("md", "text/markdown; charset=utf-8"),
    TYPE("csv", "text/csv; charset=utf-8"),
    TYPE("xml", "application/xml"),
    TYPE("svg", "image/svg+xml"),
    TYPE("png", "image/png"),
    TYPE("jpg", "image/jpeg"),
    TYPE("jpeg", "image/jpeg"),
    TYPE("gif", "image/gif"),
    TYPE("webp", "image/webp"),
    TYPE("avif", "image/avif"),
    TYPE("ico", "image/x-icon"),
    TYPE("woff", "font/woff"),
    TYPE("woff2", "font/woff2"),
    TYPE("ttf", "font/ttf"),
    TYPE("otf", "font/otf"),
    TYPE("mp3", "audio/mpeg"),
    TYPE("ogg", "audio/ogg"),
    TYPE("wav", "audio/wav"),
    TYPE("mp4", "video/mp4"),
    TYPE("webm", "video/webm"),
    TYPE("pdf", "application/pdf"),
    TYPE("wasm", "application/wasm"),
    TYPE("zip", "application/zip"),
    TYPE("gz", "application/gzip"),
#undef TYPE
};

struct slice content_type_of(struct slice file_name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (slice_ends_nocase(file_name, types[i].ending)) {
            return types[i].type;
        }
    }
    return SLICE("application/octet-stream");
}
