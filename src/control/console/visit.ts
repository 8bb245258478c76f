import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { formatId } from '../../core/ids.ts';
import { cutOff } from '../cut-off.ts';
import type { ControlDeps } from '../deps.ts';
import type { Endpoint, Reply } from '../endpoint.ts';
import { perform } from '../perform.ts';
import { isPermitted, type Permission } from '../permission.ts';
import { type Caller, callerNow } from '../sign-in/caller.ts';
import { ownPath } from '../sign-in/own-path.ts';

interface Asked {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Of a change: made when its form was made, so that pressing twice does it once. */
  readonly once?: string | undefined;
}

/** One request of a browser by somebody who is signed in. */
export interface Visit {
  readonly caller: Caller;
  readonly deps: ControlDeps;
  readonly now: number;
  readonly path: string;
  /** This very page, with what was asked of it: where a form comes back to. */
  readonly here: string;
  readonly query: (name: string) => string | undefined;
  /** For decisions of looks alone: what may be done is decided where it is done. */
  readonly may: (permission: Permission) => boolean;
  /**
   * Asks an endpoint of the API as this caller, through the checks that every caller goes through. The type of its body is what the
   * endpoint's schema says, to which tests hold it.
   */
  readonly ask: <Body>(endpoint: Endpoint, asked?: Asked) => Promise<Body>;
  readonly stream: (endpoint: Endpoint, asked?: Asked) => Promise<Response>;
}

export function visitOf(context: Context, caller: Caller, deps: ControlDeps): Visit {
  const requestId = formatId('req', deps.environment, randomBytes(16));
  const ask = (endpoint: Endpoint, asked: Asked = {}): Promise<Reply | Response> => {
    const given = Object.entries(asked.query ?? {}).filter((pair): pair is [string, string] => !isLeftOut(pair[1]));
    return perform(
      endpoint,
      {
        identity: caller,
        requestId,
        way: 'console',
        path: context.req.path,
        signal: context.req.raw.signal,
        header: (name) => context.req.header(name),
        idempotencyKey: asked.once,
        callerNow: () => callerNow(context, deps),
        cutOff: () => cutOff(context),
        input: async () => ({
          path: asked.path ?? {},
          query: Object.fromEntries(given),
          body: asked.body ?? {},
          text: JSON.stringify([asked.path ?? {}, asked.body ?? {}]),
        }),
      },
      deps,
    );
  };
  return {
    caller,
    deps,
    now: deps.clock.now(),
    path: context.req.path,
    here: hereOf(context.req.url),
    query: (name) => context.req.query(name),
    may: (permission) => isPermitted(caller, permission),
    ask: async <Body>(endpoint: Endpoint, asked?: Asked): Promise<Body> => {
      const reply = await ask(endpoint, asked);
      if (reply instanceof Response) throw new Error(`${endpoint.id} answers with a stream`);
      return reply.body as Body; // tests hold every endpoint to its schema
    },
    stream: async (endpoint, asked) => {
      const reply = await ask(endpoint, asked);
      if (!(reply instanceof Response)) throw new Error(`${endpoint.id} answers with a body`);
      return reply;
    },
  };
}

function hereOf(address: string): string {
  const { pathname, search } = new URL(address);
  return ownPath(`${pathname}${search}`);
}

/** An empty field of a form is a field that was left out. */
const isLeftOut = (value: string | undefined): boolean => value === undefined || value === '';

/** Who may order a stop. The stop process decides it; a page only looks as it will decide. */
export const mayStop = ({ caller }: Visit): boolean =>
  caller.isUnknown === true ||
  [...caller.roles, ...(caller.mandates ?? []).map(({ role }) => role)].some(
    (role) => role === 'operator' || role === 'admin',
  );
