/* SPDX-License-Identifier: MIT */
#include "harness/worker/build_id.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* Called for the executable first: that one alone is looked at. */
static int find_note(struct dl_phdr_info *info, size_t size, void *context)
{
    char *text = context;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_NOTE)
            continue;
        const char *at = (const char *)(info->dlpi_addr + segment->p_vaddr);
        const char *end = at + segment->p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note;
            memcpy(&note, at, sizeof(note));
            const char *name = at + sizeof(note);
            const unsigned char *hash =
                (const unsigned char *)name + padded(note.n_namesz);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
                memcmp(name, "GNU", 4) == 0) {
                for (size_t k = 0; k < note.n_descsz && 2 * k + 2 < IPM_BUILD_ID_TEXT;
                     k++)
                    (void)snprintf(text + 2 * k, 3, "%02x", hash[k]);
                return 1;
            }
            at = (const char *)hash + padded(note.n_descsz);
        }
    }
    return 1;
}

const char *ipm_build_id(char text[IPM_BUILD_ID_TEXT])
{
    (void)snprintf(text, IPM_BUILD_ID_TEXT, "unknown");
    (void)dl_iterate_phdr(find_note, text);
    return text;
}
