# What `make install` puts beside the program: its manual page and the completions of three shells.
#
# The program tells them itself, so they cannot differ from it. A program built for another machine
# cannot be asked: then they are left out.

if(CMAKE_CROSSCOMPILING)
    return()
endif()

set(told ${PROJECT_BINARY_DIR}/told)
file(MAKE_DIRECTORY ${told})

# The words after `adit help` and the file they fill.
function(adit_tell file)
    add_custom_command(OUTPUT ${told}/${file} COMMAND adit help ${ARGN} > ${told}/${file}
        DEPENDS adit VERBATIM)
endfunction()

adit_tell(adit.1 --man)
adit_tell(adit.bash --completion bash)
adit_tell(_adit --completion zsh)
adit_tell(adit.fish --completion fish)
add_custom_target(told ALL DEPENDS ${told}/adit.1 ${told}/adit.bash ${told}/_adit ${told}/adit.fish)

install(FILES ${told}/adit.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${told}/adit.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME adit)
install(FILES ${told}/_adit DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${told}/adit.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
