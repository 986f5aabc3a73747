"use strict";

// Azurite loads its telemetry and SQL packages when it starts, although the
// in-memory blob store never calls them. This module takes their place: the
// SQL store extends classes of those packages while loading, so every name
// that is asked for gives an empty class.
module.exports = new Proxy(function () {}, {
  get(target, name) {
    if (name === "__esModule") return true;
    if (name === "default") return {};
    return class {};
  },
});
