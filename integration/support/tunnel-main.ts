// Run by openTunnel() inside a network namespace: forwards a Unix socket to a TCP address.
import { chmodSync } from "node:fs";
import { connect, createServer } from "node:net";

const [socketPath, host, port] = process.argv.slice(2);
if (socketPath === undefined || host === undefined || port === undefined) {
  throw new Error("Usage: tunnel-main.ts SOCKET HOST PORT");
}

const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ host, port: Number(port), allowHalfOpen: true });
  near.pipe(far).pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
});
server.listen(socketPath, () => chmodSync(socketPath, 0o600));
