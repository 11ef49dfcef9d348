import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "./errors.ts";
import { formatPeerAddress, normalizePeerAddress, parsePeerAddress } from "./peer-address.ts";

test("parsePeerAddress() reads what formatPeerAddress() writes", () => {
  for (const text of ["10.0.0.1:80", "node.example:7080", "[::1]:7080", "[fd00::77:1]:65535"]) {
    assert.equal(formatPeerAddress(parsePeerAddress(text)), text);
  }
});

test("parsePeerAddress() refuses brackets without an IPv6 address in them, and zones", () => {
  const malformed = ["::1:80", "[::1]", "[::1]:0", "[dead]:80", "[:::::]:80", "[1.2.3.4]:80"];
  for (const text of [...malformed, "[fe80::1%eth0]:80", "[::1", "[]:80", "[g::1]:80"]) {
    assert.throws(() => parsePeerAddress(text), InvalidArgumentError, text);
  }
});

test("normalizePeerAddress() gives equal addresses one form", () => {
  const forms = {
    "::ffff:1.2.3.4": "1.2.3.4",
    "::FFFF:102:304": "1.2.3.4",
    "FD00:0:0::1": "fd00::1",
    "Node.Example": "node.example",
  };
  for (const [host, normal] of Object.entries(forms)) {
    assert.deepEqual(normalizePeerAddress({ host, port: 1 }), { host: normal, port: 1 });
  }
});
