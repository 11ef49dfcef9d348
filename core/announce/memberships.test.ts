import assert from "node:assert/strict";
import { test } from "node:test";

import { parseInfoHash } from "../info-hash.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import { Memberships } from "./memberships.ts";

function torrent(digit: number): AnnouncedTorrent {
  return {
    infoHash: parseInfoHash(String(digit).repeat(40)),
    port: 1,
    ...{ left: () => 0, uploaded: () => 0, downloaded: () => 0, onPeers: () => undefined },
  };
}

/** What is to be announced now. */
function queued({ queue }: Memberships): string[] {
  return queue.takeTogether(100).map(({ infoHash }) => infoHash[0] ?? "");
}

test("one that is left and that the tracker does not know is dropped, and else told goodbye", () => {
  const memberships = new Memberships();
  const [one, other] = [torrent(1), torrent(2)];
  const [unknown, known] = [one, other].map((each) => memberships.join(each));
  assert.ok(unknown && known);
  known.told(known.request());
  unknown.leave(one);
  known.leave(other);
  assert.equal(memberships.enqueue(unknown), false);
  assert.equal(memberships.enqueue(known), true);
  assert.deepEqual(queued(memberships), ["2"]);
  assert.equal(memberships.find(one), undefined);
  assert.equal(memberships.find(other), known);
});

test("what is due is announced, and the known one that was asked first may tell that we are alive", () => {
  const memberships = new Memberships();
  const [due, busy, later, refused, first] = [1, 2, 3, 4, 5].map((digit) =>
    memberships.join(torrent(digit)),
  );
  assert.ok(due && busy && later && refused && first);
  busy.busy = true;
  for (const [each, askedMs] of [
    [later, 20] as const,
    [refused, 0] as const,
    [first, 10] as const,
  ]) {
    each.dueMs = 1000 + askedMs;
    each.askedMs = askedMs;
    if (each !== refused) each.told(each.request());
  }
  assert.deepEqual(memberships.enqueueDue(100), { nextMs: 1000, oldest: first });
  assert.deepEqual(queued(memberships), ["1"]);
});

test("a tracker that has forgotten some is told of those that are wanted anew", () => {
  const memberships = new Memberships();
  const [one, other, third] = [torrent(1), torrent(2), torrent(3)];
  for (const each of [one, other, third]) {
    const membership = memberships.join(each);
    membership.told(membership.request());
  }
  memberships.find(other)?.leave(other);
  const { first } = memberships;
  assert.ok(first);
  memberships.renew(memberships.besides([first]));
  assert.deepEqual(queued(memberships), ["3"]);
  assert.deepEqual(
    [...memberships].map(({ infoHash, known }) => [infoHash[0], known]),
    [
      ["1", true],
      ["3", false],
    ],
  );
});
