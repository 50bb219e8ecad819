#include "relay/entries/names.h"

#include "base/mem.h"

enum {
    ATTEMPTS_BY_WORDS = 4, /* to find a pair of words that is free */
    NUMBERS = 1000,
};

static const char *const reserved_labels[] = {"www", "admin", "api", "relay", "mail"};

static const char *const first_words[] = {
    "amber",  "ample",  "azure",  "bold",    "brave",  "breezy", "bright",   "brisk",  "calm",
    "candid", "cheery", "clear",  "clever",  "cosy",   "crisp",  "daring",   "deep",   "dewy",
    "eager",  "early",  "easy",   "even",    "fair",   "fancy",  "fine",     "fleet",  "fond",
    "frank",  "free",   "fresh",  "gentle",  "glad",   "golden", "grand",    "green",  "happy",
    "hardy",  "hazel",  "honest", "humble",  "ideal",  "jolly",  "keen",     "kind",   "lively",
    "loyal",  "lucky",  "lunar",  "mellow",  "merry",  "mild",   "mossy",    "neat",   "nimble",
    "noble",  "opal",   "open",   "patient", "placid", "plain",  "plucky",   "polite", "prime",
    "proud",  "pure",   "quick",  "quiet",   "rapid",  "ready",  "rosy",     "royal",  "russet",
    "sandy",  "serene", "sharp",  "shiny",   "silent", "silver", "simple",   "sleek",  "smart",
    "smooth", "snowy",  "solar",  "solid",   "sound",  "spry",   "steady",   "still",  "stout",
    "sturdy", "sunny",  "sure",   "swift",   "tender", "tidy",   "tranquil", "true",   "upbeat",
    "velvet", "vivid",  "warm",   "wise",    "witty",  "young",  "zesty",
};

static const char *const second_words[] = {
    "acorn",   "alder",   "aspen",  "badger", "beacon",  "beaver", "birch",   "bison",   "brook",
    "canyon",  "cedar",   "cliff",  "cloud",  "clover",  "comet",  "coral",   "cove",    "crane",
    "creek",   "daisy",   "delta",  "dune",   "eagle",   "ember",  "falcon",  "fern",    "finch",
    "fjord",   "forest",  "fox",    "garnet", "glacier", "glade",  "grove",   "gull",    "harbor",
    "hare",    "hawk",    "heath",  "heron",  "hill",    "island", "ivy",     "jasper",  "juniper",
    "kestrel", "lagoon",  "lake",   "larch",  "lark",    "lichen", "lily",    "lynx",    "maple",
    "marmot",  "marsh",   "marten", "meadow", "mesa",    "mist",   "moor",    "moss",    "oak",
    "ocean",   "orchid",  "osprey", "otter",  "owl",     "pebble", "pine",    "plover",  "pond",
    "poplar",  "prairie", "quail",  "quartz", "rain",    "raven",  "reed",    "reef",    "ridge",
    "river",   "robin",   "rowan",  "sage",   "seal",    "shore",  "slate",   "sparrow", "spruce",
    "star",    "stoat",   "stone",  "summit", "swallow", "tern",   "thicket", "thrush",  "tide",
    "trail",   "valley",  "violet", "willow", "wren",    "yarrow", "zephyr",
};

static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Reserved words are none here: in a whole host they are the owner's business. */
static int add_label(struct slice label, struct text *out, struct errinfo *info)
{
    if (label.len == 0 || label.len > NAME_LABEL_MAX) {
        return errinfo_set(info, ERR_INVALID, "'%.*s': a name has 1 to %d characters",
                           SLICE_ARG(label), NAME_LABEL_MAX);
    }
    for (size_t i = 0; i < label.len; i++) {
        char c = ascii_lower(label.ptr[i]);
        if (!is_label_char(c)) {
            return errinfo_set(info, ERR_INVALID,
                               "'%.*s': a name is made of letters, digits and inner hyphens",
                               SLICE_ARG(label));
        }
        text_add_char(out, c);
    }
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') {
        return errinfo_set(info, ERR_INVALID, "'%.*s': a hyphen stands between other characters",
                           SLICE_ARG(label));
    }
    return 0;
}

int names_check_label(struct slice label, struct text *name_out, struct errinfo *info)
{
    if (label.len && label.ptr[0] == '_') {
        return errinfo_set(info, ERR_INVALID, "'%.*s': names with _ belong to the relay",
                           SLICE_ARG(label));
    }
    for (size_t i = 0; i < COUNT_OF(reserved_labels); i++) {
        if (slice_equal_nocase(label, slice_str(reserved_labels[i]))) {
            return errinfo_set(info, ERR_INVALID, "'%.*s' is kept for the relay itself",
                               SLICE_ARG(label));
        }
    }
    return add_label(label, name_out, info);
}

int names_check_host(struct slice host, struct text *host_out, struct errinfo *info)
{
    struct slice rest = host;
    bool is_first = true;

    if (host.len > NAME_HOST_MAX) {
        return errinfo_set(info, ERR_INVALID, "a host has at most %d characters", NAME_HOST_MAX);
    }
    while (rest.ptr) {
        struct slice label = slice_cut(&rest, '.');
        if (!is_first) {
            text_add_char(host_out, '.');
        }
        if (is_first && slice_is(label, "*")) {
            text_add_char(host_out, '*');
        } else {
            TRY(add_label(label, host_out, info));
        }
        is_first = false;
    }
    return 0;
}

/* Another number for each seed and attempt, as if drawn by lot. Not table_hash_u64: agents keep
 * their names as long as this stays as it is. */
static uint64_t draw(uint64_t seed, unsigned attempt)
{
    uint64_t pick = seed + attempt * 0x9e3779b97f4a7c15u;

    pick ^= pick >> 31;
    pick *= 0xd6e8feb86659fd93u;
    return pick ^ pick >> 29;
}

void names_two_words(uint64_t seed, unsigned attempt, struct text *name_out)
{
    uint64_t pick = draw(seed, attempt);

    text_add_str(name_out, first_words[pick % COUNT_OF(first_words)]);
    text_add_char(name_out, '-');
    pick /= COUNT_OF(first_words);
    text_add_str(name_out, second_words[pick % COUNT_OF(second_words)]);
    pick /= COUNT_OF(second_words);
    if (attempt >= ATTEMPTS_BY_WORDS) {
        text_addf(name_out, "-%u", (unsigned)(pick % NUMBERS));
    }
}
