/* SPDX-License-Identifier: MIT */
#include "common/interleave.h"

enum { FAMILIES_MAX = EDDY_OTHER_FAMILY + 1 };

/** The entries of one family, taken one by one. */
struct interleave_family {
    eddy_family family;
    size_t position; /**< in the list, from which to look for the next one */
};

/** The next entry of a family; NULL when there are none left. */
static const eddy_addrinfo *interleave_next(const eddy_address_list *list,
                                            struct interleave_family *family)
{
    const eddy_addrinfo *entry;

    while ((entry = eddy_address_list_get(list, family->position)) != NULL) {
        family->position++;
        if (entry->family == family->family)
            return entry;
    }
    return NULL;
}

/** The families in order of first appearance; returns how many. */
static size_t interleave_families(const eddy_address_list *list,
                                  struct interleave_family families[FAMILIES_MAX])
{
    size_t count = 0;
    const eddy_addrinfo *entry;

    for (size_t i = 0; (entry = eddy_address_list_get(list, i)) != NULL; i++) {
        size_t known = 0;

        while (known < count && families[known].family != entry->family)
            known++;
        if (known == count && count < FAMILIES_MAX)
            families[count++] = (struct interleave_family){.family = entry->family};
    }
    return count;
}

void eddy__interleave(const eddy_address_list *list, size_t first_count,
                      const eddy_addrinfo **ordered)
{
    size_t total = eddy_address_list_count(list);
    struct interleave_family families[FAMILIES_MAX];
    size_t family_count = interleave_families(list, families);
    size_t written = 0;
    const eddy_addrinfo *entry;

    if (first_count == 0) {
        for (size_t i = 0; i < total; i++)
            ordered[i] = eddy_address_list_get(list, i);
        return;
    }
    while (family_count > 0 && written + 1 < first_count &&
           (entry = interleave_next(list, &families[0])) != NULL)
        ordered[written++] = entry;
    while (written < total) {
        for (size_t i = 0; i < family_count; i++) {
            entry = interleave_next(list, &families[i]);
            if (entry != NULL)
                ordered[written++] = entry;
        }
    }
}
