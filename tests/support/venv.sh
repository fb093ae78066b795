# Sourced: prepare_venv PYTHON BUILD_FOLDER      makes BUILD_FOLDER/venv with the packages of tests/requirements.txt.
# The sourcing script lies one folder below tests.
prepare_venv() {
    requirements=$(dirname "$0")/../requirements.txt
    cmp -s "$requirements" "$2/venv/requirements.txt" && return
    rm -rf "$2/venv" "$2/tiny"
    "$1" -m venv "$2/venv"
    "$2/venv/bin/pip" install -q --no-deps -r "$requirements" ||
        "$2/venv/bin/pip" install -q --no-deps -r "$requirements"  # a download may fail once
    cp "$requirements" "$2/venv/requirements.txt"
}
