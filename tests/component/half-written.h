/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Journal files as they are while journald writes an entry: it counts one in the file before it
 * counts it for each of its fields. */

#include <assert.h>
#include <endian.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A field's object (systemd's JOURNAL_FILE_FORMAT) begins with its type, which is 1; its size is 8
 * bytes behind that, and the number of entries 56. Its contents come behind 64, or 72 in the
 * compact form of a file. */
static inline uint64_t *find_field(char *bytes, size_t size, const char *field) {
        size_t n = strlen(field);

        for (char *p = bytes; (p = memmem(p, (size_t) (bytes + size - p), field, n)); p++)
                for (ptrdiff_t head = 64; head <= 72; head += 8) {
                        uint64_t said;

                        memcpy(&said, p - head + 8, sizeof(said));
                        if (p[-head] == 1 && le64toh(said) == (uint64_t) head + n)
                                return (uint64_t *) (void *) (p - head + 56);
                }

        return NULL;
}

/* Returns how many entries of the file have a field, as the file says, and has it say something
 * else, unless that is NULL. */
static inline uint64_t count_entries(const char *path, const char *field, const uint64_t *instead) {
        uint64_t *count, r;
        struct stat st;
        char *bytes;
        int fd;

        fd = open(path, O_RDWR | O_CLOEXEC);
        assert(fd >= 0);
        assert(fstat(fd, &st) == 0);
        bytes = mmap(NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert(bytes != MAP_FAILED);

        count = find_field(bytes, (size_t) st.st_size, field);
        assert(count);
        r = le64toh(*count);
        if (instead)
                *count = htole64(*instead);

        assert(munmap(bytes, (size_t) st.st_size) == 0);
        assert(close(fd) == 0);
        return r;
}
