/* The tests written in C, run by written_in_c.cpp. Each returns how many checks failed. */
#ifndef HADAL_TESTS_CAPI_WRITTEN_IN_C_H
#define HADAL_TESTS_CAPI_WRITTEN_IN_C_H

#ifdef __cplusplus
extern "C" {
#endif

int test_tour(const char *model_path);
int test_null_arguments(const char *model_path);
int test_structs(const char *model_path);

#ifdef __cplusplus
}
#endif

#endif
