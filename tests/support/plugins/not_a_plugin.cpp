// A library without the entry.
extern "C" __attribute__((visibility("default"))) int hadal_test_nothing() {
    return 0;
}
