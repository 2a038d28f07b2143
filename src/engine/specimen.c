/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The regular expression becomes a tree. Only what patterns of filters are made of is understood:
 * bytes and classes, groups, alternatives, repetitions. Assertions match nothing by themselves and
 * become empty; what changes the meaning of the rest (back references, conditions, verbs, \Q) is
 * refused.
 *
 * Nodes refer to each other by index, since the array of them grows.
 */

#include "engine/specimen.h"

#include <ctype.h>

#define NODES_MAX 8192
#define DEPTH_MAX 64

/* Repetitions of what is empty make no text and yet take time. */
#define NODES_WRITTEN_MAX 16384

/* From so many repetitions on, a class is a place where somebody could write something. An address
 * or a number is shorter. */
#define WILD_MIN 64

/* What is written between (?# and ) by <TEXT>. */
#define SERVER_MARK "server"

typedef uint32_t NodeIndex;

typedef enum NodeKind {
        NODE_SET,    /* one byte */
        NODE_GROUP,  /* its children, one after the other */
        NODE_ALTER,  /* one of its children */
        NODE_REPEAT, /* its child, min to max times */
} NodeKind;

typedef enum GroupRole {
        ROLE_NONE,
        ROLE_ADDRESS,
        ROLE_NAME,
        ROLE_SERVER,
} GroupRole;

typedef struct Node {
        NodeKind kind;
        GroupRole role;
        unsigned min, max; /* of NODE_REPEAT; max is UINT32_MAX for any number */
        NodeIndex first;   /* child; 0 for none, as the root is nobody's child */
        NodeIndex next;    /* sibling */
        uint8_t set[32];
} Node;

struct Specimens {
        Node *nodes; /* the first is the root */
        NodeIndex n_nodes;
};

typedef struct Parser {
        Specimens *specimens;
        const char *s; /* what is left */
        unsigned depth;
} Parser;

Specimens *specimens_free(Specimens *s) {
        if (!s)
                return NULL;

        free(s->nodes);
        free(s);
        return NULL;
}

static bool set_has(const uint8_t *set, unsigned char byte) {
        return set[byte / 8] & (1u << (byte % 8));
}

static void set_add(uint8_t *set, unsigned char byte) {
        set[byte / 8] |= (uint8_t) (1u << (byte % 8));
}

static void set_add_range(uint8_t *set, unsigned first, unsigned last) {
        for (unsigned byte = first; byte <= last; byte++)
                set_add(set, (unsigned char) byte);
}

static void set_invert(uint8_t *set) {
        for (size_t i = 0; i < 32; i++)
                set[i] = (uint8_t) ~set[i];
}

