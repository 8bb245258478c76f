import { createServer, type Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Faults of a network and of a server, named as Toxiproxy names them, and two of our own (`reply_with`,
 * `execute_then_drop_reply`). Times in milliseconds.
 */
export type Toxic =
  | { readonly type: 'latency'; readonly latency: number; readonly jitter?: number }
  /** Nothing listens: connections are refused, open ones are cut. */
  | { readonly type: 'down' }
  | { readonly type: 'bandwidth'; readonly kilobytesPerSecond: number }
  | { readonly type: 'slow_close'; readonly delay: number }
  /** No byte passes. After `timeout` the connection is closed; 0: it hangs until the toxic is removed. */
  | { readonly type: 'timeout'; readonly timeout: number }
  | { readonly type: 'reset_peer'; readonly timeout: number }
  | { readonly type: 'slicer'; readonly averageSize: number; readonly delay: number }
  /** The connection is closed after so many bytes of the answer. */
  | { readonly type: 'limit_data'; readonly bytes: number }
  /** The server never hears of it: the first bytes of a connection get this answer, raw, and the connection is closed. */
  | { readonly type: 'reply_with'; readonly bytes: string | Uint8Array }
  /**
   * The server does what it was asked, its answer is lost. From the first request whose bytes hold `marker` on (default: any),
   * the next answer is swallowed and the connection reset. Plain text only: what is encrypted holds no marker.
   */
  | { readonly type: 'execute_then_drop_reply'; readonly marker?: string };

export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  /** Takes effect at once, also on open connections. The name removes it again; a second one of that name replaces the first. */
  addToxic(name: string, toxic: Toxic): Promise<void>;
  removeToxic(name?: string): Promise<void>;
  /** Now open. */
  connections(): number;
  /** Accepted since the start. */
  accepted(): number;
  /** How many answers `execute_then_drop_reply` has swallowed: proof that the fault took place. */
  dropped(): number;
  close(): Promise<void>;
}

const host = '127.0.0.1';

/** A TCP proxy on loopback in front of one server. Every fault is a fact about bytes, so it serves HTTP, PostgreSQL and gRPC alike. */
export async function listen(upstream: { readonly host: string; readonly port: number }): Promise<FaultProxy> {
  const state: State = { upstream, toxics: new Map(), links: new Set(), accepted: 0, dropped: 0 };
  let server = await startServer(state, 0);
  const { port } = addressOf(server);
  const isDown = (): boolean => [...state.toxics.values()].some((toxic) => toxic.type === 'down');
  const settle = async (): Promise<void> => {
    if (isDown() && server.listening) {
      cutAll(state);
      await stopServer(server);
    } else if (!isDown() && !server.listening) server = await startServer(state, port);
    for (const link of state.links) link.wake();
  };
  return {
    host,
    port,
    addToxic: (name, toxic) => (state.toxics.set(name, toxic), settle()),
    removeToxic: (name) => (name === undefined ? state.toxics.clear() : state.toxics.delete(name), settle()),
    connections: () => state.links.size,
    accepted: () => state.accepted,
    dropped: () => state.dropped,
    close: async () => {
      state.toxics.clear();
      cutAll(state);
      if (server.listening) await stopServer(server);
    },
  };
}

interface State {
  readonly upstream: { readonly host: string; readonly port: number };
  readonly toxics: Map<string, Toxic>;
  readonly links: Set<Link>;
  accepted: number;
  dropped: number;
}

/** One client connection and its counterpart at the server. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Set when a request held the marker: the next answer is lost. */
  marked: boolean;
  answered: number;
  readonly closed: AbortController;
  /** Looks at the toxics again. */
  wake(): void;
}

function startServer(state: State, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, (client) => accept(state, client));
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve(server);
    });
  });
}

function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function addressOf(server: Server): { readonly port: number } {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port');
  return address;
}

function cutAll(state: State): void {
  for (const link of state.links) cut(state, link);
}

function cut(state: State, link: Link): void {
  if (!state.links.delete(link)) return;
  link.closed.abort();
  link.client.resetAndDestroy();
  link.server.destroy();
}

function accept(state: State, client: Socket): void {
  state.accepted += 1;
  const server = new Socket();
  let waiting: (() => void)[] = [];
  const link: Link & { changed(): Promise<void> } = {
    client,
    server,
    marked: false,
    answered: 0,
    closed: new AbortController(),
    wake: () => {
      for (const go of waiting) go();
      waiting = [];
    },
    changed: () => new Promise((resolve) => waiting.push(resolve)),
  };
  link.closed.signal.addEventListener('abort', () => link.wake());
  state.links.add(link);
  client.on('error', () => cut(state, link));
  server.on('error', () => cut(state, link));
  server.setNoDelay(true);
  server.connect(state.upstream);
  void pump(state, link, client, server, 'up', () => link.changed());
  void pump(state, link, server, client, 'down', () => link.changed());
}

