import { z } from 'zod';
import type { Identity } from '../contract/identity.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Concern } from './concern.ts';
import type { ControlDeps } from './deps.ts';
import { parseInput } from './parse-input.ts';
import { type Permission, refuseOutOfReach } from './permission.ts';
import { createSharedLooks, type SharedLooks } from './shared-looks.ts';
import type { Caller } from './sign-in/callers.ts';

export interface Reply {
  readonly status: 200 | 201 | 202;
  readonly body: unknown;
  /** The body as it is sent, where others are sent the same: written once for all of them. */
  readonly text?: () => string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What every handler knows about the request beside its parsed input. */
export interface RequestInfo {
  readonly identity: Caller;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly header: (name: string) => string | undefined;
  /** For answers that go on: the same token and permission, looked at again now. */
  readonly isStillPermitted: () => boolean;
  /** For answers that go on: ends the connection, unless all was written to it. */
  readonly cutOff: () => void;
  /** 16 bytes that are the same for a repeated request (same actor, key and body) and random for any other. */
  readonly seed: (attempt: number) => Uint8Array;
}

interface Answer {
  readonly status: 200 | 201 | 202;
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly mediaType?: string;
}

/**
 * With a role that was taken for a while. `refused`: what would give somebody or something more than it had after the role is gone, what
 * takes a safeguard away, what lifts a stop, and what judges elevations. `allowed`: what stops, holds or takes away, what concerns one
 * call or one task under the rules that stand, and what changes nothing. `ends-it`: allowed, and no use of it that somebody would have to judge.
 */
export type UnderElevation = 'allowed' | 'ends-it' | 'refused';

export const isRefusedUnderElevation = (identity: Identity, { method, underElevation }: Endpoint): boolean =>
  identity.elevation !== undefined && method === 'post' && underElevation !== 'allowed' && underElevation !== 'ends-it';

/** Whoever adds an endpoint that changes something has to say it. */
type Method = { readonly method: 'get' } | { readonly method: 'post'; readonly underElevation: UnderElevation };

type EndpointSpec<Path extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> = Method &
  Described<Path, Query, Body> &
  Answering<Path, Query, Body>;

interface Described<Path extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  /** As OpenAPI writes it; a verb stands after a colon (`/v1/tasks/{id}:hold`). */
  readonly path: `/v1/${string}`;
  readonly id: string;
  readonly summary: string;
  readonly permission: Permission;
  /**
   * POST only. `stored`: the answer is kept for 24 h under its Idempotency-Key. `repeatable`: doing it again does no harm, and
   * the answer is not kept, for example because it is a secret.
   */
  readonly repeats?: 'stored' | 'repeatable';
  readonly input: { readonly path: Path; readonly query: Query; readonly body: Body };
  /** Of what changes something: whom it is about, for those whose role is bounded. Everything, where nothing is said. */
  readonly concerns?: (
    input: { readonly path: z.output<Path>; readonly body: z.output<Body> },
    deps: ControlDeps,
  ) => Promise<Concern>;
  readonly answers: readonly Answer[];
  readonly problems: readonly ErrorCode[];
}

interface Input<Path extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  readonly path: z.output<Path>;
  readonly query: z.output<Query>;
  readonly body: z.output<Body>;
}

type Answering<Path extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> =
  | {
      readonly handle: (
        input: Input<Path, Query, Body>,
        request: RequestInfo,
        deps: ControlDeps,
      ) => Promise<Reply | Response>;
      readonly look?: never;
    }
  | {
      /** In place of `handle`, for what is the same whoever may ask: it is not told who does, and many share one. Its body alone. */
      readonly look: (input: Input<Path, Query, Body>, deps: ControlDeps) => Promise<object>;
      readonly handle?: never;
      readonly method: 'get';
    };

export interface RawInput {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** An endpoint with its types forgotten: what the app registers, and what the OpenAPI document is made of. */
export interface Endpoint extends Omit<Described<z.ZodType, z.ZodType, z.ZodType>, 'concerns'> {
  readonly method: 'get' | 'post';
  readonly underElevation?: UnderElevation;
  readonly run: (raw: RawInput, request: RequestInfo, deps: ControlDeps) => Promise<Reply | Response>;
}

export const nothing = z.strictObject({});

/** Parsing happens here and nowhere else: a handler never sees what a schema has not spoken for. */
export function defineEndpoint<Path extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  spec: EndpointSpec<Path, Query, Body>,
): Endpoint {
  const { handle, look, concerns, ...rest } = spec;
  const looks = new WeakMap<ControlDeps, SharedLooks>();
  const seen = (input: Input<Path, Query, Body>, deps: ControlDeps, by: NonNullable<typeof look>): Promise<Reply> => {
    const shared = looks.get(deps) ?? createSharedLooks();
    looks.set(deps, shared);
    return shared.share(JSON.stringify(input), async () => replyForAll(await by(input, deps)));
  };
  return {
    ...rest,
    run: async (raw, request, deps) => {
      const input = {
        path: parseInput(spec.input.path, raw.path, 'parameter'),
        query: parseInput(spec.input.query, raw.query, 'parameter'),
        body: parseInput(spec.input.body, raw.body, 'body'),
      };
      await refuseOutOfReach(request.identity, spec.permission, async () => concerns?.(input, deps) ?? 'everything');
      return look === undefined ? handle(input, request, deps) : seen(input, deps, look);
    },
  };
}

function replyForAll(body: object): Reply {
  let text: string | undefined;
  return { status: 200, body: Object.freeze(body), text: () => (text ??= JSON.stringify(body)) };
}
