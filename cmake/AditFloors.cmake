# Turns src/FLOORS into libraries: `base`, `wire`, `net`, ... each linked to every lower floor and
# to the packages named on its line. A folder that does not exist yet is skipped. The library of
# a/b/ is `a_b`.
#
# Sets ADIT_LIBRARIES (all of them, highest first) and, for the tests,
# ADIT_FLOOR_<folder> and ADIT_UP_TO_<floor> (the libraries up to that floor).

file(STRINGS ${PROJECT_SOURCE_DIR}/src/FLOORS floors REGEX "^ *[0-9]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/FLOORS)

# Links a folder to a package that not every machine has, and tells the folder so.
function(adit_optional_package folder package)
    string(MAKE_C_IDENTIFIER ${package} name)
    string(TOUPPER ${name} name)
    find_library(ADIT_${name}_LIBRARY ${ADIT_OPTIONAL_${package}})
    mark_as_advanced(ADIT_${name}_LIBRARY)
    if(ADIT_${name}_LIBRARY)
        target_link_libraries(${folder} PRIVATE ${ADIT_${name}_LIBRARY})
        target_compile_definitions(${folder} PRIVATE ADIT_HAS_${name})
    endif()
endfunction()

# What the optional packages' libraries are called, where pkg-config does not know them.
set(ADIT_OPTIONAL_ipsec-mb IPSec_MB)

# Declares the library of one folder. `below` are the libraries it may use.
function(adit_library folder below packages)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/cmd/main\\.c$")
    list(FILTER sources EXCLUDE REGEX "/net/poll_${ADIT_OTHER_POLLER}\\.c$")
    file(GLOB assets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/assets/*)
    if(NOT sources)
        return()
    endif()

    string(REPLACE / _ library ${folder})
    add_library(${library} STATIC ${sources})
    target_link_libraries(${library} PUBLIC ${below} PRIVATE adit_options adit_strict)
    foreach(package IN LISTS packages)
        if(package MATCHES "^(.+)\\?$")
            adit_optional_package(${library} ${CMAKE_MATCH_1})
            continue()
        endif()
        if(NOT TARGET PkgConfig::${package})
            pkg_check_modules(${package} REQUIRED IMPORTED_TARGET GLOBAL ${package})
        endif()
        target_link_libraries(${library} PRIVATE PkgConfig::${package})
    endforeach()
    if(assets)
        adit_embed(${library} ${assets})
    endif()
endfunction()

set(ADIT_LIBRARIES "")
foreach(line IN LISTS floors)
    string(REGEX MATCHALL "[^ ]+" words "${line}")
    list(POP_FRONT words floor folder)
    set(ADIT_FLOOR_${folder} ${floor})

    if(NOT floor STREQUAL current_floor)
        set(below ${ADIT_LIBRARIES})
        set(current_floor ${floor})
    endif()
    adit_library(${folder} "${below}" "${words}")
    string(REPLACE / _ library ${folder})
    if(TARGET ${library})
        list(PREPEND ADIT_LIBRARIES ${library})
    endif()
    set(ADIT_UP_TO_${floor} ${ADIT_LIBRARIES})
endforeach()
