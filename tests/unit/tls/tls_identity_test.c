/* Certificates and keys in files, and whom a client trusts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "support/certs.h"
#include "support/folder.h"
#include "tls/tls_identity.h"

static struct folder folder;
static char cert_file[128];
static char key_file[128];

static int fill_folder(void **state)
{
    (void)state;
    folder_make(&folder);
    snprintf(cert_file, sizeof cert_file, "%s", folder_path(&folder, "relay.crt"));
    snprintf(key_file, sizeof key_file, "%s", folder_path(&folder, "relay.key"));
    cert_make(folder.path,
              &(struct cert_spec){.file = "ca", .name = "Test CA", .is_authority = true});
    cert_make(folder.path, &(struct cert_spec){.file = "a", .name = "a.test", .signer = "ca"});
    cert_make(folder.path, &(struct cert_spec){.file = "b", .name = "b.test"});
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

static void make(const char *name, struct tls_pin *pin_out)
{
    struct tls_identity *i = NULL;
    struct errinfo why = {0};

    int err = tls_identity_load_or_make(folder.path, name, &i, &why);
    if (err < 0) {
        fail_msg("%s", why.text);
    }
    tls_identity_pin(i, pin_out);
    tls_identity_unref(&i);
    assert_null(i);
}

static void the_first_start_makes_a_key_only_we_can_read(void **state)
{
    (void)state;
    struct tls_pin pin;
    struct stat st;

    make("relay.test", &pin);
    assert_int_equal(stat(key_file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(cert_file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void later_starts_keep_the_key_also_when_the_certificate_is_lost(void **state)
{
    (void)state;
    struct tls_pin first;
    struct tls_pin again;

    make("relay.test", &first);
    make("relay.test", &again);
    assert_memory_equal(&first, &again, sizeof first);
    assert_int_equal(unlink(cert_file), 0);
    make("192.0.2.7", &again);
    assert_memory_equal(&first, &again, sizeof first);
}

static void a_lost_key_is_replaced_with_its_certificate(void **state)
{
    (void)state;
    struct tls_pin first;
    struct tls_pin again;

    make("relay.test", &first);
    assert_int_equal(unlink(key_file), 0);
    make("::1", &again);
    assert_memory_not_equal(&first, &again, sizeof first);
}

static void any_name_will_do(void **state)
{
    (void)state;
    static const char *const names[] = {"", "adit relay", "a\xff", "*.example.com", "192.0.2.1"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tls_pin pin;
        assert_int_equal(unlink(cert_file), 0);
        make(names[i], &pin);
    }
}

static void a_folder_that_is_missing_is_named(void **state)
{
    (void)state;
    struct tls_identity *i;
    struct errinfo why = {0};

    assert_int_equal(tls_identity_load_or_make("/nonexistent", "x", &i, &why), ERR_STORAGE);
    assert_string_equal(why.text, "cannot write /nonexistent/relay.key: No such file or directory");
}

static void load(const char *cert, const char *key, int want, struct errinfo *why)
{
    struct tls_identity *i = NULL;

    assert_int_equal(
        tls_identity_load(folder_path(&folder, cert), folder_path(&folder, key), &i, why), want);
    tls_identity_unref(&i);
}

static void assert_says(const struct errinfo *why, const char *sentence)
{
    if (slice_find(slice_str(why->text), slice_str(sentence)) == strlen(why->text)) {
        fail_msg("\"%s\" is not in \"%s\"", sentence, why->text);
    }
}

static void files_that_do_not_fit_are_told_apart(void **state)
{
    (void)state;
    struct errinfo why[3] = {0};

    load("none.crt", "a.key", ERR_CONFIG, &why[0]);
    assert_says(&why[0], "none.crt: No such file or directory");
    load("a.crt", "b.key", ERR_CONFIG, &why[1]);
    assert_says(&why[1], "does not belong to the certificate");
    load("a.key", "a.crt", ERR_CONFIG, &why[2]);
    assert_says(&why[2], "are not a certificate and a key in PEM");
}

static void issuer_and_expiry_are_known(void **state)
{
    (void)state;
    struct tls_identity *i;

    assert_int_equal(
        tls_identity_load(folder_path(&folder, "a.crt"), folder_path(&folder, "a.key"), &i, NULL),
        0);
    assert_true(slice_is(tls_identity_issuer(i), "Test CA"));
    int64_t days_left = ((int64_t)tls_identity_expires_at_ms(i) - (int64_t)clock_wall_ms()) /
                        86400000;
    assert_in_range(days_left, 9, 10);
    struct tls_identity *second = tls_identity_ref(i);
    tls_identity_unref(&i);
    assert_true(slice_is(tls_identity_issuer(second), "Test CA"));
    tls_identity_unref(&second);
}

static void pins_are_read_as_they_are_shown(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "sha256:",
                                      "sha1:AAAA",
                                      "sha256:AAAA",
                                      "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
    struct tls_pin pin = {{0}};
    struct tls_pin back;
    char text[TLS_PIN_TEXT_BYTES];

    pin.sha256[0] = 0xFB;
    pin.sha256[31] = 0xFF;
    tls_pin_show(&pin, text);
    assert_string_equal(text, "sha256:+wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=");
    assert_int_equal(tls_pin_parse(slice_str(text), &back), 0);
    assert_memory_equal(&pin, &back, sizeof pin);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(tls_pin_parse(slice_str(bad[i]), &back), ERR_INVALID);
    }
}

static void roots_that_cannot_be_read_are_named(void **state)
{
    (void)state;
    struct tls_trust *t = NULL;
    struct errinfo why[2] = {0};
    const char *key = folder_path(&folder, "a.key");

    assert_int_equal(
        tls_trust_new(&(struct tls_trust_options){.ca_file = "/nonexistent"}, &t, &why[0]),
        ERR_CONFIG);
    assert_says(&why[0], "/nonexistent");
    assert_int_equal(tls_trust_new(&(struct tls_trust_options){.ca_file = key}, &t, &why[1]),
                     ERR_CONFIG);
    assert_says(&why[1], "a.key");
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_start_makes_a_key_only_we_can_read),
        cmocka_unit_test(later_starts_keep_the_key_also_when_the_certificate_is_lost),
        cmocka_unit_test(a_lost_key_is_replaced_with_its_certificate),
        cmocka_unit_test(any_name_will_do),
        cmocka_unit_test(a_folder_that_is_missing_is_named),
        cmocka_unit_test(files_that_do_not_fit_are_told_apart),
        cmocka_unit_test(issuer_and_expiry_are_known),
        cmocka_unit_test(pins_are_read_as_they_are_shown),
        cmocka_unit_test(roots_that_cannot_be_read_are_named),
    };
    return cmocka_run_group_tests(tests, fill_folder, drop_folder);
}
