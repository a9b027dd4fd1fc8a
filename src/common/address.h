/* SPDX-License-Identifier: MIT */
/**
 * Addresses in parts. The texts of <eddy/address.h> are common code; src/native/address.c knows the
 * system's structures.
 */
#ifndef EDDY_COMMON_ADDRESS_H
#define EDDY_COMMON_ADDRESS_H

#include <eddy/address.h>

/** What an address says. Fields that its family has not are zero. */
struct eddy__endpoint {
    eddy_family family;
    int port;
    uint32_t flowinfo; /**< in the byte order of this machine, as all numbers here */
    uint32_t scope_id;
    unsigned char ip[16]; /**< as on the wire; EDDY_INET: the first four */
    const char *path;     /**< of EDDY_UNIX: borrowed, begins with NUL if it is abstract */
    size_t path_size;     /**< without a NUL at the end; 0: a socket without a name */
};

/* What a platform supplies. None of these needs the network, nor any start-up of it. */

/** Take apart; `path` points into `address`. Any address, also a cut off one. Cannot fail. */
void eddy__address_split(const eddy_address *address, struct eddy__endpoint *endpoint);

/**
 * Put together. Of a path: EDDY_EINVALID if it does not fit, EDDY_ENOTSUPPORTED for what the
 * system has not. `*address` is untouched then.
 */
int eddy__address_join(const struct eddy__endpoint *endpoint, eddy_address *address);

/** Read an IPv4 or IPv6 number as inet_pton() does; false if `text` is none. */
bool eddy__ip_parse(eddy_family family, const char *text, unsigned char ip[16]);

/** Write it as inet_ntop() does. `size` is at least 46. */
void eddy__ip_format(eddy_family family, const unsigned char ip[16], char *buffer, size_t size);

/** The system's number of a portable family and back; -1 and EDDY_OTHER_FAMILY if there is none. */
int eddy__family_to_native(int family);
eddy_family eddy__family_from_native(int family);

/** The same for socket types and protocols; what has no portable name becomes "any". */
int eddy__type_to_native(int type);
int eddy__type_from_native(int type);
int eddy__protocol_to_native(int protocol);
int eddy__protocol_from_native(int protocol);

#endif
