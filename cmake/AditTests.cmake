# The tests CMake knows, found by their place:
#
#   tests/unit/<folder>/<name>_test.c   one program `<name>_test`, with cmocka and every library up
#                                       to the floor of <folder> (all, if it is no folder of src/)
#   tests/unit/support/*.c              linked to all of them
#   tests/support/<tool>/               a program for tests; its <tool>_engines have unit tests in
#                                       tests/unit/<tool>/
#   tests/fuzz/<name>_fuzz.c            replays tests/fuzz/corpus/<name>/; with ADIT_FUZZ it is a
#                                       libFuzzer program

set(sanitizer_env "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1" "TSAN_OPTIONS=halt_on_error=1")

pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

add_library(adit_test INTERFACE)
target_include_directories(adit_test INTERFACE ${PROJECT_SOURCE_DIR}/tests/unit)
target_link_libraries(adit_test INTERFACE adit_options PkgConfig::cmocka)

# What support calls in src/ comes from the libraries of the test that uses it.
file(GLOB support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/support/*.c)
if(support)
    add_library(test_support STATIC ${support})
    target_link_libraries(test_support PUBLIC adit_test)
    set(support test_support)
endif()

add_subdirectory(${PROJECT_SOURCE_DIR}/tests/support/wan)

set(test_seconds 60)
if(ADIT_SANITIZE MATCHES thread) # ten times slower
    set(test_seconds 240)
endif()

function(adit_unit_test source)
    get_filename_component(name ${source} NAME_WE)
    get_filename_component(folder ${source} DIRECTORY)
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/tests/unit ${folder})
    set(libraries ${ADIT_LIBRARIES})
    if(DEFINED ADIT_FLOOR_${folder})
        set(libraries ${ADIT_UP_TO_${ADIT_FLOOR_${folder}}})
    elseif(TARGET ${folder}_engines)
        set(libraries ${folder}_engines)
    endif()

    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${support} ${libraries} adit_test)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME ${folder}/${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${folder}/${name} PROPERTIES
        LABELS unit TIMEOUT ${test_seconds} ENVIRONMENT "${sanitizer_env}")
endfunction()

function(adit_fuzz_test source)
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" subject ${name})
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${subject})

    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE adit_options ${ADIT_LIBRARIES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    if(ADIT_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        add_test(NAME fuzz/${subject} COMMAND ${name} -runs=0 ${corpus})
    else()
        target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c)
        add_test(NAME fuzz/${subject} COMMAND ${name} ${corpus})
    endif()
    set_tests_properties(fuzz/${subject} PROPERTIES
        LABELS fuzz-replay TIMEOUT ${test_seconds} ENVIRONMENT "${sanitizer_env}")
endfunction()

file(GLOB_RECURSE unit_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/*_test.c)
foreach(source IN LISTS unit_tests)
    adit_unit_test(${source})
endforeach()

file(GLOB fuzz_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
foreach(source IN LISTS fuzz_tests)
    adit_fuzz_test(${source})
endforeach()
