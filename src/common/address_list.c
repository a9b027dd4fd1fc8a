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
