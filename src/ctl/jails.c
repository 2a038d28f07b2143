/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/jails.h"

#include <inttypes.h>

#include "base/log.h"
#include "ctl/verbs.h"

static const DictField fields[] = {
        { "Source", 's', offsetof(JailInfo, source) },
        { "Filter", 's', offsetof(JailInfo, filter) },
        { "Description", 's', offsetof(JailInfo, description) },
        { "Enabled", 'b', offsetof(JailInfo, enabled) },
        { "Refused", 'b', offsetof(JailInfo, refused) },
        { "Paused", 'b', offsetof(JailInfo, paused) },
        { "MaxRetry", 'u', offsetof(JailInfo, maxretry) },
        { "FindTimeUSec", 't', offsetof(JailInfo, findtime) },
        { "BanTimeUSec", 't', offsetof(JailInfo, bantime) },
        { "Ports", 's', offsetof(JailInfo, ports_text) },
        { "Protocols", 'S', offsetof(JailInfo, protocols) },
        { "Match", 's', offsetof(JailInfo, match) },
        { "Banned", 't', offsetof(JailInfo, n_banned) },
        { "Failures", 't', offsetof(JailInfo, n_failures) },
        { "Leaks", 't', offsetof(JailInfo, n_leaks) },
        { "Forgiven", 't', offsetof(JailInfo, n_forgiven) },
        { "Forgotten", 't', offsetof(JailInfo, n_forgotten) },
        { "Displaced", 't', offsetof(JailInfo, n_displaced) },
        { "Cut", 't', offsetof(JailInfo, n_cut) },
        { "Exceeded", 't', offsetof(JailInfo, n_exceeded) },
        { "Entries", 't', offsetof(JailInfo, n_entries) },
        { "LastFailureUSec", 't', offsetof(JailInfo, last_failure) },
        { "DroppedPackets", 't', offsetof(JailInfo, dropped_packets) },
        { "DroppedBytes", 't', offsetof(JailInfo, dropped_bytes) },
};

static void jail_info_done(JailInfo *j) {
        for (char **p = j->protocols; p && *p; p++)
                free(*p);
        free(j->protocols);
}

void jail_list_done(JailList *l) {
        for (size_t i = 0; i < l->n_jails; i++)
                jail_info_done(&l->jails[i]);
        free(l->jails);
        sd_bus_message_unref(l->reply);
        *l = (JailList){};
}

static int read_jail(sd_bus_message *m, JailInfo *j) {
        const char *bad;
        int r;

        *j = (JailInfo){
                .source = "", .filter = "", .description = "", .ports_text = "", .match = ""
        };

        r = sd_bus_message_read_basic(m, 's', &j->name);
        if (r < 0)
                return r;
        r = dict_read(m, fields, ELEMENTSOF(fields), j);
        if (r < 0)
                return r;

        for (char **p = j->protocols; p && *p; p++)
                j->ports.protocols |= streq(*p, "udp") ? PORT_UDP : PORT_TCP;
        if (j->ports.protocols == 0)
                j->ports.protocols = PORT_TCP;

        /* A list that was cut off is read as none, and nothing is said about its ports. */
        (void) ports_parse(j->ports_text, &j->ports, &bad);
        return 0;
}

static int read_jails(JailList *l) {
        int r;

        r = sd_bus_message_enter_container(l->reply, 'a', "(sa{sv})");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(l->reply, 'r', "sa{sv}")) > 0) {
                JailInfo *jails = reallocarray(l->jails, l->n_jails + 1, sizeof(*jails));

                if (!jails)
                        return -ENOMEM;
                l->jails = jails;

                r = read_jail(l->reply, &l->jails[l->n_jails++]);
                if (r >= 0)
                        r = sd_bus_message_exit_container(l->reply);
                if (r < 0)
                        return r;
        }

        return r;
}

int jail_list_get(JailList *ret, sd_bus *bus) {
        _cleanup_(jail_list_done) JailList l = {};
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        assert(ret);
        assert(bus);

        r = connection_call(bus, "ListJails", &error, &l.reply, NULL);
        if (r < 0)
                return connection_report(NULL, &error, r);

        r = read_jails(&l);
        if (r < 0) {
                log_error_errno(r, "Failed to read the answer of banjod: %m");
                return EXIT_FAILED;
        }

        *ret = l;
        l = (JailList){};
        return EXIT_DONE;
}

