# bench/*.c: small programs that measure, or make the load for bench/run; built on demand:
#
#     ninja -C build/release micro_mux && build/release/micro_mux

file(GLOB bench_programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.c)
foreach(source IN LISTS bench_programs)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} EXCLUDE_FROM_ALL
        ${source} ${PROJECT_SOURCE_DIR}/tests/unit/support/pipe_stream.c)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
    target_link_libraries(${name} PRIVATE ${ADIT_LIBRARIES} adit_options)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endforeach()
