"""hello.py LIBHADAL [MODEL "1 403"]: greedy ids after these, through ctypes. Python's own library is all it needs.

Without a model: the small one that comes with Hadal, from the token that begins its texts."""
import ctypes as c
import sys


class Error(c.Structure):
    _fields_ = [("status", c.c_int32), ("detail", c.c_int32), ("length", c.c_uint32), ("message", c.c_char * 1012)]


class Event(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("kind", c.c_int32), ("token", c.c_int32), ("stop_reason", c.c_int32),
                ("text", c.c_void_p), ("text_length", c.c_size_t)]


def main(library, path=None, prompt="0"):
    hadal, err, handles = c.CDLL(library), Error(), []

    def call(name, *arguments):
        status = getattr(hadal, "hadal_" + name)(*arguments, c.byref(err))
        if status < 0:
            raise SystemExit(f"{name}: {status}: {err.message.decode()}")
        return status

    def create(name, *arguments):
        handle = c.c_void_p()
        call(name, *arguments, c.byref(handle))
        handles.append((name.split("_")[0], handle))
        return handle

    if path is None:
        buffer, length = c.create_string_buffer(4096), c.c_size_t()
        call("sample_model_path", buffer, c.c_size_t(4096), c.byref(length))
        path = buffer.raw[:length.value].decode()
    runtime = create("runtime_create", None)
    model = create("model_open", runtime, path.encode(), None)
    session = create("session_create", model, None)
    ids = [int(word) for word in prompt.split()]
    call("session_append", session, (c.c_int32 * len(ids))(*ids), c.c_size_t(len(ids)))
    generator = create("generator_create", session, None)
    event = Event(struct_size=c.sizeof(Event))
    tokens = []
    while len(tokens) < 20 and call("generator_next", generator, c.byref(event)) == 0:
        if event.kind == 1:
            tokens.append(event.token)
    for noun, handle in reversed(handles):
        getattr(hadal, f"hadal_{noun}_release")(handle)
    print(*tokens)


if __name__ == "__main__":
    main(*sys.argv[1:])
