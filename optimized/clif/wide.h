// Integers of 128 bits. GCC and Clang have them; -Wpedantic wants to be told that we know they are an extension.
#pragma once

namespace lockstep::clif {

__extension__ typedef unsigned __int128 U128;
__extension__ typedef __int128 I128;

}  // namespace lockstep::clif
