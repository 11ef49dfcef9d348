import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ensurePackages } from "../apt-packages.ts";
import { runCommand } from "../command.ts";

/** Seconds since the epoch that times are settled to. */
export const settledSeconds = 1_000_000_000;

/** Makes a directory tree that has one of everything. */
export async function makeSampleTree(root: string): Promise<void> {
  await ensurePackages(["python3-minimal"]);
  const at = (name: string) => join(root, name);
  mkdirSync(at("bin/deep"), { recursive: true });
  writeFileSync(at("bin/tool"), "tool");
  for (const name of ["again", "same"]) linkSync(at("bin/tool"), at(`bin/${name}`));
  writeFileSync(at("bin/other"), "tool");
  linkSync(at("bin/other"), at("bin/other-same"));
  symlinkSync("tool", at("bin/there"));
  writeFileSync(noTextName(root), "");
  await runCommand(["mknod", at("null"), "c", "1", "3"]);
  await runCommand(["mknod", at("loop"), "b", "7", "1048575"]);
  await runCommand(["mkfifo", at("fifo")]);
  for (const name of ["tool", "other"]) await setXattr(at(`bin/${name}`), "user.bytes", "0080ff");
  await setXattr(at("bin/deep"), "trusted.overlay.opaque", "79");
  await setXattr(at("bin/there"), "trusted.of-link", "01");
}

/** A file of it whose name is no UTF-8 and has a control character. */
export function noTextName(root: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/bin/`), Buffer.from([0xff, 0x0a])]);
}

/** Gives everything in a tree the same times. */
export async function settleTimes(root: string): Promise<void> {
  const touch = ["touch", "--no-dereference", "--date", `@${settledSeconds}`] as const;
  await runCommand(["find", root, "-depth", "-exec", ...touch, "{}", "+"]);
}

const setter =
  "import os, sys; os.setxattr(*sys.argv[1:3], bytes.fromhex(sys.argv[3]), follow_symlinks=False)";

/** Sets an extended attribute to bytes that are given in hex. */
export async function setXattr(path: string, name: string, hex: string): Promise<void> {
  await runCommand(["python3", "-c", setter, path, name, hex]);
}

/** Removes an extended attribute. */
export async function removeXattr(path: string, name: string): Promise<void> {
  await runCommand(["python3", "-c", "import os, sys; os.removexattr(*sys.argv[1:])", path, name]);
}
