import { once } from "node:events";
import { chmod, lstat, mkdir, mkdtemp, rename, rm, rmdir } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";

import { FailedPreconditionError, UnavailableError } from "../../core/errors.ts";

/**
 * Listens on a Unix socket to which only its owner may connect. Its file is made in a folder
 * that nobody else can enter, and moved to its place when it is ready. What is there from a
 * process that is gone is replaced.
 *
 * Disposing of the result takes no more connections, and takes the file away.
 *
 * @throws {FailedPreconditionError} when something that is no socket is in the way.
 * @throws {UnavailableError} when another process listens there.
 */
export async function listenPrivately(
  socketPath: string,
  onConnection: (socket: Socket) => void,
): Promise<AsyncDisposable> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 });
  await refuseIfInUse(socketPath);
  const folder = await mkdtemp(join(dirname(socketPath), ".s"));
  const path = join(folder, "s");
  const listener = createServer(onConnection);
  try {
    listener.listen(path);
    await once(listener, "listening");
    await chmod(path, 0o600);
    await rename(path, socketPath);
  } catch (error) {
    listener.close();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  await rmdir(folder);
  const { ino } = await lstat(socketPath);
  return {
    async [Symbol.asyncDispose]() {
      listener.close();
      // Another process may have taken the place over.
      const found = await lstat(socketPath).catch(() => undefined);
      if (found?.ino === ino) await rm(socketPath, { force: true });
    },
  };
}

async function refuseIfInUse(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket()) {
    throw new FailedPreconditionError(`Cannot listen on "${socketPath}": it is not a socket`);
  }
  if (await isAnswered(socketPath)) {
    throw new UnavailableError(`Cannot listen on "${socketPath}": another process does`);
  }
}

async function isAnswered(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
