# Compiles for another machine: Debian's cross compiler for it and its packages beside our own.
# The tests then run in qemu-user, where this machine cannot run them itself.
#
# The presets arm64, armhf and i386 say ADIT_MACHINE, the GNU name of that machine.

set(CMAKE_SYSTEM_NAME Linux)
string(REGEX MATCH "^[^-]+" CMAKE_SYSTEM_PROCESSOR ${ADIT_MACHINE})
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ADIT_MACHINE)

set(CMAKE_C_COMPILER ${ADIT_MACHINE}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${ADIT_MACHINE})

# pkg-config sees that machine's packages and none of ours.
string(REPLACE i686 i386 folder ${ADIT_MACHINE})
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/${folder}/pkgconfig:/usr/share/pkgconfig)

if(NOT ADIT_MACHINE MATCHES ^i686) # an x86-64 kernel runs 386 programs
    string(REGEX REPLACE "^arm.*" arm emulator ${CMAKE_SYSTEM_PROCESSOR})
    set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${emulator})
endif()
