/* Checks of the C tests: each prints where it failed and counts. */
#ifndef HADAL_TESTS_CAPI_CHECK_H
#define HADAL_TESTS_CAPI_CHECK_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "hadal/hadal.h"
#include "written_in_c.h"

/* Failures are added to a variable of this name. */
#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            printf("%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
            ++n_failures;                                                   \
        }                                                                   \
    } while (0)

/* The call, whose last argument is &err, returns status. */
#define EXPECT(wanted, call)                                                                              \
    do {                                                                                                  \
        const hadal_status got_ = (call);                                                                 \
        if (got_ != (wanted)) {                                                                           \
            printf("%s:%d: %s gave %s, not %s: %s\n", __FILE__, __LINE__, #call, hadal_status_name(got_), \
                   hadal_status_name(wanted), got_ < 0 ? err.message : "");                               \
            ++n_failures;                                                                                 \
        }                                                                                                 \
    } while (0)

#endif
