import { existsSync, readFileSync, statfsSync } from "node:fs";
import { release } from "node:os";

/** What statfs(2) calls a tmpfs, which has no user xattrs. */
const tmpfsType = 0x01021994;

/** What decides on the options of a mount. */
export interface OverlayFacts {
  /** Whether overlayfs knows of an index. */
  readonly hasIndex: boolean;
  /** Whether overlayfs may only use xattrs that everybody may use. */
  readonly needsUserXattr: boolean;
}

/**
 * The options of every overlay mount: those that are configured, and those without which it
 * would not work here. With an index overlayfs refuses a folder that another mount had.
 *
 * @see containerd plugins/snapshots/overlay/overlay.go
 */
export function overlayOptions(configured: readonly string[], facts: OverlayFacts): string[] {
  const options = [...configured];
  if (facts.needsUserXattr && !configured.includes("userxattr")) options.push("userxattr");
  const hasIndexOption = configured.some((option) => /^index(=|$)/.test(option));
  if (facts.hasIndex && !hasIndexOption) options.push("index=off");
  return options;
}

/** Looks at the kernel. The module of overlayfs may be loaded at any time. */
export function overlayFacts(folder: string): OverlayFacts {
  return {
    hasIndex: existsSync("/sys/module/overlay/parameters/index"),
    needsUserXattr:
      isInUserNamespace() && kernelHasUserXattr(release()) && statfsSync(folder).type !== tmpfsType,
  };
}

/** Whether the root of this process is not that of the machine. @see user_namespaces(7) */
function isInUserNamespace(): boolean {
  try {
    const map = readFileSync("/proc/self/uid_map", "utf8");
    return !/^\s*0\s+0\s+4294967295\s*$/.test(map);
  } catch {
    return false;
  }
}

/** Since Linux 5.11, and the mounts of user namespaces need it from there on. */
function kernelHasUserXattr(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => parseInt(part));
  return major > 5 || (major === 5 && minor >= 11);
}
