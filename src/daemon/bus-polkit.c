/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A question is open from the first time that a method asks until it is called again with the
 * answer, or the client disconnects, which takes the question back from polkit, too: otherwise an
 * agent would go on asking for a password that is of no use any more. The call goes back into the
 * queue of its connection and not straight to its method, because the object it is for may be gone
 * by then.
 *
 * sd-bus could check privileges by itself, but lets callers of the daemon's own user through. So
 * every method counts as unprivileged there.
 */

#include "daemon/bus-polkit.h"

#include <inttypes.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "base/usec.h"
#include "model/bus-names.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define POLKIT_INTERACTIVE UINT32_C(1)

/* If nobody has to type anything. Somebody who has takes the time he needs. */
#define ANSWER_TIMEOUT (25 * USEC_PER_SEC)

/* Users by the names of their connections, which a message bus never gives twice: a client that
 * calls often is asked about once. */
#define CALLERS_MAX 64
#define SENDER_SIZE 256

/* Refusals are logged, and whoever is refused must not fill the log. */
#define LOG_INTERVAL USEC_PER_SEC

typedef struct Caller {
        char sender[SENDER_SIZE];
        uid_t uid;
} Caller;

typedef struct Question Question;

struct Question {
        BusPolkit *polkit;
        sd_bus_message *call;
        const char *action;
        uid_t uid;
        uint64_t number;
        sd_bus_slot *reply; /* NULL once there is an answer */
        sd_bus_slot *gone;
        bool yes;
        sd_bus_error no; /* if not */
        Question *next;
};

struct BusPolkit {
        sd_bus *bus;
        Question *questions;
        uint64_t n_asked;
        Caller callers[CALLERS_MAX];
        size_t next_caller;
        usec_t logged;
};

int bus_polkit_new(BusPolkit **ret, sd_bus *bus) {
        BusPolkit *p;

        assert(ret);
        assert(bus);

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->bus = bus;

        *ret = p;
        return 0;
}

static Question *question_free(Question *q) {
        if (!q)
                return NULL;

        for (Question **i = &q->polkit->questions; *i; i = &(*i)->next)
                if (*i == q) {
                        *i = q->next;
                        break;
                }

        sd_bus_slot_unref(q->reply);
        sd_bus_slot_unref(q->gone);
        sd_bus_error_free(&q->no);
        sd_bus_message_unref(q->call);
        free(q);
        return NULL;
}
DEFINE_CLEANUP(Question *, question_free)

BusPolkit *bus_polkit_free(BusPolkit *p) {
        if (!p)
                return NULL;

        while (p->questions)
                question_free(p->questions);
        free(p);
        return NULL;
}

/* Callers */

static int query_uid(sd_bus_message *call, uid_t *ret) {
        sd_bus_creds *creds = NULL;
        int r;

        r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, ret);
        sd_bus_creds_unref(creds);
        return r;
}

static int get_uid(BusPolkit *p, sd_bus_message *call, uid_t *ret) {
        const char *sender = sd_bus_message_get_sender(call);
        Caller *c;
        int r;

        if (!sender || strlen(sender) >= SENDER_SIZE)
                return -ENXIO;

        for (size_t i = 0; i < CALLERS_MAX; i++)
                if (streq(p->callers[i].sender, sender)) {
                        *ret = p->callers[i].uid;
                        return 0;
                }

        r = query_uid(call, ret);
        if (r < 0)
                return r;

        c = &p->callers[p->next_caller++ % CALLERS_MAX];
        strcpy(c->sender, sender);
        c->uid = *ret;
        return 0;
}

/* Asking */

static void log_refused(BusPolkit *p, const Question *q) {
        usec_t now;

        (void) sd_event_now(sd_bus_get_event(p->bus), CLOCK_MONOTONIC, &now);
        if (p->logged > 0 && now - p->logged < LOG_INTERVAL)
                return;
        p->logged = now;
        log_notice("User %u was refused %s: %s", (unsigned) q->uid, q->action, q->no.message);
}

