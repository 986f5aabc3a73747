"use strict";

// Runs the Azurite blob service until standard input ends. The Go side holds
// the other end of that pipe, so the server goes away with the process that
// started it, however that one ends and on every operating system.
process.stdin.on("close", () => process.exit(0)).resume();

require("azurite/dist/src/blob/main.js");

// A terminal sends Ctrl-C to all processes in it. The Go side may still have to
// clean up, and ends the server itself. Azurite sets its own handler when it
// listens, so this one is set again for as long as it starts.
const ignore = () => {
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", () => {});
};
const early = setInterval(ignore, 50);
setTimeout(() => clearInterval(early), 60000).unref();
early.unref();
ignore();
