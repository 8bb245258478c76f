import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Room {
  /** Nobody is hung up on to make room while this answer is on its way. */
  hold(response: ServerResponse): void;
}

interface RoomOptions {
  /** Fewer than the process may have open files. */
  readonly most: number;
  /** Where everybody in the room is held: true lets nobody else in, false everybody. */
  readonly mayRefuse: boolean;
  /** Each request that is here whole is held. Without it the server says itself whom it holds. */
  readonly holdsRequests: boolean;
}

/**
 * Bounds the connections of a server, so that those who come and say nothing keep nobody out, and leave the process its files. Where
 * there are too many, the newest takes the place of one that is not held: the longest silent, of the address that has most of them.
 * Not protected: from very many addresses, or faster than anybody else's request, one can still crowd others out.
 */
export function keepRoom(server: Server, { most, mayRefuse, holdsRequests }: RoomOptions): Room {
  const idle = createIdle();
  const held = new Map<Socket, number>();
  const hold = (response: ServerResponse): void => {
    const { socket } = response.req;
    if (socket.destroyed || response.closed) return;
    idle.delete(socket);
    held.set(socket, (held.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const others = (held.get(socket) ?? 1) - 1;
      if (others > 0) return void held.set(socket, others);
      held.delete(socket);
      if (!socket.destroyed) idle.add(socket);
    });
  };
  server.on('connection', (socket: Socket) => {
    if (idle.size() + held.size >= most) {
      const oldest = idle.oldest();
      if (oldest === undefined && mayRefuse) return void socket.destroy();
      oldest?.destroy();
      if (oldest !== undefined) idle.delete(oldest);
    }
    idle.add(socket);
    socket.once('close', () => {
      idle.delete(socket);
      held.delete(socket);
    });
  });
  server.on('request', (request, response) => {
    if (idle.delete(request.socket)) idle.add(request.socket);
    if (!holdsRequests) return;
    const { 'transfer-encoding': chunked, 'content-length': length = '0' } = request.headers;
    if (chunked === undefined && Number(length) === 0) hold(response);
    else request.once('end', () => hold(response));
  });
  return { hold };
}

/** By address, the longest silent first. */
function createIdle() {
  const byAddress = new Map<string, Set<Socket>>();
  const addressOf = new Map<Socket, string>();
  return {
    size: (): number => addressOf.size,
    add: (socket: Socket): void => {
      const address = socket.remoteAddress ?? '';
      addressOf.set(socket, address);
      const others = byAddress.get(address);
      if (others === undefined) byAddress.set(address, new Set([socket]));
      else others.add(socket);
    },
    delete: (socket: Socket): boolean => {
      const address = addressOf.get(socket);
      if (address === undefined) return false;
      addressOf.delete(socket);
      const others = byAddress.get(address);
      others?.delete(socket);
      if (others?.size === 0) byAddress.delete(address);
      return true;
    },
    oldest: (): Socket | undefined => {
      let most: ReadonlySet<Socket> = new Set();
      for (const sockets of byAddress.values()) if (sockets.size > most.size) most = sockets;
      const [oldest] = most;
      return oldest;
    },
  };
}
