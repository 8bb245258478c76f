import { connect, type Socket } from 'node:net';

export interface LeanTarget {
  readonly controlUrl: string;
  readonly token: string;
  readonly path: string;
}

/**
 * A client that takes next to nothing of the machine: it stands for many who sit elsewhere, and whatever it spends is taken from the
 * system that is measured. It counts bytes up to the length that the answer names, and reads nothing but status and length.
 */
export function leanReader(target: LeanTarget): { readonly ask: () => Promise<number>; readonly close: () => void } {
  const idle: Reader[] = [];
  const open = new Set<Reader>();
  return {
    ask: async () => {
      const reader = idle.pop() ?? (await openReader(target));
      open.add(reader);
      try {
        const status = await reader.ask();
        idle.push(reader);
        return status;
      } catch (thrown) {
        reader.close();
        open.delete(reader);
        throw thrown;
      }
    },
    close: () => {
      for (const reader of open) reader.close();
    },
  };
}

interface Reader {
  ask(): Promise<number>;
  close(): void;
}

async function openReader(target: LeanTarget): Promise<Reader> {
  let answered: ((status: number) => void) | undefined;
  let failed: ((thrown: Error) => void) | undefined;
  let head = '';
  let status = 0;
  let missing = 0;
  const onBytes = (bytes: Buffer): void => {
    if (missing > 0) missing -= bytes.length;
    else {
      head += bytes.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(head.slice(0, end))?.[1];
      if (length === undefined) return failed?.(new Error('an answer without a length'));
      status = Number(head.slice(9, 12));
      missing = Number(length) - (head.length - end - 4);
      head = '';
    }
    if (missing === 0) answered?.(status);
    if (missing < 0) failed?.(new Error('an answer that is longer than it says'));
  };
  const socket = await openSocket(target, onBytes, (thrown) => failed?.(thrown));
  const request = requestOf(target);
  return {
    ask: () =>
      new Promise((resolve, reject) => {
        answered = resolve;
        failed = reject;
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/** An event stream, by its bytes; `hear` is called with whole events, of which it may be given some more than once. */
export async function leanStream(target: LeanTarget, hear: (text: string) => void): Promise<{ close(): void }> {
  let rest = '';
  const onBytes = (bytes: Buffer): void => {
    const text = rest + bytes.toString('latin1');
    const end = text.lastIndexOf('\n\n') + 2;
    rest = end < 2 ? text : text.slice(end);
    if (end >= 2) hear(text.slice(0, end));
  };
  const socket = await openSocket(target, onBytes, () => undefined);
  socket.write(requestOf(target));
  return { close: () => socket.destroy() };
}

const requestOf = ({ controlUrl, token, path }: LeanTarget): string =>
  `GET ${path} HTTP/1.1\r\nhost: ${new URL(controlUrl).host}\r\nauthorization: Bearer ${token}\r\n\r\n`;

const readAtMost = 32_768;

function openSocket(
  { controlUrl }: LeanTarget,
  onBytes: (bytes: Buffer) => void,
  onEnd: (thrown: Error) => void,
): Promise<Socket> {
  const { hostname, port } = new URL(controlUrl);
  const buffer = Buffer.alloc(readAtMost); // written anew at each reading, so that nothing is left behind to be collected
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          onBytes(buffer.subarray(0, length));
          return true;
        },
      },
    });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => onEnd(new Error('the connection was closed')));
  });
}
