# adit_embed(TARGET FILE...): the files become part of TARGET, readable through gen/TARGET_assets.h
#
#     extern const struct asset TARGET_assets[];      (base/asset.h; the last one has no name)
#
# Every folder of src/ with an assets/ folder gets this by itself. A changed file is embedded anew
# at the next build. Run by `cmake -P` this file does the writing.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(ADIT_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

    function(adit_embed target)
        set(source ${PROJECT_BINARY_DIR}/gen/${target}_assets.c)
        file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/gen/${target}_assets.h CONTENT [[
/* Written by cmake/AditEmbed.cmake. */
#pragma once
#include "base/asset.h"
extern const struct asset @target@_assets[];
]] @ONLY)
        add_custom_command(OUTPUT ${source}
            COMMAND ${CMAKE_COMMAND} -D TARGET=${target} -D SOURCE=${source} -D "FILES=${ARGN}"
                -P ${ADIT_EMBED_SCRIPT}
            DEPENDS ${ARGN} ${ADIT_EMBED_SCRIPT}
            COMMENT "Embedding the assets of ${target}" VERBATIM)
        target_sources(${target} PRIVATE ${source})
    endfunction()
    return()
endif()

set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME)
    file(SIZE ${file} size)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n    " bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND arrays "/* ${name} */\nstatic const unsigned char asset_${number}[] = {\n    ${bytes}0x00,\n};\n\n")
    string(APPEND rows "    {\"${name}\", asset_${number}, ${size}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${SOURCE} "/* Written by cmake/AditEmbed.cmake. */
#include \"gen/${TARGET}_assets.h\"

${arrays}const struct asset ${TARGET}_assets[] = {
${rows}    {0},
};
")
