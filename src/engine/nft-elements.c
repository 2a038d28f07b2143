/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/nft-elements.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "engine/nft-table.h"

/* How often a set is read anew because somebody changed the ruleset meanwhile. Then what was read
 * has to do: an element may be missing or come twice. */
#define READ_ATTEMPTS 5

typedef struct Listing {
        int family;
        unsigned prefixlen;
        size_t max;

        NftElement *elements;
        size_t n;
        size_t n_allocated;
        int error; /* of a callback */
} Listing;

static usec_t get_remaining(struct nftnl_set_elem *e) {
        if (!nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_EXPIRATION))
                return USEC_INFINITY;

        return nftnl_set_elem_get_u64(e, NFTNL_SET_ELEM_EXPIRATION) * USEC_PER_MSEC;
}

static int read_counter(struct nftnl_expr *e, void *userdata) {
        FirewallElement *element = userdata;
        const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

        if (name && streq(name, "counter")) {
                element->is_counted = true;
                element->dropped.packets = nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS);
                element->dropped.bytes = nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_BYTES);
        }

        return 0;
}

static int append_element(struct nftnl_set_elem *e, void *userdata) {
        Listing *l = userdata;
        NftElement element = {};
        const void *key;
        uint32_t size;

        if (l->error < 0 || l->n >= l->max)
                return 0;

        key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &size);
        if (!key || size != nft_address_size(l->family) ||
                        address_from_bytes(l->family, key, l->prefixlen, &element.address) < 0)
                return 0;

        element.element.remaining = get_remaining(e);
        (void) nftnl_set_elem_expr_foreach(e, read_counter, &element.element);

        if (l->n == l->n_allocated) {
                size_t n = MAX(2 * l->n_allocated, (size_t) 16);
                NftElement *p;

                p = reallocarray(l->elements, n, sizeof(*p));
                if (!p) {
                        l->error = -ENOMEM;
                        return 0;
                }

                l->elements = p;
                l->n_allocated = n;
        }

        l->elements[l->n++] = element;
        return 0;
}

static int on_elements(const struct nlmsghdr *nlh, void *userdata) {
        struct nftnl_set *s;
        Listing *l = userdata;

        s = nftnl_set_alloc();
        if (!s || nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
                l->error = s ? -EBADMSG : -ENOMEM;
        else
                (void) nftnl_set_elem_foreach(s, append_element, l);

        if (s)
                nftnl_set_free(s);
        return l->error < 0 || l->n >= l->max ? MNL_CB_STOP : MNL_CB_OK;
}

static int list_once(const char *table, const char *set, Listing *listing) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        struct nlmsghdr *nlh;
        int r;

        r = nft_link_new(&l, table);
        if (r < 0)
                return r;

        nlh = nft_link_question(l, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP);
        mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, nft_link_get_table(l));
        mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);

        listing->n = 0;
        r = nft_link_ask(l, on_elements, listing);
        return r < 0 ? r : listing->error;
}

int nft_list_set(const char *table,
                const char *set,
                int family,
                unsigned prefixlen,
                size_t max,
                NftElement **ret,
                size_t *ret_n) {
        Listing listing = { .family = family, .prefixlen = prefixlen, .max = max };
        int r = -EINTR;

        for (unsigned i = 0; r == -EINTR && i < READ_ATTEMPTS; i++)
                r = list_once(table, set, &listing);

        if (r < 0 && r != -EINTR) {
                free(listing.elements);
                return r;
        }

        *ret = listing.elements;
        *ret_n = listing.n;
        return 0;
}

/* The answer is a single message, with nothing after it that would end it. */
static int on_element(const struct nlmsghdr *nlh, void *userdata) {
        (void) on_elements(nlh, userdata);
        return MNL_CB_STOP;
}

int nft_get_element(NftLink *l, const char *set, const Address *address, FirewallElement *ret) {
        Listing listing = {
                .family = address->family,
                .prefixlen = address->prefixlen,
                .max = 1,
        };
        struct nftnl_set *elements;
        struct nlmsghdr *nlh;
        int r;

        nlh = nft_link_question(l, NFT_MSG_GETSETELEM, NFPROTO_INET, 0);
        elements = nft_elements_new(l, set);
        if (elements) {
                (void) nft_elements_add(
                                l, elements, address->bytes, nft_address_size(address->family));
                nftnl_set_elems_nlmsg_build_payload(nlh, elements);
                nftnl_set_free(elements);
        }

        r = nft_link_ask(l, on_element, &listing);
        if (r == -ENOENT)
                r = 0;
        else if (r >= 0)
                r = listing.error;
        if (r >= 0 && listing.n > 0) {
                if (ret)
                        *ret = listing.elements[0].element;
                r = 1;
        }

        free(listing.elements);
        return r;
}

typedef struct PortListing {
        NftPortHandler handler;
        void *userdata;
        int error; /* of a callback */
} PortListing;

static int report_port(struct nftnl_set_elem *e, void *userdata) {
        const char *chain = NULL;
        PortListing *l = userdata;
        const void *key;
        uint32_t size;
        uint16_t port;

        key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &size);
        if (!key || size != sizeof(port))
                return 0;

        memcpy(&port, key, sizeof(port));
        if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_CHAIN) &&
                        (int) nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_VERDICT) == NFT_JUMP)
                chain = nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN);

        l->handler(ntohs(port), chain, l->userdata);
        return 0;
}

static int on_ports(const struct nlmsghdr *nlh, void *userdata) {
        PortListing *l = userdata;
        struct nftnl_set *s;

        s = nftnl_set_alloc();
        if (!s || nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
                l->error = s ? -EBADMSG : -ENOMEM;
        else
                (void) nftnl_set_elem_foreach(s, report_port, l);

        if (s)
                nftnl_set_free(s);
        return MNL_CB_OK;
}

int nft_list_ports(NftLink *l, const char *map, NftPortHandler handler, void *userdata) {
        PortListing listing = { .handler = handler, .userdata = userdata };
        struct nlmsghdr *nlh;
        int r;

        nlh = nft_link_question(l, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP);
        mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, nft_link_get_table(l));
        mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, map);
        r = nft_link_ask(l, on_ports, &listing);
        return r < 0 ? r : listing.error;
}
