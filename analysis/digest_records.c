/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/digest.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WHOLE = 1 << 20, /* smaller files are hashed as they are */
    END = 64 << 10,  /* of larger ones: of the head, and of the tail */
    BLOCK = 4 << 10,
    BLOCKS = 64, /* spread over what is between */
    PATH = 4096,
};

/* Appends bytes of the file, fewer where it ends. */
static int append(int file, off_t from, size_t length, char *bytes, size_t *used)
{
    while (length > 0) {
        ssize_t got = pread(file, bytes + *used, length, from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        *used += (size_t)got;
        from += got;
        length -= (size_t)got;
    }
    return 0;
}

static int hash_samples(int file, off_t size, char hash[IPM_HASH_TEXT])
{
    size_t used = 0;
    int error = 0;
    ipm_auto_free char *bytes = malloc(WHOLE);
    if (bytes == NULL)
        return -ENOMEM;
    if (size <= WHOLE) {
        error = append(file, 0, (size_t)size, bytes, &used);
    } else {
        off_t step = (size - 2 * END) / BLOCKS;
        error = append(file, 0, END, bytes, &used);
        for (off_t i = 0; i < BLOCKS && error == 0; i++)
            error = append(file, END + i * step, BLOCK, bytes, &used);
        if (error == 0)
            error = append(file, size - END, END, bytes, &used);
    }
    ipm_hash_text(bytes, used, hash);
    return error;
}

/* A megabyte at a time, each hashed together with the hash of all before it. */
static int hash_whole(int file, off_t size, char hash[IPM_HASH_TEXT])
{
    enum { BEFORE = IPM_HASH_TEXT - 1 };
    int error = 0;
    ipm_auto_free char *bytes = malloc(BEFORE + WHOLE);
    if (bytes == NULL)
        return -ENOMEM;
    ipm_hash_text("", 0, hash);
    for (off_t from = 0; from < size && error == 0; from += WHOLE) {
        size_t used = BEFORE;
        memcpy(bytes, hash, BEFORE);
        error = append(file, from, WHOLE, bytes, &used);
        ipm_hash_text(bytes, used, hash);
    }
    return error;
}

int ipm_digest_records(const char *directory, bool whole, json_t **out_records,
                       struct ipm_why *why)
{
    char path[PATH];
    char samples[IPM_HASH_TEXT];
    char all[IPM_HASH_TEXT];
    struct stat status;
    int needed = snprintf(path, sizeof(path), "%s/records.jsonl", directory);
    if (needed < 0 || needed >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    ipm_auto_fd int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0)
        return ipm_why_set(why, -errno, "open %s: ", path);
    int error = hash_samples(file, status.st_size, samples);
    if (error == 0 && whole)
        error = hash_whole(file, status.st_size, all);
    if (error != 0)
        return ipm_why_set(why, error, "read %s: ", path);
    json_t *records =
        json_pack("{s: I, s: s}", "bytes", (json_int_t)status.st_size, "hash", samples);
    if (records != NULL && whole)
        (void)json_object_set_new(records, "whole", json_string(all));
    *out_records = records;
    return records == NULL ? ipm_why_set(why, -ENOMEM, "read %s: ", path) : 0;
}
