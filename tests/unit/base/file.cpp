#include "base/file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/temp_folder.h"

using namespace hadal::core;
using hadal::test::TempFolder;

namespace {

std::string read(const File &file, uint64_t offset, size_t n) {
    std::string bytes(n, '\0');
    REQUIRE(file.read_at(offset, std::as_writable_bytes(std::span(bytes))));
    return bytes;
}

bool has(const Error &error, const std::string &part) {
    return error.message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a file is read where asked, and never past its end") {
    const TempFolder folder;
    auto file = File::open(folder.write("a", "0123456789"));
    REQUIRE(file);
    CHECK(file->size() == 10);
    CHECK(read(*file, 3, 4) == "3456");
    CHECK(read(*file, 10, 0).empty());

    std::byte bytes[4];
    const auto beyond = file->read_at(7, bytes);
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().status == Status::io);
    CHECK(has(beyond.error(), folder / "a"));
    CHECK(has(beyond.error(), "4 bytes at offset 7"));
    CHECK(has(beyond.error(), "10 bytes"));
    CHECK_FALSE(file->read_at(UINT64_MAX, bytes));
    CHECK_FALSE(file->read_at(UINT64_MAX - 2, bytes));
}

TEST_CASE("a file that shrank after it was opened is an error") {
    const TempFolder folder;
    auto file = File::open(folder.write("a", std::string(8192, 'x')));
    REQUIRE(file);
    REQUIRE(truncate((folder / "a").c_str(), 100) == 0);
    std::vector<std::byte> bytes(8192);
    const auto result = file->read_at(0, bytes);
    REQUIRE_FALSE(result);
    CHECK(result.error().status == Status::io);
    CHECK(has(result.error(), "ends at byte 100"));
    CHECK_FALSE(Mapping::map(*file));
}

TEST_CASE("only regular files open, and nothing blocks") {
    const TempFolder folder;
    REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
    REQUIRE(mkdir((folder / "sub").c_str(), 0700) == 0);
    const auto status = [](const std::string &path) {
        auto file = File::open(path);
        return file ? Status::ok : file.error().status;
    };
    CHECK(status(folder / "fifo") == Status::io);
    CHECK(status(folder / "sub") == Status::io);
    CHECK(status("/dev/zero") == Status::io);
    CHECK(status(folder / "absent") == Status::not_found);
    CHECK(status((folder / "absent") + std::string("\0x", 2)) == Status::not_found);
    CHECK(status("") == Status::not_found);
}

TEST_CASE("a folder opens only regular files that lie directly in it") {
    const TempFolder folder;
    folder.write("inside", "ok");
    const TempFolder elsewhere;
    elsewhere.write("outside", "secret");
    REQUIRE(symlink((elsewhere / "outside").c_str(), (folder / "link").c_str()) == 0);
    REQUIRE(symlink("inside", (folder / "link_inside").c_str()) == 0);
    REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
    REQUIRE(mkdir((folder / "sub").c_str(), 0700) == 0);

    auto opened = Folder::open(folder.path());
    REQUIRE(opened);
    const auto status = [&](const std::string &name) {
        auto file = opened->open_file(name);
        return file ? Status::ok : file.error().status;
    };
    CHECK(status("inside") == Status::ok);
    CHECK(status("absent") == Status::not_found);
    for (const std::string name : {"", ".", "..", "../inside", "/etc/passwd", "sub/../inside", "sub/"}) {
        CAPTURE(name);
        CHECK(status(name) == Status::bad_format);
    }
    CHECK(status(std::string("inside\0", 7)) == Status::bad_format);
    CHECK(status("link") == Status::bad_format);
    CHECK(status("link_inside") == Status::bad_format);
    CHECK(status("fifo") == Status::io);
    CHECK(status("sub") == Status::io);

    CHECK(Folder::open(folder / "absent").error().status == Status::not_found);
    CHECK(Folder::open(folder / "inside").error().status == Status::not_found);
    CHECK(is_folder(folder.path()));
    CHECK_FALSE(is_folder(folder / "inside"));
    CHECK_FALSE(is_folder(folder / "absent"));
}

TEST_CASE("a mapping holds the file's bytes after the file is closed") {
    const TempFolder folder;
    folder.write("empty", "");
    auto mapping = [&] {
        auto file = File::open(folder.write("a", "mapped"));
        REQUIRE(file);
        return Mapping::map(*file);
    }();
    REQUIRE(mapping);
    REQUIRE(mapping->bytes().size() == 6);
    CHECK(std::memcmp(mapping->bytes().data(), "mapped", 6) == 0);

    auto empty = File::open(folder / "empty");
    REQUIRE(empty);
    auto nothing = Mapping::map(*empty);
    REQUIRE(nothing);
    CHECK(nothing->bytes().empty());
}
