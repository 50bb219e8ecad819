#include "cmd/status_text.h"

#include "support/check.h"

#define RELAY                                                                                      \
    "\"relay\":{\"version\":\"1.2.3\",\"url\":\"https://t.example.com\",\"uptime_ms\":7500000,"    \
    "\"listen\":[\"[::]:443\",\"[::]:8443\"],\"data\":\"/var/lib/adit\",\"store\":\"ok\","         \
    "\"draining\":false}"

static void check_report(const char *json, const char *expected)
{
    json_t *report = json_loads(json, 0, NULL);
    struct text out = {0};

    assert_non_null(report);
    status_text(report, &out);
    json_decref(report);
    check_text(&out, expected);
}

static void a_relay_without_agents_says_what_to_do(void **state)
{
    (void)state;
    check_report("{" RELAY ",\"sessions\":[]}",
                 "adit 1.2.3 at https://t.example.com, up 2h 5m\n"
                 "listens on [::]:443 [::]:8443, data in /var/lib/adit\n"
                 "\n"
                 "No agent is here. On the machine with the service:  adit login RELAY#TOKEN  "
                 "(a new token: adit token create NAME)\n");
}

static void sessions_and_tunnels_have_a_row_each(void **state)
{
    (void)state;
    check_report(
        "{" RELAY ",\"sessions\":["
        "{\"worker\":0,\"id\":7,\"host\":\"pi\",\"agent\":\"1.2.3\",\"token\":\"bob\","
        "\"carrier\":\"tls\",\"address\":\"192.0.2.7:4431\",\"attached\":true,\"link_ms\":61000,"
        "\"rtt_ms\":12,\"resumes\":0,\"streams\":3,\"in\":2048,\"out\":10,\"why\":null,"
        "\"tunnels\":[{\"key\":\"web\",\"kind\":\"http\",\"url\":\"https://blog.t.example.com\","
        "\"target\":\"http://127.0.0.1:3000\",\"open\":1,\"exchanges\":41,\"in\":5,\"out\":6}]},"
        "{\"worker\":1,\"id\":2,\"host\":\"nas\",\"agent\":\"1.2.3\",\"token\":\"\","
        "\"carrier\":\"wss\",\"address\":\"192.0.2.8:99\",\"attached\":false,\"link_ms\":3000,"
        "\"rtt_ms\":null,\"resumes\":2,\"streams\":0,\"in\":0,\"out\":0,\"why\":\"timed out\","
        "\"tunnels\":[{\"key\":\"ssh\",\"kind\":\"tcp\",\"url\":null,\"state\":\"asked\","
        "\"target\":\"tcp://127.0.0.1:22\",\"open\":0,\"exchanges\":0,\"in\":0,\"out\":0}]}]}",
        "adit 1.2.3 at https://t.example.com, up 2h 5m\n"
        "listens on [::]:443 [::]:8443, data in /var/lib/adit\n"
        "\n"
        "SESSION  HOST  VERSION  TOKEN  CARRIER  FROM            LINK    FOR    RTT  RESUMES  "
        "STREAMS       IN   OUT\n"
        "0.7      pi    1.2.3    bob    tls      192.0.2.7:4431  up    1m 1s  12 ms        0  "
        "      3  2.0 KiB  10 B\n"
        "1.2      nas   1.2.3    -      wss      192.0.2.8:99    away     3s      -        2  "
        "      0      0 B   0 B\n"
        "\n"
        "SESSION  LAST-LOSS\n"
        "1.2      timed out\n"
        "\n"
        "SESSION  TUNNEL  KIND  URL                         TARGET                 OPEN  "
        "EXCHANGES   IN  OUT\n"
        "0.7      web     http  https://blog.t.example.com  http://127.0.0.1:3000     1  "
        "       41  5 B  6 B\n"
        "1.2      ssh     tcp   asked                       tcp://127.0.0.1:22        0  "
        "        0  0 B  0 B\n");
}

static void the_url_of_a_tunnel_that_is_over_is_not_shown(void **state)
{
    (void)state;
    json_t *report = json_loads("{" RELAY ",\"sessions\":[{\"worker\":0,\"id\":7,\"tunnels\":["
                                "{\"key\":\"web\",\"kind\":\"http\",\"url\":\"https://gone.x\","
                                "\"state\":\"unbound\",\"target\":\"http://127.0.0.1:3000\"}]}]}",
                                0, NULL);
    struct text out = {0};

    status_text(report, &out);
    check_has(text_str(&out), "web     http  unbound  http://127.0.0.1:3000");
    text_deinit(&out);
    json_decref(report);
}

static void a_disk_that_fails_is_told(void **state)
{
    (void)state;
    json_t *report = json_loads("{" RELAY ",\"sessions\":[]}", 0, NULL);
    struct text out = {0};

    json_object_set_new(json_object_get(report, "relay"), "store", json_string("storage failure"));
    json_object_set_new(json_object_get(report, "relay"), "draining", json_true());
    status_text(report, &out);
    check_has(text_str(&out), "cannot be written: storage failure");
    check_has(text_str(&out), "stopping");
    text_deinit(&out);
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_without_agents_says_what_to_do),
        cmocka_unit_test(sessions_and_tunnels_have_a_row_each),
        cmocka_unit_test(the_url_of_a_tunnel_that_is_over_is_not_shown),
        cmocka_unit_test(a_disk_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
