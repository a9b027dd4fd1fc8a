/* SPDX-License-Identifier: MIT */
#include "common/names.h"
#include "common/address.h"
#include "common/memory.h"
#include <assert.h>
#include <eddy/error.h>
#include <limits.h>
#include <string.h>

/** How an address is written down. */
enum names_form {
    NAMES_UNKNOWN,
    NAMES_INET,  /* port and number of IPv4 */
    NAMES_INET6, /* the same of IPv6, with neither flow nor scope */
    NAMES_OTHER, /* the length, the length without zeros at the end, and that many bytes */
};

enum { INET_SIZE = 2 + 4, INET6_SIZE = 2 + 16 };

struct eddy__names {
    bool is_packed : 1;
    bool is_lodger : 1; /**< in memory of the owner's */
    unsigned char form[2];
};

struct names_packed {
    struct eddy__names names;
    unsigned char bytes[]; /**< of the peer, then of the local address */
};

struct names_unpacked {
    struct eddy__names names;
    eddy_address addresses[2]; /**< by enum eddy__name */
};

static_assert(sizeof((eddy_address *)0)->storage <= UCHAR_MAX, "a length fits into a byte");

/** An address written down. */
struct names_text {
    unsigned char form;
    unsigned char size;
    unsigned char bytes[2 + sizeof((eddy_address *)0)->storage];
};

/** How many bytes of an address say all. */
static unsigned char names_content(const eddy_address *address)
{
    const unsigned char *bytes = (const unsigned char *)address->storage;
    uint32_t size = address->length;

    while (size > 0 && bytes[size - 1] == 0)
        size--;
    return (unsigned char)size;
}

static void names_write_raw(const eddy_address *address, struct names_text *text)
{
    unsigned char content = names_content(address);

    text->form = NAMES_OTHER;
    text->size = (unsigned char)(2 + content);
    text->bytes[0] = (unsigned char)address->length;
    text->bytes[1] = content;
    memcpy(text->bytes + 2, address->storage, content);
}

static void names_write(const eddy_address *address, struct names_text *text)
{
    struct eddy__endpoint endpoint;

    *text = (struct names_text){.form = NAMES_UNKNOWN};
    if (address == NULL || address->length == 0)
        return;
    eddy__address_split(address, &endpoint);
    if ((endpoint.family != EDDY_INET && endpoint.family != EDDY_INET6) || endpoint.flowinfo != 0 ||
        endpoint.scope_id != 0) {
        names_write_raw(address, text);
        return;
    }
    text->form = endpoint.family == EDDY_INET ? NAMES_INET : NAMES_INET6;
    text->size = endpoint.family == EDDY_INET ? INET_SIZE : INET6_SIZE;
    text->bytes[0] = (unsigned char)(endpoint.port >> 8);
    text->bytes[1] = (unsigned char)endpoint.port;
    memcpy(text->bytes + 2, endpoint.ip, text->size - 2u);
}

/** Bytes that an address takes which is written down at `bytes`. */
static size_t names_size(unsigned char form, const unsigned char *bytes)
{
    switch ((enum names_form)form) {
    case NAMES_INET:
        return INET_SIZE;
    case NAMES_INET6:
        return INET6_SIZE;
    case NAMES_OTHER:
        return 2u + bytes[1];
    case NAMES_UNKNOWN:
        break;
    }
    return 0;
}

static void names_read(unsigned char form, const unsigned char *bytes, eddy_address *address)
{
    struct eddy__endpoint endpoint = {.family = form == NAMES_INET ? EDDY_INET : EDDY_INET6};

    *address = (eddy_address){0};
    if (form == NAMES_OTHER) {
        address->length = bytes[0];
        memcpy(address->storage, bytes + 2, bytes[1]);
    } else if (form != NAMES_UNKNOWN) {
        endpoint.port = bytes[0] << 8 | bytes[1];
        memcpy(endpoint.ip, bytes + 2, names_size(form, bytes) - 2);
        eddy__address_join(&endpoint, address);
    }
}

static struct names_packed *names_packed(const struct eddy__names *names)
{
    assert(names->is_packed);
    return (struct names_packed *)(uintptr_t)names;
}

/** Where one is written down in a packed pair. */
static const unsigned char *names_bytes(const struct names_packed *packed, enum eddy__name which)
{
    return packed->bytes + (which == EDDY__PEER_NAME
                                ? 0
                                : names_size(packed->names.form[EDDY__PEER_NAME], packed->bytes));
}

static struct eddy__names *names_fill(struct names_packed *made, const struct names_text *peer,
                                      const struct names_text *local)
{
    made->names = (struct eddy__names){.is_packed = true};
    made->names.form[EDDY__PEER_NAME] = peer->form;
    made->names.form[EDDY__LOCAL_NAME] = local->form;
    memcpy(made->bytes, peer->bytes, peer->size);
    memcpy(made->bytes + peer->size, local->bytes, local->size);
    return &made->names;
}

