import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';

/** What stands in front of a Temporal server and decides who may do what, as an authorizing proxy or Temporal's own authorizer does. */
export interface TemporalGate {
  readonly host: string;
  readonly port: number;
  /** gRPC status to answer instead of asking the server; undefined: let it through. The method is the last part of the path. */
  refuse: (method: string, body: Buffer) => number | undefined | Promise<number | undefined>;
  /** What was let through, by method. */
  readonly passed: Map<string, number>;
  close(): Promise<void>;
}

/** Of unary calls alone; that is all a connector makes. */
export async function startTemporalGate(address: string): Promise<TemporalGate> {
  const sessions = new Set<{ destroy(): void }>();
  let upstream: ClientHttp2Session | undefined;
  const session = (): ClientHttp2Session => {
    if (upstream === undefined || upstream.closed || upstream.destroyed) {
      upstream = connect(`http://${address}`);
      upstream.on('error', () => undefined);
      sessions.add(upstream);
    }
    return upstream;
  };
  const server = createServer();
  server.on('session', (accepted) => sessions.add(accepted));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');
  const gate: TemporalGate = {
    host: '127.0.0.1',
    port: bound.port,
    refuse: () => undefined,
    passed: new Map(),
    close: async () => {
      for (const open of sessions) open.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.on('stream', (stream, headers) => void serve(gate, session, stream, headers));
  return gate;
}

async function serve(
  gate: TemporalGate,
  session: () => ClientHttp2Session,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  stream.on('error', () => undefined);
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer); // no encoding was set
  const body = Buffer.concat(pieces);
  const method = String(headers[':path']).split('/').at(-1) ?? '';
  const status = await gate.refuse(method, body);
  if (status !== undefined) return answerStatus(stream, status);
  gate.passed.set(method, (gate.passed.get(method) ?? 0) + 1);
  forward(session(), stream, headers, body);
}

function answerStatus(stream: ServerHttp2Stream, status: number): void {
  if (stream.destroyed) return;
  const head = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status) };
  stream.respond(head, { endStream: true });
}

function forward(
  session: ClientHttp2Session,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  body: Buffer,
): void {
  const request = session.request(headers, { endStream: false });
  request.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  stream.on('close', () => request.close(constants.NGHTTP2_CANCEL));
  let trailers: IncomingHttpHeaders = {};
  request.on('trailers', (end) => (trailers = end));
  request.on('response', (head, flags) => {
    if (stream.destroyed) return;
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(head, { endStream: isWhole, waitForTrailers: !isWhole });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    if (!isWhole) request.pipe(stream);
  });
  request.end(body);
}
