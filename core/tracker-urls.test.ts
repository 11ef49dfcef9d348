import assert from "node:assert/strict";
import { test } from "node:test";

import { sortTrackerUrls } from "./tracker-urls.ts";

test("sortTrackerUrls() takes a base URL for both, and foreign trackers for announces only", () => {
  const urls = ["http://ours:6969", "udp://theirs:80", "https://theirs/announce"];
  assert.deepEqual(sortTrackerUrls(urls), {
    announce: ["udp://theirs:80", "https://theirs/announce", "http://ours:6969/announce"],
    directories: ["http://ours:6969"],
  });
});
