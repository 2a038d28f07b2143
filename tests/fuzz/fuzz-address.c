/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Addresses as log messages, the configuration and banctl's users write them.
 */

#include "fuzz.h"

#include "model/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char text[ADDRESS_STR_SIZE];
        Address a, again, wide;

        if (address_parse((const char *) data, size, &a) < 0)
                return 0;

        assert(a.family == AF_INET || a.family == AF_INET6);
        assert(a.prefixlen <= address_family_bits(a.family));
        assert(address_is_host(&a) == (a.prefixlen == address_family_bits(a.family)));

        /* What is printed is what is meant. */
        (void) address_format(&a, text);
        assert(strlen(text) < sizeof(text));
        assert(address_parse(text, strlen(text), &again) >= 0);
        assert(address_equal(&a, &again));

        for (unsigned n = 0; n <= address_family_bits(a.family); n++) {
                wide = a;
                address_widen(&wide, n);
                assert(address_covers(&wide, &a));
                assert(wide.prefixlen == MIN(n, (unsigned) a.prefixlen));
        }

        (void) address_is_loopback(&a);
        (void) address_is_shared_prefix(&a);
        return 0;
}
