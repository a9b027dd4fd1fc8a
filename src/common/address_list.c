/* SPDX-License-Identifier: MIT */
/* The resolver's answers: each one allocation. */
#include "common/memory.h"
#include "common/resolver.h"

eddy_address_list *eddy__address_list_new(size_t count, size_t extra)
{
    eddy_address_list *list;

    if (count > (SIZE_MAX - sizeof *list - extra) / sizeof list->entries[0])
        return NULL;
    list = eddy__alloc_zeroed(sizeof *list + count * sizeof list->entries[0] + extra);
    if (list != NULL)
        list->count = count;
    return list;
}

static bool address_list_has(const eddy_address_list *list, const eddy_address *address)
{
    for (size_t i = 0; i < list->count; i++)
        if (eddy_address_equal(&list->entries[i].address, address))
            return true;
    return false;
}

/* Quadratic: the addresses of a server are few. Names stay behind, they belong to `more`. */
void eddy__address_list_append_new(eddy_address_list *list, const eddy_address_list *more)
{
    for (size_t i = 0; i < more->count; i++) {
        if (address_list_has(list, &more->entries[i].address))
            continue;
        list->entries[list->count] = more->entries[i];
        list->entries[list->count++].canonical_name = NULL;
    }
}

size_t eddy_address_list_count(const eddy_address_list *list)
{
    return list != NULL ? list->count : 0;
}

const eddy_addrinfo *eddy_address_list_get(const eddy_address_list *list, size_t index)
{
    return index < eddy_address_list_count(list) ? &list->entries[index] : NULL;
}

void eddy_address_list_free(eddy_address_list *list)
{
    eddy__free(list);
}

void eddy_name_info_free(eddy_name_info *info)
{
    eddy__free(info);
}
