import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { ensurePackages } from "./apt-packages.ts";
import { runCommand } from "./command.ts";

/** A server that speaks TLS and passes all requests on. Dispose of it to end it. */
export interface TlsFront extends AsyncDisposable {
  /** Host and port, both of loopback. */
  readonly host: string;
  /** File of the certificate that it has from nobody but itself. */
  readonly certificatePath: string;
}

/** Starts a server in front of one that speaks plain HTTP. */
export async function startTlsFront(options: {
  /** Takes key and certificate. */
  readonly directory: string;
  /** Host and port of the server behind it. */
  readonly behind: string;
}): Promise<TlsFront> {
  const { keyPath, certificatePath } = await createCertificate(options.directory);
  const [key, cert] = await Promise.all([readFile(keyPath), readFile(certificatePath)]);
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const target = `http://${options.behind}${url ?? "/"}`;
    const inner = request(target, { method, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, outgoing).catch(() => outgoing.destroy());
    });
    inner.once("error", () => outgoing.destroy());
    incoming.pipe(inner);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return {
    host: `127.0.0.1:${port}`,
    certificatePath,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function createCertificate(
  directory: string,
): Promise<{ readonly keyPath: string; readonly certificatePath: string }> {
  await ensurePackages(["openssl"]);
  const keyPath = join(directory, "front.key");
  const certificatePath = join(directory, "front.crt");
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"] as const;
  const names = ["-subj", "/CN=front", "-addext", "subjectAltName=IP:127.0.0.1"] as const;
  const files = ["-keyout", keyPath, "-out", certificatePath] as const;
  await runCommand(["openssl", ...request, ...names, ...files]);
  return { keyPath, certificatePath };
}
