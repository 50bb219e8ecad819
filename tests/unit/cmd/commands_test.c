/* The table of commands, and the pages made from it: complete, and no line too long. */
#include "cmd/commands.h"

#include "cmd/completion.h"
#include "cmd/help.h"
#include "cmd/manual.h"
#include "support/check.h"

enum { WIDTH = 100 };

static void every_command_tells_about_itself(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = &commands[i];
        assert_int_equal(c->id, i);
        assert_ptr_equal(command_find(slice_str(c->name)), c);
        assert_true(c->args && c->summary[0] && c->about[0] && c->example[0]);
        assert_true(c->args_min <= c->args_max);
    }
}

static void check_flag(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    const struct command *command = ctx;
    const struct option_group *found_group;
    struct text flag = {0};

    command_add_flag(&flag, key);
    const struct schema_key *found =
        command_find_flag(command, slice_sub(text_slice(&flag), 2, flag.len), &found_group);
    assert_ptr_equal(found, key); /* no two flags of one name */
    assert_ptr_equal(found_group, group);
    assert_true(key->help && key->help[0]);
    assert_true(key->type == SCHEMA_BOOL || key->value);
    text_deinit(&flag);
}

static void every_flag_has_a_help_and_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        command_each_flag(&commands[i], check_flag, (void *)&commands[i]);
    }
}

static void check_only(const struct option_group *group)
{
    for (size_t i = 0; group->only && group->only[i]; i++) {
        if (!schema_find(group->schema, slice_str(group->only[i]))) {
            fail_msg("'%s' is no key of %s", group->only[i], group->schema->title);
        }
    }
}

static void every_chosen_key_exists(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        for (size_t g = 0; commands[i].groups[g]; g++) {
            check_only(commands[i].groups[g]);
        }
    }
}

static void check_width(struct text *page)
{
    struct slice rest = text_slice(page);
    while (rest.ptr) {
        struct slice one = slice_cut(&rest, '\n');
        if (one.len > WIDTH) {
            fail_msg("too long: %.*s", SLICE_ARG(one));
        }
    }
}

static void help_names_every_flag_and_fits_a_terminal(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        struct text page = {0};
        help_show_command(&page, &commands[i]);
        check_has(text_str(&page), commands[i].name);
        check_has(text_str(&page), "--help");
        check_width(&page);
        text_deinit(&page);
    }
}

static void the_overview_names_every_command(void **state)
{
    struct text page = {0};
    (void)state;
    help_show_all(&page);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        check_has(text_str(&page), commands[i].summary);
    }
    check_width(&page);
    text_deinit(&page);
}

static void every_shell_gets_every_command(void **state)
{
    (void)state;
    for (int shell = COMPLETION_BASH; shell <= COMPLETION_FISH; shell++) {
        struct text page = {0};
        completion_show(&page, (enum completion_shell)shell);
        for (int i = 0; i < COMMAND_COUNT; i++) {
            check_has(text_str(&page), commands[i].name);
        }
        check_has(text_str(&page), shell == COMPLETION_FISH ? "-l listen-tls" : "--listen-tls");
        text_deinit(&page);
    }
}

static void the_manual_has_commands_files_and_exit_codes(void **state)
{
    struct text page = {0};
    (void)state;
    manual_show(&page);
    assert_memory_equal(text_str(&page), ".TH ADIT 1", 10);
    check_has(text_str(&page), ".SS \"adit http TARGET [NAME]\"");
    check_has(text_str(&page), "\\fB\\-\\-listen\\-tls\\fR \\fIADDR:PORT\\fR");
    check_has(text_str(&page), "\\fBinitial_window\\fR");
    check_has(text_str(&page), ".SH EXIT STATUS");
    text_deinit(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_tells_about_itself),
        cmocka_unit_test(every_flag_has_a_help_and_a_name_of_its_own),
        cmocka_unit_test(every_chosen_key_exists),
        cmocka_unit_test(help_names_every_flag_and_fits_a_terminal),
        cmocka_unit_test(the_overview_names_every_command),
        cmocka_unit_test(every_shell_gets_every_command),
        cmocka_unit_test(the_manual_has_commands_files_and_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
