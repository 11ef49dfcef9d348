import assert from "node:assert/strict";
import { test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { redirectedUrl } from "./redirect.ts";

const plain = new URL("http://registry.example:5000/v2/a/blobs/b?c=d");
const secure = new URL("https://registry.example/v2/a/blobs/b");

test("redirectedUrl() reads absolute and relative locations", () => {
  for (const [location, from, target] of [
    ["https://store.example/x?signature=y", plain, "https://store.example/x?signature=y"],
    ["/x", plain, "http://registry.example:5000/x"],
    ["//store.example/x", secure, "https://store.example/x"],
    ["http://store.example/x", plain, "http://store.example/x"],
  ] as const) {
    assert.equal(redirectedUrl(location, from).href, target);
  }
});

test("redirectedUrl() never leaves TLS, nor HTTP, and says no more than who asked for it", () => {
  for (const [location, from] of [
    ["http://registry.example/?signature=y", secure],
    ["HTTP://store.example/?signature=y", secure],
    ["file:///etc/passwd", plain],
    ["data:,signature", plain],
    ["http://[signature", plain],
  ] as const) {
    assert.throws(
      () => redirectedUrl(location, from),
      (error: Error) => {
        assert.ok(error instanceof UnavailableError);
        assert.ok(!`${error.message} ${String(error.cause)}`.includes("signature"));
        return true;
      },
    );
  }
});
