# Writes gen/version.h (ADIT_VERSION, ADIT_COMMIT) at every build, but touches it only when one of
# the two changed, so that a commit rebuilds the one file that includes it and nothing else.
#
# Included at configure time it declares the target; run by `cmake -P` it does the writing.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(ADIT_VERSION_HEADER ${PROJECT_BINARY_DIR}/gen/version.h)
    set(write_version ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D HEADER=${ADIT_VERSION_HEADER}
        -P ${CMAKE_CURRENT_LIST_FILE})
    execute_process(COMMAND ${write_version} COMMAND_ERROR_IS_FATAL ANY)
    add_custom_target(version_header COMMAND ${write_version} BYPRODUCTS ${ADIT_VERSION_HEADER}
        COMMENT "Looking for a new version" VERBATIM)
    add_dependencies(adit_options version_header)
    return()
endif()

file(STRINGS ${SOURCE}/VERSION version LIMIT_COUNT 1)
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=10 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
    set(commit unknown) # a source archive, or no git
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT [[
/* Written by cmake/AditVersion.cmake. */
#pragma once
#define ADIT_VERSION "@version@"
#define ADIT_COMMIT "@commit@"
]] @ONLY)
