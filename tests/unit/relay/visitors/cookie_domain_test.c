#include "relay/visitors/cookie_domain.h"

#include "support/check.h"

static void check_cookie(const char *from, const char *to)
{
    struct http_head head = {0};

    http_head_make_response(&head, 200);
    http_head_add(&head, HTTP_SET_COOKIE, slice_str(from));
    cookie_domain_strip(&head, SLICE("t.example.com"));
    check_slice(http_head_value(&head, HTTP_SET_COOKIE), to);
    http_head_clear(&head);
}

static void a_domain_at_or_above_the_relays_is_taken_out(void **state)
{
    (void)state;
    check_cookie("a=1; Domain=t.example.com; Path=/", "a=1; Path=/");
    check_cookie("a=1; Path=/; domain=.T.Example.com", "a=1; Path=/");
    check_cookie("a=1;DOMAIN = example.com ;Secure", "a=1;Secure");
    check_cookie("a=1; Domain=com", "a=1");
    check_cookie("a=1; Domain=example.com; Domain=t.example.com", "a=1");
}

static void other_domains_stay(void **state)
{
    (void)state;
    check_cookie("a=1; Domain=blog.t.example.com", "a=1; Domain=blog.t.example.com");
    check_cookie("a=1; Domain=shop.example.org", "a=1; Domain=shop.example.org");
    check_cookie("a=1; Domain=mple.com", "a=1; Domain=mple.com");
    check_cookie("a=1; Domain=; Path=/", "a=1; Domain=; Path=/");
    check_cookie("a=1; XDomain=example.com", "a=1; XDomain=example.com");
}

static void a_cookie_may_be_called_domain(void **state)
{
    (void)state;
    check_cookie("Domain=t.example.com; Path=/", "Domain=t.example.com; Path=/");
    check_cookie("", "");
}

static void each_cookie_is_looked_at(void **state)
{
    (void)state;
    struct http_head head = {0};

    http_head_make_response(&head, 200);
    http_head_add(&head, HTTP_SET_COOKIE, SLICE("a=1"));
    http_head_add(&head, HTTP_SET_COOKIE, SLICE("b=2; Domain=example.com"));
    cookie_domain_strip(&head, SLICE("t.example.com"));
    struct http_field *first = http_head_find(&head, HTTP_SET_COOKIE);
    check_slice(first->value, "a=1");
    check_slice(http_head_next(&head, first)->value, "b=2");
    http_head_clear(&head);
}

static void without_a_domain_nothing_changes(void **state)
{
    (void)state;
    struct http_head head = {0};

    http_head_make_response(&head, 200);
    http_head_add(&head, HTTP_SET_COOKIE, SLICE("a=1; Domain=com"));
    cookie_domain_strip(&head, SLICE_NONE);
    check_slice(http_head_value(&head, HTTP_SET_COOKIE), "a=1; Domain=com");
    http_head_clear(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_at_or_above_the_relays_is_taken_out),
        cmocka_unit_test(other_domains_stay),
        cmocka_unit_test(a_cookie_may_be_called_domain),
        cmocka_unit_test(each_cookie_is_looked_at),
        cmocka_unit_test(without_a_domain_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
