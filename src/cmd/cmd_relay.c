#include "cmd/cmd_relay.h"

#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "cmd/data_dir.h"
#include "cmd/relay_text.h"
#include "net/signals.h"
#include "relay/relay.h"
#include "store/store.h"

struct serving {
    struct loop *loop;
    struct relay *relay;
    struct signals *signals;
};

static void on_stopped(void *ctx)
{
    struct serving *s = ctx;
    loop_stop(s->loop);
}

/* The first signal lets exchanges finish, the second does not wait for them. */
static void on_signal(void *ctx, int number)
{
    struct serving *s = ctx;

    if (number == SIGHUP) {
        relay_reload(s->relay);
        return;
    }
    relay_drain(s->relay, on_stopped, s);
}

static int serve(struct serving *s, const struct options *options, const char *data)
{
    struct errinfo why = {0};
    struct text ready = {0};
    int err = relay_new(&s->relay, s->loop, &options->relay, data, &why);

    if (err < 0) {
        fprintf(stderr, "adit relay: %s\n", errinfo_text(&why, err));
        return EXIT_REFUSED;
    }
    err = signals_open(&s->signals, s->loop, on_signal, s);
    if (err < 0) {
        fprintf(stderr, "adit relay: signals: %s\n", err_text(err));
    } else {
        relay_text_ready(s->relay, &ready);
        fputs(text_str(&ready), stdout);
        fflush(stdout);
        mem_wipe(ready.ptr, ready.len);
        text_deinit(&ready);
        loop_run(s->loop);
    }
    signals_close(&s->signals);
    relay_free(&s->relay);
    return err < 0 ? EXIT_REFUSED : EXIT_STOPPED;
}

int cmd_relay(const struct command_line *line, struct options *options)
{
    struct serving s = {0};
    struct text data = {0};
    struct errinfo why = {0};
    int code = EXIT_REFUSED;

    (void)line;
    options_apply_log(options);
    if (data_dir_open(options->relay.data, &data, &why) < 0) {
        fprintf(stderr, "adit relay: %s\n", why.text);
    } else {
        if (options->config_path) {
            fprintf(stderr, "config: %s\n", options->config_path);
        }
        fprintf(stderr, "data: %s\n", text_str(&data));
        s.loop = loop_new();
        code = serve(&s, options, text_str(&data));
        loop_free(&s.loop);
    }
    text_deinit(&data);
    return code;
}