static json_t *protocols_to_json(const JailInfo *j) {
        json_t *array = json_array();

        for (char **p = j->protocols; array && p && *p; p++)
                (void) json_array_append_new(array, json_string(*p));

        return array;
}

json_t *jail_info_to_json(const JailInfo *j) {
        return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:o, s:o, s:s, s:o, s:s,"
                         " s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                        "name",
                        j->name,
                        "source",
                        j->source,
                        "filter",
                        j->filter,
                        "description",
                        j->description,
                        "enabled",
                        j->enabled,
                        "refused",
                        j->refused,
                        "paused",
                        j->paused,
                        "maxretry",
                        (int) j->maxretry,
                        "findtime_usec",
                        json_usec(j->findtime),
                        "bantime_usec",
                        json_usec(j->bantime),
                        "ports",
                        j->ports_text,
                        "protocols",
                        protocols_to_json(j),
                        "match",
                        j->match,
                        "banned",
                        json_count(j->n_banned),
                        "failures",
                        json_count(j->n_failures),
                        "leaks",
                        json_count(j->n_leaks),
                        "forgiven",
                        json_count(j->n_forgiven),
                        "forgotten",
                        json_count(j->n_forgotten),
                        "displaced",
                        json_count(j->n_displaced),
                        "cut",
                        json_count(j->n_cut),
                        "exceeded",
                        json_count(j->n_exceeded),
                        "entries",
                        json_count(j->n_entries),
                        "last_failure_usec",
                        j->last_failure > 0 ? json_usec(j->last_failure) : json_null(),
                        "dropped_packets",
                        json_count(j->dropped_packets),
                        "dropped_bytes",
                        json_count(j->dropped_bytes));
}

static int print_json(const JailList *l, const Options *options) {
        for (size_t i = 0; i < l->n_jails; i++)
                if (json_print_element(jail_info_to_json(&l->jails[i]), options, i) < 0)
                        return EXIT_FAILED;

        json_print_end(options, l->n_jails);
        return EXIT_DONE;
}

static int print_table(const JailList *l, const Options *options) {
        static const Column columns[] = {
                { "JAIL", false, false },
                { "STATE", false, false },
                { "LIMIT", false, false },
                { "BANTIME", false, false },
                { "PORTS", false, true },
                { "DESCRIPTION", false, true },
        };
        _cleanup_(table_freep) Table *t = NULL;

        if (table_new(&t, options, columns, ELEMENTSOF(columns)) < 0) {
                log_oom();
                return EXIT_FAILED;
        }

        for (size_t i = 0; i < l->n_jails; i++) {
                const JailInfo *j = &l->jails[i];
                const char *state = j->refused    ? "refused"
                                    : !j->enabled ? "disabled"
                                    : j->paused   ? "paused"
                                                  : "enabled";
                struct libscols_line *line = table_add(t);
                char limit[USEC_STR_SIZE + 16], span[USEC_STR_SIZE];

                (void) snprintf(limit,
                                sizeof(limit),
                                "%" PRIu32 " in %s",
                                j->maxretry,
                                usec_format_span(j->findtime, span));
                if (table_set(line, 0, j->name) < 0 || table_set(line, 1, state) < 0 ||
                                table_set(line, 2, limit) < 0 ||
                                table_set(line, 3, usec_format_span(j->bantime, span)) < 0 ||
                                table_set(line, 4, j->ports_text) < 0 ||
                                table_set(line, 5, j->description) < 0) {
                        log_oom();
                        return EXIT_FAILED;
                }
                if (j->refused || !j->enabled)
                        table_set_color(line, 1, j->refused ? COLOR_RED : COLOR_GREY);
        }

        return table_print(t) < 0 ? EXIT_FAILED : EXIT_DONE;
}

int verb_jails(int argc, char **argv, const Options *options) {
        _cleanup_(jail_list_done) JailList jails = {};
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = connection_open(&bus, options, CONNECTION_ASK, false);
        if (r != EXIT_DONE)
                return r;
        r = jail_list_get(&jails, bus);
        if (r != EXIT_DONE)
                return r;

        if (options->json != JSON_OFF)
                return print_json(&jails, options);

        output_open_pager(options);
        return print_table(&jails, options);
}