type Direction = 'up' | 'down';

/** Moves bytes one way, each piece through every toxic. One loop per direction, so pieces keep their order. */
async function pump(
  state: State,
  link: Link,
  from: Socket,
  to: Socket,
  direction: Direction,
  changed: () => Promise<void>,
): Promise<void> {
  try {
    for await (const piece of from) {
      if (!(await pass(state, link, to, piece as Buffer, direction, changed))) return; // sockets without an encoding give buffers
    }
    const slow = find(state, 'slow_close');
    if (slow !== undefined) await pause(link, slow.delay);
    to.end();
    if (direction === 'down') finish(state, link);
  } catch {
    cut(state, link);
  }
}

/** The server has ended; the client is given its last bytes before the link is forgotten. */
function finish(state: State, link: Link): void {
  if (link.client.destroyed) cut(state, link);
  else link.client.once('close', () => cut(state, link));
}

/** False: the link is cut, or its bytes are lost from here on. */
async function pass(
  state: State,
  link: Link,
  to: Socket,
  piece: Buffer,
  direction: Direction,
  changed: () => Promise<void>,
): Promise<boolean> {
  for (let hang = find(state, 'timeout'); hang !== undefined; hang = find(state, 'timeout')) {
    if (hang.timeout > 0) {
      await pause(link, hang.timeout);
      return lose(state, link);
    }
    await changed();
    if (link.closed.signal.aborted) return false;
  }
  const reset = find(state, 'reset_peer');
  if (reset !== undefined) {
    await pause(link, reset.timeout);
    return lose(state, link);
  }
  if (direction === 'up') return passUp(state, link, to, piece);
  return passDown(state, link, to, piece);
}

async function passUp(state: State, link: Link, to: Socket, piece: Buffer): Promise<boolean> {
  const reply = find(state, 'reply_with');
  if (reply !== undefined) {
    link.client.end(reply.bytes);
    link.server.destroy();
    finish(state, link);
    return false;
  }
  const drop = find(state, 'execute_then_drop_reply');
  if (drop !== undefined && (drop.marker === undefined || piece.includes(drop.marker))) link.marked = true;
  return write(to, piece);
}

async function passDown(state: State, link: Link, to: Socket, piece: Buffer): Promise<boolean> {
  if (link.marked) {
    state.dropped += 1;
    return lose(state, link);
  }
  const late = find(state, 'latency');
  if (late !== undefined) await pause(link, late.latency + Math.random() * (late.jitter ?? 0));
  const limit = find(state, 'limit_data');
  const allowed = limit === undefined ? piece : piece.subarray(0, Math.max(0, limit.bytes - link.answered));
  link.answered += allowed.length;
  if (!(await writeSliced(state, link, to, allowed))) return false;
  if (allowed.length === piece.length) return true;
  to.end();
  link.server.destroy();
  finish(state, link);
  return false;
}

async function writeSliced(state: State, link: Link, to: Socket, piece: Buffer): Promise<boolean> {
  const slicer = find(state, 'slicer');
  const bandwidth = find(state, 'bandwidth');
  const size = Math.max(1, slicer?.averageSize ?? (bandwidth === undefined ? piece.length : 1024));
  for (let start = 0; start < piece.length; start += size) {
    const slice = piece.subarray(start, start + size);
    if (!(await write(to, slice))) return false;
    if (slicer !== undefined) await pause(link, slicer.delay);
    if (bandwidth !== undefined) await pause(link, slice.length / bandwidth.kilobytesPerSecond);
  }
  return true;
}

function write(to: Socket, piece: Buffer): Promise<boolean> {
  if (to.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => to.write(piece, (error) => resolve(error === null || error === undefined)));
}

function lose(state: State, link: Link): false {
  cut(state, link);
  return false;
}

async function pause(link: Link, milliseconds: number): Promise<void> {
  await sleep(milliseconds, undefined, { signal: link.closed.signal });
}

type ToxicOf<Type extends Toxic['type']> = Extract<Toxic, { readonly type: Type }>;

function find<Type extends Toxic['type']>(state: State, type: Type): ToxicOf<Type> | undefined {
  for (const toxic of state.toxics.values()) if (isOf(toxic, type)) return toxic;
  return undefined;
}

function isOf<Type extends Toxic['type']>(toxic: Toxic, type: Type): toxic is ToxicOf<Type> {
  return toxic.type === type;
}
