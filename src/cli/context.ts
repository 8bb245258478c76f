import { createEstop, type Estop, EstopError } from '../sdk/index.ts';
import type { Connection } from './connection.ts';
import type { ExitCode } from './exit-code.ts';
import { createHttpSend } from './http-send.ts';
import type { MutationKey } from './mutation-key.ts';
import { createServerClock } from './server-clock.ts';
import type { Terminal } from './terminal.ts';
import type { Versions } from './versions.ts';

/** What a command has at hand. Nothing is opened before it is asked for. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly connection: Connection;
  readonly estop: Estop;
  /** The identity that starts tasks; see Connection.serviceToken. */
  readonly service: Estop;
  readonly mutationKey: MutationKey;
  readonly versions: Versions;
  /** For times that are shown; what is measured is measured by `performance.now()`. */
  readonly now: () => number;
}

/** `run` binds a command's action to the context of this call and keeps its exit code. */
export type Run = <Args extends readonly unknown[]>(
  action: (context: CliContext, ...args: Args) => Promise<ExitCode>,
) => (...args: Args) => Promise<void>;

export function createContext(
  terminal: Terminal,
  connect: () => Connection,
  mutationKey: MutationKey,
  versions: Versions,
): CliContext {
  const clock = createServerClock();
  const send = createHttpSend(({ url, method, version, date }) => {
    clock.hear(date);
    const { origin, pathname } = new URL(url);
    // An order goes to the stop process, which is to read no version of anything for it.
    if (method !== 'POST' || pathname !== '/v1/stops') versions.hear(origin, version);
  });
  let known: Connection | undefined;
  const connection = (): Connection => {
    known ??= connect();
    return known;
  };
  const client = (token: string | undefined): Estop => {
    const { controlUrl, stopUrl, source, lookedFor } = connection();
    if (token === undefined)
      throw new EstopError('unauthenticated', {
        detail: `There is no token: ESTOP_TOKEN is not set, and ${source === undefined ? `there is no ${lookedFor}` : `${source} has none`}.`,
      });
    return createEstop({ controlUrl, stopUrl, token, send, mintKey: mutationKey.forRequest });
  };
  return {
    terminal,
    get connection() {
      return connection();
    },
    get estop() {
      return client(connection().token);
    },
    get service() {
      return client(connection().serviceToken);
    },
    mutationKey,
    versions,
    now: clock.now,
  };
}
