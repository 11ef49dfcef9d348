import { Client, credentials, status } from "@grpc/grpc-js";

/** What is asked for here is answered from memory. */
const timeoutMs = 3000;

/** How a call ended; `details` is what the server says of a failure. */
export interface SocketAnswer {
  readonly code: status;
  readonly details: string;
  readonly response: Uint8Array;
}

/** Does a unary gRPC call of encoded messages on a Unix socket. Failures are answers. */
export async function callSocket(
  socket: string,
  { method, request }: { readonly method: string; readonly request: Uint8Array },
): Promise<SocketAnswer> {
  const client = new Client(`unix://${socket}`, credentials.createInsecure());
  try {
    return await new Promise<SocketAnswer>((resolve) => {
      client.makeUnaryRequest(
        method,
        (message: Uint8Array) => Buffer.from(message),
        (bytes) => bytes,
        request,
        { deadline: Date.now() + timeoutMs },
        (error, response) =>
          resolve({
            code: error?.code ?? status.OK,
            details: reasonIn(error?.details ?? ""),
            response: response ?? new Uint8Array(),
          }),
      );
    });
  } finally {
    client.close();
  }
}

/** The library puts what happened to the connection between remarks of its own. */
function reasonIn(details: string): string {
  return /Last error: (?:Error: )?(.*?)\.? Resolution note:/.exec(details)?.[1] ?? details;
}