/* Returns the index of a new node, or a negative errno. */
static int64_t add_node(Parser *p, NodeKind kind) {
        Specimens *s = p->specimens;
        Node *nodes;

        if (s->n_nodes == NODES_MAX)
                return -EOPNOTSUPP;

        nodes = reallocarray(s->nodes, s->n_nodes + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;

        s->nodes = nodes;
        s->nodes[s->n_nodes] = (Node){ .kind = kind };
        return s->n_nodes++;
}

/* Escapes */

/* Adds what the letter behind a backslash stands for, if it is a class of bytes. */
static bool add_class_escape(uint8_t *set, char letter) {
        static const char spaces[] = " \t\n\v\f\r";
        uint8_t own[32] = {};

        switch (tolower(letter)) {
        case 'd':
                set_add_range(own, '0', '9');
                break;
        case 'w':
                set_add_range(own, '0', '9');
                set_add_range(own, 'a', 'z');
                set_add_range(own, 'A', 'Z');
                set_add(own, '_');
                break;
        case 's':
                for (const char *c = spaces; *c; c++)
                        set_add(own, (unsigned char) *c);
                break;
        case 'h':
                set_add(own, ' ');
                set_add(own, '\t');
                set_add(own, 0xa0);
                break;
        default:
                return false;
        }

        if (isupper((unsigned char) letter))
                set_invert(own);
        for (size_t i = 0; i < sizeof(own); i++)
                set[i] |= own[i];
        return true;
}

/* Reads what \xHH or \x{HH} says behind the x. Returns the byte or -EOPNOTSUPP. */
static int parse_hex(Parser *p) {
        bool braces = *p->s == '{';
        char *end;
        char digits[4] = "";
        size_t n = 0;

        p->s += braces;
        while (n < 2 && isxdigit((unsigned char) p->s[n])) {
                digits[n] = p->s[n];
                n++;
        }
        p->s += n;
        if (braces && *p->s++ != '}')
                return -EOPNOTSUPP;

        return (int) strtoul(digits, &end, 16);
}

/* Reads what a backslash and the letter behind it mean as one byte, within a class or outside.
 * Returns the byte or -EOPNOTSUPP. */
static int parse_byte_escape(Parser *p) {
        static const char letters[] = "tnrfea", bytes[] = "\t\n\r\f\033\a";
        char letter = *p->s;
        const char *found;

        if (!letter)
                return -EOPNOTSUPP;

        p->s++;
        if (letter == 'x')
                return parse_hex(p);
        if (letter == '0')
                return '\0';
        found = strchr(letters, letter);
        if (found)
                return bytes[found - letters];
        if (isalnum((unsigned char) letter))
                return -EOPNOTSUPP;
        return (unsigned char) letter;
}

/* Classes */

/* [:alpha:] and its kind, at p. */
static bool add_posix_class(Parser *p, uint8_t *set) {
        static const struct {
                const char *name;
                int (*is)(int c);
        } classes[] = {
                { "[:alpha:]", isalpha },
                { "[:digit:]", isdigit },
                { "[:alnum:]", isalnum },
                { "[:upper:]", isupper },
                { "[:lower:]", islower },
                { "[:space:]", isspace },
                { "[:punct:]", ispunct },
                { "[:graph:]", isgraph },
                { "[:print:]", isprint },
                { "[:xdigit:]", isxdigit },
                { "[:cntrl:]", iscntrl },
                { "[:blank:]", isblank },
        };

        for (size_t i = 0; i < ELEMENTSOF(classes); i++) {
                const char *rest = startswith(p->s, classes[i].name);

                if (!rest)
                        continue;
                for (int c = 0; c < 128; c++)
                        if (classes[i].is(c))
                                set_add(set, (unsigned char) c);
                p->s = rest;
                return true;
        }

        return false;
}

/* One byte of a class, which may begin a range. Returns it, -EAGAIN if a whole class was added, or
 * -EOPNOTSUPP. */
static int parse_class_byte(Parser *p, uint8_t *set) {
        if (*p->s != '\\')
                return (unsigned char) *p->s++;

        p->s++;
        if (add_class_escape(set, *p->s)) {
                p->s++;
                return -EAGAIN;
        }
        if (*p->s == 'b') {
                p->s++;
                return '\b';
        }
        return parse_byte_escape(p);
}

/* The class behind its bracket. */
static int parse_class(Parser *p, uint8_t *set) {
        bool inverted = *p->s == '^';

        p->s += inverted;
        for (bool first = true; first || *p->s != ']'; first = false) {
                int byte, last;

                if (!*p->s)
                        return -EOPNOTSUPP;
                if (add_posix_class(p, set))
                        continue;
                byte = parse_class_byte(p, set);
                if (byte == -EAGAIN)
                        continue;
                if (byte < 0)
                        return byte;

                last = byte;
                if (p->s[0] == '-' && p->s[1] && p->s[1] != ']') {
                        p->s++;
                        last = parse_class_byte(p, set);
                        if (last < byte)
                                return -EOPNOTSUPP;
                }
                set_add_range(set, (unsigned) byte, (unsigned) last);
        }
        p->s++;

        if (inverted)
                set_invert(set);
        return 0;
}

/* Groups */

static int64_t parse_alternatives(Parser *p, GroupRole role);

/* Passes over a group that matches nothing by itself, to behind its parenthesis. */
static int skip_group(Parser *p) {
        unsigned depth = 1;

        for (; *p->s && depth > 0; p->s++)
                if (*p->s == '\\' && p->s[1])
                        p->s++;
                else if (*p->s == '[') {
                        uint8_t set[32] = {};

                        p->s++;
                        if (parse_class(p, set) < 0)
                                return -EOPNOTSUPP;
                        p->s--;
                } else if (*p->s == '(')
                        depth++;
                else if (*p->s == ')')
                        depth--;

        return depth == 0 ? 0 : -EOPNOTSUPP;
}

/* The name of a group, up to its end mark. */
static GroupRole parse_name(Parser *p, char end) {
        const char *name = p->s;
        size_t n = strcspn(name, (char[]){ end, '\0' });

        p->s += n + (name[n] == end);
        if (n == 4 && memcmp(name, "addr", 4) == 0)
                return ROLE_ADDRESS;
        if ((n == 4 && memcmp(name, "user", 4) == 0) || (n == 7 && memcmp(name, "content", 7) == 0))
                return ROLE_NAME;
        return ROLE_NONE;
}

/* A group behind its parenthesis. Returns its node, 0 if it matches nothing, or a negative errno.
 * *role is that of the group around it and changes where a comment says so. */
static int64_t parse_group(Parser *p, GroupRole *role) {
        static const char *const assertions[] = { "?=", "?!", "?<=", "?<!" };
        GroupRole own = *role;
        int64_t node;

        for (size_t i = 0; i < ELEMENTSOF(assertions); i++)
                if (startswith(p->s, assertions[i]))
                        return skip_group(p);

        if (startswith(p->s, "?#")) {
                p->s += 2;
                if (startswith(p->s, SERVER_MARK ")"))
                        *role = ROLE_SERVER;
                return skip_group(p);
        }

        if (*p->s == '*')
                return -EOPNOTSUPP;
        if (*p->s == '?') {
                p->s++;
                if (*p->s == 'P' || (*p->s == '<' && isalpha((unsigned char) p->s[1]))) {
                        p->s += *p->s == 'P';
                        if (*p->s != '<')
                                return -EOPNOTSUPP;
                        p->s++;
                        own = parse_name(p, '>');
                } else if (*p->s == '\'') {
                        p->s++;
                        own = parse_name(p, '\'');
                } else if (*p->s == ':' || *p->s == '>' || *p->s == '|')
                        p->s++;
                else {
                        /* Options, for the group or for the rest of the one around it. */
                        p->s += strspn(p->s, "imsxnJ-^");
                        if (*p->s == ')') {
                                p->s++;
                                return 0;
                        }
                        if (*p->s != ':')
                                return -EOPNOTSUPP;
                        p->s++;
                }
        }

        node = parse_alternatives(p, own);
        if (node < 0)
                return node;
        if (*p->s != ')')
                return -EOPNOTSUPP;
        p->s++;
        return node;
}

/* Sequences */

/* One byte, class or group. Returns its node, 0 if it matches nothing, or a negative errno. */
static int64_t parse_atom(Parser *p, GroupRole *role) {
        uint8_t set[32] = {};
        int64_t node;
        int r = 0;

        switch (*p->s) {
        case '(':
                p->s++;
                return parse_group(p, role);
        case '^':
        case '$':
                p->s++;
                return 0;
        case '.':
                p->s++;
                set_invert(set);
                break;
        case '[':
                p->s++;
                r = parse_class(p, set);
                break;
        case '\\':
                p->s++;
                if (*p->s && strchr("bBAzZG", *p->s)) {
                        p->s++;
                        return 0;
                }
                if (add_class_escape(set, *p->s))
                        p->s++;
                else {
                        r = parse_byte_escape(p);
                        if (r >= 0)
                                set_add(set, (unsigned char) r);
                }
                break;
        default:
                set_add(set, (unsigned char) *p->s++);
        }
        if (r < 0)
                return r;

        node = add_node(p, NODE_SET);
        if (node >= 0) {
                memcpy(p->specimens->nodes[node].set, set, sizeof(set));
                p->specimens->nodes[node].role = *role;
        }
        return node;
}

/* "{2,5}" and so on. Returns true and moves on if it is one. */
static bool parse_counts(Parser *p, unsigned *min, unsigned *max) {
        unsigned long a, b;
        char *end;

        if (!isdigit((unsigned char) p->s[1]))
                return false;
        a = b = strtoul(p->s + 1, &end, 10);
        if (*end == ',') {
                end++;
                b = *end == '}' ? UINT32_MAX : strtoul(end, &end, 10);
        }
        if (*end != '}')
                return false;

        *min = (unsigned) MIN(a, 65535ul);
        *max = (unsigned) b;
        p->s = end + 1;
        return true;
}

/* Wraps the node if a repetition follows. Returns the node to use, or a negative errno. */
static int64_t parse_repetition(Parser *p, int64_t atom) {
        unsigned min = 0, max = UINT32_MAX;
        int64_t node;

        if (*p->s == '{') {
                if (!parse_counts(p, &min, &max))
                        return atom; /* a brace like any other byte, which comes next */
        } else {
                if (*p->s == '\0' || !strchr("*+?", *p->s))
                        return atom;
                if (*p->s == '+')
                        min = 1;
                if (*p->s == '?')
                        max = 1;
                p->s++;
        }
        if (*p->s == '?' || *p->s == '+') /* lazy or possessive */
                p->s++;
        if (atom == 0)
                return 0;

        node = add_node(p, NODE_REPEAT);
        if (node >= 0) {
                Node *n = &p->specimens->nodes[node];

                n->min = min;
                n->max = max;
                n->first = (NodeIndex) atom;
                n->role = p->specimens->nodes[atom].role;
        }
        return node;
}

/* Returns a NODE_GROUP, or a negative errno. */
static int64_t parse_sequence(Parser *p, GroupRole *role) {
        int64_t group = add_node(p, NODE_GROUP);
        NodeIndex last = 0;

        if (group < 0)
                return group;

        while (*p->s && *p->s != '|' && *p->s != ')') {
                int64_t atom = parse_atom(p, role);

                if (atom >= 0)
                        atom = parse_repetition(p, atom);
                if (atom < 0)
                        return atom;
                if (atom == 0)
                        continue;

                if (last == 0)
                        p->specimens->nodes[group].first = (NodeIndex) atom;
                else
                        p->specimens->nodes[last].next = (NodeIndex) atom;
                last = (NodeIndex) atom;
        }

        return group;
}

/* Returns a NODE_ALTER with the role, or a negative errno. */
static int64_t parse_alternatives(Parser *p, GroupRole role) {
        int64_t node = add_node(p, NODE_ALTER);
        NodeIndex last = 0;

        if (node < 0)
                return node;
        if (++p->depth > DEPTH_MAX)
                return -EOPNOTSUPP;
        p->specimens->nodes[node].role = role;

        for (;;) {
                int64_t sequence = parse_sequence(p, &role);

                if (sequence < 0)
                        return sequence;
                if (last == 0)
                        p->specimens->nodes[node].first = (NodeIndex) sequence;
                else
                        p->specimens->nodes[last].next = (NodeIndex) sequence;
                last = (NodeIndex) sequence;

                if (*p->s != '|')
                        break;
                p->s++;
        }

        p->depth--;
        return node;
}

int specimens_new(Specimens **ret, const char *regex) {
        _cleanup_(specimens_freep) Specimens *s = NULL;
        Parser p;
        int64_t r;

        assert(ret);
        assert(regex);

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        p = (Parser){ .specimens = s, .s = regex };
        r = parse_alternatives(&p, ROLE_NONE);
        if (r < 0)
                return (int) r;
        if (*p.s)
                return -EOPNOTSUPP;

        *ret = TAKE_PTR(s);
        return 0;
}

/* Making one */

typedef struct Writer {
        const Specimens *specimens;
        Specimen *out;
        const char *address;
        unsigned choices; /* what is left of the variant's number */
        unsigned n_nodes; /* written so far */
} Writer;

/* One of n, another one with each variant. */
static unsigned choose(Writer *w, unsigned n) {
        unsigned choice = w->choices % n;

        w->choices /= n;
        return choice;
}

static int write_piece(Writer *w, const Piece *piece, const char *text, size_t size) {
        Specimen *out = w->out;
        Piece *last = out->n_pieces > 0 ? &out->pieces[out->n_pieces - 1] : NULL;

        if (out->size + size > sizeof(out->text))
                return -E2BIG;

        if (piece->kind == PIECE_FIXED && last && last->kind == PIECE_FIXED)
                last->size += size;
        else {
                if (out->n_pieces == SPECIMEN_PIECES_MAX)
                        return -E2BIG;
                out->pieces[out->n_pieces] = *piece;
                out->pieces[out->n_pieces].start = out->size;
                out->pieces[out->n_pieces].size = size;
                out->n_pieces++;
        }

        memcpy(out->text + out->size, text, size);
        out->size += size;
        return 0;
}

/* A byte of the set that looks harmless. */
static char pick_byte(const uint8_t *set) {
        static const char first[] = "x1aA0 -";

        for (const char *c = first; *c; c++)
                if (set_has(set, (unsigned char) *c))
                        return *c;
        for (unsigned byte = 0; byte < 256; byte++)
                if (set_has(set, (unsigned char) byte))
                        return (char) byte;

        return 'x';
}

static int write_node(Writer *w, NodeIndex index);

static int write_repeat(Writer *w, const Node *node) {
        const Node *child = &w->specimens->nodes[node->first];
        unsigned n = node->min;

        if (child->kind == NODE_SET && node->max >= WILD_MIN) {
                Piece piece = {
                        .kind = PIECE_WILD,
                        .set = child->set,
                        .is_name = child->role == ROLE_NAME,
                        .is_server = child->role == ROLE_SERVER,
                };
                char byte = pick_byte(child->set);
                int r = 0;

                r = write_piece(w, &piece, &byte, 1);
                for (unsigned i = 1; i < n && r >= 0; i++)
                        r = write_piece(w, &(Piece){ .kind = PIECE_FIXED }, &byte, 1);
                return r;
        }

        if (n == 0 && node->max > 0)
                n = choose(w, 2) == 0;
        for (unsigned i = 0; i < n; i++) {
                int r = write_node(w, node->first);

                if (r < 0)
                        return r;
        }

        return 0;
}

static int write_alternative(Writer *w, const Node *node) {
        NodeIndex child = node->first;
        unsigned n = 0;

        if (node->role == ROLE_ADDRESS)
                return write_piece(w,
                                &(Piece){ .kind = PIECE_ADDRESS },
                                w->address,
                                strlen(w->address));

        for (NodeIndex i = child; i; i = w->specimens->nodes[i].next)
                n++;
        for (unsigned i = choose(w, n); i > 0; i--)
                child = w->specimens->nodes[child].next;

        return write_node(w, child);
}

static int write_node(Writer *w, NodeIndex index) {
        const Node *node = &w->specimens->nodes[index];
        char byte;

        if (++w->n_nodes > NODES_WRITTEN_MAX)
                return -E2BIG;

        switch (node->kind) {
        case NODE_SET:
                byte = pick_byte(node->set);
                return write_piece(w, &(Piece){ .kind = PIECE_FIXED }, &byte, 1);
        case NODE_REPEAT:
                return write_repeat(w, node);
        case NODE_ALTER:
                return write_alternative(w, node);
        case NODE_GROUP:
                for (NodeIndex i = node->first; i; i = w->specimens->nodes[i].next) {
                        int r = write_node(w, i);

                        if (r < 0)
                                return r;
                }
                return 0;
        }

        return 0;
}

int specimens_make(const Specimens *s, unsigned variant, const char *address, Specimen *ret) {
        Writer w = { .specimens = s, .out = ret, .address = address, .choices = variant };

        assert(s);
        assert(address);
        assert(ret);

        ret->size = 0;
        ret->n_pieces = 0;
        return write_node(&w, 0);
}
