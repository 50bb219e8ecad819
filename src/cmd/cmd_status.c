#include "cmd/cmd_status.h"

#include <jansson.h>
#include <stdio.h>

#include "cmd/control_client.h"
#include "cmd/data_dir.h"
#include "cmd/status_text.h"

static int ask(const struct options *options, json_t **report_out, struct errinfo *why)
{
    json_t *request = json_pack("{s:s}", "do", "status");
    struct text data = {0};
    int err = data_dir_find(options->relay.data, &data, why);

    if (err == 0) {
        err = control_ask(text_str(&data), request, report_out, why);
    }
    text_deinit(&data);
    json_decref(request);
    return err;
}

static void show(json_t *report, bool is_json)
{
    struct text text = {0};

    if (is_json) {
        json_object_del(report, "ok");
        json_dumpf(report, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    status_text(report, &text);
    fputs(text_str(&text), stdout);
    text_deinit(&text);
}

int cmd_status(const struct command_line *line, struct options *options)
{
    struct errinfo why = {0};
    json_t *report = NULL;
    int err = ask(options, &report, &why);

    (void)line;
    if (err < 0) {
        fprintf(stderr, "adit status: %s\n", errinfo_text(&why, err));
        if (err == ERR_NOT_FOUND) {
            fprintf(stderr, "    start one with: adit relay; if one runs, give its folder: "
                            "adit status --data DIR\n");
        }
        return EXIT_REFUSED;
    }
    show(report, options->common.is_json);
    json_decref(report);
    return EXIT_STOPPED;
}
