import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { abortable } from "../async/deadline.ts";
import { Notifier } from "../async/notifier.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { LayerFile, UnpackOrder } from "../ports/layer-unpacker.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import type { LayerFixture } from "../testing/layer-fixture.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { defaultLayerLimits } from "./layer-limits.ts";
import { ThreadLayerUnpacker, type ThreadLayerUnpackerDeps } from "./thread-layer-unpacker.ts";

/** A real file that a test fills with a layer, a part at a time. */
export class ArrivingFile implements LayerFile {
  readonly fd: number;
  readonly size: number;
  readonly #bytes: Buffer;
  readonly #changes = new Notifier();
  #end = 0;
  #failure: Error | undefined;

  constructor(path: string, bytes: Buffer) {
    this.#bytes = bytes;
    this.size = bytes.length;
    this.fd = openSync(path, "wx+");
  }

  /** Has the bytes up to `end` arrive. */
  fill(end = this.size): this {
    writeSync(this.fd, this.#bytes, this.#end, end - this.#end, this.#end);
    this.#end = end;
    this.#changes.notify();
    return this;
  }

  /** No bytes come any more. */
  fail(error: Error): void {
    this.#failure = error;
    this.#changes.notify();
  }

  async availableEnd(offset: number, { signal }: Cancellable): Promise<number> {
    while (offset >= this.#end) {
      if (this.#failure) throw this.#failure;
      await abortable(this.#changes.changed(signal), signal);
    }
    return this.#end;
  }
}

/** An unpacker, and layers for it in a folder that goes with the test. */
export class UnpackBench implements AsyncDisposable {
  readonly unpacker: ThreadLayerUnpacker;
  readonly logger = new MemoryLogger();
  readonly #root: string;
  readonly #fds: number[] = [];
  #count = 0;

  private constructor(root: string, deps: Partial<ThreadLayerUnpackerDeps>) {
    this.#root = root;
    const { logger } = this;
    this.unpacker = new ThreadLayerUnpacker({
      limits: defaultLayerLimits,
      threadsMax: 2,
      logger,
      ...deps,
    });
  }

  static async create(deps: Partial<ThreadLayerUnpackerDeps> = {}): Promise<UnpackBench> {
    return new UnpackBench(await mkdtemp(join(tmpdir(), "unpack-")), deps);
  }

  /** One for a test alone. */
  static async open(
    t: TestContext,
    deps: Partial<ThreadLayerUnpackerDeps> = {},
  ): Promise<UnpackBench> {
    return cleanUpOf(t).use(await UnpackBench.create(deps));
  }

  /** An order of a layer, of which no byte is there. */
  async order(layer: LayerFixture): Promise<UnpackOrder & { readonly file: ArrivingFile }> {
    const path = join(this.#root, String(++this.#count));
    const file = new ArrivingFile(`${path}.blob`, layer.bytes);
    this.#fds.push(file.fd);
    await mkdir(path);
    const { digest, mediaType, diffId } = layer;
    return { digest, mediaType, diffId, file, into: path };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unpacker[Symbol.asyncDispose]();
    for (const fd of this.#fds) closeSync(fd);
    await rm(this.#root, { recursive: true });
  }
}

/** Names in a directory of an order. */
export async function namesIn(order: UnpackOrder): Promise<string[]> {
  return (await readdir(order.into, { recursive: true })).sort();
}

/** Names in a directory of an order, each with its size. */
export async function sizesIn(order: UnpackOrder): Promise<(readonly [string, number])[]> {
  const names = await namesIn(order);
  return Promise.all(
    names.map(async (name) => [name, (await stat(join(order.into, name))).size] as const),
  );
}
