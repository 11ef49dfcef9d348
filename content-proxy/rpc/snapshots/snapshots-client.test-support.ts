import { join } from "node:path";
import type { TestContext } from "node:test";

import { Client, credentials } from "@grpc/grpc-js";

import { DiskSnapshotStore } from "../../../core/snapshots/disk-snapshot-store.ts";
import { SystemClock } from "../../../core/system/system-clock.ts";
import { cleanUpOf } from "../../../core/testing/clean-up.ts";
import { MemoryLogger } from "../../../core/testing/memory-logger.ts";
import { testFolder } from "../../../core/testing/test-folder.ts";
import { containerd, google } from "../../../protos/gen/snapshots.js";
import type { RemoteLayers } from "../../remote-snapshots/remote-layers.ts";
import { serveGrpc } from "../serve-grpc.ts";
import { registerSnapshotsService } from "./snapshots-service.ts";

const v1 = containerd.services.snapshots.v1;
const { Empty } = google.protobuf;

type Info = containerd.services.snapshots.v1.Info.$Properties;
type Mount = containerd.services.snapshots.v1.Mount.$Properties;
type ListResponse = containerd.services.snapshots.v1.ListSnapshotsResponse;

/** What makes a snapshot, as it is on the wire. */
interface SnapshotFields {
  readonly parent?: string;
  readonly labels?: Record<string, string>;
}

interface Codec<Decoded, Given = Partial<Decoded>> {
  encode(message: Given): { finish(): Uint8Array };
  decode(wire: Uint8Array): Decoded;
}

const servicePath = "/containerd.services.snapshots.v1.Snapshots/";
const snapshotter = "shoal-overlay";

/** A snapshots service behind a socket, and a client that sends whatever it is told to. */
export class SnapshotsWorld {
  readonly logger = new MemoryLogger();
  readonly store: DiskSnapshotStore;
  readonly #client: Client;

  private constructor(store: DiskSnapshotStore, socketPath: string) {
    this.store = store;
    this.#client = new Client(`unix:${socketPath}`, credentials.createInsecure());
  }

  /** Serves until the end of the test. */
  static async start(t: TestContext, remoteLayers: RemoteLayers): Promise<SnapshotsWorld> {
    const root = testFolder(t, "rpc-snapshots");
    const socketPath = join(root, "test.sock");
    const clock = new SystemClock();
    const logger = new MemoryLogger();
    const store = await DiskSnapshotStore.open({ root, clock, logger }, t);
    const world = new SnapshotsWorld(store, socketPath);
    const deps = { store, remoteLayers, logger: world.logger };
    const serving = await serveGrpc({
      socketPath,
      register: (server) => registerSnapshotsService(server, deps),
      // Nobody reads blobs here.
      readSource: { locate: () => undefined },
      async *readSlow() {},
      logger,
    });
    cleanUpOf(t).use(store);
    cleanUpOf(t).use(serving);
    cleanUpOf(t).defer(() => world.#client.close());
    return world;
  }

  async prepare(key: string, fields: SnapshotFields = {}): Promise<readonly Mount[]> {
    const codecs = [v1.PrepareSnapshotRequest, v1.PrepareSnapshotResponse] as const;
    return (await this.#call("Prepare", { snapshotter, key, ...fields }, codecs)).mounts;
  }

  async view(key: string, fields: SnapshotFields = {}): Promise<readonly Mount[]> {
    const codecs = [v1.ViewSnapshotRequest, v1.ViewSnapshotResponse] as const;
    return (await this.#call("View", { snapshotter, key, ...fields }, codecs)).mounts;
  }

  async mounts(key: string): Promise<readonly Mount[]> {
    const codecs = [v1.MountsRequest, v1.MountsResponse] as const;
    return (await this.#call("Mounts", { snapshotter, key }, codecs)).mounts;
  }

  async commit(name: string, key: string, fields: SnapshotFields = {}): Promise<void> {
    const codecs = [v1.CommitSnapshotRequest, Empty] as const;
    await this.#call("Commit", { snapshotter, name, key, ...fields }, codecs);
  }

  async remove(key: string): Promise<void> {
    await this.#call("Remove", { snapshotter, key }, [v1.RemoveSnapshotRequest, Empty]);
  }

  async cleanup(): Promise<void> {
    await this.#call("Cleanup", { snapshotter }, [v1.CleanupRequest, Empty]);
  }

  async stat(key: string): Promise<Info> {
    const codecs = [v1.StatSnapshotRequest, v1.StatSnapshotResponse] as const;
    return (await this.#call("Stat", { snapshotter, key }, codecs)).info ?? {};
  }

  async update(info: Info, paths: string[]): Promise<Info> {
    const codecs = [v1.UpdateSnapshotRequest, v1.UpdateSnapshotResponse] as const;
    const request = { snapshotter, info, updateMask: { paths } };
    return (await this.#call("Update", request, codecs)).info ?? {};
  }

  async usage(key: string): Promise<{ readonly size: number; readonly inodes: number }> {
    const codecs = [v1.UsageRequest, v1.UsageResponse] as const;
    const { size, inodes } = await this.#call("Usage", { snapshotter, key }, codecs);
    return { size: Number(size), inodes: Number(inodes) };
  }

  /** The batches in which snapshots are listed. */
  async *list(filters: readonly string[] = []): AsyncGenerator<readonly Info[], void> {
    const stream = this.#client.makeServerStreamRequest(
      `${servicePath}List`,
      (message: { filters: string[] }) =>
        Buffer.from(v1.ListSnapshotsRequest.encode(message).finish()),
      (wire: Buffer) => v1.ListSnapshotsResponse.decode(wire),
      { filters: [...filters] },
    );
    for await (const { info } of stream as AsyncIterable<ListResponse>) yield info;
  }

  async #call<Request, Given, Response>(
    method: string,
    request: Given,
    [requests, responses]: readonly [Codec<Request, Given>, Codec<Response>],
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        servicePath + method,
        (message: Given) => Buffer.from(requests.encode(message).finish()),
        (wire: Buffer) => responses.decode(wire),
        request,
        (error, response) => {
          if (error || response === undefined) reject(error ?? new Error("no response"));
          else resolve(response);
        },
      );
    });
  }
}
