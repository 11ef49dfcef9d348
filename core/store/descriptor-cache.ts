import { close, fstatSync, openSync } from "node:fs";

import { LRUCache } from "lru-cache";

import type { Digest } from "../digest.ts";
import { BlobNotFoundError } from "../errors.ts";
import type { BlobFile, BlobFileDescriptor } from "../ports/blob-store.ts";
import { systemCodeOf } from "../disk/storage-error.ts";

/**
 * Open files that are kept. containerd reads a blob by thousands of calls without an open
 * or a close around them, a few blobs at a time.
 */
const keptMax = 256;

/**
 * A file that nobody read for one to two of these is closed; it only costs an `open` then.
 * Looked after in rounds, for a timer per read would cost more than the read.
 */
const idleMs = 30_000;

interface OpenFile extends BlobFileDescriptor {
  /** Readers that may still use it, beside the cache. */
  users: number;
  kept: boolean;
  /** It was asked for in this round. */
  used: boolean;
}

/** Keeps the files of blobs open that are read often. Owns their descriptors. */
export class DescriptorCache implements Disposable {
  readonly #files = new LRUCache<Digest, OpenFile>({
    max: keptMax,
    dispose: (file) => {
      file.kept = false;
      closeUnused(file);
    },
  });

  readonly #rounds = setInterval(() => this.#closeIdle(), idleMs).unref();

  /** A descriptor that is good until the caller returns to the event loop. */
  peek(digest: Digest, path: string): BlobFileDescriptor {
    return this.#open(digest, path);
  }

  /** A descriptor that is good until the result is disposed of. */
  acquire(digest: Digest, path: string): BlobFile {
    const file = this.#open(digest, path);
    file.users++;
    let released = false;
    return {
      fd: file.fd,
      size: file.size,
      async [Symbol.asyncDispose]() {
        if (released) return;
        released = true;
        file.users--;
        closeUnused(file);
      },
    };
  }

  /** Closes the file of a blob that is deleted, as soon as its last reader is done. */
  forget(digest: Digest): void {
    this.#files.delete(digest);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#rounds);
    this.#files.clear();
  }

  #open(digest: Digest, path: string): OpenFile {
    const known = this.#files.get(digest);
    if (known) {
      known.used = true;
      return known;
    }
    const fd = openFile(digest, path);
    const file = { fd, size: fstatSync(fd).size, users: 0, kept: true, used: true };
    this.#files.set(digest, file);
    return file;
  }

  #closeIdle(): void {
    for (const [digest, file] of this.#files) {
      if (!file.used) this.#files.delete(digest);
      file.used = false;
    }
  }
}

/** @throws {BlobNotFoundError} when somebody took the file away behind the store's back. */
function openFile(digest: Digest, path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    if (systemCodeOf(cause) === "ENOENT") throw new BlobNotFoundError(digest, { cause });
    throw cause;
  }
}

function closeUnused(file: OpenFile): void {
  if (!file.kept && file.users === 0) close(file.fd, () => undefined);
}
