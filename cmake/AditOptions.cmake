# How every file is compiled: two interface libraries.
#
#   adit_options   language, hardening, sanitizers: for all code, tests too
#   adit_strict    the warnings on top, as errors: for src/ (tests drop -Wconversion)

option(ADIT_TESTS "Build the unit tests and the replay of the fuzz corpora" ON)
option(ADIT_FUZZ "Build tests/fuzz/ as libFuzzer programs (clang only)" OFF)
set(ADIT_SANITIZE "" CACHE STRING "Sanitizers, as given to -fsanitize=")

# How net/ waits for sockets: src/net/poll_epoll.c, or src/net/poll_uv.c, which runs everywhere.
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
    set(ADIT_POLLER epoll CACHE STRING "epoll or uv")
else()
    set(ADIT_POLLER uv CACHE STRING "epoll or uv")
endif()
set(ADIT_OTHER_POLLER epoll uv)
list(REMOVE_ITEM ADIT_OTHER_POLLER ${ADIT_POLLER})

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g") # no -DNDEBUG: asserts stay on
set(CMAKE_C_FLAGS_DEBUG "-Og -g")

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

add_library(adit_options INTERFACE)
target_compile_definitions(adit_options INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_include_directories(adit_options INTERFACE
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR})
target_compile_options(adit_options INTERFACE
    -Werror -Wall -Wextra -Wswitch-enum -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wformat=2 -fno-common -fstack-protector-strong)
target_link_libraries(adit_options INTERFACE Threads::Threads)

add_library(adit_strict INTERFACE)
target_compile_options(adit_strict INTERFACE -Wconversion)

include(CheckCCompilerFlag)
foreach(flag -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER HAS${flag} has)
    check_c_compiler_flag(-Werror\ ${flag} ${has})
    if(${has})
        target_compile_options(adit_options INTERFACE ${flag})
    endif()
endforeach()

target_compile_definitions(adit_options INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
    target_link_options(adit_options INTERFACE
        -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()

if(ADIT_SANITIZE)
    target_compile_options(adit_options INTERFACE
        -fsanitize=${ADIT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(adit_options INTERFACE -fsanitize=${ADIT_SANITIZE})
endif()
if(ADIT_FUZZ)
    target_compile_options(adit_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
