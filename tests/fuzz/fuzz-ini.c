/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The wall around iniparser, for files that the administrator or a package got wrong.
 */

#include "fuzz.h"

#include "model/ini.h"

typedef struct Section {
        const Ini *ini;
        const char *name;
} Section;

static int check_key(const char *key, const char *value, void *userdata) {
        const Section *section = userdata;
        const char *found = ini_get(section->ini, section->name, key);

        /* Names that are too long are not found. */
        assert(!found || streq(found, value));
        for (const char *p = value; *p; p++)
                assert((unsigned char) *p >= ' ' || strchr("\t\n\f\r", *p));
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(ini_freep) Ini *ini = NULL;
        char path[FUZZ_PATH_SIZE], error[INI_ERROR_SIZE] = "";
        int fd = fuzz_make_file(data, size, path), r;

        r = ini_load(&ini, path, error);
        (void) close(fd);
        if (r < 0) {
                assert(!ini);
                assert(error[0] && strlen(error) < sizeof(error));
                return 0;
        }

        for (size_t i = 0; i < ini_n_sections(ini); i++) {
                const Section section = { .ini = ini, .name = ini_get_section(ini, i) };

                assert(section.name);
                assert(ini_foreach(ini, section.name, check_key, (void *) &section) == 0);
        }

        return 0;
}
