/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The fields of an entry are enumerated once and those that are wanted are copied: asking for each
 * field by name walks nearly all items each time, and what libsystemd hands out is valid only until
 * the next such call.
 *
 * A message beyond ENTRY_MESSAGE_MAX is cut. libsystemd is told to hand out no more than that, so
 * that a huge field is not unpacked as a whole.
 */

#include "engine/journal-handle.h"

#include <sys/stat.h>

#include "base/macro.h"

/* "MESSAGE=" and the like come in front of a value. */
#define DATA_THRESHOLD (ENTRY_MESSAGE_MAX + 64)

static int open_path(sd_journal **ret, const char *path) {
        _cleanup_(freep) char *absolute = NULL;
        struct stat st;

        /* Of files libsystemd wants absolute paths. */
        absolute = realpath(path, NULL);
        if (!absolute || stat(absolute, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return sd_journal_open_directory(ret, absolute, 0);
        return sd_journal_open_files(ret, (const char *[]){ absolute, NULL }, 0);
}

int handle_open(sd_journal **ret, const char *path, const char *name_space, int flags) {
        sd_journal *handle;
        int r;

        if (path)
                r = open_path(&handle, path);
        else
                r = sd_journal_open_namespace(&handle,
                                isempty(name_space) ? NULL : name_space,
                                SD_JOURNAL_LOCAL_ONLY | flags);
        if (r < 0)
                return r;

        r = sd_journal_set_data_threshold(handle, DATA_THRESHOLD);
        if (r < 0) {
                sd_journal_close(handle);
                return r;
        }

        *ret = handle;
        return 0;
}

static void store_field(HandleBuffers *buffers, const char *data, size_t size, Entry *ret) {
        const char *eq = memchr(data, '=', size);
        EntryValue *value;
        char *buf;
        size_t n;
        int field;

        if (!eq)
                return;
        field = entry_field_from_string(data, (size_t) (eq - data));
        if (field < 0 || ret->fields[field].data)
                return;

        n = size - (size_t) (eq + 1 - data);
        if (field == ENTRY_MESSAGE) {
                ret->is_cut = n > ENTRY_MESSAGE_MAX;
                buf = buffers->message;
                n = MIN(n, sizeof(buffers->message));
        } else {
                buf = buffers->fields[field];
                n = MIN(n, sizeof(buffers->fields[field]));
        }

        memcpy(buf, eq + 1, n);
        value = &ret->fields[field];
        *value = (EntryValue){ buf, n };
}

void handle_read_fields(sd_journal *handle, HandleBuffers *buffers, Entry *ret) {
        const void *data;
        size_t size;

        /* What a damaged file does not give is left out. */
        sd_journal_restart_data(handle);
        while (sd_journal_enumerate_available_data(handle, &data, &size) > 0)
                store_field(buffers, data, size, ret);
}
