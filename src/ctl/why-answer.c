/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/why-answer.h"

#include "base/log.h"
#include "ctl/connection.h"
#include "model/bus-names.h"

void why_answer_done(WhyAnswer *a) {
        for (size_t i = 0; i < a->n_bans; i++) {
                free(a->bans[i].entries);
                free(a->bans[i].captures);
        }
        free(a->bans);
        free(a->next);
        sd_bus_message_unref(a->message);
        *a = (WhyAnswer){};
}

/* Puts an element behind the others of a list. 0 or -ENOMEM. */
#define APPEND(list, n, element)                                                                   \
        ({                                                                                         \
                typeof(list) _list = reallocarray(list, (n) + 1, sizeof(*_list));                  \
                                                                                                   \
                if (_list) {                                                                       \
                        (list) = _list;                                                            \
                        (list)[(n)++] = (element);                                                 \
                }                                                                                  \
                _list ? 0 : -ENOMEM;                                                               \
        })

static int read_entries(sd_bus_message *m, WhyBan *b) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', BUS_EVIDENCE_TYPE);
        while (r >= 0) {
                WhyEntry e;

                r = sd_bus_message_read(m, BUS_EVIDENCE_TYPE, &e.time, &e.pattern, &e.cursor);
                if (r <= 0)
                        break;
                r = APPEND(b->entries, b->n_entries, e);
        }

        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_captures(sd_bus_message *m, WhyBan *b) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{ss}");
        while (r >= 0) {
                WhyCapture c;

                r = sd_bus_message_read(m, "{ss}", &c.name, &c.value);
                if (r <= 0)
                        break;
                r = APPEND(b->captures, b->n_captures, c);
        }

        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_ban(WhyAnswer *a) {
        WhyBan ban = {}, *b;
        int r;

        r = record_read(a->message, &ban.ban);
        if (r >= 0)
                r = address_parse(ban.ban.address, strlen(ban.ban.address), &ban.address);
        if (r >= 0)
                r = APPEND(a->bans, a->n_bans, ban);
        if (r < 0)
                return r;

        b = &a->bans[a->n_bans - 1];
        r = read_entries(a->message, b);
        return r < 0 ? r : read_captures(a->message, b);
}

static int read_bans(WhyAnswer *a) {
        static const char contents[] = BUS_HISTORY_FIELDS "a" BUS_EVIDENCE_TYPE "a{ss}";
        int r;

        r = sd_bus_message_enter_container(a->message, 'a', BUS_WHY_TYPE);
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(a->message, 'r', contents)) > 0) {
                r = read_ban(a);
                if (r >= 0)
                        r = sd_bus_message_exit_container(a->message);
                if (r < 0)
                        return r;
        }

        return r < 0 ? r : sd_bus_message_exit_container(a->message);
}

static int read_next(WhyAnswer *a) {
        int r;

        r = sd_bus_message_enter_container(a->message, 'a', BUS_NEXT_TYPE);
        while (r >= 0) {
                WhyNext n;

                r = sd_bus_message_read(
                                a->message, BUS_NEXT_TYPE, &n.jail, &n.n_earlier, &n.length);
                if (r <= 0)
                        break;
                r = APPEND(a->next, a->n_next, n);
        }

        return r < 0 ? r : sd_bus_message_exit_container(a->message);
}

int why_answer_get(WhyAnswer *ret, sd_bus *bus, const char *address) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        assert(ret);
        assert(bus);
        assert(address);

        *ret = (WhyAnswer){};
        r = connection_call(bus, "Why", &error, &ret->message, "s", address);
        if (r < 0)
                return connection_report(address, &error, r);

        r = read_bans(ret);
        if (r >= 0)
                r = read_next(ret);
        if (r < 0) {
                log_error_errno(r, "Failed to read the answer of banjod: %m");
                return EXIT_FAILED;
        }

        return EXIT_DONE;
}
