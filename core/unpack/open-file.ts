import { Descriptor } from "./descriptor.ts";
import { succeeded, syscalls } from "./syscalls.ts";

/** A file that is open for writing. */
export class OpenFile extends Descriptor {
  /** Writes all of `bytes` from `offset` on. What is never written reads as zeros. */
  write(bytes: Uint8Array, offset: number): void {
    let rest = bytes;
    while (rest.byteLength > 0) {
      const position = offset + bytes.byteLength - rest.byteLength;
      const written = syscalls.pwrite(this.fd, rest, rest.byteLength, position);
      rest = rest.subarray(succeeded(written, "pwrite"));
    }
  }

  /** Makes the file this long, with a hole at its end if it was shorter. */
  setSize(size: number): void {
    succeeded(syscalls.ftruncate(this.fd, size), "ftruncate");
  }
}
