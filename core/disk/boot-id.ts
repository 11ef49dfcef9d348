import { readFileSync } from "node:fs";

/** Names this start of the machine; empty where the kernel does not tell. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
