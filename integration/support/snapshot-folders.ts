import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { Client, credentials } from "@grpc/grpc-js";
import protobuf from "protobufjs";

import { pollUntil } from "./poll.ts";

/** Where the store of a content proxy has its folders, below the root of its snapshots. */
function storePathOf(snapshotsPath: string): string {
  return join(snapshotsPath, "v1");
}

/** Names of the folders below the root of snapshots, which is one for each snapshot and no other. */
export async function folderNames(snapshotsPath: string): Promise<readonly string[]> {
  const entries = await readdir(storePathOf(snapshotsPath), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/**
 * Resolves when there are as many folders as the snapshotter at a socket tells of
 * snapshots, none of them half-made or thrown away. Gives the names of these.
 */
export async function untilDiskAgrees(
  socket: string,
  snapshotsPath: string,
): Promise<readonly string[]> {
  return pollUntil(
    async () => {
      const folders = await folderNames(snapshotsPath);
      const isSettled = folders.every((name) => /^\d+$/.test(name));
      const names = await listedNames(socket);
      return isSettled && names.length === folders.length ? names : undefined;
    },
    { what: "a folder for each snapshot, and no other", withinMs: 60_000 },
  );
}

/** Names of all snapshots that the snapshotter at a socket tells of. */
async function listedNames(socket: string): Promise<readonly string[]> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure());
  try {
    const names: string[] = [];
    const call = client.makeServerStreamRequest(
      "/containerd.services.snapshots.v1.Snapshots/List",
      () => Buffer.alloc(0),
      (bytes) => bytes,
      {},
    );
    for await (const response of call) names.push(...namesIn(response as Buffer));
    return names;
  } finally {
    client.close();
  }
}

/** `ListSnapshotsResponse.info[].name`, both of which are field 1. */
function namesIn(response: Uint8Array): string[] {
  return fieldsOf(response).map((info) => Buffer.from(fieldsOf(info)[0] ?? []).toString());
}

/** The values that a message has for field 1, of bytes, text or messages. */
function fieldsOf(message: Uint8Array): Uint8Array[] {
  const reader = protobuf.Reader.create(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) values.push(reader.bytes());
    else reader.skipType(tag & 7);
  }
  return values;
}
