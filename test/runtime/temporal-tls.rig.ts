import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { makeAuthority } from '../kit/certificates.ts';

/** An authority, a server certificate for `temporal.test` and a client's, made anew for each run. */
export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

export function makeCertificates(): Certificates {
  const authority = makeAuthority();
  const server = authority.issue('server', 'subjectAltName=DNS:temporal.test');
  const client = authority.issue('client', 'extendedKeyUsage=clientAuth');
  return {
    ca: authority.ca,
    serverCert: server.cert,
    serverKey: server.key,
    clientCert: client.cert,
    clientKey: client.key,
  };
}

const identityOf = (made: Certificates) => ({
  key: readFileSync(made.serverKey),
  cert: readFileSync(made.serverCert),
});

export interface TlsFront {
  readonly address: string;
  /** Connections whose client showed a certificate of our authority. */
  readonly accepted: () => number;
}

/** The dev server knows no TLS, so this stands before it as a production's would: it asks for a client certificate, and passes on. */
export async function startTlsFront(temporalAddress: string, made: Certificates): Promise<TlsFront> {
  const [host, port] = temporalAddress.split(':');
  const open = new Set<TLSSocket | Socket>();
  let accepted = 0;
  const server = createServer(
    {
      ...identityOf(made),
      ca: readFileSync(made.ca),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
    },
    (socket) => {
      accepted += 1;
      const upstream = connect(Number(port), host);
      for (const [one, other] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        open.add(one);
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
        one.pipe(other);
      }
    },
  );
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, accepted: () => accepted };
}

/** Speaks just enough gRPC to hear the credential of a caller, and then refuses it. */
export async function startKeyListener(
  made: Certificates,
): Promise<{ readonly address: string; readonly heard: Set<string> }> {
  const heard = new Set<string>();
  const server = createSecureServer(identityOf(made), (request, response) => {
    heard.add(String(request.headers['authorization']));
    response.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': '16' });
    response.end();
  });
  server.on('sessionError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}
