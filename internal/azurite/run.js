"use strict";

// Runs the Azurite blob service until standard input ends. The Go side holds
// the other end of that pipe, so the server goes away with the process that
// started it, however that one ends and on every operating system.
process.stdin.on("close", () => process.exit(0)).resume();

require("azurite/dist/src/blob/main.js");
