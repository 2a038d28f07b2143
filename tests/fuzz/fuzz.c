/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"

#include <sys/mman.h>

int fuzz_make_file(const uint8_t *data, size_t size, char buf[static FUZZ_PATH_SIZE]) {
        int fd = memfd_create("fuzz", MFD_CLOEXEC);

        assert(fd >= 0);
        for (size_t done = 0; done < size;) {
                ssize_t n = write(fd, data + done, size - done);

                assert(n > 0);
                done += (size_t) n;
        }

        (void) snprintf(buf, FUZZ_PATH_SIZE, "/proc/self/fd/%d", fd);
        return fd;
}

char *fuzz_make_string(const uint8_t *data, size_t size) {
        char *s = malloc(size + 1);

        assert(s);
        if (size > 0)
                memcpy(s, data, size);
        s[size] = '\0';
        return s;
}
