/* SPDX-License-Identifier: MIT */
#include "common/names.h"
#include "common/memory.h"
#include <assert.h>
#include <limits.h>
#include <string.h>

struct eddy__names {
    bool is_packed;
    unsigned char length[2];  /**< of each address; 0: not known */
    unsigned char content[2]; /**< bytes of it that are kept: those behind are 0 */
};

struct names_packed {
    struct eddy__names names;
    unsigned char bytes[]; /**< of the one, then of the other */
};

struct names_unpacked {
    struct eddy__names names;
    eddy_address addresses[2];
};

static_assert(sizeof((eddy_address *)0)->storage <= UCHAR_MAX, "a length fits into a byte");

static struct names_unpacked *names_unpacked(const struct eddy__names *names)
{
    assert(!names->is_packed);
    return (struct names_unpacked *)(uintptr_t)names;
}

struct eddy__names *eddy__names_new(void)
{
    struct names_unpacked *made = eddy__alloc_zeroed(sizeof *made);

    return made != NULL ? &made->names : NULL;
}

eddy_address *eddy__names_edit(struct eddy__names *names, enum eddy__name which)
{
    return &names_unpacked(names)->addresses[which];
}

/** How many bytes of an address say all: an IPv4 sockaddr ends in zeros. */
static unsigned char names_content(const eddy_address *address)
{
    const unsigned char *bytes = (const unsigned char *)address->storage;
    uint32_t size = address->length;

    while (size > 0 && bytes[size - 1] == 0)
        size--;
    return (unsigned char)size;
}

void eddy__names_pack(struct eddy__names **names)
{
    struct names_unpacked *from = names_unpacked(*names);
    struct eddy__names head = {.is_packed = true};
    struct names_packed *packed;
    size_t size = 0;

    for (int i = 0; i < 2; i++) {
        head.length[i] = (unsigned char)from->addresses[i].length;
        head.content[i] = names_content(&from->addresses[i]);
        size += head.content[i];
    }
    packed = eddy__alloc(sizeof *packed + size);
    if (packed == NULL)
        return;
    packed->names = head;
    memcpy(packed->bytes, from->addresses[0].storage, head.content[0]);
    memcpy(packed->bytes + head.content[0], from->addresses[1].storage, head.content[1]);
    eddy__free(from);
    *names = &packed->names;
}

bool eddy__names_get(const struct eddy__names *names, enum eddy__name which, eddy_address *address)
{
    const struct names_packed *packed = (const void *)names;

    if (names == NULL)
        return false;
    if (!names->is_packed) {
        *address = names_unpacked(names)->addresses[which];
        return address->length > 0;
    }
    if (names->length[which] == 0)
        return false;
    *address = (eddy_address){.length = names->length[which]};
    memcpy(address->storage, packed->bytes + (which == 0 ? 0 : names->content[0]),
           names->content[which]);
    return true;
}

const eddy_address *eddy__names_lend(struct eddy__names **names, enum eddy__name which)
{
    const eddy_address *address;

    if ((*names)->is_packed) {
        struct eddy__names *made;

        if ((*names)->length[which] == 0)
            return NULL;
        made = eddy__names_new();
        if (made == NULL)
            return NULL;
        (void)eddy__names_get(*names, EDDY__LOCAL_NAME, eddy__names_edit(made, EDDY__LOCAL_NAME));
        (void)eddy__names_get(*names, EDDY__PEER_NAME, eddy__names_edit(made, EDDY__PEER_NAME));
        eddy__free(*names);
        *names = made;
    }
    address = eddy__names_edit(*names, which);
    return address->length > 0 ? address : NULL;
}