/** A packed pair, with at least `room` bytes for the local address. */
static struct eddy__names *names_alloc(const struct names_text *peer,
                                       const struct names_text *local, size_t room)
{
    struct names_packed *made;

    if (room < local->size)
        room = local->size;
    made = eddy__alloc(sizeof *made + peer->size + room);
    return made != NULL ? names_fill(made, peer, local) : NULL;
}

size_t eddy__names_size(const eddy_address *peer)
{
    bool is_inet6 = peer != NULL && eddy_address_family(peer) == EDDY_INET6;

    return sizeof(struct names_packed) + 2 * (size_t)(is_inet6 ? INET6_SIZE : INET_SIZE);
}

struct eddy__names *eddy__names_init(void *memory, const eddy_address *peer)
{
    const struct names_text unknown = {.form = NAMES_UNKNOWN};
    struct names_text text;
    struct eddy__names *made;

    names_write(peer, &text);
    if (sizeof(struct names_packed) + 2 * (size_t)text.size > eddy__names_size(peer))
        return names_alloc(&text, &unknown, text.size);
    made = names_fill(memory, &text, &unknown);
    made->is_lodger = true;
    return made;
}

void eddy__names_free(struct eddy__names *names)
{
    if (names != NULL && !names->is_lodger)
        eddy__free(names);
}

/** What is written down in a packed pair of one of them. */
static void names_copy(const struct names_packed *packed, enum eddy__name which,
                       struct names_text *text)
{
    const unsigned char *bytes = names_bytes(packed, which);

    text->form = packed->names.form[which];
    text->size = (unsigned char)names_size(text->form, bytes);
    memcpy(text->bytes, bytes, text->size);
}

/** Put one into a packed pair, which may move. */
static int names_pack(struct eddy__names **names, enum eddy__name which,
                      const eddy_address *address)
{
    struct names_packed *packed = names_packed(*names);
    struct eddy__names *moved;
    struct names_text added;
    struct names_text kept;

    names_write(address, &added);
    assert(packed->names.form[which] == NAMES_UNKNOWN);
    names_copy(packed, which == EDDY__PEER_NAME ? EDDY__LOCAL_NAME : EDDY__PEER_NAME, &kept);
    if (which == EDDY__LOCAL_NAME && added.size <= kept.size) {
        packed->names.form[which] = added.form;
        memcpy(packed->bytes + kept.size, added.bytes, added.size);
        return 0;
    }
    if (which == EDDY__PEER_NAME && packed->names.is_lodger && added.form == NAMES_INET &&
        kept.form == NAMES_UNKNOWN) {
        /* Any memory of an owner has room for two of these. */
        names_fill(packed, &added, &kept)->is_lodger = true;
        return 0;
    }
    moved = which == EDDY__PEER_NAME ? names_alloc(&added, &kept, added.size)
                                     : names_alloc(&kept, &added, 0);
    if (moved == NULL)
        return EDDY_ENOMEM;
    eddy__names_free(*names);
    *names = moved;
    return 0;
}

int eddy__names_put(struct eddy__names **names, enum eddy__name which, const eddy_address *address)
{
    struct names_unpacked *whole = (struct names_unpacked *)(void *)*names;

    if ((*names)->is_packed)
        return names_pack(names, which, address);
    assert(whole->addresses[which].length == 0);
    whole->addresses[which] = *address;
    return 0;
}

bool eddy__names_get(const struct eddy__names *names, enum eddy__name which, eddy_address *address)
{
    if (names == NULL)
        return false;
    if (names->is_packed)
        names_read(names->form[which], names_bytes(names_packed(names), which), address);
    else
        *address = ((const struct names_unpacked *)(const void *)names)->addresses[which];
    return address->length > 0;
}

/** Make a packed pair a whole one. */
static int names_unpack(struct eddy__names **names)
{
    struct names_unpacked *made = eddy__alloc(sizeof *made);

    if (made == NULL)
        return EDDY_ENOMEM;
    made->names = (struct eddy__names){.is_packed = false};
    for (int i = 0; i < 2; i++)
        (void)eddy__names_get(*names, (enum eddy__name)i, &made->addresses[i]);
    eddy__names_free(*names);
    *names = &made->names;
    return 0;
}

const eddy_address *eddy__names_lend(struct eddy__names **names, enum eddy__name which)
{
    const eddy_address *address;

    if ((*names)->is_packed && ((*names)->form[which] == NAMES_UNKNOWN || names_unpack(names) != 0))
        return NULL;
    address = &((const struct names_unpacked *)(const void *)*names)->addresses[which];
    return address->length > 0 ? address : NULL;
}
