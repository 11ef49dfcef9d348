import type { DiskAccount } from "./disk-account.ts";
import { setAttributes } from "./entry-attributes.ts";
import type { OpenFile } from "./open-file.ts";
import type { TarEntry } from "./tar-entry.ts";

/** A file of a layer while its content comes. It is closed at its end, or by its owner. */
export class FileWriter {
  readonly #file: OpenFile;
  readonly #entry: TarEntry;
  #end = 0;

  constructor(file: OpenFile, entry: TarEntry) {
    this.#file = file;
    this.#entry = entry;
  }

  write(bytes: Uint8Array, offset: number): void {
    this.#file.write(bytes, offset);
    this.#end = offset + bytes.byteLength;
  }

  /**
   * All content has come: gives the file what else the entry says of it.
   *
   * Only what differs is set. To set the owner would take away setuid and capabilities, so that
   * comes first; the mode after attributes, for an access list changes it.
   */
  finish(account: DiskAccount): void {
    const { uid, gid, mode, size, times, attributes } = this.#entry;
    const file = this.#file;
    if (this.#end < size) file.setSize(size);
    let status = file.status();
    if (status.uid !== uid || status.gid !== gid) file.setOwner(uid, gid);
    if (attributes.length > 0) {
      setAttributes(this.#entry, (name, value) => file.setAttribute(name, value));
      status = file.status();
    }
    if (status.mode !== mode) file.setMode(mode);
    file.setTimes(times);
    account.add(status);
    file.close();
  }

  close(): void {
    this.#file.close();
  }
}