static int read_answer(Question *q, sd_bus_message *answer) {
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        int yes, challenge, r;

        if (e && (sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                                 sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER)))
                return sd_bus_error_set(&q->no,
                                SD_BUS_ERROR_ACCESS_DENIED,
                                "Without polkit only root may do this.");
        if (e)
                return sd_bus_error_setf(&q->no,
                                SD_BUS_ERROR_ACCESS_DENIED,
                                "polkit could not be asked: %s",
                                e->message ?: e->name);

        r = sd_bus_message_enter_container(answer, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(answer, "bb", &yes, &challenge);
        if (r < 0)
                return sd_bus_error_set(&q->no,
                                SD_BUS_ERROR_ACCESS_DENIED,
                                "polkit could not be understood.");

        if (yes)
                q->yes = true;
        else if (challenge && !sd_bus_message_get_allow_interactive_authorization(q->call))
                return sd_bus_error_set(&q->no,
                                SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                "It takes a password, and the call does not allow to ask for one.");
        else
                return sd_bus_error_set(
                                &q->no, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not allow it.");
        return 0;
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *error) {
        Question *q = userdata;
        BusPolkit *p = q->polkit;

        (void) error;

        q->reply = sd_bus_slot_unref(q->reply);
        if (read_answer(q, answer) < 0)
                log_refused(p, q);

        /* Without memory for it the client gets no answer; he is not let through. */
        if (sd_bus_message_rewind(q->call, true) < 0 ||
                        sd_bus_enqueue_for_read(p->bus, q->call) < 0)
                question_free(q);
        return 0;
}

static int on_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
        Question *q = userdata;
        char id[32];

        (void) signal, (void) error;

        if (q->reply) {
                (void) snprintf(id, sizeof(id), "%" PRIu64, q->number);
                (void) sd_bus_call_method_async(q->polkit->bus,
                                NULL,
                                POLKIT_NAME,
                                POLKIT_PATH,
                                POLKIT_INTERFACE,
                                "CancelCheckAuthorization",
                                NULL,
                                NULL,
                                "s",
                                id);
        }

        question_free(q);
        return 0;
}

static int watch_sender(Question *q, const char *sender) {
        char match[SENDER_SIZE + 256];

        (void) snprintf(match,
                        sizeof(match),
                        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s',"
                        "arg2=''",
                        sender);
        return sd_bus_add_match_async(q->polkit->bus, &q->gone, match, on_gone, NULL, q);
}

static int send_question(Question *q, const char *sender) {
        bool interactive = sd_bus_message_get_allow_interactive_authorization(q->call) > 0;
        sd_bus_message *m = NULL;
        char id[32];
        int r;

        (void) snprintf(id, sizeof(id), "%" PRIu64, q->number);

        r = sd_bus_message_new_method_call(q->polkit->bus,
                        &m,
                        POLKIT_NAME,
                        POLKIT_PATH,
                        POLKIT_INTERFACE,
                        "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m,
                                "(sa{sv})sa{ss}us",
                                "system-bus-name",
                                1,
                                "name",
                                "s",
                                sender,
                                q->action,
                                0,
                                interactive ? POLKIT_INTERACTIVE : UINT32_C(0),
                                id);
        if (r >= 0)
                r = sd_bus_call_async(q->polkit->bus,
                                &q->reply,
                                m,
                                on_answer,
                                q,
                                interactive ? UINT64_MAX : ANSWER_TIMEOUT);
        sd_bus_message_unref(m);
        return r;
}

static bool has_room(const BusPolkit *p, uid_t uid) {
        unsigned n = 0, n_user = 0;

        for (const Question *q = p->questions; q; q = q->next) {
                n++;
                n_user += q->uid == uid;
        }

        return n < BUS_POLKIT_MAX && n_user < BUS_POLKIT_USER_MAX;
}

static int ask(BusPolkit *p, sd_bus_message *call, const char *action, uid_t uid) {
        const char *sender = sd_bus_message_get_sender(call);
        _cleanup_(question_freep) Question *q = NULL;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = (Question){
                .polkit = p,
                .call = sd_bus_message_ref(call),
                .action = action,
                .uid = uid,
                .number = ++p->n_asked,
                .next = p->questions,
        };
        p->questions = q;

        r = watch_sender(q, sender);
        if (r >= 0)
                r = send_question(q, sender);
        if (r < 0)
                return r;

        TAKE_PTR(q);
        return 1;
}

static int take_answer(Question *q, uid_t *ret, sd_bus_error *error) {
        int r = q->yes ? 0 : sd_bus_error_copy(error, &q->no);

        *ret = q->uid;
        question_free(q);
        return r;
}

int bus_polkit_authorize(BusPolkit *p,
                sd_bus_message *call,
                const char *action,
                uid_t *ret,
                sd_bus_error *error) {
        uid_t uid;

        assert(p);
        assert(call);
        assert(action);
        assert(ret);

        for (Question *q = p->questions; q; q = q->next)
                if (q->call == call && !q->reply && streq(q->action, action))
                        return take_answer(q, ret, error);

        if (get_uid(p, call, &uid) < 0)
                return sd_bus_error_set(error,
                                SD_BUS_ERROR_ACCESS_DENIED,
                                "It could not be found out who is asking.");
        if (uid == 0) {
                *ret = uid;
                return 0;
        }
        if (!has_room(p, uid))
                return sd_bus_error_set(error,
                                SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "Too many calls wait for polkit.");

        return ask(p, call, action, uid);
}
