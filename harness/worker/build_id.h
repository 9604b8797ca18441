/* SPDX-License-Identifier: MIT */
/* build_id: which build this executable is, by the hash its linker put into it. */
#ifndef IPM_WORKER_BUILD_ID_H
#define IPM_WORKER_BUILD_ID_H

enum { IPM_BUILD_ID_TEXT = 41 };

/* 40 hexadecimal digits; "unknown" where the linker left no note. */
const char *ipm_build_id(char text[IPM_BUILD_ID_TEXT]);

#endif
