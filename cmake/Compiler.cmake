# How everything of ours is compiled. Only targets get flags: a program that adds us as a subdirectory keeps its own.
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
  endif()
  # Tests are built more often than debugged: -Og runs the numeric ones in bearable time, -g1 keeps lines in traces
  # and objects small.
  set(CMAKE_C_FLAGS_DEBUG "-Og -g1")
  set(CMAKE_CXX_FLAGS_DEBUG "-Og -g1")

  find_program(HADAL_CCACHE ccache)
  mark_as_advanced(HADAL_CCACHE)
  if(HADAL_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${HADAL_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${HADAL_CCACHE})
  endif()
endif()

if(HADAL_DEVELOPER_MODE)
  # An initialiser that names some fields leaves the others at their defaults, on purpose.
  add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers)
endif()
if(HADAL_SANITIZE)
  add_compile_options(-fsanitize=${HADAL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HADAL_SANITIZE})
endif()
