import { closeSync } from "node:fs";

/**
 * Descriptors that are kept account of. A thread opens a few dozen at once; a process that has
 * more than this many open is out of all bounds of ours.
 */
const descriptorsMax = 65_536;

/**
 * Which descriptors a thread has open by system calls of its own. Node closes what it opened
 * itself when it cuts a thread, and knows nothing of these: so another thread closes them.
 */
export class OpenDescriptors {
  /** What both threads look at: a bit for each descriptor. */
  readonly memory: SharedArrayBuffer;
  readonly #bits: Uint8Array;

  constructor(memory = new SharedArrayBuffer(descriptorsMax / 8)) {
    this.memory = memory;
    this.#bits = new Uint8Array(memory);
  }

  opened(fd: number): void {
    if (fd < descriptorsMax) this.#bits[fd >> 3] = this.#byteOf(fd) | (1 << (fd & 7));
  }

  /** To be told before it is closed: afterwards the number may be another thread's. */
  closing(fd: number): void {
    if (fd < descriptorsMax) this.#bits[fd >> 3] = this.#byteOf(fd) & ~(1 << (fd & 7));
  }

  /** Closes what the thread left open. Only once it is no more. */
  closeAll(): void {
    for (let fd = 0; fd < descriptorsMax; fd++) {
      if ((this.#byteOf(fd) & (1 << (fd & 7))) === 0) continue;
      this.closing(fd);
      try {
        closeSync(fd);
      } catch {
        // The disk could not be written: the file is its half-made layer's, and goes with it.
      }
    }
  }

  #byteOf(fd: number): number {
    return this.#bits[fd >> 3] ?? 0;
  }
}

let ofThisThread = new OpenDescriptors();

/** The account of the thread that this runs in. */
export function openDescriptors(): OpenDescriptors {
  return ofThisThread;
}

/** From now on this thread's account is kept where another thread sees it. */
export function shareOpenDescriptors(memory: SharedArrayBuffer): void {
  ofThisThread = new OpenDescriptors(memory);
}
