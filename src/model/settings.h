/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Settings
 *
 * What all configuration files together say: for each section and key the last value, with the file
 * that it stands in.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/table.h"
#include "model/problem.h"

/* What is above is not read, and the section is marked. */
#define SETTINGS_SECTIONS_MAX 1024
#define SETTINGS_MAX 16384

typedef struct Setting {
        char *key;
        char *value;
        const char *section;
        const char *file;
        bool in_table;
        UT_hash_handle hh;
} Setting;

typedef struct Section {
        char *name;
        const char *file;  /* the last one that has it */
        Setting *settings; /* table by key, in the order of their first mention */
        bool incomplete;   /* something did not fit */
        bool in_table;
        UT_hash_handle hh;
} Section;

typedef struct Settings Settings;

/* Reads banjo.conf and then conf.d/ of the directories, highest first. Files that are wrong are
 * problems, and left out. Returns 0 and passes ownership; -ENOENT if there is no file at all;
 * -ENOMEM. Sections and settings live as long as *ret. */
int settings_load(Settings **ret, const char *const *directories, ProblemSink *sink);

Settings *settings_free(Settings *s);
DEFINE_CLEANUP(Settings *, settings_free)

/* The first section, for walking on by hh.next in the order of their first mention; NULL if there
 * is none. */
const Section *settings_get_sections(const Settings *s);

/* NULL if there is none. */
const Section *settings_find_section(const Settings *s, const char *section);
const Setting *settings_find(const Settings *s, const char *section, const char *key);
