import { DataLossError, StorageFullError } from "../errors.ts";

/** Codes that say that there is no room: on the disk, or in a quota. */
const fullCodes = new Set(["ENOSPC", "EDQUOT"]);

/** Says in our words what the file system says in its own; anything else is given as it is. */
export function storageErrorFrom(cause: unknown): unknown {
  const code = systemCodeOf(cause);
  if (fullCodes.has(code)) {
    return new StorageFullError("Cannot write to the store: the disk is full", { cause });
  }
  if (code === "EIO") return new DataLossError("Cannot use the store: the disk fails", { cause });
  // The kernel makes it so when the disk fails under it.
  if (code === "EROFS") {
    return new DataLossError("Cannot write to the store: its file system is read-only", { cause });
  }
  return cause;
}

/** Waits for file operations and translates what goes wrong. */
export async function storing<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw storageErrorFrom(error);
  }
}

/** The name of a system error such as `ENOENT`; empty for anything else. */
export function systemCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}
