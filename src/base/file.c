/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Returns the descriptor or a negative errno. */
static int open_regular(const char *path, size_t max, size_t *ret_size) {
        _cleanup_(closep) int fd = -1;
        struct stat st;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if ((size_t) st.st_size > max)
                return -EFBIG;

        *ret_size = (size_t) st.st_size;
        return TAKE_FD(fd);
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_size) {
        _cleanup_(freep) char *buf = NULL;
        _cleanup_(closep) int fd = -1;
        size_t size = 0;
        ssize_t n;

        assert(path);
        assert(ret);
        assert(ret_size);

        fd = open_regular(path, max, &size);
        if (fd < 0)
                return fd;

        buf = malloc(size + 1);
        if (!buf)
                return -ENOMEM;

        n = read(fd, buf, size);
        if (n < 0)
                return -errno;

        buf[n] = '\0';
        *ret = TAKE_PTR(buf);
        *ret_size = (size_t) n;
        return 0;
}
