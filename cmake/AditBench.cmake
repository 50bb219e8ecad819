# bench/micro_<name>.c: small programs that measure one part, built on demand:
#
#     ninja -C build/release micro_<name> && build/release/micro_<name>

file(GLOB micro_benches CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/micro_*.c)
foreach(source IN LISTS micro_benches)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} EXCLUDE_FROM_ALL
        ${source} ${PROJECT_SOURCE_DIR}/tests/unit/support/pipe_stream.c)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
    target_link_libraries(${name} PRIVATE ${ADIT_LIBRARIES} adit_options)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endforeach()
