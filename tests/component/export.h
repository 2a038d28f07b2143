/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Real journals, which systemd-journal-remote makes from text in Journal Export Format: it takes
 * fields that only journald writes, and times, as they stand. */

#include "../unit/files.h"

#include <inttypes.h>
#include <sys/wait.h>

#include "base/usec.h"

#define JOURNAL_REMOTE "/usr/lib/systemd/systemd-journal-remote"
#define BOOT "11111111111111111111111111111111"
#define UNIT "_SYSTEMD_UNIT=ssh.service"

/* Text of a journal that grows entry by entry. */
typedef struct Export {
        FILE *file;
        unsigned n_entries;
        unsigned second; /* after T0, of the entry added last */
} Export;

static inline Export export_begin(void) {
        Export e = {};

        e.file = tmpfile();
        assert_non_null(e.file);
        return e;
}

static inline _unused_ void add_field(Export *e, const char *name, const void *value, size_t size) {
        uint64_t n = size;

        /* The binary form, which holds any bytes; lengths are little-endian. */
        (void) fprintf(e->file, "%s\n", name);
        for (unsigned i = 0; i < 8; i++, n >>= 8)
                (void) fputc((int) (n & 0xff), e->file);
        (void) fwrite(value, 1, size, e->file);
        (void) fputc('\n', e->file);
}

/* Begins an entry a second after the one before. */
static inline _unused_ void add_entry(Export *e, const char *fields) {
        if (e->n_entries++ > 0)
                (void) fputc('\n', e->file);
        e->second++;
        (void) fprintf(e->file,
                        "__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%u\n_BOOT_ID=" BOOT
                        "\n%s",
                        T0 + e->second * USEC_PER_SEC,
                        1000000 + e->second * 1000000,
                        fields);
}

static inline _unused_ void add_message(Export *e, const char *message) {
        char fields[512];

        (void) snprintf(fields, sizeof(fields), UNIT "\n_UID=0\nMESSAGE=%s\n", message);
        add_entry(e, fields);
}

static inline void run(const char *const *argv) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

                (void) dup2(null, STDOUT_FILENO);
                (void) dup2(null, STDERR_FILENO);
                (void) execv(argv[0], (char *const *) argv);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

/* Appends the entries to a journal file, which is made if there is none. */
static inline _unused_ const char *export_end(Export *e, const Files *f, const char *name) {
        const char *path = files_make_parents(f, name), *text;
        _cleanup_(freep) char *bytes = NULL;
        long size;

        (void) fputc('\n', e->file); /* ends the last entry */
        size = ftell(e->file);
        assert_true(size > 0);
        rewind(e->file);
        bytes = malloc((size_t) size);
        assert_non_null(bytes);
        assert_int_equal(fread(bytes, 1, (size_t) size, e->file), size);
        assert_int_equal(fclose(e->file), 0);
        text = files_write_bytes(f, "export", bytes, (size_t) size);

        run((const char *const[]){ JOURNAL_REMOTE, "--output", path, text, NULL });
        return path;
}
