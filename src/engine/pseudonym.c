/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A new key is written beside its place and renamed, so that
 * there is never half of one.
 */

#include "engine/pseudonym.h"

#include <fcntl.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/macro.h"

static int write_key(const PseudonymKey *key, const char *path) {
        _cleanup_(freep) char *temporary = NULL;
        _cleanup_(closep) int fd = -1;

        if (asprintf(&temporary, "%s.new", path) < 0)
                return -ENOMEM;

        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        if (write(fd, key->bytes, sizeof(key->bytes)) != sizeof(key->bytes))
                return errno > 0 ? -errno : -EIO;
        if (fsync(fd) < 0 || rename(temporary, path) < 0)
                return -errno;

        return 0;
}

int pseudonym_load(PseudonymKey *ret, const char *directory) {
        _cleanup_(freep) char *path = NULL, *data = NULL;
        size_t size = 0;

        assert(ret);
        assert(directory);

        if (asprintf(&path, "%s/" PSEUDONYM_FILE, directory) < 0)
                return -ENOMEM;

        if (file_read(path, PSEUDONYM_KEY_SIZE, &data, &size) >= 0 && size == PSEUDONYM_KEY_SIZE) {
                memcpy(ret->bytes, data, PSEUDONYM_KEY_SIZE);
                return 0;
        }

        /* getrandom() of up to 256 bytes cannot be cut short once the pool is ready. */
        if (getrandom(ret->bytes, sizeof(ret->bytes), 0) != sizeof(ret->bytes))
                abort();
        return write_key(ret, path);
}

uint64_t pseudonym_of(const PseudonymKey *key, const void *name, size_t size) {
        uint64_t hash;

        assert(key);
        assert(name || size == 0);

        hash = table_secret_digest(key->bytes, name, size);
        return hash ? hash : 1;
}
