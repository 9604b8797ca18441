# SPDX-License-Identifier: MIT
# cmake -DINPUT=FILE -DOUTPUT=FILE.c -DNAME=SYMBOL -P embed.cmake
# A file as a NUL-terminated array of char; rewritten only when the input changes.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
string(REGEX REPLACE "(......................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT}
  "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}'\\0'};\n")
